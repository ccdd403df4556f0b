"""Writes tables.npz, expected.json and versions.json.

Run in this folder with scikit-learn and scipy of versions.json:  python generate.py

Every table is seeded. Probabilities are multiples of 1/1024 (of 1/4 and 1/15 where ties and bin edges matter), so that
rows sum to 1 and the file stays small. What scikit-learn does not offer is computed here with numpy and scipy: the
calibration error, Wilson intervals, the exact McNemar test, Benjamini-Hochberg.
"""

import json
import platform

import numpy as np
import scipy
import sklearn
from scipy.stats import binomtest, false_discovery_control
from sklearn.metrics import (accuracy_score, brier_score_loss, confusion_matrix, log_loss,
                             precision_recall_fscore_support)

GRID = 1024


def drawn(rng, n, k, skill, grid=GRID, sharpness=0.3):
    """Labels, and probabilities on a grid that favour the true class with weight `skill`."""
    labels = rng.integers(0, k, n)
    probs = rng.dirichlet(np.full(k, sharpness), n) * (1 - skill)
    probs[np.arange(n), labels] += skill
    counts = np.stack([rng.multinomial(grid, row / row.sum()) for row in probs])
    return labels, counts / grid


def tables():
    rng = np.random.default_rng(2006)
    yield "three_classes", drawn(rng, 300, 3, 0.35)
    yield "ten_classes", drawn(rng, 400, 10, 0.3)
    yield "two_classes", drawn(rng, 200, 2, 0.5)
    yield "hundred_classes", drawn(rng, 250, 100, 0.2, sharpness=0.05)
    yield "ties", drawn(rng, 120, 4, 0.4, grid=4)
    yield "bin_edges", drawn(rng, 150, 3, 0.4, grid=15)
    yield "one_row", drawn(rng, 1, 3, 0.2)

    labels, probs = drawn(rng, 150, 5, 0.3)
    probs[:, 0] += probs[:, 2]
    probs[:, 2] = 0
    yield "never_predicted", (labels, probs)

    labels, probs = drawn(rng, 150, 5, 0.3)
    labels[labels == 3] = 1
    yield "absent_but_predicted", (labels, probs)

    labels, probs = drawn(rng, 150, 5, 0.3)
    labels[labels == 3] = 1
    probs[:, 0] += probs[:, 3]
    probs[:, 3] = 0
    yield "absent_and_never_predicted", (labels, probs)

    labels = rng.integers(0, 4, 100)
    called = np.where(rng.random(100) < 0.3, rng.integers(0, 4, 100), labels)
    yield "only_zeros_and_ones", (labels, np.eye(4)[called])
    yield "all_right", (labels, np.eye(4)[labels])
    yield "all_wrong", (labels, np.eye(4)[(labels + 1) % 4])

    # one class takes from the others, as in an imbalanced training set
    labels, probs = drawn(rng, 600, 6, 0.45)
    probs = probs * np.array([3, 1, 1, 1, 0.5, 1])
    yield "biased", (labels, probs / probs.sum(axis=1, keepdims=True))


def ece(labels, probs, bins=15):
    top1 = probs.argmax(axis=1)
    confidence = probs[np.arange(len(labels)), top1]
    bin_of = np.searchsorted(np.arange(1, bins + 1) / bins, confidence, side="left")
    bin_of = np.minimum(bin_of, bins - 1)
    total = 0.0
    for b in range(bins):
        inside = bin_of == b
        if inside.any():
            accuracy = (top1[inside] == labels[inside]).mean()
            total += inside.mean() * abs(accuracy - confidence[inside].mean())
    return total


def wilson(count, n):
    if n == 0:
        return None
    interval = binomtest(int(count), int(n)).proportion_ci(0.95, method="wilson")
    return [interval.low, interval.high]


def mcnemar(a, b):
    return float(binomtest(int(min(a, b)), int(a + b), 0.5).pvalue) if a + b else 1.0


def expected(labels, probs):
    n, k = probs.shape
    names = np.arange(k)
    top1 = probs.argmax(axis=1)
    confusion = confusion_matrix(labels, top1, labels=names)
    precision, recall, f1, _ = precision_recall_fscore_support(labels, top1, labels=names, zero_division=0)
    actual, predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    p = [mcnemar(predicted[c] - right[c], actual[c] - right[c]) for c in names]
    corrected = false_discovery_control(p, method="bh")
    bias = [predicted[c] / actual[c] if actual[c] else None for c in names]
    off = [predicted[c] > 0 if bias[c] is None else abs(bias[c] - 1) >= 0.05 for c in names]
    return {
        "n": n,
        "accuracy": accuracy_score(labels, top1),
        "accuracy_ci": wilson(right.sum(), n),
        "classes": [{
            "name": f"class {c}", "actual": int(actual[c]), "predicted": int(predicted[c]), "bias": bias[c],
            "bias_p": p[c], "bias_p_corrected": corrected[c], "precision": precision[c], "recall": recall[c],
            "recall_ci": wilson(right[c], actual[c]), "f1": f1[c],
            "flagged": bool(corrected[c] <= 0.05 and off[c]),
        } for c in names],
        "confusion": confusion.tolist(),
        "log_loss": log_loss(labels, probs, labels=names),
        "brier": brier_score_loss(labels, probs, labels=names),
        "ece": ece(labels, probs),
    }


def main():
    arrays, documents = {}, {}
    for name, (labels, probs) in tables():
        arrays[f"{name}.labels"] = labels.astype(np.uint32)
        arrays[f"{name}.probs"] = probs
        documents[name] = expected(labels, probs)
    np.savez_compressed("tables.npz", **arrays)
    tests = [[a, b, mcnemar(a, b)] for a, b in
             [(3, 9), (70, 120), (400, 520), (1000, 1100), (49_500, 50_500), (499_000, 501_000), (2000, 3000)]]
    with open("expected.json", "w") as file:
        json.dump({"tables": documents, "mcnemar": tests}, file, separators=(",", ":"))
        file.write("\n")
    with open("versions.json", "w") as file:
        versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
                    "scikit-learn": sklearn.__version__}
        json.dump(versions, file, indent=2)
        file.write("\n")


main()
