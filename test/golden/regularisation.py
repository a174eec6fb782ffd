"""Golden numbers of clipping, penalties, bounds, averages, smoothing, weights and accumulation: the parameters of a
small classifier after five steps of sgd with momentum, and the loss of the first. Run with a Python that has PyTorch
1.13 or newer; writes regularisation.json next to itself."""

import json
import os

import torch
from torch.nn.functional import cross_entropy

torch.set_default_dtype(torch.float64)
STEPS, ROWS = 5, 6
LABELS = torch.tensor([0, 2, 1, 1, 0, 1])
WEIGHTS = torch.tensor([1.0, 0.5, 0.0, 2.0, 1.5, 3.0])


def network():
    torch.manual_seed(11)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    return model, 3 * torch.randn(ROWS, 3)


def flat(parameters):
    return [value for parameter in parameters for value in parameter.detach().flatten().tolist()]


def run(loss_of=None, before=lambda model: None, after=lambda model: None, accumulate=1):
    loss_of = loss_of or (lambda z, rows: cross_entropy(z, LABELS[rows]))
    model, x = network()
    sgd = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    size = ROWS // accumulate
    first = None
    for _ in range(STEPS):
        sgd.zero_grad()
        for batch in range(accumulate):
            rows = slice(batch * size, (batch + 1) * size)
            loss = loss_of(model(x[rows]), rows)
            (loss / accumulate).backward()
            first = loss.item() if first is None else first
        before(model)
        sgd.step()
        with torch.no_grad():
            after(model)
    return {"loss": first, "parameters": flat(model.parameters())}


def clip(parameters, limit):
    """torch.nn.utils.clip_grad_norm_ without the 1e-6 that it adds to the norm."""
    norm = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        p.grad *= min(1.0, limit / norm.item())


def clip_layers(model, limit):
    for layer in (model[0], model[2]):
        clip(list(layer.parameters()), limit)


def penalise(model, l1, l2, rows=1):
    for weight in (model[0].weight, model[2].weight):
        weight.grad += (l1 * weight.sign() + l2 * weight).detach() / rows


def bound(model, limit):
    for layer in (model[0], model[2]):
        # torch.renorm without the 1e-7 that it adds to the norm.
        layer.weight *= torch.clamp(limit / layer.weight.norm(dim=1, keepdim=True), max=1)


class Average:
    def __init__(self, decay):
        self.decay, self.kept = decay, [p.detach().clone() for p in network()[0].parameters()]

    def __call__(self, model):
        for kept, p in zip(self.kept, model.parameters()):
            kept.mul_(self.decay).add_(p.detach(), alpha=1 - self.decay)


def weighted(weights):
    return lambda z, rows: (weights[rows] * cross_entropy(z, LABELS[rows], reduction="none")).mean()


def main():
    average = Average(0.9)
    averaged = run(after=average)
    counts = torch.bincount(LABELS)
    balanced = (ROWS / (3 * counts.double()))[LABELS]
    cases = {
        "plain": run(),
        "value": run(before=lambda m: torch.nn.utils.clip_grad_value_(m.parameters(), 0.02)),
        "globalNorm": run(before=lambda m: clip(list(m.parameters()), 0.1)),
        "norm": run(before=lambda m: clip_layers(m, 0.1)),
        "penalties": run(before=lambda m: penalise(m, 0.01, 0.1)),
        "penaltiesPerRow": run(before=lambda m: penalise(m, 0.01, 0.1, ROWS)),
        "maxNorm": run(after=lambda m: bound(m, 0.5)),
        "smoothing": run(lambda z, rows: cross_entropy(z, LABELS[rows], label_smoothing=0.2)),
        "sampleWeight": run(weighted(WEIGHTS)),
        "classWeight": run(weighted(torch.tensor([2.0, 0.5, 1.0])[LABELS])),
        "balanced": run(weighted(balanced)),
        "both": run(weighted(balanced * WEIGHTS)),
        "accumulate": run(accumulate=3),
        "accumulateClipped": run(accumulate=3, before=lambda m: clip(list(m.parameters()), 0.1)),
        "accumulateWeighted": run(weighted(WEIGHTS), accumulate=3),
        "average": {**averaged, "parameters": flat(average.kept)},
    }
    model, x = network()
    layers = [{"weights": layer.weight.tolist(), "biases": layer.bias.tolist()} for layer in (model[0], model[2])]
    golden = {"layers": layers, "x": x.tolist(), "labels": LABELS.tolist(), "weights": WEIGHTS.tolist(), "cases": cases}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "regularisation.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
