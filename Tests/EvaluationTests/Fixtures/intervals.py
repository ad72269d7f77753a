"""Makes intervals.json: reference values of intervals, with numpy and scipy (made with numpy 2.4.6 and scipy 1.17.1).

    python3 intervals.py > intervals.json

Cressie-Read bounds are found by projection instead of the paper's closed form: the smallest mean of u w r over the rows and one fake row, where
u has mean 1, u w has mean 1 and (u - 1)^2 a mean of at most the radius.
"""

import json

import numpy as np
from scipy import stats

LEVELS = [0.9, 0.95, 0.99]


def clopper_pearson():
    cases = []
    for k, n in [(0, 10), (3, 10), (10, 10), (1, 1), (17, 1000), (520, 1000), (49999, 100000)]:
        for level in LEVELS:
            tail = (1 - level) / 2
            lower = 0.0 if k == 0 else stats.beta.ppf(tail, k, n - k + 1)
            upper = 1.0 if k == n else stats.beta.isf(tail, k + 1, n - k)
            cases.append({"successes": k, "trials": n, "level": level, "lower": lower, "upper": upper})
    return cases


def concentration():
    generator = np.random.default_rng(3)
    cases = []
    for n, low, high in [(2, 0.0, 1.0), (500, 0.0, 5.0), (20000, -3.0, 40.0)]:
        scores = low + (high - low) * generator.beta(0.3, 2.0, n)
        for level in LEVELS:
            alpha = 1 - level
            half = (high - low) * np.sqrt(np.log(2 / alpha) / (2 * n))
            variance = scores.var(ddof=1)
            bernstein = np.sqrt(2 * variance * np.log(4 / alpha) / n) + 7 * (high - low) * np.log(4 / alpha) / (3 * (n - 1))
            cases.append({
                "count": n, "low": low, "high": high, "level": level, "mean": scores.mean(), "variance": variance,
                "hoeffding": half, "bernstein": bernstein,
            })
    return cases


def cressie_read():
    generator = np.random.default_rng(7)
    cases = []
    for n, largest, low, high, level in [(60, 5.0, 0.0, 1.0, 0.95), (400, 20.0, 0.0, 1.0, 0.9), (60, 5.0, -2.0, 3.0, 0.99)]:
        weights = generator.choice([0.0, 0.5, 2.0, 4.0], n, p=[0.3, 0.4, 0.2, 0.1])
        rewards = np.round(low + (high - low) * generator.random(n), 3)
        rows = n + 1

        def radius(fake):
            w = np.append(weights, fake)
            return rows * (w.mean() - 1) ** 2 / w.var()

        slack = radius(largest if weights.sum() < n else 0.0) + stats.f.ppf(level, 1, n)

        def smallest(fake, reward, sign):
            w = np.append(weights, fake)
            v = sign * w * np.append(rewards, reward)
            centred = w - w.mean()
            nearest = 1 + centred * (1 - w.mean()) / (centred @ centred / rows)
            left = slack / rows - ((nearest - 1) @ (nearest - 1)) / rows
            if left < 0:
                return np.inf
            basis = np.vstack([np.ones(rows), w]).T
            rest = v - basis @ np.linalg.lstsq(basis, v, rcond=None)[0]
            u = nearest - rest / np.sqrt(rest @ rest / rows) * np.sqrt(left)
            return (u @ v) / rows

        lower = min(smallest(fake, low, 1) for fake in (0.0, largest))
        upper = -min(smallest(fake, high, -1) for fake in (0.0, largest))
        cases.append({
            "weights": weights.tolist(), "rewards": rewards.tolist(), "largest": largest, "low": low, "high": high, "level": level,
            "lower": max(low, lower), "upper": min(high, upper),
        })
    return cases


def sequence():
    """The bound of Waudby-Smith et al. 2022 with the predictable bets of the methods page, all prefixes at once."""
    generator = np.random.default_rng(11)
    n = 300
    alpha = 0.025
    offsets = np.maximum.accumulate(generator.uniform(0, 6, n))
    outcomes = generator.uniform(-1, 2.5, n)
    outcomes = np.maximum(outcomes, -offsets)
    scaled = outcomes / (offsets + 1)
    means = np.cumsum(scaled) / np.arange(1, n + 1)
    before = np.concatenate([[0.0], means[:-1]])
    squares = 0.25 + np.concatenate([[0.0], np.cumsum((scaled - means) ** 2)[:-1]])
    bets = np.minimum(np.sqrt(2 * np.log(1 / alpha) / (squares * np.log(1 + np.arange(1, n + 1)))), 0.5)
    psi = -np.log(1 - bets) - bets
    penalty = (scaled - np.minimum(before, 1 / (offsets + 1))) ** 2 * psi
    bounds = (np.cumsum(bets * scaled) - np.log(1 / alpha) - np.cumsum(penalty)) / np.cumsum(bets / (offsets + 1))
    return {"alpha": alpha, "offsets": offsets.tolist(), "outcomes": outcomes.tolist(), "bounds": bounds.tolist()}


def student_t():
    return [{"degrees": d, "level": level, "quantile": stats.t.isf((1 - level) / 2, d)} for d in (1, 4, 39, 999) for level in LEVELS]


print(json.dumps({
    "clopper_pearson": clopper_pearson(), "concentration": concentration(), "cressie_read": cressie_read(), "sequence": sequence(),
    "student_t": student_t(),
}, indent=1))
