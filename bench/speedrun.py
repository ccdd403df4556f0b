"""What bench/speedrun calls: speedrun.py PROGRAM [RECIPE [RUNS]]."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

from runs import class_table, spread

ROOT = pathlib.Path(__file__).resolve().parent.parent
program, recipe, runs = [*sys.argv[1:], *["speedrun", "20"][len(sys.argv) - 2 :]]

seconds, accuracies, evaluations = [], [], []
with tempfile.TemporaryDirectory() as scratch:
    for seed in range(int(runs)):
        out = pathlib.Path(scratch) / str(seed)
        call = [program, "train", ROOT / "recipes" / f"{recipe}.toml", "--seed", str(seed), "--out", out, "--quiet", "--no-report"]
        began = time.monotonic()
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - began)
        evaluations.append(json.loads((out / "eval.json").read_text()))
        accuracies.append(100 * evaluations[-1]["accuracy"])
        print(f"seed {seed}: {seconds[-1]:.2f} s, {accuracies[-1]:.2f} %", file=sys.stderr, flush=True)

print(f"`{recipe}`, {runs} seeds: test accuracy {spread(accuracies, 2)} % (least {min(accuracies):.2f}), wall time {spread(seconds, 2)} s (most {max(seconds):.2f})\n")
print(class_table(evaluations))
