"""One table of predictions, in every form that `--predictions` takes.

    python3 -m venv .venv
    .venv/bin/pip install numpy pyarrow      # versions.json
    .venv/bin/python generate.py

90 images of three classes; some of one are taken for another. Probabilities are the softmax of the logits. Everything is float64.
"""
import json, os
import numpy as np, pyarrow as pa, pyarrow.csv, pyarrow.parquet

HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES = ["cat", "dog", "owl"]
rng = np.random.default_rng(0)
labels = np.arange(90) % 3
logits = rng.normal(size=(90, 3)) + 2.0 * np.eye(3)[np.where(np.arange(90) % 15 == 0, 1, labels)]
exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
probs = exponentials / exponentials.sum(axis=1, keepdims=True)
ids = [f"photo-{row}" for row in range(90)]

for name, prefix, scores in [("probs", "prob", probs), ("logits", "logit", logits)]:
    columns = {"id": ids, "label": [CLASSES[label] for label in labels], "split": ["test"] * 90}
    table = pa.table(columns | {f"{prefix}_{own}": scores[:, place] for place, own in enumerate(CLASSES)})
    pa.csv.write_csv(table, os.path.join(HERE, f"{name}.csv"))
    pa.parquet.write_table(table, os.path.join(HERE, f"{name}.parquet"))
    np.savez(os.path.join(HERE, f"{name}.npz"), ids=np.array(ids), labels=labels, classes=np.array(CLASSES), **{name: scores})

with open(os.path.join(HERE, "versions.json"), "w") as file:
    json.dump({"numpy": np.__version__, "pyarrow": pa.__version__}, file, indent=1)
    file.write("\n")
