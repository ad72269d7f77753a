"""Golden numbers of the estimators on synthetic_*.csv, straight from the formulas, with numpy. Prints JSON."""
import csv
import json

import numpy as np


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
n = len(a)
rows = np.arange(n)
unit = rows // 5  # what the test calls "unit-<row / 5>"


def cluster(psi, units):
    return psi if units is None else np.array([psi[units == u].sum() for u in np.unique(units)])


def mean_error(x, units):
    psi = cluster((x - x.mean()) / n, units)
    g = len(psi)
    return np.sqrt(g / (g - 1) * (psi**2).sum())


def ratio_error(w, estimate, units):
    return np.sqrt((cluster(w * (r - estimate) / w.sum(), units) ** 2).sum())


def scores(pi, units):
    w = pi[rows, a] / p
    qpi = (pi * q).sum(axis=1)
    result = {}
    for name, x in {
        "IPS": w * r,
        "CIPS(1)": np.minimum(w, 1) * r,
        "CIPS(2)": np.minimum(w, 2) * r,
        "DM": qpi,
        "DR": qpi + w * (r - q[rows, a]),
    }.items():
        result[name] = {"value": x.mean(), "standard_error": mean_error(x, units)}
    snips = (w * r).sum() / w.sum()
    result["SNIPS"] = {"value": snips, "standard_error": ratio_error(w, snips, units)}
    return result


def difference(units):
    uniform = np.full_like(pi, 1 / pi.shape[1])
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
