"""Test accuracy over runs, mean ± sd, and each class's recall and bias, from run folders.

    python3 bench/accuracy.py FOLDER RECIPE …       reads FOLDER/RECIPE-SEED; exits 1 if seed-plus is below 92.0 %
"""

import json
import pathlib
import statistics
import sys

from runs import class_table, spread

folder, failed = pathlib.Path(sys.argv[1]), False
for recipe in sys.argv[2:]:
    evaluations = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{recipe}-[0-9]*/eval.json"))]
    accuracies = [100 * e["accuracy"] for e in evaluations]
    values = ", ".join(f"{a:.2f}" for a in accuracies)
    print(f"\n{recipe}: test accuracy {spread(accuracies, 2)} % (n = {len(accuracies)} seeds: {values}; 10,000 images)\n")
    print(class_table(evaluations))
    flags = [c["name"] for e in evaluations for c in e["classes"] if c["flagged"]]
    print("\nflagged: " + (", ".join(f"{name} in {flags.count(name)}" for name in dict.fromkeys(flags)) or "no class in any run"))
    failed |= recipe == "seed-plus" and statistics.mean(accuracies) < 92.0
sys.exit(failed)
