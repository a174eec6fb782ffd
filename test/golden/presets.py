"""Golden weights of scikit-learn's MLPClassifier after two epochs of two batches, with its defaults, which
`preset: 'sklearn'` takes. Run with a Python that has scikit-learn 1; writes presets.json next to itself."""

import json
import os
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore")


def train(x, labels, layers, **options):
    network = MLPClassifier((4,), "tanh", batch_size=4, shuffle=False, max_iter=2, tol=0, **options)
    given = iter(layers)
    network._init_coef = lambda *_: tuple(np.copy(part) for part in next(given))
    network.fit(x, labels)
    return [value for w, b in zip(network.coefs_, network.intercepts_) for part in (w.T, b) for value in part.ravel().tolist()]


def main():
    random = np.random.default_rng(3)
    x = random.standard_normal((8, 3))
    labels = np.array([0, 1, 2, 2, 1, 0, 1, 2])
    layers = [(random.standard_normal((a, b)), random.standard_normal(b)) for a, b in ((3, 4), (4, 3))]
    cases = [
        {"type": name, "options": ours, "parameters": train(x, labels, layers, solver=name, **theirs)}
        for name, ours, theirs in (
            ("sgd", {}, {}),
            ("adam", {}, {}),
            ("sgd", {"learningRate": 0.5}, {"learning_rate_init": 0.5}),
        )
    ]
    golden = {
        "layers": [{"weights": w.T.tolist(), "biases": b.tolist()} for w, b in layers],
        **{"x": x.tolist(), "labels": labels.tolist(), "cases": cases},
    }
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "presets.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
