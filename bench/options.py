"""What single options of a recipe are worth, on validation images: mean ± sd over seeds, and the range tests of `lr-find`.

    python3 bench/options.py accuracy PROGRAM SCRATCH [EPOCHS [SEEDS]]     runs are kept in SCRATCH and not repeated
    python3 bench/options.py lr-find PROGRAM                               over 5 seeds and 3 numbers of tests, exits 1 if 2 x apart

The network of recipe `seed`, mirrored and shifted images, a tenth of the training images held out; test images are not looked at.
"""

import json
import pathlib
import subprocess
import sys

from runs import epochs_of, spread

RECIPE = pathlib.Path(__file__).resolve().parent.parent / "recipes" / "seed-plus.toml"
BASE = ["data.validation=0.1", "train.label_smoothing=0", "train.optimizer=adam", "train.rate=3e-3"]
SCHEDULES = {"constant": ["train.schedule=constant", "train.rate=1e-3"], "one-cycle": []}
OPTIONS = {
    "nothing": [],
    "ema 0.999": ["train.ema=0.999"],
    "label smoothing 0.05": ["train.label_smoothing=0.05"],
    "mixup 0.2": ["augment.online=[{flip=0.5},{crop={pad=1}},{mixup=0.2}]"],
    "cutmix 1": ["augment.online=[{flip=0.5},{crop={pad=1}},{cutmix=1.0}]"],
    "erase": ["augment.online=[{flip=0.5},{crop={pad=1}},{erase={}}]"],
}


def accuracy(program, scratch, epochs="10", seeds="3"):
    print(f"| schedule | option | validation accuracy, % ({seeds} seeds, {epochs} epochs) | lowest recall of a class |\n|---|---|---|---|")
    for schedule, of_schedule in SCHEDULES.items():
        for option, changes in OPTIONS.items():
            run = pathlib.Path(scratch) / f"{schedule}-{option}".replace(" ", "-")
            call = [program, "train", RECIPE, *BASE, *of_schedule, *changes, f"train.epochs={epochs}", "--seeds", seeds, "--out", run]
            if run.exists():
                call = [program, "train", "--resume", run]
            subprocess.run([*call, "--quiet"], check=True, stdout=subprocess.DEVNULL)
            last = [epochs_of(path)[-1] for path in sorted(run.glob("seed-*/"))]
            accuracies = [100 * line["validation_accuracy"] for line in last]
            worst = [100 * min(c["recall"] for c in line["classes"]) for line in last]
            print(f"| {schedule} | {option} | {spread(accuracies, 2)} | {spread(worst, 2)} |", flush=True)


def lr_find(program):
    print("| recipe | optimizer | tests | suggested, over seeds 0, 100, 200, 300, 400 |\n|---|---|---|---|")
    failed, apart = False, {}
    for optimizer in ["adam", "sgd", "nesterov", "muon"]:
        every = []
        for tests in [5, 9, 17]:
            found = []
            for seed in range(0, 500, 100):  # a test's weights are those of seed + its number
                call = [program, "lr-find", RECIPE, f"train.optimizer={optimizer}", "--tests", str(tests), "--seed", str(seed)]
                done = subprocess.run([*call, "--json", "--quiet"], check=True, stdout=subprocess.PIPE)
                found.append(json.loads(done.stdout)["suggested"])
            print(f"| seed-plus | {optimizer} | {tests} | {', '.join('none' if f is None else f'{f:.2e}' for f in found)} |", flush=True)
            every += found
        apart[optimizer] = float("inf") if None in every else max(every) / min(every)
        failed |= apart[optimizer] >= 2
    print("\nlargest / smallest: " + ", ".join(f"{optimizer} {factor:.2f}" for optimizer, factor in apart.items()))
    return failed


what, *arguments = sys.argv[1:]
sys.exit({"accuracy": accuracy, "lr-find": lr_find}[what](*arguments))
