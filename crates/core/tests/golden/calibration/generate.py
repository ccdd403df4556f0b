"""Writes scaling.npz, expected.json and versions.json. README.md says what is in them.

Run anywhere with the packages of versions.json:  python generate.py

The tables are those of ../scikit-learn. Where a library has the number, it is asked (netcal, scikit-learn, cleanlab); the
rest is computed by its formula with numpy and scipy.
"""

import json
import pathlib
import platform

import cleanlab
import netcal.metrics
import numpy as np
import scipy
import sklearn
from cleanlab.count import compute_confident_joint
from cleanlab.rank import get_label_quality_scores
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest, foldnorm
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

HERE = pathlib.Path(__file__).parent
BINS = 15
FLOOR = np.finfo(float).eps


def equal_width():
    return np.arange(1, BINS + 1) / BINS


def equal_mass(p):
    ordered = np.sort(p)
    edges = np.unique([ordered[-(-b * len(p) // BINS) - 1] for b in range(1, BINS + 1)])
    edges[-1] = max(edges[-1], 1.0)
    return edges


def bins(p, hit, edges):
    """A row a bin: n, mean p, share of hits; and the bin of each statement."""
    bin_of = np.minimum(np.searchsorted(edges, p, side="left"), len(edges) - 1)
    rows = [(inside.sum(), p[inside].mean() if inside.any() else 0.0, hit[inside].mean() if inside.any() else 0.0)
            for inside in (bin_of == b for b in range(len(edges)))]
    return np.array(rows), bin_of


def ece(p, hit, edges):
    n, confidence, accuracy = bins(p, hit, edges)[0].T
    return float((n / n.sum() * np.abs(accuracy - confidence)).sum())


def mce(p, hit, edges):
    n, confidence, accuracy = bins(p, hit, edges)[0].T
    return float(np.abs(accuracy - confidence)[n > 0].max())


def ece_debiased(p, hit, edges):
    n, confidence, accuracy = bins(p, hit, edges)[0].T
    deviation = np.sqrt(accuracy * (1 - accuracy) / np.maximum(n, 1))
    gap = np.abs(accuracy - confidence)
    redrawn = [foldnorm.mean(g / s, scale=s) if s > 0 else g for g, s in zip(gap, deviation)]
    return float(max(0.0, 2 * (n / n.sum() * gap).sum() - (n / n.sum() * redrawn).sum()))


def squared_debiased(p, hit, edges):
    n, confidence, accuracy = bins(p, hit, edges)[0].T
    several = n > 1
    error = (accuracy - confidence) ** 2 - accuracy * (1 - accuracy) / np.where(several, n - 1, 1)
    return float((n / n.sum() * error)[several].sum())


def brier_parts(labels, probs):
    """Of the classes' forecasts; within-bin terms by Stephenson et al. from their own definition."""
    k, n = probs.shape[1], len(labels)
    parts = np.zeros(4)
    for c in range(k):
        p, y = probs[:, c], (labels == c).astype(float)
        rows, bin_of = bins(p, y, equal_width())
        weight, forecast, share = rows[:, 0] / n, rows[:, 1], rows[:, 2]
        variance = sum(((p - forecast[bin_of]) ** 2) / n)
        covariance = sum((p - forecast[bin_of]) * (y - share[bin_of]) / n)
        parts += [(weight * (forecast - share) ** 2).sum(), (weight * (share - y.mean()) ** 2).sum(),
                  y.mean() * (1 - y.mean()), variance - 2 * covariance]
    parts *= 0.5 if k < 3 else 1.0
    score = parts[0] - parts[1] + parts[2] + parts[3]
    direct = ((probs - np.eye(k)[labels]) ** 2).sum(axis=1).mean() * (0.5 if k < 3 else 1.0)
    assert abs(score - direct) < 1e-12
    return dict(zip(["reliability", "resolution", "uncertainty", "within"], parts.tolist()), score=direct)


def fits(p, hits):
    """Two-sided Poisson-binomial test, by convolution."""
    distribution = np.array([1.0])
    for q in p:
        distribution = np.convolve(distribution, [1 - q, q])
    return float(min(1.0, 2 * min(distribution[:hits + 1].sum(), distribution[hits:].sum())))


def wilson(count, n):
    interval = binomtest(int(count), int(n)).proportion_ci(0.95, method="wilson")
    return [interval.low, interval.high]


def aurc(p, hit):
    """Mean over many random orders of ties would be this: errors spread evenly within a tie."""
    values, n = np.unique(-p, return_counts=True)
    errors = np.array([(~hit[-p == value]).sum() for value in values])
    spread = np.repeat(errors / n, n)
    ranks = np.arange(1, len(p) + 1)
    best = np.maximum(0, ranks - hit.sum()) / ranks
    area = (np.cumsum(spread) / ranks).mean()
    return float(area), float(max(0.0, area - best.mean()))


def calibration(labels, probs):
    k = probs.shape[1]
    top1 = probs.argmax(axis=1)
    p, hit = probs.max(axis=1), top1 == labels
    width, mass = equal_width(), equal_mass(p)
    if not np.isin(p, width[:-1]).any() and len(p) > 1:
        by_netcal = netcal.metrics.ECE(BINS).measure(p, hit.astype(int))
        assert abs(by_netcal - ece(p, hit, width)) < 1e-9, (by_netcal, ece(p, hit, width))
        by_netcal = netcal.metrics.MCE(BINS).measure(p, hit.astype(int))
        assert abs(by_netcal - mce(p, hit, width)) < 1e-9
    classes = []
    for c in range(k):
        called = top1 == c
        n = int(called.sum())
        classes.append({
            "name": f"class {c}", "predicted": n, "p": fits(p[called], int(hit[called].sum())),
            "confidence": float(p[called].mean()) if n else None,
            "precision": float(hit[called].mean()) if n else None,
            "precision_ci": wilson(hit[called].sum(), n) if n else None,
            "ece": ece(probs[:, c], labels == c, width),
        })
    area, excess = aurc(p, hit)
    return {
        "calibration": {
            "n": len(p), "confidence": float(p.mean()), "accuracy": float(hit.mean()), "p": fits(p, int(hit.sum())),
            "log_loss": log_loss(labels, probs, labels=np.arange(k)), "brier": brier_parts(labels, probs),
            "ece": ece(p, hit, width), "ece_debiased": ece_debiased(p, hit, width),
            "ece_equal_mass": ece(p, hit, mass), "squared_debiased": squared_debiased(p, hit, mass),
            "ece_classwise": float(np.mean([row["ece"] for row in classes])), "mce": mce(p, hit, width),
            "classes": classes,
        },
        "aurc": area, "excess_aurc": excess,
        "label_scores": label_scores(labels, probs),
    }


def label_scores(labels, probs):
    k = probs.shape[1]
    scores = {name: get_label_quality_scores(labels, probs, method=name).tolist()
              for name in ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]}
    if len(np.unique(labels)) < k:
        return scores | {"counts": None, "joint": None}
    counts = compute_confident_joint(labels, probs, calibrate=False)
    joint = counts / counts.sum(axis=1, keepdims=True) * np.bincount(labels, minlength=k)[:, None] / len(labels)
    return scores | {"counts": counts.tolist(), "joint": joint.tolist()}


def overconfident(rng, n, k, temperature, shift):
    """Labels drawn from softmax(z); the table claims softmax(temperature z + shift), rounded to 2^-30."""
    z = rng.normal(size=(n, k)) * 2
    labels = (np.cumsum(softmax(z, axis=1), axis=1) < rng.random((n, 1))).sum(axis=1)
    return labels, np.round(softmax(temperature * z + shift, axis=1) * 2**30) / 2**30


def temperature(labels, probs):
    z = np.log(np.maximum(probs, FLOOR))

    def slope(beta):
        return ((softmax(beta * z, axis=1) * z).sum(axis=1) - z[np.arange(len(z)), labels]).mean()
    return 1 / brentq(slope, 0.01, 100, xtol=1e-15, rtol=1e-15)


def vector(labels, probs):
    """Newton's method on the penalized loss."""
    z = np.log(np.maximum(probs, FLOOR))
    n, k = z.shape
    y, start = np.eye(k)[labels], np.concatenate([np.ones(k), np.zeros(k)])

    def penalized(at):
        return -log_softmax(at[:k] * z + at[k:], axis=1)[np.arange(n), labels].sum() + ((at - start) ** 2).sum() / 2
    at = start.copy()
    for _ in range(100):
        p = softmax(at[:k] * z + at[k:], axis=1)
        inputs = np.concatenate([z, np.ones_like(z)], axis=1)
        gradient = (inputs * np.tile(p - y, 2)).sum(axis=0) + at - start
        hessian = np.eye(2 * k)
        both = inputs * np.tile(p, 2)
        hessian -= both.T @ both
        diagonal = np.einsum("ni,nj->ij", inputs, both)
        same = np.tile(np.eye(k), (2, 2)) > 0
        hessian[same] += diagonal[same]
        step = np.linalg.solve(hessian, gradient)
        loss = penalized(at)
        while penalized(at - step) > loss + 1e-9:
            step /= 2
        at -= step
    assert np.abs(step).max() < 1e-12, step
    return at[:k], at[k:]


def isotonic(validation, probs):
    labels, before = validation
    curves = [IsotonicRegression(out_of_bounds="clip").fit(before[:, c], labels == c) for c in range(before.shape[1])]
    bent = np.stack([curve.predict(probs[:, c]) for c, curve in enumerate(curves)], axis=1)
    total = bent.sum(axis=1, keepdims=True)
    return np.where(total > 0, bent / np.where(total > 0, total, 1), 1 / bent.shape[1])


def main():
    tables = np.load(HERE / "../scikit-learn/tables.npz")
    names = sorted({name.rsplit(".", 1)[0] for name in tables})
    documents = {name: calibration(tables[f"{name}.labels"].astype(int), tables[f"{name}.probs"]) for name in names}

    rng = np.random.default_rng(2017)
    shift = np.array([0.5, 0.0, -0.3, 0.0, 0.2])
    validation, test = (overconfident(rng, n, 5, 2.0, shift) for n in (600, 400))
    z = np.log(np.maximum(test[1], FLOOR))
    t = temperature(*validation)
    scale, bias = vector(*validation)
    scaled = {"temperature": softmax(z / t, axis=1), "vector": softmax(scale * z + bias, axis=1),
              "isotonic": isotonic(validation, test[1])}
    arrays = {"validation.labels": validation[0].astype(np.uint32), "validation.probs": validation[1],
              "test.labels": test[0].astype(np.uint32), "test.probs": test[1]}
    arrays |= {f"scaled.{name}": probs for name, probs in scaled.items()}
    np.savez_compressed(HERE / "scaling.npz", **arrays)

    with open(HERE / "expected.json", "w") as file:
        json.dump({"tables": documents, "temperature": t}, file, separators=(",", ":"))
        file.write("\n")
    with open(HERE / "versions.json", "w") as file:
        versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
                    "scikit-learn": sklearn.__version__, "cleanlab": cleanlab.__version__,
                    "netcal": netcal.__version__ if hasattr(netcal, "__version__") else "1.4.0"}
        json.dump(versions, file, indent=2)
        file.write("\n")


main()
