"""Golden numbers of every optimizer: a small network and its parameters after 1, 2 and 10 steps.

Run with a Python that has PyTorch 1.13 or newer; writes optimizers.json next to itself. Everything is float64. Lion,
which PyTorch lacks, follows Algorithm 2 of its paper (arXiv 2302.06675). PyTorch 1.13 multiplies nadam's product of
momenta by the last one twice, which PyTorch 2 corrects; so nadam is written out here, checked against 1.13 with that
slip and stored without it.
"""

import json
import os

import torch

torch.set_default_dtype(torch.float64)
STEPS = (1, 2, 10)


def network():
    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    return model, torch.randn(6, 3), torch.randn(6, 2)


def flat(model):
    return [value for parameter in model.parameters() for value in parameter.detach().flatten().tolist()]


def run(create):
    model, x, t = network()
    step_of = create(list(model.parameters()))
    after = {}
    for step in range(1, max(STEPS) + 1):
        model.zero_grad()
        (0.5 * ((model(x) - t) ** 2).sum(1).mean()).backward()
        step_of()
        if step in STEPS:
            after[step] = flat(model)
    return after


class Nadam:
    def __init__(self, parameters, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, momentum_decay=4e-3, slip=False):
        self.parameters = parameters
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.weight_decay, self.momentum_decay, self.slip = weight_decay, momentum_decay, slip
        self.state = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self.steps, self.product = 0, 1.0

    def __call__(self):
        self.steps += 1
        mu, following = (
            self.beta1 * (1 - 0.5 * 0.96 ** (step * self.momentum_decay)) for step in (self.steps, self.steps + 1)
        )
        self.product *= mu
        ahead = self.product * (mu if self.slip else 1) * following
        with torch.no_grad():
            for p, (m, v) in zip(self.parameters, self.state):
                g = p.grad + self.weight_decay * p
                m.mul_(self.beta1).add_(g, alpha=1 - self.beta1)
                v.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
                root = (v / (1 - self.beta2**self.steps)).sqrt() + self.eps
                p -= self.lr * (1 - mu) / (1 - self.product) * g / root
                p -= self.lr * following / (1 - ahead) * m / root


class Lion:
    def __init__(self, parameters, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
        self.parameters, self.lr, self.beta1, self.beta2 = parameters, lr, beta1, beta2
        self.weight_decay = weight_decay
        self.state = [torch.zeros_like(p) for p in parameters]

    def __call__(self):
        with torch.no_grad():
            for p, m in zip(self.parameters, self.state):
                direction = torch.sign(self.beta1 * m + (1 - self.beta1) * p.grad)
                p -= self.lr * (direction + self.weight_decay * p)
                m.mul_(self.beta2).add_(p.grad, alpha=1 - self.beta2)


def torch_case(name, **options):
    return lambda parameters: getattr(torch.optim, name)(parameters, **options).step


# Name in fastmlp, its options, and the same in Python.
CASES = [
    ("sgd", {"learningRate": 0.1}, torch_case("SGD", lr=0.1)),
    (
        "sgd",
        {"learningRate": 0.1, "momentum": 0.9, "nesterov": True, "weightDecay": 0.01},
        torch_case("SGD", lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    ("adam", {}, torch_case("Adam")),
    ("adam", {"learningRate": 0.05, "weightDecay": 0.1}, torch_case("Adam", lr=0.05, weight_decay=0.1)),
    ("adam", {"learningRate": 0.05, "amsgrad": True}, torch_case("Adam", lr=0.05, amsgrad=True)),
    ("adamw", {"learningRate": 0.05}, torch_case("AdamW", lr=0.05)),
    (
        "adamw",
        {"learningRate": 0.05, "amsgrad": True, "beta2": 0.5, "weightDecay": 0.1},
        torch_case("AdamW", lr=0.05, amsgrad=True, betas=(0.9, 0.5), weight_decay=0.1),
    ),
    ("nadam", {}, lambda parameters: Nadam(parameters)),
    (
        "nadam",
        {"learningRate": 0.05, "momentumDecay": 0.1, "weightDecay": 0.1},
        lambda parameters: Nadam(parameters, lr=0.05, momentum_decay=0.1, weight_decay=0.1),
    ),
    ("radam", {}, torch_case("RAdam")),
    ("radam", {"learningRate": 0.05, "weightDecay": 0.1}, torch_case("RAdam", lr=0.05, weight_decay=0.1)),
    ("adamax", {}, torch_case("Adamax")),
    ("adamax", {"learningRate": 0.05, "weightDecay": 0.1}, torch_case("Adamax", lr=0.05, weight_decay=0.1)),
    ("rmsprop", {}, torch_case("RMSprop")),
    ("rmsprop", {"momentum": 0.9, "weightDecay": 0.1}, torch_case("RMSprop", momentum=0.9, weight_decay=0.1)),
    ("rmsprop", {"centered": True}, torch_case("RMSprop", centered=True)),
    (
        "rmsprop",
        {"decay": 0.9, "centered": True, "momentum": 0.5},
        torch_case("RMSprop", alpha=0.9, centered=True, momentum=0.5),
    ),
    ("adagrad", {}, torch_case("Adagrad")),
    (
        "adagrad",
        {"learningRate": 0.1, "learningRateDecay": 0.1, "initialAccumulator": 0.1, "weightDecay": 0.1},
        torch_case("Adagrad", lr=0.1, lr_decay=0.1, initial_accumulator_value=0.1, weight_decay=0.1),
    ),
    ("adadelta", {}, torch_case("Adadelta")),
    ("adadelta", {"decay": 0.5, "weightDecay": 0.1}, torch_case("Adadelta", rho=0.5, weight_decay=0.1)),
    ("lion", {}, lambda parameters: Lion(parameters)),
    (
        "lion",
        {"learningRate": 0.01, "beta2": 0.9, "weightDecay": 0.1},
        lambda parameters: Lion(parameters, lr=0.01, beta2=0.9, weight_decay=0.1),
    ),
    ("rprop", {}, torch_case("Rprop")),
    (
        "rprop",
        {"learningRate": 0.2, "decrease": 0.25, "increase": 2, "largestStep": 0.3},
        torch_case("Rprop", lr=0.2, etas=(0.25, 2), step_sizes=(1e-6, 0.3)),
    ),
]


def check_nadam():
    """The formula above against PyTorch, with the slip where PyTorch has it."""
    slip = torch.__version__.startswith("1.")
    ours = run(lambda parameters: Nadam(parameters, lr=0.05, slip=slip))
    theirs = run(torch_case("NAdam", lr=0.05))
    worst = max(abs(a - b) for step in STEPS for a, b in zip(ours[step], theirs[step]))
    assert worst < 1e-12, worst


def main():
    check_nadam()
    model, x, t = network()
    weights = [
        {"weights": layer.weight.tolist(), "biases": layer.bias.tolist()}
        for layer in model
        if isinstance(layer, torch.nn.Linear)
    ]
    cases = [{"type": name, "options": options, "after": run(create)} for name, options, create in CASES]
    golden = {"torch": torch.__version__, "layers": weights, "x": x.tolist(), "t": t.tolist(), "cases": cases}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
