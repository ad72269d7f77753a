"""Golden numbers of the estimators on synthetic_*.csv, straight from the formulas, row by row, with numpy and scipy. Prints JSON."""
import csv
import json

import numpy as np
from scipy.optimize import brentq


def read(name):
    with open(name, newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


_, log = read("synthetic_log.csv")
arms, target = read("synthetic_target.csv")
_, qhat = read("synthetic_qhat.csv")
a = np.array([arms.index(row[0]) for row in log])
p = np.array([float(row[1]) for row in log])
r = np.array([float(row[2]) for row in log])
pi = np.array(target, dtype=float)
q = np.array(qhat, dtype=float)
n, k = pi.shape
rows = np.arange(n)
unit = rows // 5  # what the test calls "unit-<row / 5>"

# What only some estimators read; the tests fill their rows by the same rules.
second = q / 2 + np.arange(k) / 10  # another model: the policy's own, and the one of the past
balanced = p / 2 + 0.05  # the mixture's propensity of the chosen arm
variance = 1.0 + rows // 50  # of the row's snapshot
everyp = np.tile(((1 - p) / (k - 1))[:, None], (1, k))
everyp[rows, a] = p
category = np.arange(k) % 3
discount = np.arange(k) * 0.05


def cluster(psi, units):
    return psi if units is None else np.array([psi[units == u].sum() for u in np.unique(units)])


def mean_error(x, units):
    """Of the mean of scores."""
    psi = cluster((x - x.mean()) / n, units)
    g = len(psi)
    return np.sqrt(g / (g - 1) * (psi**2).sum())


def ratio(top, bottom, units):
    value = top.sum() / bottom.sum()
    return value, np.sqrt((cluster((top - value * bottom) / bottom.sum(), units) ** 2).sum())


def cressie_read(w, limit=np.inf):
    f = limit if w.sum() < n else 0.0
    if np.isinf(f):
        g, b = -(1 + n) / n, 0.0
    else:
        one, two = (f + w.sum()) / (1 + n), (f * f + (w * w).sum()) / (1 + n)
        g, b = (two - one) / (one * one - two), (1 - one) / (one * one - two)
    share = (-g - b * w) / (1 + n)
    return (share * w * r).sum() + max(0, 1 - (share * w).sum()) * r.mean()


def likelihood(w, limit=np.inf):
    low = max([0 if np.isinf(limit) else n / (1 - limit)] + [(n - 1) / (1 - x) for x in w if x > 1])
    high = min([n] + [(n - 1) / (1 - x) for x in w if x < 1])

    def slope(beta):
        return ((w - 1) / ((w - 1) * beta + n)).sum()

    beta = low if slope(low) <= 0 else high if slope(high) >= 0 else brentq(slope, low, high, xtol=1e-14 * n, rtol=1e-15)
    share = 1 / ((w - 1) * beta + n)
    return (share * w * r).sum() + max(0, 1 - (share * w).sum()) * r.mean(), beta


def likelihood_scores(w, beta):
    """Scores with the same first-order expansion."""
    if beta == 0:
        return w * r - r.mean() * w + (1 - w.mean()) * r
    c = np.cov(w * r, w, ddof=0)[0, 1] / w.var()
    return w * r - c * w


def influence_error(statistic, units):
    """From the influence of every cluster's weight, by complex steps, which are exact to rounding; scaled as a mean's error."""
    labels = rows if units is None else units
    psi = []
    for u in np.unique(labels):
        weights = np.ones(n, dtype=complex)
        weights[labels == u] += 1e-30j
        psi.append(statistic(weights).imag / 1e-30)
    psi = np.array(psi) - np.mean(psi)
    return np.sqrt(len(psi) / (len(psi) - 1) * (psi**2).sum())


def weighted_cressie_read(w, limit):
    def statistic(m):
        size, mean = m.sum(), (m * r).sum() / m.sum()
        f = limit if (m * w).sum().real < size.real else 0.0
        if np.isinf(f):
            g, b = -(1 + size) / size, 0.0
        else:
            one, two = (f + (m * w).sum()) / (1 + size), (f * f + (m * w * w).sum()) / (1 + size)
            g, b = (two - one) / (one * one - two), (1 - one) / (one * one - two)
        share = m * (-g - b * w) / (1 + size)
        rest = 1 - (share * w).sum()
        return (share * w * r).sum() + (rest if rest.real > 0 else 0) * mean

    return statistic


def scores(pi, units):
    w = pi[rows, a] / p
    qa, qpi = q[rows, a], (pi * q).sum(axis=1)
    sa, spi = second[rows, a], (pi * second).sum(axis=1)
    spread = np.maximum(0, 1 - ((discount[:, None] - discount[None, :]) / 0.12) ** 2)  # [b, a]
    smooth = pi @ (spread / spread.sum(axis=0)).T
    marginal = np.array([pi[t, category == category[a[t]]].sum() / everyp[t, category == category[a[t]]].sum() for t in rows])
    result = {}
    for name, x in {
        "IPS": w * r,
        "CIPS(1)": np.minimum(w, 1) * r,
        "CIPS(2)": np.minimum(w, 2) * r,
        "SG-IPS(0.1)": w / (0.9 + 0.1 * w) * r,
        "MIPS": marginal * r,
        "KernelIPS(0.12)": smooth[rows, a] / p * r,
        "DM": qpi,
        "DR": qpi + w * (r - qa),
        "CDR(1)": qpi + np.minimum(w, 1) * (r - qa),
        "SwitchDR(1)": qpi + w * (w <= 1) * (r - qa),
        "DRos(2)": qpi + 2 * w / (w * w + 2) * (r - qa),
        "SG-DR(0.5)": qpi + w / (0.5 + 0.5 * w) * (r - qa),
        "MRDR": spi + w * (r - sa),
        "BalancedIPS": pi[rows, a] / balanced * r,
        "AIPW": spi + w * (r - sa),
    }.items():
        result[name] = {"value": x.mean(), "standard_error": mean_error(x, units)}
    result["BalancedIPS"]["standard_error"] = None
    past = spi + w * (r - sa)
    for name, (value, error) in {
        "SNIPS": ratio(w * r, w, units),
        "AIPW": ratio(past, np.ones(n), units),
        "StableVar": ratio(past / np.sqrt(variance), 1 / np.sqrt(variance), units),
        "MinVar": ratio(past / variance, 1 / variance, units),
    }.items():
        result[name] = {"value": value, "standard_error": error}
    correction = (w * (r - qa)).sum() / w.sum()
    result["SNDR"] = {
        "value": qpi.mean() + correction,
        "standard_error": mean_error(qpi + (w * (r - qa) - correction * w) / w.mean(), units),
    }
    value, beta = likelihood(w)
    result["MLE"] = {"value": value, "standard_error": mean_error(likelihood_scores(w, beta), units)}
    value, beta = likelihood(w, 20)
    result["MLE bounded"] = {"value": value, "standard_error": mean_error(likelihood_scores(w, beta), units)}
    for name, limit in {"CressieRead": np.inf, "CressieRead bounded": 20.0}.items():
        result[name] = {"value": cressie_read(w, limit), "standard_error": influence_error(weighted_cressie_read(w, limit), units)}
    return result


def difference(units):
    uniform = np.full_like(pi, 1 / k)
    w, u = pi[rows, a] / p, uniform[rows, a] / p
    x = (pi * q).sum(axis=1) + w * (r - q[rows, a]) - (uniform * q).sum(axis=1) - u * (r - q[rows, a])
    s, t = (w * r).sum() / w.sum(), (u * r).sum() / u.sum()
    psi = cluster(w * (r - s) / w.sum() - u * (r - t) / u.sum(), units)
    return {
        "DR": {"value": x.mean(), "standard_error": mean_error(x, units)},
        "SNIPS": {"value": s - t, "standard_error": np.sqrt((psi**2).sum())},
    }


w = pi[rows, a] / p
ordered = np.sort(w)[::-1]
print(
    json.dumps(
        {
            "rows": scores(pi, None),
            "units": scores(pi, unit),
            "difference_rows": difference(None),
            "difference_units": difference(unit),
            "diagnostics": {
                "effective_sample_size": w.sum() ** 2 / (w**2).sum(),
                "effective_sample_size_rewarded": w[r != 0].sum() ** 2 / (w[r != 0] ** 2).sum(),
                "rewarded_rows": int((r != 0).sum()),
                "mean_weight": w.mean(),
                "mean_weight_z": (w.mean() - 1) / mean_error(w, None),
                "max_weight": w.max(),
                "max_weight_share": w.max() / w.sum(),
                "top_1_percent_weight_share": ordered[:3].sum() / w.sum(),
            },
        },
        indent=1,
    )
)
