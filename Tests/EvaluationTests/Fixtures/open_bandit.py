"""What Open Bandit Pipeline 0.5.7 makes of synthetic_*.csv: values, standard errors and tuned hyper-parameters. Prints JSON.

Usage: python3 open_bandit.py PATH, where PATH holds the unpacked source of obp 0.5.7 (its package file is not imported, so that torch is not
needed). numpy 1.26, scipy 1.11, scikit-learn 1.2, pandas 2.0.
"""
import csv
import json
import sys
import types

import numpy as np

for name, path in {"obp": "obp", "obp.ope": "obp/ope"}.items():
    module = types.ModuleType(name)
    module.__path__ = [f"{sys.argv[1]}/{path}"]
    sys.modules[name] = module
torch = types.ModuleType("torch")
torch.Tensor = torch.tensor = type("Tensor", (), {})
sys.modules["torch"] = torch

from obp.ope import estimators as e  # noqa: E402
from obp.ope import estimators_tuning as t  # noqa: E402


def read(name):
    with open(name, newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


_, log = read("synthetic_log.csv")
arms, target = read("synthetic_target.csv")
_, qhat = read("synthetic_qhat.csv")
facts = {
    "action": np.array([arms.index(row[0]) for row in log]),
    "pscore": np.array([float(row[1]) for row in log]),
    "reward": np.array([float(row[2]) for row in log]),
    "action_dist": np.array(target, dtype=float)[:, :, None],
}
model = {"estimated_rewards_by_reg_model": np.array(qhat, dtype=float)[:, :, None]}
position = np.zeros(len(log), dtype=int)

result = {}
for name, estimator, inputs in [
    ("IPS", e.InverseProbabilityWeighting(), {}),
    ("CIPS(1)", e.InverseProbabilityWeighting(lambda_=1), {}),
    ("CIPS(2)", e.InverseProbabilityWeighting(lambda_=2), {}),
    ("SG-IPS(0.1)", e.SubGaussianInverseProbabilityWeighting(lambda_=0.1), {}),
    ("DM", e.DirectMethod(), model),
    ("DR", e.DoublyRobust(), model),
    ("CDR(1)", e.DoublyRobust(lambda_=1), model),
    ("SwitchDR(1)", e.SwitchDoublyRobust(lambda_=1), model),
    ("DRos(2)", e.DoublyRobustWithShrinkage(lambda_=2), model),
    ("SG-DR(0.5)", e.SubGaussianDoublyRobust(lambda_=0.5), model),
    ("SNIPS", e.SelfNormalizedInverseProbabilityWeighting(), {}),
    ("SNDR", e.SelfNormalizedDoublyRobust(), model),
]:
    value = estimator.estimate_policy_value(**facts, **inputs, position=position)
    scores = estimator._estimate_round_rewards(**facts, **inputs, position=position)
    result[name] = {"value": float(value), "standard_error": float(np.std(scores, ddof=1) / np.sqrt(len(scores)))}
# Their scores hold the denominator fixed.
for name in ["SNIPS", "SNDR"]:
    result[name]["standard_error"] = None

grid = [1, 2, 5, 10, 50, 100, 1000, np.inf]
for rule in ["slope", "mse"]:
    for name, tuned, inputs in [
        ("IPS", t.InverseProbabilityWeightingTuning, {}),
        ("DR", t.DoublyRobustTuning, model),
        ("SwitchDR", t.SwitchDoublyRobustTuning, model),
        ("DRos", t.DoublyRobustWithShrinkageTuning, model),
    ]:
        delta = 0.1 if rule == "slope" else 0.05
        estimator = tuned(lambdas=grid, tuning_method=rule, delta=delta)
        estimator.lambdas = sorted(grid)  # of equals the smallest, whatever the version's own order
        value = estimator.estimate_policy_value_with_tuning(**facts, **inputs, position=position)
        best = float(estimator.best_hyperparam)
        result[f"{name}({rule})"] = {"value": float(value), "lambda": best if np.isfinite(best) else None}
print(json.dumps(result, indent=1))
