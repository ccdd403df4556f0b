"""What each choice of a recipe is worth, on validation images: one thing changed at a time, mean ± sd over seeds 0, 1, ….

    python3 bench/ablation.py PROGRAM RECIPE SCRATCH [SEEDS [JOBS]]      runs are kept in SCRATCH and not repeated

A tenth of the training images is held out (`data.validation=0.1`), another tenth for every seed, so the sd has both the split's and the
training's chance in it, and differences are taken seed by seed. Test images are not looked at. JOBS runs share the cores, which changes
no result (those of one number of threads are those of another); images/s are those of one of them. Recipes of many epochs are
compared in fewer: `ABLATIONS`.
"""

import concurrent.futures
import os
import pathlib
import statistics
import sys
import tomllib

from runs import epochs_of, layers, spread, trained

ROOT = pathlib.Path(__file__).resolve().parent.parent


def layers_of(recipe):
    return tomllib.loads((ROOT / "recipes" / f"{recipe}.toml").read_text())["model"]["layers"]


def online(*changes):
    return "augment.online=[" + ",".join(changes) + "]"


def pool_last(stages):
    """The same with every pool after its batch normalization, where it usually stands."""
    moved = list(stages)
    for at in [at for at, layer in enumerate(stages) if layer.startswith("max_pool")]:
        moved[at], moved[at + 1] = moved[at + 1], moved[at]
    return moved


def stages(*filters):
    """A convolution, a pool and a batch normalization for each number of filters."""
    return [layer for n in filters for layer in [f"conv {n} 3x3 same no_bias", "max_pool 2", "batch_norm momentum 0.9 relu"]]


def plain(stages):
    """The same without batch normalization."""
    return sum(([conv.replace("no_bias", "relu"), pool] for conv, pool, _ in zip(*[iter(stages)] * 3)), [])


def dropout_last(recipe):
    """The recipe with a tenth of dropout before its last layer."""
    *before, last = layers_of(recipe)
    return layers(*before, "dropout 0.1", last)


SHIFTED = ["{flip=0.5}", "{crop={pad=1}}"]
COPIES = ["{rotate=[-8,8]}", "{crop={pad=1}}"]  # of `seed`
*STAGES, FLATTEN, LAST = layers_of("speedrun")

SPEEDRUN = {
    "the recipe": [],
    "adam, rate 2e-3": ["train.optimizer=adam", "train.rate=2e-3"],
    "adam, rate 5e-3": ["train.optimizer=adam", "train.rate=5e-3"],
    "adam, rate 1.5e-2": ["train.optimizer=adam"],
    "nesterov, rate 0.1, decay 5e-4": ["train.optimizer=nesterov", "train.rate=0.1", "train.weight_decay=5e-4"],
    "constant rate 5e-3": ["train.schedule=constant", "train.rate=5e-3"],
    "no label smoothing": ["train.label_smoothing=0"],
    "no weight decay": ["train.weight_decay=0"],
    "peak rate 7e-3": ["train.rate=7e-3"],
    "peak rate 3e-2": ["train.rate=3e-2"],
    "batch 64": ["train.batch=64"],
    "batch 256": ["train.batch=256"],
    "mirrored": [online("{flip=0.5}")],
    "mirrored and shifted": [online(*SHIFTED)],
    "ema 0.99": ["train.ema=0.99"],
    "dropout 0.1 before the last layer": [dropout_last("speedrun")],
    "no batch normalization": [layers(*plain(STAGES), FLATTEN, LAST)],
    "pool after batch normalization": [layers(*pool_last(STAGES), FLATTEN, LAST)],
    "global max-pool in place of flatten": [layers(*STAGES, "global_max_pool", LAST)],
    "the same, half the side in the first epoch": [layers(*STAGES, "global_max_pool", LAST), "train.progressive={from=0.5,until=0.5}"],
}


def many_epochs(recipe, wide):
    """What a recipe of many epochs chose. `wide` are the filters of one convolution a stage with about as many weights."""
    *mine, flatten, last = layers_of(recipe)
    return {
        "the recipe": [],
        "adam, rate 5e-3": ["train.optimizer=adam", "train.rate=5e-3"],
        "constant rate 3e-3": ["train.schedule=constant", "train.rate=3e-3"],
        "no label smoothing": ["train.label_smoothing=0"],
        "no weight decay": ["train.weight_decay=0"],
        "images as they are": [online()],
        "dropout 0.1 before the last layer": [dropout_last(recipe)],
        "one wider convolution a stage": [layers(*stages(*wide), flatten, last)],
        "global max-pool in place of flatten": [layers(*mine, "global_max_pool", last)],
    }


