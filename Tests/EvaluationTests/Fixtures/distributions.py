"""Golden numbers of Student's t, chi-square and Welch's test, by scipy. Prints JSON."""
import json

import numpy as np
from scipy import stats

t = [
    {"t": x, "df": df, "cdf": stats.t.cdf(x, df)}
    for df in (0.7, 1, 2, 3.5, 10, 29.4, 100, 1234.5, 1e6)
    for x in (-40.0, -8.0, -3.3, -1.0, -0.1, 0.0, 0.5, 2.0, 4.5)
]
t_quantiles = [
    {"p": p, "df": df, "t": stats.t.ppf(p, df)}
    for df in (1, 2, 4.2, 30, 777.7, 1e5)
    for p in (1e-9, 0.001, 0.025, 0.4, 0.6, 0.95, 0.975, 0.9995)
]
chi_square = [
    {"x": x, "df": df, "cdf": stats.chi2.cdf(x, df), "upper": stats.chi2.sf(x, df)}
    for df in (1, 2, 3, 5, 10, 57, 400)
    for x in (0.001, 0.3, 1.0, 3.84, 10.83, 60.0, 450.0)
]


def welch(seed, n, m, shift, scale):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(5 + shift, scale, n), 6)
    y = np.round(rng.exponential(5, m), 6)
    result = stats.ttest_ind(x, y, equal_var=False)
    interval = result.confidence_interval(0.9)
    ex, ey = x.var(ddof=1) / n, y.var(ddof=1) / m
    lift = x.mean() / y.mean() - 1
    return {
        "treatment": x.tolist(),
        "control": y.tolist(),
        "difference": x.mean() - y.mean(),
        "t": result.statistic,
        "df": result.df,
        "p": result.pvalue,
        "lower_90": interval.low,
        "upper_90": interval.high,
        "lift": lift,
        "lift_standard_error": np.sqrt(ex / y.mean() ** 2 + x.mean() ** 2 * ey / y.mean() ** 4),
    }


splits = []
for observed, shares in (([5021, 4979], [0.5, 0.5]), ([5200, 4800], [0.5, 0.5]), ([310, 205, 485], [0.3, 0.2, 0.5])):
    total = sum(observed)
    chi, p = stats.chisquare(observed, [total * s for s in shares])
    splits.append({"observed": observed, "shares": shares, "chi_square": chi, "p": p})

print(
    json.dumps(
        {
            "student_t": t,
            "student_t_quantiles": t_quantiles,
            "chi_square": chi_square,
            "welch": [welch(1, 12, 9, 0.0, 1.0), welch(2, 40, 25, 2.0, 3.0), welch(3, 5, 60, -0.5, 0.2)],
            "splits": splits,
        }
    )
)
