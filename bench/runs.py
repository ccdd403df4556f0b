"""Runs of the scripts beside it: kept where they are, never repeated, gone on with if they were interrupted."""

import json
import statistics
import subprocess


def trained(program, arguments, run, options=()):
    """Sees to it that the folder `run` holds a finished `train` with these arguments, without its report. `options` are for going on too."""
    if not (run / "model.safetensors").exists():
        call = [program, "train", "--resume", run] if run.exists() else [program, "train", *arguments, "--out", run]
        subprocess.run([*call, *options, "--quiet", "--no-report"], check=True, stdout=subprocess.DEVNULL)


def layers(*names):
    """The change of a recipe that gives it these layers."""
    return "model.layers=[" + ",".join(f'"{name}"' for name in names) + "]"


def epochs_of(run):
    """The lines of `metrics.jsonl`, one an epoch."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def spread(values, digits):
    """Mean ± sd."""
    sd = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):.{digits}f} ± {sd:.{digits}f}"


def class_table(evaluations):
    """Recall and bias of each class over documents of `eval`, one a run."""
    lines = ["| class | recall, mean ± sd | lowest–highest | bias, lowest–highest |", "|---|---|---|---|"]
    for of_class in zip(*[e["classes"] for e in evaluations]):
        recalls, biases = [c["recall"] for c in of_class], [c["bias"] for c in of_class]
        ends = f"{min(recalls):.3f}–{max(recalls):.3f} | {min(biases):.2f}–{max(biases):.2f}"
        lines.append(f"| {of_class[0]['name']} | {spread(recalls, 3)} | {ends} |")
    return "\n".join(lines)
