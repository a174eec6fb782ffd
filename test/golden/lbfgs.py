"""Golden numbers of L-BFGS: a small network, its loss and its parameters after 1, 2, 5 and 15 iterations.

Run with a Python that has PyTorch 1.13 or newer; writes lbfgs.json next to itself. Everything is float64.
"""

import json
import os

import torch

torch.set_default_dtype(torch.float64)
ITERATIONS = (1, 2, 5, 15)


def network():
    torch.manual_seed(11)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    return model, torch.randn(12, 3), 3 * torch.randn(12, 2)


def run(iterations, memory, rate, search):
    model, x, t = network()
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        lr=rate,
        max_iter=iterations,
        max_eval=10**6,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=memory,
        line_search_fn=search,
    )
    evaluations = 0

    def loss():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        error = 0.5 * ((model(x) - t) ** 2).sum(1).mean()
        error.backward()
        return error

    optimizer.step(loss)
    count = evaluations
    parameters = [value for parameter in model.parameters() for value in parameter.detach().flatten().tolist()]
    return {"iterations": iterations, "evaluations": count, "loss": float(loss()), "parameters": parameters}


CASES = [
    ({"lineSearch": "strongWolfe"}, (100, 1, "strong_wolfe")),
    ({"lineSearch": "strongWolfe", "memory": 2}, (2, 1, "strong_wolfe")),
    ({"lineSearch": "strongWolfe", "learningRate": 20}, (100, 20, "strong_wolfe")),
    ({"lineSearch": "strongWolfe", "learningRate": 0.01, "memory": 5}, (5, 0.01, "strong_wolfe")),
    ({"lineSearch": "none", "learningRate": 0.5}, (100, 0.5, None)),
]


def main():
    model, x, t = network()
    weights = [
        {"weights": layer.weight.tolist(), "biases": layer.bias.tolist()}
        for layer in model
        if isinstance(layer, torch.nn.Linear)
    ]
    cases = [
        {"options": {"memory": 100, **options}, "after": [run(iterations, *given) for iterations in ITERATIONS]}
        for options, given in CASES
    ]
    golden = {"torch": torch.__version__, "layers": weights, "x": x.tolist(), "t": t.tolist(), "cases": cases}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lbfgs.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