DROPPED = [part for layer in layers_of("seed") for part in ([layer, "dropout 0.25"] if " 32 " in layer else [layer])]

# Seed makes copies once, so an epoch of it is three passes over the images.
SEED = {
    "the recipe": [],
    "no copies, three times the epochs": ["augment.expand=[]", "train.epochs=12"],
    "rotated and shifted anew every pass": ["augment.expand=[]", online(*COPIES), "train.epochs=12"],
    "one-cycle to 3e-3": ["train.schedule=one-cycle", "train.rate=3e-3"],
    "dropout 0.25 after both 32-wide layers": [layers(*DROPPED)],
}
SEED_PLUS = {
    "the recipe": [],
    "adam, rate 3e-3": ["train.optimizer=adam", "train.rate=3e-3"],
    "constant rate 1.5e-3": ["train.schedule=constant", "train.rate=1.5e-3"],
    "peak rate 1e-2": ["train.rate=1e-2"],
    "no label smoothing": ["train.label_smoothing=0"],
    "images as they are": [online()],
    "mirrored": [online("{flip=0.5}")],
    "shifts interpolated": [online("{flip=0.5}", "{translate=[-1,1]}")],
    "copies made once, as in `seed`": [online(), f"augment.expand=[{','.join(COPIES)}]", "train.epochs=3"],
    "dropout 0.1 before the last layer": [dropout_last("seed-plus")],
}
BEST_45K = many_epochs("best-45k", [32, 48, 56]) | {
    "mirrored": [online("{flip=0.5}")],
    "mirrored, shifted and erased": [online(*SHIFTED, "{erase={}}")],
    "images as they are in the last quarter": ["augment.until=0.75"],
    "ema 0.998": ["train.ema=0.998"],
    "pool after batch normalization": [layers(*pool_last(layers_of("best-45k")))],
}
STRONG = many_epochs("strong", [64, 128, 160]) | {
    "not erased": [online(*SHIFTED)],
    "images as they are in the last epoch": ["augment.until=0.8"],  # in so few epochs the recipe's 0.9 leaves out none
}

# Changes of each recipe, and the epochs of its runs where the recipe's own would take too long.
ABLATIONS = {
    "seed": (SEED, 4),
    "seed-plus": (SEED_PLUS, 9),
    "best-45k": (BEST_45K, 8),
    "strong": (STRONG, 5),
    "speedrun": (SPEEDRUN, None),
}


def ablation(program, recipe, scratch, seeds="5", jobs="1"):
    changes, epochs = ABLATIONS[recipe]
    base = [ROOT / "recipes" / f"{recipe}.toml", "data.validation=0.1", *([f"train.epochs={epochs}"] if epochs else [])]
    runs = {
        (name, seed): pathlib.Path(scratch) / f"{recipe}-{number}" / str(seed)
        for number, name in enumerate(changes)
        for seed in range(int(seeds))
    }
    threads = ["--threads", str(max(1, os.cpu_count() // int(jobs)))]
    run = lambda key: trained(program, [*base, *changes[key[0]], f"train.seed={key[1]}"], runs[key], threads)
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        finished = pool.map(run, runs)
        print(f"| change | validation accuracy, % ({seeds} seeds) | against the recipe | lowest recall of a class, % | images/s |\n|---|---|---|---|---|")
        first = None
        for name in changes:
            values, worst, speeds = [], [], []
            for seed in range(int(seeds)):
                next(finished)
                lines = epochs_of(runs[name, seed])
                values.append(100 * lines[-1]["validation_accuracy"])
                worst.append(100 * min(c["recall"] for c in lines[-1]["classes"]))
                speeds.append(statistics.median(line["images_per_second"] for line in lines))
            first = first or values
            gain = [value - other for value, other in zip(values, first)]
            against = "" if values is first else f"{statistics.mean(gain):+.2f} ± {statistics.stdev(gain):.2f}"
            print(f"| {name} | {spread(values, 2)} | {against} | {spread(worst, 2)} | {statistics.median(speeds):,.0f} |", flush=True)


if __name__ == "__main__":
    ablation(*sys.argv[1:])
