"""Golden numbers of batch and layer normalisation: small networks after 1 and 10 steps over batches of which the last
one is smaller, their running statistics, and what they then predict. Run with a Python that has PyTorch 1.13 or newer;
writes norms.json next to itself. Everything is float64."""

import json
import os

import torch

torch.set_default_dtype(torch.float64)
STEPS = (1, 10)
ROWS, BATCH, INPUTS = 11, 4, 3


def dense(units, **options):
    return {"type": "dense", "units": units, **options}


def batch_norm(**options):
    return {"type": "batchNorm", **options}


def layer_norm(**options):
    return {"type": "layerNorm", **options}


class Norm(torch.nn.Module):
    """A normalisation whose scale and center are options of their own, and the activation behind it."""

    def __init__(self, spec, units):
        super().__init__()
        options = {"eps": spec.get("epsilon", 1e-5)}
        if spec["type"] == "batchNorm":
            self.norm = torch.nn.BatchNorm1d(units, momentum=spec.get("momentum", 0.1), **options)
        else:
            self.norm = torch.nn.LayerNorm(units, **options)
        self.activation = {"linear": torch.nn.Identity, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[
            spec.get("activation", "linear")
        ]()
        with torch.no_grad():
            if spec.get("scale", True):
                self.norm.weight.uniform_(0.5, 1.5)
            else:
                self.norm.weight.requires_grad_(False)
            if spec.get("center", True):
                self.norm.bias.uniform_(-0.5, 0.5)
            else:
                self.norm.bias.requires_grad_(False)

    def forward(self, x):
        return self.activation(self.norm(x))


def network(specs):
    torch.manual_seed(3)
    modules, units = [], INPUTS
    for spec in specs:
        if spec["type"] == "dense":
            modules.append(torch.nn.Linear(units, spec["units"], bias=spec.get("bias", True)))
            units = spec["units"]
        else:
            modules.append(Norm(spec, units))
    return torch.nn.Sequential(*modules), units


def layers_of(model):
    """Weights, biases and running statistics of every layer; null where there are none."""
    layers = []
    for module in model:
        inner = module.norm if isinstance(module, Norm) else module
        # The gammas of a normalisation are a column.
        weights = inner.weight.reshape(-1, 1) if isinstance(module, Norm) else inner.weight
        running = isinstance(inner, torch.nn.BatchNorm1d)
        layers.append(
            {
                "weights": weights.tolist() if inner.weight.requires_grad else None,
                "biases": inner.bias.tolist() if inner.bias is not None and inner.bias.requires_grad else None,
                "runningMean": inner.running_mean.tolist() if running else None,
                "runningVariance": inner.running_var.tolist() if running else None,
            }
        )
    return layers


def data():
    """Inputs whose columns differ in mean and deviation, and targets; a network of fewer outputs takes the first."""
    random = torch.Generator().manual_seed(5)
    x = torch.randn(ROWS, INPUTS, generator=random) * torch.tensor([1.0, 3.0, 0.2]) + torch.tensor([0.0, 20.0, -1.0])
    return x, torch.randn(ROWS, 4, generator=random)


def run(specs, optimizer, options):
    model, units = network(specs)
    before = layers_of(model)
    x, t = data()
    t = t[:, :units]
    step_of = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer](model.parameters(), **options)
    batches = [slice(begin, begin + BATCH) for begin in range(0, ROWS, BATCH)]
    after = {}
    for step in range(1, max(STEPS) + 1):
        step_of.zero_grad()
        rows = batches[(step - 1) % len(batches)]
        (0.5 * ((model(x[rows]) - t[rows]) ** 2).sum(1).mean()).backward()
        step_of.step()
        if step in STEPS:
            after[step] = layers_of(model)
    model.eval()
    with torch.no_grad():
        outputs = model(x).tolist()
    return {"before": before, "after": after, "outputs": outputs}


# A bias before a batch norm has the gradient 0, of which adam would take the sign of its rounding.
BLOCK = [dense(4), batch_norm(activation="relu"), dense(2)]
UNBIASED = [dense(4, bias=False), batch_norm(activation="relu"), dense(2)]
CASES = [
    ("batchNorm", BLOCK, "sgd"),
    ("batchNorm", UNBIASED, "adam"),
    ("batchNorm of the inputs", [batch_norm(momentum=0.3, epsilon=1e-3), dense(4), dense(2)], "sgd"),
    ("batchNorm at the end", [dense(4, bias=False), batch_norm(activation="tanh")], "adam"),
    ("batchNorm without scale", [dense(4), batch_norm(scale=False), dense(2)], "sgd"),
    ("batchNorm without center", [dense(4), batch_norm(center=False), dense(2)], "sgd"),
    ("layerNorm", [dense(5), layer_norm(activation="tanh"), dense(2)], "sgd"),
    ("layerNorm", [dense(5), layer_norm(activation="tanh"), dense(2)], "adam"),
    ("layerNorm of the inputs", [layer_norm(epsilon=1e-3), dense(4), dense(2)], "sgd"),
    ("layerNorm at the end", [dense(4), layer_norm()], "sgd"),
    ("layerNorm without scale and center", [dense(5), layer_norm(scale=False, center=False), dense(2)], "adam"),
    (
        "one behind the other",
        [
            *(dense(4, bias=False), batch_norm(), layer_norm(activation="relu")),
            *(dense(3, bias=False), batch_norm(activation="tanh"), dense(2)),
        ],
        "adam",
    ),
]
OPTIONS = {"sgd": {"lr": 0.05}, "adam": {"lr": 0.02}}


def main():
    cases = [
        {"name": name, "layers": specs, "optimizer": optimizer, "learningRate": OPTIONS[optimizer]["lr"]}
        | run(specs, optimizer, OPTIONS[optimizer])
        for name, specs, optimizer in CASES
    ]
    x, t = (values.tolist() for values in data())
    golden = {"torch": torch.__version__, "batchSize": BATCH, "x": x, "t": t, "cases": cases}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "norms.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
