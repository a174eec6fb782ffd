"""The defaults of PyTorch and scikit-learn that `preset` takes: arguments of optimizers, and the largest magnitude and the
variance of initial weights and biases. Run with a Python that has both; writes defaults.json next to itself."""

import inspect
import json
import os
import warnings

import numpy as np
import sklearn
import torch
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore")

# Name in fastmlp, class in PyTorch.
OPTIMIZERS = {
    **{"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "nadam": "NAdam", "radam": "RAdam", "adamax": "Adamax"},
    **{"rmsprop": "RMSprop", "adagrad": "Adagrad", "adadelta": "Adadelta", "rprop": "Rprop"},
}
# Argument in PyTorch, option or options in fastmlp.
OPTIONS = {
    **{"lr": "learningRate", "momentum": "momentum", "nesterov": "nesterov", "weight_decay": "weightDecay"},
    **{"betas": ("beta1", "beta2"), "eps": "epsilon", "amsgrad": "amsgrad", "momentum_decay": "momentumDecay"},
    **{"alpha": "decay", "rho": "decay", "centered": "centered", "lr_decay": "learningRateDecay"},
    **{"initial_accumulator_value": "initialAccumulator", "etas": ("decrease", "increase")},
    "step_sizes": ("smallestStep", "largestStep"),
}


def torch_optimizer(name):
    given = inspect.signature(getattr(torch.optim, name).__init__).parameters
    options = {}
    for argument, ours in OPTIONS.items():
        if argument not in given or not isinstance(given[argument].default, (int, float, tuple)):
            continue
        value = given[argument].default
        options.update(zip(ours, value) if isinstance(value, tuple) else {ours: value}.items())
    return options


def spread(values):
    return {"largest": float(np.abs(values).max()), "variance": float(np.var(values))}


def torch_layer(inputs, units):
    torch.manual_seed(1)
    layer = torch.nn.Linear(inputs, units)
    return {"weights": spread(layer.weight.detach().numpy()), "biases": spread(layer.bias.detach().numpy())}


def sklearn_layer(activation, inputs, units):
    network = MLPClassifier((units,), activation, solver="sgd", random_state=1)
    network._random_state = np.random.RandomState(1)
    weights, biases = network._init_coef(inputs, units, np.float64)
    return {"weights": spread(weights), "biases": spread(biases)}


def sklearn_optimizers():
    given = MLPClassifier().get_params()
    rate = {"learningRate": given["learning_rate_init"]}
    return {
        "sgd": {**rate, "momentum": given["momentum"], "nesterov": given["nesterovs_momentum"]},
        "adam": {**rate, "beta1": given["beta_1"], "beta2": given["beta_2"], "epsilon": given["epsilon"]},
    }


def main():
    inputs, units = 64, 2048
    golden = {
        "versions": {"torch": torch.__version__, "sklearn": sklearn.__version__},
        "inputs": inputs,
        "units": units,
        "torch": {
            "optimizers": {ours: torch_optimizer(theirs) for ours, theirs in OPTIMIZERS.items()},
            "layers": {"relu": torch_layer(inputs, units)},
        },
        "sklearn": {
            "optimizers": sklearn_optimizers(),
            "l2": MLPClassifier().alpha,
            "layers": {
                ours: sklearn_layer(theirs, inputs, units)
                for ours, theirs in {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "linear": "identity"}.items()
            },
        },
    }
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "defaults.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
