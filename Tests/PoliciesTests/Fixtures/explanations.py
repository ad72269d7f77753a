"""Golden numbers for explanations and allocations, from `shap` and `scipy`.

    python3 -m venv env && env/bin/pip install shap scipy numpy && env/bin/python explanations.py > explanations.json

Small: Shapley values of a function of five features with two outputs by shap's exact explainer (interventional, ten background rows).
Large: the same of a function of fourteen features, for kernel SHAP.
Knapsack: the optimum of the linear programme of a multiple-choice knapsack by scipy's HiGHS, for several budgets.
"""

import json

import numpy as np
import scipy
import shap
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, vstack


def small(x):
    a, b, c, d, e = x.T
    return np.stack([a * b + c * c * d + 0.5 * e, np.tanh(a + 2 * b - c) + a * d * e], axis=1)


def large(x):
    result = sum((0.1 * i - 0.5) * x[:, i] for i in range(14))
    result = result + sum(0.3 * x[:, i] * x[:, i + 1] for i in range(13))
    return result + x[:, 0] * x[:, 5] * x[:, 9]


def shapley(function, row, background):
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explained = shap.explainers.Exact(function, masker)(row[None, :], max_evals=1 << 15)
    values = np.asarray(explained.values[0])
    return values if values.ndim == 2 else values[:, None]


def knapsack(rewards, costs, budget):
    customers, arms = rewards.shape
    one = csr_matrix(np.kron(np.eye(customers), np.ones((1, arms))))
    solved = linprog(
        -rewards.ravel(), A_ub=csr_matrix(costs.ravel()[None, :]), b_ub=[budget], A_eq=one, b_eq=np.ones(customers),
        bounds=(0, 1), method="highs")
    assert solved.status == 0
    return -solved.fun


random = np.random.default_rng(7)
row5, background5 = random.normal(size=5).round(3), random.normal(size=(10, 5)).round(3)
row14, background14 = random.normal(size=14).round(3), random.normal(size=(6, 14)).round(3)
depth = np.array([0, 0.05, 0.1, 0.15, 0.2])
list_price = random.lognormal(3, 0.7, size=(300, 1))
base, slope = random.uniform(0.02, 0.3, size=(300, 1)), random.normal(0.8, 0.8, size=(300, 1))
convert = np.clip(base * (1 + slope * depth / 0.1), 0, 1)
rewards = (list_price * convert * (0.35 - depth)).round(6)
costs = (list_price * convert * depth).round(6)
most = costs[np.arange(300), rewards.argmax(axis=1)].sum()
budgets = [round(most * share, 6) for share in (0.05, 0.25, 0.5, 0.9, 1.5)]
print(json.dumps({
    "versions": {"shap": shap.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
    "small": {"row": row5.tolist(), "background": background5.tolist(),
              "contributions": shapley(small, row5, background5).T.tolist()},
    "large": {"row": row14.tolist(), "background": background14.tolist(),
              "contributions": shapley(large, row14, background14).T.tolist()},
    "knapsack": {"rewards": rewards.tolist(), "costs": costs.tolist(), "budgets": budgets,
                 "optima": [knapsack(rewards, costs, budget) for budget in budgets]},
}))
