"""Golden shapes of generalised Pareto tails: Zhang & Stephens 2009 with the shrinkage of Vehtari et al. 2024, in numpy. Prints JSON.

Written from the papers' formulas: theta grid of 30 + floor(sqrt n) points, profile log-likelihood, softmax weights.
"""
import json

import numpy as np


def shape(x):
    x = np.sort(x)
    n = len(x)
    m = 30 + int(np.floor(np.sqrt(n)))
    j = np.arange(1, m + 1)
    quartile = x[int(np.floor(n / 4 + 0.5)) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(m / (j - 0.5))) / (3 * quartile)
    k = np.log1p(-theta[:, None] * x).mean(axis=1)
    log_likelihood = n * (np.log(-theta / k) - k - 1)
    weight = np.exp(log_likelihood - log_likelihood.max())
    posterior = (theta * weight).sum() / weight.sum()
    k = np.log1p(-posterior * x).mean()
    return (n * k + 5) / (n + 10)


def case(seed, n, true_shape):
    rng = np.random.default_rng(seed)
    u = rng.random(n)
    weights = np.round(((1 - u) ** -true_shape - 1) / true_shape, 9)
    descending = np.sort(weights)[::-1]
    tail = int(np.ceil(min(n / 5, 3 * np.sqrt(n))))
    exceedances = descending[:tail] - descending[tail]
    return {"weights": weights.tolist(), "k": shape(exceedances[exceedances > 0])}


print(json.dumps([case(1, 400, 0.3), case(2, 900, 0.9), case(3, 250, 0.05)]))
