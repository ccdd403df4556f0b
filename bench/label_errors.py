"""Which labels are wrong? Ours against cleanlab, on labels that were made wrong on purpose.

    python3 -m venv .venv && .venv/bin/pip install cleanlab==2.9.0 scikit-learn==1.9.1 pyarrow
    cargo build --release -p seamripper && cargo build --release -p seamripper-core --example label_errors
    .venv/bin/python bench/label_errors.py --seeds 3

Of the first training images of Fashion-MNIST a share of labels is changed (`symmetric`: to any other class; `pair`: to the
next class; `instance`: to a class and with a chance that depend on the pixels, Xia et al. 2020, "Part-dependent label
noise", algorithm 2; `ambiguous`: images a model of the true labels is least sure of, to its second class). Five models
are trained by `seamripper train`, each on four fifths, and predict the fifth they have not seen. All rules read these same
out-of-fold probabilities and the changed labels, nothing else. An image is truly wrong if its label was changed; the few
errors of the data set itself count against every rule alike.

Every row is printed, whoever wins. F1 judges what is flagged, AP (average precision) the ranking.
"""

import argparse
import collections
import gzip
import pathlib
import statistics
import subprocess
import tempfile

import cleanlab.filter
import cleanlab.rank
import numpy as np
import pyarrow.parquet
from sklearn.metrics import average_precision_score, f1_score

FOLDS, CLASSES = 5, 10
CLEANLAB = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given",
            "low_normalized_margin", "low_self_confidence"]
RECIPE = """
[data]
source = "idx:{folder}"
validation = 0.0
[model]
input = [28, 28, 1]
layers = ["conv 32 3x3 relu", "max_pool 2", "conv 64 3x3 relu", "max_pool 2", "flatten", "dense 64 relu", "dense 10"]
[train]
epochs = {epochs}
batch = 64
optimizer = "adam"
rate = 1e-3
seed = {seed}
"""


def read_idx(path):
    data = gzip.open(path).read()
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def out_of_fold(arguments, images, labels, seed):
    """Probabilities of each image by a model that has not seen it, [n, k]."""
    order = np.random.default_rng(seed).permutation(len(labels))
    probs = np.full((len(labels), CLASSES), np.nan)
    for held_out in np.array_split(order, FOLDS):
        seen = np.setdiff1d(order, held_out)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for prefix, rows in [("train", seen), ("t10k", held_out)]:
                write_idx(folder / f"{prefix}-images-idx3-ubyte", images[rows])
                write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels[rows])
            recipe = RECIPE.format(folder=folder, epochs=arguments.epochs, seed=seed)
            (folder / "recipe.toml").write_text(recipe)
            subprocess.run([*arguments.prefix.split(), arguments.seamripper, "train", folder / "recipe.toml",
                            "--out", folder / "run", "--quiet"], check=True, stdout=subprocess.DEVNULL)
            table = pyarrow.parquet.read_table(folder / "run/predictions.parquet").to_pydict()
            columns = [name for name in table if name.startswith("prob_")]
            assert len(columns) == CLASSES and len(table["id"]) == len(held_out)
            rows = [int(name.rsplit("-", 1)[1]) for name in table["id"]]
            probs[held_out[rows]] = np.array([table[name] for name in columns]).T
    assert np.isfinite(probs).all()
    return probs


def plant(kind, rate, images, labels, clean_probs, seed):
    """Labels of which about `rate` are wrong."""
    rng = np.random.default_rng([seed, round(rate * 1000)])
    n, given = len(labels), labels.astype(int).copy()
    if kind == "symmetric":
        flip = rng.random(n) < rate
        given[flip] = (given[flip] + rng.integers(1, CLASSES, flip.sum())) % CLASSES
    elif kind == "pair":
        flip = rng.random(n) < rate
        given[flip] = (given[flip] + 1) % CLASSES
    elif kind == "instance":
        chance = rng.normal(rate, 0.1, 20 * n)
        chance = chance[(chance >= 0) & (chance <= 1)][:n]
        x = images.reshape(n, -1) / 255
        x = (x - x.mean()) / x.std()
        weights = rng.normal(size=(CLASSES, x.shape[1], CLASSES))
        for i in range(n):
            z = x[i] @ weights[labels[i]]
            z[labels[i]] = -np.inf
            p = np.exp(z - z.max())
            p *= chance[i] / p.sum()
            p[labels[i]] = 1 - chance[i]
            given[i] = rng.choice(CLASSES, p=p / p.sum())
    elif kind == "ambiguous":
        of_label = clean_probs[np.arange(n), labels]
        others = clean_probs.copy()
        others[np.arange(n), labels] = -1
        chance = 1 - of_label + 0.02
        chance = np.minimum(chance * rate / chance.mean(), 0.9)
        flip = rng.random(n) < chance
        given[flip] = others.argmax(axis=1)[flip]
    return given


