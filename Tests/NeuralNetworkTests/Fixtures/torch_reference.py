"""Writes torch-reference.json: forward pass, loss, gradients and one AdamW step of PyTorch for networks that Haggle builds too.

Run with any PyTorch 2.x on a CPU: python3 torch_reference.py > torch-reference.json
The layout of parameters and inputs is Haggle's (Sources/NeuralNetwork): it is spelt out in `load`.
"""
import json
import sys

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(20261124)
torch.use_deterministic_algorithms(True)
PLAIN, LENGTH, NUMBERS, BUCKETS, UNITS, KERNEL, HEADS = 3, 4, 2, 5, 3, 2, 2


def embedding_width(values):
    width = 2
    while width < 16 and width ** 4 < values * 16:
        width += 1
    return width


class Net(nn.Module):
    def __init__(self, kind, hidden, norm, residual, outputs):
        super().__init__()
        self.kind, self.norm, self.residual = kind, norm, residual
        self.embedding = self.encoder = None
        width = PLAIN
        if kind != "mlp":
            e = embedding_width(BUCKETS)
            self.embedding = nn.Embedding(BUCKETS, e)
            if kind == "cnn":
                self.encoder = nn.Conv1d(NUMBERS + e, UNITS, KERNEL)
                width += 2 * UNITS
            else:
                self.encoder = nn.GRU(NUMBERS + e, UNITS, batch_first=True)
                width += UNITS
        self.dense, self.norms = nn.ModuleList(), nn.ModuleList()
        for size in hidden:
            self.dense.append(nn.Linear(width, size))
            if norm:
                self.norms.append(nn.LayerNorm(size))
            width = size
        self.heads = nn.Linear(width, outputs)

    def row(self, row):
        plain = row[:PLAIN]
        if self.kind != "mlp":
            count = int(row[PLAIN].item())
            events = row[PLAIN + 1:].reshape(LENGTH, NUMBERS + 1)[:count]
            if count == 0:
                width = 2 * UNITS if self.kind == "cnn" else UNITS
                encoded = torch.zeros(width)
            else:
                x = torch.cat([events[:, :NUMBERS], self.embedding(events[:, NUMBERS].long())], dim=1)
                if self.kind == "cnn":
                    y = torch.tanh(self.encoder(F.pad(x.t(), (KERNEL - 1, 0)).unsqueeze(0))[0])
                    encoded = torch.cat([y.max(dim=1).values, y[:, -1]])
                else:
                    _, state = self.encoder(x.unsqueeze(0))
                    encoded = state.reshape(-1)
            plain = torch.cat([plain, encoded])
        x = plain
        for index, dense in enumerate(self.dense):
            y = dense(x)
            if self.norm:
                y = self.norms[index](y)
            y = torch.tanh(y)
            x = x + y if self.residual and x.shape == y.shape else y
        return self.heads(x)

    def forward(self, rows):
        return torch.stack([self.row(row) for row in rows])

    def ordered(self):
        """(parameter, whether Haggle keeps it transposed, whether it decays) in Haggle's order."""
        result = []
        if self.kind != "mlp":
            result.append((self.embedding.weight, False, True))
            if self.kind == "cnn":
                result += [(self.encoder.weight, False, True), (self.encoder.bias, False, True)]
            else:
                e = self.encoder
                result += [(p, False, True) for p in (e.weight_ih_l0, e.weight_hh_l0, e.bias_ih_l0, e.bias_hh_l0)]
        for index, dense in enumerate(self.dense):
            result += [(dense.weight, True, True), (dense.bias, False, False)]
            if self.norm:
                result += [(self.norms[index].weight, False, False), (self.norms[index].bias, False, False)]
        return result + [(self.heads.weight, True, True), (self.heads.bias, False, False)]


def flat(tensors):
    return [float(x) for t, transposed in tensors for x in (t.t() if transposed else t).reshape(-1)]


def loss_of(kind, outputs, head, target, hit, weight):
    rows = torch.arange(len(head))
    if kind == "two-part":
        logit, value = outputs[rows, 2 * head], outputs[rows, 2 * head + 1]
        each = F.binary_cross_entropy_with_logits(logit, hit, reduction="none") + hit * (value - target) ** 2
    else:
        y = outputs[rows, head]
        if kind == "squared":
            each = (y - target) ** 2
        elif kind == "huber":
            each = 2 * F.huber_loss(y, target, reduction="none", delta=1.0)
        else:
            each = F.binary_cross_entropy_with_logits(y, target, reduction="none")
    return (weight * each).mean()


cases = []
for name, kind, hidden, norm, residual, loss, clip in [
    ("mlp squared", "mlp", [4, 4], False, False, "squared", None),
    ("normalised residual huber", "mlp", [3, 3], True, True, "huber", None),
    ("cnn bernoulli", "cnn", [4], False, False, "bernoulli", None),
    ("gru two-part clipped", "gru", [4, 4], True, True, "two-part", 0.05),
]:
    net = Net(kind, hidden, norm, residual, HEADS * (2 if loss == "two-part" else 1))
    count = 7
    rows = torch.randn(count, PLAIN)
    if kind != "mlp":
        sizes = torch.tensor([4, 0, 1, 3, 2, 4, 3], dtype=torch.float).unsqueeze(1)
        events = torch.cat([torch.randn(count, LENGTH, NUMBERS), torch.randint(0, BUCKETS, (count, LENGTH, 1)).float()], dim=2)
        rows = torch.cat([rows, sizes, events.reshape(count, -1)], dim=1)
    head = torch.randint(0, HEADS, (count,))
    hit = (torch.rand(count) < 0.5).float()
    target = hit if loss == "bernoulli" else 2 * torch.randn(count)
    weight = 0.5 + torch.rand(count)
    before = flat([(p.detach(), t) for p, t, _ in net.ordered()])
    outputs = net(rows)
    value = loss_of(loss, outputs, head, target, hit, weight)
    value.backward()
    gradient = flat([(p.grad, t) for p, t, _ in net.ordered()])
    if clip:
        norm_of = torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))
        for p in net.parameters():
            p.grad *= min(1.0, clip / float(norm_of))
    rate, decay = 0.01, 0.1
    groups = [
        {"params": [p for p, _, d in net.ordered() if d], "weight_decay": decay},
        {"params": [p for p, _, d in net.ordered() if not d], "weight_decay": 0.0},
    ]
    torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8).step()
    cases.append({
        "name": name, "kind": kind, "plain": PLAIN, "length": LENGTH, "numbers": NUMBERS, "buckets": BUCKETS, "units": UNITS,
        "kernel": KERNEL, "heads": HEADS, "hidden": hidden, "norm": norm, "residual": residual, "lossName": loss, "clip": clip,
        "rate": rate, "decay": decay, "parameters": before, "inputs": [float(x) for x in rows.reshape(-1)], "count": count,
        "head": head.tolist(), "targets": target.tolist(), "hits": [bool(x) for x in hit], "weights": weight.tolist(),
        "outputs": [float(x) for x in outputs.detach().reshape(-1)], "loss": float(value), "gradient": gradient,
        "after": flat([(p.detach(), t) for p, t, _ in net.ordered()]),
    })
json.dump({"torch": torch.__version__, "cases": cases}, sys.stdout)
