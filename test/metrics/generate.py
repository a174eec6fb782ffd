"""Golden numbers of the metrics, from scikit-learn: python3 generate.py > sklearn.json (written with 1.2.1)."""
import json
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn.calibration import calibration_curve
from sklearn.preprocessing import label_binarize

warnings.simplefilter("ignore")
random = np.random.RandomState(20)


def plain(value):
    """Numbers with 17 digits; NaN as a string, which JSON lacks."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, range):
        return len(value)
    if isinstance(value, (float, np.floating)):
        return "NaN" if np.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def decisions(name, expected, predicted, weight, labels=None):
    numbers = {}
    for kind, function in [("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score)]:
        for average in ["macro", "weighted", "micro", "none"]:
            for zero in [0, 1]:
                numbers[f"{kind} {average} {zero}"] = function(
                    expected,
                    predicted,
                    average=None if average == "none" else average,
                    labels=labels,
                    zero_division=zero,
                    sample_weight=weight,
                )
    if expected.ndim == 1:
        for normalize in ["none", "true", "pred", "all"]:
            numbers[f"confusion {normalize}"] = m.confusion_matrix(
                expected,
                predicted,
                labels=labels,
                sample_weight=weight,
                normalize=None if normalize == "none" else normalize,
            )
        numbers["matthews"] = m.matthews_corrcoef(expected, predicted, sample_weight=weight)
        numbers["balancedAccuracy"] = m.balanced_accuracy_score(expected, predicted, sample_weight=weight)
        numbers["accuracy"] = m.accuracy_score(expected, predicted, sample_weight=weight)
    return {
        "name": name,
        "expected": expected,
        "predicted": predicted,
        "weight": weight,
        "classes": None if labels is None else len(labels),
        "numbers": numbers,
    }


def ranking(name, expected, scores, weight, bins):
    """Scores are probabilities: one column for class 1, or one a class."""
    numbers = {}
    classes = 2 if scores.ndim == 1 else scores.shape[1]
    everything = range(classes)
    if scores.ndim == 1:
        decided = (scores >= 0).astype(int)
        confidence, right = scores, expected
        if len(np.unique(expected)) == 2:
            numbers["rocAuc"] = m.roc_auc_score(expected, scores, sample_weight=weight)
        numbers["prAuc"] = m.average_precision_score(expected, scores, sample_weight=weight)
    else:
        decided = scores.argmax(axis=1)
        confidence, right = scores.max(axis=1), (decided == expected).astype(int)
        indicators = label_binarize(expected, classes=everything)
        if classes > 2:
            for average in ["macro", "weighted", "none"]:
                how = None if average == "none" else average
                if len(np.unique(expected)) == classes:
                    numbers[f"rocAuc {average}"] = m.roc_auc_score(
                        indicators, scores, average=how, sample_weight=weight
                    )
                numbers[f"prAuc {average}"] = m.average_precision_score(
                    indicators, scores, average=how, sample_weight=weight
                )
            # scikit-learn lets the last of equal scores come first, this library the first: columns reversed.
            for k in range(1, min(classes, 4)):
                numbers[f"topK {k}"] = m.top_k_accuracy_score(
                    classes - 1 - expected, scores[:, ::-1], k=k, labels=everything, sample_weight=weight
                )
    numbers["logLoss"] = m.log_loss(expected, scores, labels=everything, sample_weight=weight)
    if weight is None:
        curve = calibration_curve(right, confidence, n_bins=bins)
        edges = np.linspace(0, 1, bins + 1)
        counts = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=bins)
        counts = counts[counts > 0] / len(confidence)
        numbers["calibration confidence"], numbers["calibration accuracy"] = curve[1], curve[0]
        numbers["calibrationError"] = float(np.sum(counts * np.abs(curve[0] - curve[1])))
    return {"name": name, "expected": expected, "scores": scores, "weight": weight, "bins": bins, "numbers": numbers}


def regression(name, expected, predicted, weight):
    numbers = {}
    for average in ["uniform", "none"]:
        how = "uniform_average" if average == "uniform" else "raw_values"
        shared = {"multioutput": how, "sample_weight": weight}
        numbers[f"mae {average}"] = m.mean_absolute_error(expected, predicted, **shared)
        numbers[f"mape {average}"] = m.mean_absolute_percentage_error(expected, predicted, **shared)
        numbers[f"r2 {average}"] = m.r2_score(expected, predicted, **shared)
    roots = m.mean_squared_error(
        expected, predicted, multioutput="raw_values", squared=False, sample_weight=weight
    )
    # Since 1.4 the mean over outputs is that of their roots.
    numbers["rmse none"], numbers["rmse uniform"] = roots, float(np.mean(roots))
    numbers["r2 variance"] = m.r2_score(
        expected, predicted, multioutput="variance_weighted", sample_weight=weight
    )
    return {"name": name, "expected": expected, "predicted": predicted, "weight": weight, "numbers": numbers}


def weights(rows):
    drawn = random.randint(0, 9, rows) / 4
    drawn[0] = 1
    return drawn


def noisy(expected, classes, share):
    """Labels of which a share is drawn anew."""
    drawn = random.randint(0, classes, len(expected))
    return np.where(random.rand(len(expected)) < share, drawn, expected)


cases = {"decisions": [], "ranking": [], "regression": []}
for classes in [2, 3, 10]:
    for weighted in [False, True]:
        expected = random.randint(0, classes, 40)
        weight = weights(40) if weighted else None
        name = f"{classes} classes{', weights' if weighted else ''}"
        cases["decisions"].append(decisions(name, expected, noisy(expected, classes, 0.5), weight, range(classes)))
for weighted in [False, True]:
    weight = weights(12) if weighted else None
    expected = np.array([0, 0, 0, 2, 2, 4, 4, 4, 0, 2, 4, 0])
    predicted = np.array([0, 1, 0, 2, 0, 4, 1, 4, 2, 2, 0, 0])
    suffix = ", weights" if weighted else ""
    cases["decisions"].append(decisions(f"classes 3 and 5 absent{suffix}", expected, predicted, weight, range(6)))
    cases["decisions"].append(decisions(f"classes by occurrence{suffix}", np.minimum(expected, 3), predicted, weight))
    indicators, decided = random.randint(0, 2, (15, 4)), random.randint(0, 2, (15, 4))
    indicators[:, 2] = 0
    decided[:, 3] = 0
    cases["decisions"].append(decisions(f"rows of several classes{suffix}", indicators, decided, weights(15) if weighted else None))
cases["decisions"].append(decisions("one class only", np.ones(5, int), np.ones(5, int), None, range(2)))
cases["decisions"].append(decisions("always class 0", np.array([0, 1, 0, 1, 1]), np.zeros(5, int), None, range(2)))
cases["decisions"].append(decisions("all wrong", np.array([0, 1, 2]), np.array([1, 2, 0]), None, range(3)))

for classes in [2, 3, 10]:
    for weighted in [False, True]:
        for ties in [False, True]:
            expected = np.concatenate([np.arange(classes), random.randint(0, classes, 40 - classes)])
            weight = weights(40) if weighted else None
            if weight is not None:
                weight[:classes] = 1
            logits = random.randn(40, classes) + 1.2 * np.eye(classes)[expected]
            scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            if ties:  # multiples of 1/8 whose rows sum to one
                scores = np.floor(scores * 8)
                scores[:, -1] += 8 - scores.sum(axis=1)
                scores /= 8
            name = f"{classes} classes{', weights' if weighted else ''}{', ties' if ties else ''}"
            cases["ranking"].append(ranking(name, expected, scores[:, 1] if classes == 2 else scores, weight, 7))
cases["ranking"].append(ranking("two columns", np.array([0, 1, 1, 0]), np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]]), None, 5))
cases["ranking"].append(ranking("no positive row", np.zeros(4, int), np.array([0.1, 0.9, 0.5, 0.5]), None, 4))
cases["ranking"].append(ranking("positive rows only", np.ones(3, int), np.array([0.1, 0.9, 0.5]), None, 4))
cases["ranking"].append(ranking("all scores equal", np.array([0, 1, 0, 1, 1]), np.full(5, 0.25), None, 10))
cases["ranking"].append(ranking("zeros and ones", np.array([0, 1, 0, 1]), np.array([0.0, 1.0, 1.0, 0.0]), None, 3))
cases["ranking"].append(ranking("class 2 absent", np.array([0, 1, 0, 3, 1, 0]), random.dirichlet(np.ones(4), 6), None, 5))

for outputs in [1, 3]:
    for weighted in [False, True]:
        expected = random.randn(25, outputs) * [1, 100, 0.01][:outputs]
        predicted = expected + random.randn(25, outputs) * [0.5, 300, 0.001][:outputs]
        name = f"{outputs} outputs{', weights' if weighted else ''}"
        cases["regression"].append(regression(name, expected, predicted, weights(25) if weighted else None))
cases["regression"].append(regression("equal targets", np.ones((4, 1)), np.array([[1.0], [2.0], [1.0], [0.0]]), None))
cases["regression"].append(regression("exact on equal targets", np.ones((4, 2)), np.ones((4, 2)), None))
cases["regression"].append(regression("one output constant", np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]]), np.array([[1.5, 5.0], [2.0, 4.0], [3.0, 6.0]]), None))
cases["regression"].append(regression("zeros among targets", np.array([[0.0], [1.0], [0.0], [-2.0]]), np.array([[1e-17], [1.5], [0.0], [-1.0]]), None))
cases["regression"].append(regression("one row", np.array([[2.0]]), np.array([[3.0]]), None))

print(json.dumps(plain({"version": sklearn.__version__, **cases}), separators=(",", ":")))