def ours(arguments, labels, probs):
    """Flags of each rule, and the score by which images are ranked, from the example of the core."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        np.savetxt(file, np.column_stack([labels, probs]), fmt=["%d"] + ["%.17g"] * CLASSES, delimiter=",")
        file.flush()
        output = subprocess.run([arguments.example, file.name], check=True, capture_output=True, text=True).stdout
    lines = [line.split(",") for line in output.splitlines()]
    columns = {name: np.array([float(line[i]) for line in lines[1:]]) for i, name in enumerate(lines[0])}
    return columns


def rules(arguments, given, probs):
    """Name to flags, and name to suspicion."""
    n = len(given)
    own = ours(arguments, given, probs)
    flags = {"ours": own["flagged"] > 0, "ours, assuming errors where unsure": own["flagged_where_unsure"] > 0}
    margin = probs.max(axis=1) - probs[np.arange(n), given]
    flags["argmax differs"] = probs.argmax(axis=1) != given
    flags["argmax differs, margin 0.1"] = margin >= 0.1
    for name in CLEANLAB:
        flags[f"cleanlab {name}"] = cleanlab.filter.find_label_issues(given, probs, filter_by=name, n_jobs=1)
    suspicion = {"ours": own["suspicion"]}
    for name in ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]:
        suspicion[f"cleanlab {name}"] = -cleanlab.rank.get_label_quality_scores(given, probs, method=name)
    return flags, suspicion


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--seamripper", default="target/release/seamripper")
    parser.add_argument("--example", default="target/release/examples/label_errors")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kinds", default="symmetric,pair,instance,ambiguous")
    parser.add_argument("--rates", default="0.05,0.1,0.2")
    parser.add_argument("--cache", type=pathlib.Path, help="folder of out-of-fold probabilities made before")
    parser.add_argument("--prefix", default="", help="put before the training command, such as `nice`")
    parser.add_argument("--fill-cache", action="store_true", help="train only")
    arguments = parser.parse_args()
    data = pathlib.Path(arguments.data)
    images = read_idx(data / "train-images-idx3-ubyte.gz")[:arguments.images]
    labels = read_idx(data / "train-labels-idx1-ubyte.gz")[:arguments.images]

    def cached(name, make):
        path = arguments.cache / f"{name}.npz" if arguments.cache else None
        if path and path.exists():
            return dict(np.load(path))
        made = make()
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **made)
        return made

    f1, ap = collections.defaultdict(dict), collections.defaultdict(dict)
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        clean = cached(f"clean-{seed}", lambda: {"probs": out_of_fold(arguments, images, labels, seed)})["probs"]
        for kind in arguments.kinds.split(","):
            for rate in map(float, arguments.rates.split(",")):
                def make():
                    given = plant(kind, rate, images, labels, clean, seed)
                    return {"given": given, "probs": out_of_fold(arguments, images, given, seed)}
                table = cached(f"{kind}-{rate}-{seed}", make)
                if arguments.fill_cache:
                    continue
                given, probs, wrong = table["given"], table["probs"], table["given"] != labels
                flags, suspicion = rules(arguments, given, probs)
                for name, flagged in flags.items():
                    f1[name].setdefault((kind, rate), []).append(f1_score(wrong, flagged))
                for name, score in suspicion.items():
                    ap[name].setdefault((kind, rate), []).append(average_precision_score(wrong, score))
    for title, results in [("F1 of what is flagged", f1), ("Average precision of the ranking", ap)]:
        if not results:
            continue
        settings = list(next(iter(results.values())))
        print(f"\n| {title} | " + " | ".join(f"{kind} {rate:.0%}" for kind, rate in settings) + " | mean |")
        print("|---|" + "---|" * (len(settings) + 1))
        for name, cells in results.items():
            means = [statistics.mean(cells[setting]) for setting in settings]
            spread = [f"±{statistics.stdev(cells[s]):.3f}" if arguments.seeds > 1 else "" for s in settings]
            row = [f"{mean:.3f}{sd}" for mean, sd in zip(means, spread)]
            print(f"| {name} | " + " | ".join(row) + f" | {statistics.mean(means):.3f} |")


main()
