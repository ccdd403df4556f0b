"""What each network more in an ensemble is worth: every choice of k of the given runs as one model, for each k.

    python bench/ensembles.py RUN …        runs of one recipe with several seeds, each with predictions of the test images

The mean of the members' logits, as `train --seeds` makes it; logits differ from the log-probabilities of `predictions.parquet` by a number
for each image, which no prediction depends on. Choices share members, so their spread is not that of independent ensembles; the standard error
is the jackknife's over networks. Needs numpy and pyarrow.
"""

import itertools
import pathlib
import statistics
import sys

import numpy as np
import pyarrow.parquet


def log_probabilities(run):
    """Of the test images, n x classes, and their labels."""
    table = pyarrow.parquet.read_table(pathlib.Path(run) / "predictions.parquet")
    columns = [name for name in table.column_names if name.startswith("prob_")]
    test = np.array(table["split"].to_pylist()) == "test"
    probabilities = np.stack([table[name].to_numpy() for name in columns], axis=1)[test].astype(np.float64)
    labels = np.array([columns.index(f"prob_{label}") for label in table["label"].to_pylist()])[test]
    return np.log(np.maximum(probabilities, 1e-30)), labels


def jackknife(of_choices, networks):
    """Standard error of the mean over the choices: how much it moves when one network is left out. NaN if some choices are then all left out."""
    left = [[value for choice, value in of_choices.items() if at not in choice] for at in range(networks)]
    if not all(left):
        return float("nan")
    means = [statistics.mean(values) for values in left]
    return ((networks - 1) * statistics.pvariance(means)) ** 0.5


def main(*runs):
    tables = [log_probabilities(run) for run in runs]
    labels = tables[0][1]
    assert all(np.array_equal(labels, other) for _, other in tables), "runs on the same test images"
    print("| networks | accuracy, mean over choices ± standard error, % | lowest–highest | choices |\n|---|---|---|---|")
    for k in range(1, len(runs) + 1):
        of_choices = {}
        for choice in itertools.combinations(range(len(runs)), k):
            of_all = sum(tables[at][0] for at in choice)
            of_choices[choice] = 100 * float((of_all.argmax(axis=1) == labels).mean())
        values = of_choices.values()
        mean = f"{statistics.mean(values):.2f} ± {jackknife(of_choices, len(runs)):.2f}"
        print(f"| {k} | {mean} | {min(values):.2f}–{max(values):.2f} | {len(values)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
