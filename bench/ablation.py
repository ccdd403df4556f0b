"""What each choice of a recipe is worth, on validation images: one thing changed at a time, mean ± sd over seeds 0, 1, ….

    python3 bench/ablation.py PROGRAM RECIPE SCRATCH [SEEDS]      runs are kept in SCRATCH and not repeated

A tenth of the training images is held out (`data.validation=0.1`), another tenth for every seed, so the sd has both the split's and the
training's chance in it, and differences are taken seed by seed. Test images are not looked at.
"""

import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pool_last(channels):
    """The layers of `speedrun` with the pool where it usually stands."""
    stage = lambda c: [f"conv {c} 3x3 same no_bias", "batch_norm momentum 0.9 relu", "max_pool 2"]
    return [*sum(map(stage, channels), []), "flatten", "dense 10"]


def layers(*names):
    return "model.layers=[" + ",".join(f'"{name}"' for name in names) + "]"


STAGES = ["conv 16 3x3 same no_bias", "max_pool 2", "batch_norm momentum 0.9 relu", "conv 32 3x3 same no_bias", "max_pool 2",
          "batch_norm momentum 0.9 relu", "conv 64 3x3 same no_bias", "max_pool 2", "batch_norm momentum 0.9 relu"]
PLAIN = ["conv 16 3x3 same relu", "max_pool 2", "conv 32 3x3 same relu", "max_pool 2", "conv 64 3x3 same relu", "max_pool 2"]

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
    "dropout 0.1 before the last layer": [layers(*STAGES, "flatten", "dropout 0.1", "dense 10")],
    "no batch normalization": [layers(*PLAIN, "flatten", "dense 10")],
    "pool after batch normalization": [layers(*pool_last([16, 32, 64]))],
    "global max-pool in place of flatten": [layers(*STAGES, "global_max_pool", "dense 10")],
    "the same, half the side in the first epoch": [layers(*STAGES, "global_max_pool", "dense 10"), "train.progressive={from=0.5,until=0.5}"],
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
            if not (run / "model.safetensors").exists():
                call = [program, "train", ROOT / "recipes" / f"{recipe}.toml", "data.validation=0.1", *changes, f"train.seed={seed}"]
                subprocess.run([*call, "--out", run, "--quiet", "--no-report"], check=True, stdout=subprocess.DEVNULL)
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
