"""Mean ± sd of accuracy over runs, and each class's bias over seeds and over epochs, from run folders.

    python3 bench/accuracy.py FOLDER RECIPE …       reads FOLDER/RECIPE-SEED; exits 1 if seed-plus is below 92.0 %
"""

import json
import pathlib
import statistics
import sys

folder, failed = pathlib.Path(sys.argv[1]), False
for recipe in sys.argv[2:]:
    runs = sorted(folder.glob(f"{recipe}-[0-9]*"))
    evals = [json.loads((run / "eval.json").read_text()) for run in runs]
    accuracy = [100 * e["accuracy"] for e in evals]
    mean, sd = statistics.mean(accuracy), statistics.stdev(accuracy) if len(accuracy) > 1 else float("nan")
    values = ", ".join(f"{a:.2f}" for a in accuracy)
    print(f"\n{recipe}: test accuracy {mean:.2f} ± {sd:.2f} % (n = {len(runs)} seeds: {values}; 10,000 images)\n")
    print("| class | recall, mean | bias over seeds | bias over epochs, of the epoch metrics |\n|---|---|---|---|")
    epochs = [json.loads(line) for run in runs for line in (run / "metrics.jsonl").read_text().splitlines()]
    for i, name in enumerate(c["name"] for c in evals[0]["classes"]):
        recall = statistics.mean(e["classes"][i]["recall"] for e in evals)
        seeds = [e["classes"][i]["bias"] for e in evals]
        over = [e["classes"][i]["bias"] for e in epochs]
        print(f"| {name} | {recall:.3f} | {min(seeds):.2f}–{max(seeds):.2f} | {min(over):.2f}–{max(over):.2f} |")
    failed |= recipe == "seed-plus" and mean < 92.0
sys.exit(failed)
