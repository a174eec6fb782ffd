"""PyTorch as a contender: an eager training loop, one thread, driven by JSON lines.

See bench/steps.ts for the protocol and bench/step-cases.ts for the file of weights and rows.

What decides PyTorch's speed here: nn.Linear is sgemm of whatever BLAS the build calls. Official
wheels carry MKL. Debian's build says BLAS_INFO=generic: it calls libblas.so.3, which is the netlib
reference (some twenty times slower) unless OpenBLAS or BLIS is installed, so a run on the reference
is refused instead of reported. oneDNN takes no part in float32 products of this size.
"""

import json
import os
import re
import sys
import time

import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
LOSSES = {
    "crossEntropy": nn.CrossEntropyLoss,
    "meanSquaredError": nn.MSELoss,
    "binaryCrossEntropy": nn.BCEWithLogitsLoss,
}


def blas_in_use():
    """Name of the library that sgemm comes from; None for the netlib reference."""
    build = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show()).group(1)
    if build != "generic":
        return build
    with open("/proc/self/maps") as maps:
        path = next(line.split()[-1] for line in maps if "libblas.so" in line)
    # Debian's alternatives put each implementation in a folder of its own: .../openblas-pthread/libblas.so.3
    folder = os.path.basename(os.path.dirname(path))
    return None if folder == "blas" else folder


def make_optimizer(spec, parameters):
    if spec["kind"] == "sgd":
        return torch.optim.SGD(parameters, lr=spec["learningRate"])
    settings = {"lr": spec["learningRate"], "eps": spec["epsilon"]}
    try:
        return torch.optim.Adam(parameters, fused=True, **settings)
    except RuntimeError:
        # Before 2.4 only CUDA has the fused form; foreach=True gains nothing over the default on a CPU.
        return torch.optim.Adam(parameters, **settings)


class Contender:
    def __init__(self, case):
        sizes = case["sizes"]
        layers = []
        for inputs, units in zip(sizes, sizes[1:]):
            layers += [nn.Linear(inputs, units), ACTIVATIONS[case["hidden"]]()]
        self.model = nn.Sequential(*layers[:-1])
        self.criterion = LOSSES[case["loss"]]()

        with open(case["file"], "rb") as file:
            values = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
        self.initial = []
        offset = 0
        for parameter in self.model.parameters():
            self.initial.append(values[offset : offset + parameter.numel()].view_as(parameter))
            offset += parameter.numel()
        inputs_end = offset + case["rows"] * sizes[0]
        self.rows = values[offset:inputs_end].view(case["rows"], sizes[0])
        if case["loss"] == "crossEntropy":
            self.targets = values[inputs_end:].long()
        else:
            self.targets = values[inputs_end:].view(case["rows"], sizes[-1])
        self.batch = case["batch"]
        self.shuffle = case["shuffle"]
        self.batches = list(zip(self.rows.split(self.batch), self.targets.split(self.batch)))
        self.optimizer = make_optimizer(case["optimizer"], list(self.model.parameters()))
        self.reset()

    def reset(self):
        with torch.no_grad():
            for parameter, value in zip(self.model.parameters(), self.initial):
                parameter.copy_(value)

    def loss(self, count):
        with torch.no_grad():
            return self.criterion(self.model(self.rows[:count]), self.targets[:count]).item()

    def step(self, rows, targets):
        self.optimizer.zero_grad(set_to_none=True)
        self.criterion(self.model(rows), targets).backward()
        self.optimizer.step()

    def check(self, rows, steps):
        before = self.loss(rows)
        for step in range(steps):
            self.step(*self.batches[step % (rows // self.batch)])
        return {"before": before, "after": self.loss(rows)}

    def train(self, steps):
        if self.shuffle:
            self.train_shuffled(steps)
            return
        batches = self.batches
        count = len(batches)
        for step in range(steps):
            self.step(*batches[step % count])

    def train_shuffled(self, steps):
        """A permutation per epoch, gathered batch by batch: what is fastest without a DataLoader."""
        for first in range(0, steps, len(self.batches)):
            order = torch.randperm(len(self.rows)).split(self.batch)
            for indices in order[: steps - first]:
                self.step(self.rows.index_select(0, indices), self.targets.index_select(0, indices))


class OptimizerStep:
    """All parameters in one tensor; see bench/optimizers.ts."""

    def __init__(self, name, options, count):
        def periodic(factor, period):
            index = torch.arange(count, dtype=torch.float64)
            return ((index * factor) % period / period - 0.501).float()

        self.parameters = periodic(37, 101).requires_grad_()
        self.parameters.grad = periodic(53, 97)
        # Slips of 1.13: with foreach nesterov's step changes the gradient, without it nadam's product is one factor off.
        foreach = not options.get("nesterov", False)
        self.optimizer = getattr(torch.optim, name)([self.parameters], foreach=foreach, **options)

    def reset(self):
        pass

    def train(self, steps):
        for _ in range(steps):
            self.optimizer.step()


def handle(message, contender):
    if message["cmd"] == "optimizer":
        contender = OptimizerStep(message["optimizer"], message["options"], message["count"])
        contender.train(message["steps"])
        return {"ok": True, "values": contender.parameters[: message["shown"]].tolist()}, contender
    if message["cmd"] == "prepare":
        case = message["case"]
        contender = Contender(case)
        return {"ok": True, "check": contender.check(case["checkRows"], case["checkSteps"])}, contender
    contender.reset()
    start = time.perf_counter()
    contender.train(message["repeats"])
    return {"ok": True, "seconds": time.perf_counter() - start}, contender


def reply(message):
    print(json.dumps(message), flush=True)


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    blas = blas_in_use()
    if blas is None:
        reply({"ok": False, "error": "PyTorch calls the netlib reference BLAS: install libopenblas0-pthread"})
        return
    reply({"ok": True, "version": f"PyTorch {torch.__version__}, {blas}"})
    contender = None
    for line in sys.stdin:
        answer, contender = handle(json.loads(line), contender)
        reply(answer)


main()
