"""What bench/speedrun calls: speedrun.py PROGRAM [RECIPE [RUNS]]."""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
program, recipe, runs = [*sys.argv[1:], *["speedrun", "20"][len(sys.argv) - 2 :]]

seconds, accuracies, rows = [], [], []
with tempfile.TemporaryDirectory() as scratch:
    for seed in range(int(runs)):
        out = pathlib.Path(scratch) / str(seed)
        call = [program, "train", ROOT / "recipes" / f"{recipe}.toml", "--seed", str(seed), "--out", out, "--quiet", "--no-report"]
        began = time.monotonic()
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - began)
        evaluation = json.loads((out / "eval.json").read_text())
        accuracies.append(100 * evaluation["accuracy"])
        rows.append(evaluation["classes"])
        print(f"seed {seed}: {seconds[-1]:.2f} s, {accuracies[-1]:.2f} %", file=sys.stderr, flush=True)


def spread(values, digits):
    sd = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):.{digits}f} ± {sd:.{digits}f}"


print(f"`{recipe}`, {runs} seeds: test accuracy {spread(accuracies, 2)} % (least {min(accuracies):.2f}), wall time {spread(seconds, 2)} s (most {max(seconds):.2f})\n")
print("| class | recall | bias, least to most |\n|---|---|---|")
for index, first in enumerate(rows[0]):
    recalls = [run[index]["recall"] for run in rows]
    biases = [run[index]["bias"] for run in rows]
    print(f"| {first['name']} | {spread(recalls, 3)} | {min(biases):.2f}–{max(biases):.2f} |")
