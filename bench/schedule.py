"""The effect of a schedule and of dropout on each class's bias, epoch by epoch: the experiment's network, on validation images.

    python3 bench/schedule.py PROGRAM SCRATCH [EPOCHS [SEEDS]]                   runs are kept in SCRATCH and not repeated
    python3 bench/schedule.py --picture SCRATCH OUT.svg [EPOCHS [SEEDS]]         needs matplotlib

Recipe `seed-plus` with Adam and without label smoothing; a tenth of the training images held out, another one for every seed. Test images are not looked at.
"""

import pathlib
import sys

from runs import epochs_of, layers, spread, trained

RECIPE = pathlib.Path(__file__).resolve().parent.parent / "recipes" / "seed-plus.toml"
BASE = ["data.validation=0.1", "train.label_smoothing=0", "train.optimizer=adam"]
SCHEDULES = {"constant 1e-3": ["train.schedule=constant", "train.rate=1e-3"], "one-cycle to 3e-3": ["train.rate=3e-3"]}
FIRST = ["conv 128 5x5 relu", "max_pool 3", "conv 64 2x2 relu", "max_pool 2"]
LAST = ["conv 32 2x2 relu", "max_pool 2", "flatten"]
DROPOUTS = {
    "none": [*FIRST, *LAST, "dense 32 relu", "dense 10"],
    "0.25 after both 32-wide layers": [*FIRST, *LAST, "dropout 0.25", "dense 32 relu", "dropout 0.25", "dense 10"],
    "0.1 before the last layer": [*FIRST, *LAST, "dense 32 relu", "dropout 0.1", "dense 10"],
    "0.1 after the 128-wide layer": ["conv 128 5x5 relu", "max_pool 3", "dropout 0.1", *FIRST[2:], *LAST, "dense 32 relu", "dense 10"],
}


def runs(scratch, schedule, dropout, seeds):
    return [pathlib.Path(scratch) / f"{list(SCHEDULES).index(schedule)}-{list(DROPOUTS).index(dropout)}" / str(seed) for seed in range(seeds)]


def train(program, scratch, epochs="20", seeds="5"):
    print(f"| schedule | dropout | validation accuracy, % ({seeds} seeds, {epochs} epochs) | swing of a class's bias, last five epochs | bias farthest from 1 at the end | lowest recall, % |\n|---|---|---|---|---|---|")
    for schedule, of_schedule in SCHEDULES.items():
        for dropout, names in DROPOUTS.items():
            accuracies, swings, farthest, worst = [], [], [], []
            for seed, run in enumerate(runs(scratch, schedule, dropout, int(seeds))):
                trained(program, [RECIPE, *BASE, *of_schedule, layers(*names), f"train.epochs={epochs}", f"train.seed={seed}"], run)
                lines = epochs_of(run)
                accuracies.append(100 * lines[-1]["validation_accuracy"])
                by_class = list(zip(*([c["bias"] for c in line["classes"]] for line in lines[-5:])))
                swings.append(max(max(biases) - min(biases) for biases in by_class))
                farthest.append(max((abs(c["bias"] - 1), c["bias"]) for c in lines[-1]["classes"])[1])
                worst.append(100 * min(c["recall"] for c in lines[-1]["classes"]))
            print(f"| {schedule} | {dropout} | {spread(accuracies, 2)} | {spread(swings, 2)} | {min(farthest):.2f}–{max(farthest):.2f} | {spread(worst, 1)} |", flush=True)


def picture(scratch, out, epochs="20", seeds="5"):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.family": "sans-serif", "svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "seamripper"})
    columns = [(schedule, dropout) for dropout in list(DROPOUTS)[:2] for schedule in SCHEDULES]
    names = [c["name"] for c in epochs_of(runs(scratch, *columns[0], 1)[0])[0]["classes"]]
    shown = ["T-shirt/top", "Pullover", "Coat", "Shirt", "Sneaker"]
    colors = dict(zip(shown, ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#000000"]))
    figure, axes = plt.subplots(1, len(columns), figsize=(10, 3.2), sharey=True)
    for axis, (schedule, dropout) in zip(axes, columns):
        for run in runs(scratch, schedule, dropout, int(seeds)):
            lines = epochs_of(run)
            for name in shown:
                biases = [line["classes"][names.index(name)]["bias"] for line in lines]
                axis.plot(range(1, len(lines) + 1), biases, color=colors[name], alpha=0.75, linewidth=1, label=name)
        axis.axhline(1, color="#888888", linewidth=0.6)
        axis.set_title(f"{schedule}\ndropout {dropout.replace(' after', chr(10) + 'after') if dropout != 'none' else 'none' + chr(10)}", fontsize=9)
        axis.set_xlabel("epoch")
        axis.set_ylim(0.4, 1.6)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("bias = predicted / actual")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles[: len(shown)], labels[: len(shown)], loc="lower center", ncols=len(shown), frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(out, metadata={"Date": None})


if sys.argv[1] == "--picture":
    picture(*sys.argv[2:])
else:
    train(*sys.argv[1:])
