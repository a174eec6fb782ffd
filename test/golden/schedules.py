"""Golden rates of the schedules, from torch.optim.lr_scheduler. Run with a Python that has PyTorch 1.13 or newer;
writes schedules.json next to itself. Inverse time, which PyTorch lacks, is a LambdaLR."""

import json
import os
import warnings

import torch
from torch.optim import lr_scheduler as schedulers

warnings.simplefilter("ignore")
BASE = 0.1
LOSSES = [1, 0.9, 0.91, 0.92, 0.93, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.5, 0.49999, 0.49998, 0.49997, 0.49996]


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE, momentum=0.9)


def rates(create, count):
    sgd = optimizer()
    scheduler = create(sgd)
    seen = [sgd.param_groups[0]["lr"]]
    while len(seen) < count:
        sgd.step()
        scheduler.step()
        seen.append(sgd.param_groups[0]["lr"])
    return seen


def after_losses(**options):
    sgd = optimizer()
    scheduler = schedulers.ReduceLROnPlateau(sgd, **options)
    seen = []
    for loss in LOSSES:
        scheduler.step(loss)
        seen.append(sgd.param_groups[0]["lr"])
    return seen


CASES = [
    ("step", {"every": 3, "factor": 0.5}, lambda o: schedulers.StepLR(o, 3, 0.5), 10),
    ("multiStep", {"milestones": [2, 3, 7]}, lambda o: schedulers.MultiStepLR(o, [2, 3, 7]), 10),
    ("exponential", {"factor": 0.9}, lambda o: schedulers.ExponentialLR(o, 0.9), 10),
    ("polynomial", {"steps": 6, "power": 2}, lambda o: schedulers.PolynomialLR(o, 6, 2.0), 9),
    ("polynomial", {"steps": 6}, lambda o: schedulers.PolynomialLR(o, 6), 9),
    ("inverseTime", {"factor": 0.5, "every": 2}, lambda o: schedulers.LambdaLR(o, lambda s: 1 / (1 + 0.5 * s / 2)), 9),
    ("cosine", {"steps": 7, "minimum": 0.01}, lambda o: schedulers.CosineAnnealingLR(o, 7, 0.01), 8),
    (
        "cosine",
        {"steps": 4, "restarts": True, "minimum": 0.01},
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4, 1, 0.01),
        13,
    ),
    (
        "cosine",
        {"steps": 3, "restarts": True, "stretch": 2},
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 2),
        23,
    ),
    ("oneCycle", {"steps": 20}, lambda o: schedulers.OneCycleLR(o, BASE, total_steps=20), 20),
    (
        "oneCycle",
        {"steps": 11, "rise": 0.5, "shape": "linear", "startDivisor": 10, "endDivisor": 100},
        lambda o: schedulers.OneCycleLR(
            o, BASE, total_steps=11, pct_start=0.5, anneal_strategy="linear", div_factor=10, final_div_factor=100
        ),
        11,
    ),
]


def main():
    cases = [
        {"type": name, "options": options, "rates": rates(create, count)} for name, options, create, count in CASES
    ]
    warm_up = [
        {
            "from": factor,
            "steps": steps,
            "rates": rates(lambda o: schedulers.LinearLR(o, start_factor=factor, total_iters=steps), steps + 1),
        }
        for factor, steps in ((0.25, 4), (1 / 6, 5))
    ]
    plateau = [
        {"options": options, "rates": after_losses(**python)}
        for options, python in (
            ({"patience": 2}, {"patience": 2}),
            (
                {"patience": 1, "factor": 0.5, "cooldown": 2, "minimum": 0.02, "threshold": 0.01},
                {"patience": 1, "factor": 0.5, "cooldown": 2, "min_lr": 0.02, "threshold": 0.01},
            ),
        )
    ]
    golden = {"base": BASE, "cases": cases, "warmUp": warm_up, "losses": LOSSES, "plateau": plateau}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedules.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
