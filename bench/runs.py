"""Runs of the scripts beside it: kept where they are, never repeated, gone on with if they were interrupted."""

import subprocess


def trained(program, arguments, run):
    """Sees to it that the folder `run` holds a finished `train` with these arguments, without its report."""
    if not (run / "model.safetensors").exists():
        call = [program, "train", "--resume", run] if run.exists() else [program, "train", *arguments, "--out", run]
        subprocess.run([*call, "--quiet", "--no-report"], check=True, stdout=subprocess.DEVNULL)
