"""What each choice of a recipe is worth, on validation images: one thing changed at a time, mean ± sd over seeds 0, 1, ….

    python3 bench/ablation.py PROGRAM RECIPE SCRATCH [SEEDS]      runs are kept in SCRATCH and not repeated

A tenth of the training images is held out (`data.validation=0.1`), another tenth for every seed, so the sd has both the split's and the
training's chance in it, and differences are taken seed by seed. Test images are not looked at.
"""

import json
import pathlib
import statistics
import sys
import tomllib

from runs import trained

ROOT = pathlib.Path(__file__).resolve().parent.parent


def layers_of(recipe):
    return tomllib.loads((ROOT / "recipes" / f"{recipe}.toml").read_text())["model"]["layers"]


def layers(*names):
    return "model.layers=[" + ",".join(f'"{name}"' for name in names) + "]"


def pool_last(stages):
    """Stages of convolution, pool and batch normalization with the pool where it usually stands."""
    return sum(([conv, norm, pool] for conv, pool, norm in zip(*[iter(stages)] * 3)), [])


def plain(stages):
    """The same without batch normalization."""
    return sum(([conv.replace("no_bias", "relu"), pool] for conv, pool, _ in zip(*[iter(stages)] * 3)), [])


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
    "mirrored": ["augment.online=[{flip=0.5}]"],
    "mirrored and shifted": ["augment.online=[{flip=0.5},{crop={pad=1}}]"],
    "ema 0.99": ["train.ema=0.99"],
    "dropout 0.1 before the last layer": [layers(*STAGES, FLATTEN, "dropout 0.1", LAST)],
    "no batch normalization": [layers(*plain(STAGES), FLATTEN, LAST)],
    "pool after batch normalization": [layers(*pool_last(STAGES), FLATTEN, LAST)],
    "global max-pool in place of flatten": [layers(*STAGES, "global_max_pool", LAST)],
    "the same, half the side in the first epoch": [layers(*STAGES, "global_max_pool", LAST), "train.progressive={from=0.5,until=0.5}"],
}
ABLATIONS = {"speedrun": SPEEDRUN}


def ablation(program, recipe, scratch, seeds="8"):
    print(f"| change | validation accuracy, % ({seeds} seeds) | against the recipe | lowest recall of a class, % | images/s |\n|---|---|---|---|---|")
    base = None
    for number, (name, changes) in enumerate(ABLATIONS[recipe].items()):
        values, worst, speeds = [], [], []
        for seed in range(int(seeds)):
            run = pathlib.Path(scratch) / f"{recipe}-{number}" / str(seed)
            metrics = run / "metrics.jsonl"
            trained(program, [ROOT / "recipes" / f"{recipe}.toml", "data.validation=0.1", *changes, f"train.seed={seed}"], run)
            epochs = [json.loads(line) for line in metrics.read_text().splitlines()]
            values.append(100 * epochs[-1]["validation_accuracy"])
            worst.append(100 * min(c["recall"] for c in epochs[-1]["classes"]))
            speeds.append(statistics.median(epoch["images_per_second"] for epoch in epochs))
        spread = lambda x: f"{statistics.mean(x):.2f} ± {statistics.stdev(x):.2f}"
        base = base or values
        gain = [value - other for value, other in zip(values, base)]
        against = "" if values is base else f"{statistics.mean(gain):+.2f} ± {statistics.stdev(gain):.2f}"
        print(f"| {name} | {spread(values)} | {against} | {spread(worst)} | {statistics.median(speeds):,.0f} |", flush=True)


ablation(*sys.argv[1:])
