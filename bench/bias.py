"""When is a class over-predicted by 60 %? Bias of every class on rotated test images, and after imbalanced training; robustness of runs.

    python bench/bias.py rotated PROGRAM RUN [RUN …]     test images turned by fixed angles and by a random ±30°
    python bench/bias.py imbalanced PROGRAM SCRATCH      recipe `seed`, 3 epochs, neighbours of Sneaker made rare
    python bench/bias.py robust PROGRAM RUN [RUN …]      runs of one recipe with several seeds: test images turned by 15° and 30° and shifted
                                                         by 4 pixels, each to all sides; accuracy and the worst class, mean ± sd over runs

Needs numpy and opencv-python-headless==4.11.0.86; reads Fashion-MNIST from Debian's package or $SEAMRIPPER_DATA.
"""

import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import cv2
import numpy as np

from runs import spread

CLASSES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(",")
SOURCE = pathlib.Path(os.environ.get("SEAMRIPPER_DATA", "/usr/share/datasets/fashion-mnist"))


def read(part):
    payload = lambda kind: gzip.decompress((SOURCE / f"{part}-{kind}-ubyte.gz").read_bytes())
    images = np.frombuffer(payload("images-idx3"), np.uint8)[16:].reshape(-1, 28, 28)
    return images, np.frombuffer(payload("labels-idx1"), np.uint8)[8:]


def write(folder, **parts):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    for part, (images, labels) in parts.items():
        header = lambda magic, *sizes: b"".join(int(x).to_bytes(4, "big") for x in (magic, *sizes))
        n = len(labels)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header(0x803, n, 28, 28) + images.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header(0x801, n) + labels.tobytes())


def turned(images, angles):
    matrix = lambda angle: cv2.getRotationMatrix2D((14, 14), float(angle), 1)
    return np.stack([cv2.warpAffine(x, matrix(a), (28, 28)) for x, a in zip(images, angles)])


def report(what, program, run, folder):
    command = [program, "eval", run, "--data", f"idx:{folder}", "--json", "--quiet"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    classes = sorted(result["classes"], key=lambda c: -c["bias"])
    sneaker = next(c for c in classes if c["name"] == "Sneaker")
    text = lambda c: f"{c['name']} {c['bias']:.2f} [{c['bias_ci'][0]:.2f}, {c['bias_ci'][1]:.2f}]"
    print(f"| {what} | {100 * result['accuracy']:.1f} % | {text(classes[0])} | {text(classes[-1])} | {text(sneaker)} |")


def table():
    print("| test images | accuracy | most over-predicted | most under-predicted | Sneaker |\n|---|---|---|---|---|")


def rotated(program, runs):
    images, labels = read("t10k")
    rng = np.random.default_rng(2020)
    settings = [(f"{a:+d}°", np.full(len(labels), a)) for a in (0, 15, 30, 45, 90, 180, -15, -30, -45, -90)]
    settings.append(("random ±30°", rng.uniform(-30, 30, len(labels))))
    table()
    with tempfile.TemporaryDirectory() as scratch:
        for name, angles in settings:
            folder = pathlib.Path(scratch) / name
            write(folder, train=(images[:10], labels[:10]), t10k=(turned(images, angles), labels))
            for run in runs:
                report(f"{name}, {pathlib.Path(run).name}", program, run, folder)


def imbalanced(program, scratch):
    images, labels = read("train")
    table()
    for share in (1.0, 0.2, 0.05, 0.01):
        rng = np.random.default_rng(2020)
        keep = np.ones(len(labels), bool)
        for name in ("Sandal", "Ankle boot"):
            members = np.flatnonzero(labels == CLASSES.index(name))
            keep[rng.permutation(members)[int(share * len(members)) :]] = False
        folder, run = pathlib.Path(scratch) / f"data-{share}", pathlib.Path(scratch) / f"run-{share}"
        write(folder, train=(images[keep], labels[keep]), t10k=read("t10k"))
        command = [program, "train", "recipes/seed.toml", f"data.source=idx:{folder}", "train.epochs=3"]
        subprocess.run([*command, "--out", str(run), "--quiet"], check=True, capture_output=True)
        report(f"{100 * share:g} % of Sandal and Ankle boot kept in training", program, str(run), folder)


def shifted(images, right, down):
    return np.stack([cv2.warpAffine(x, np.float64([[1, 0, right], [0, 1, down]]), (28, 28)) for x in images])


def robust(program, runs):
    images, labels = read("t10k")
    even = lambda angle: np.full(len(labels), angle)
    settings = {
        "upright": [images],
        "±15°": [turned(images, even(a)) for a in (15, -15)],
        "±30°": [turned(images, even(a)) for a in (30, -30)],
        "4 pixels to a side": [shifted(images, *by) for by in ((4, 0), (-4, 0), (0, 4), (0, -4))],
    }
    print("| test images | accuracy | worst class | its recall |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name, variants in settings.items():
            accuracies, recalls = [[] for _ in runs], [{c: [] for c in CLASSES} for _ in runs]
            for number, changed in enumerate(variants):
                folder = pathlib.Path(scratch) / f"{name}-{number}"
                write(folder, train=(images[:10], labels[:10]), t10k=(changed, labels))
                for place, run in enumerate(runs):
                    command = [program, "eval", run, "--data", f"idx:{folder}", "--json", "--quiet"]
                    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                    accuracies[place].append(100 * result["accuracy"])
                    for c in result["classes"]:
                        recalls[place][c["name"]].append(100 * c["recall"])
            of = lambda name: [statistics.mean(each[name]) for each in recalls]
            worst = min(CLASSES, key=lambda name: statistics.mean(of(name)))
            print(f"| {name} | {spread([statistics.mean(each) for each in accuracies], 1)} % | {worst} | {spread(of(worst), 1)} % |", flush=True)


if sys.argv[1] == "rotated":
    rotated(sys.argv[2], sys.argv[3:])
elif sys.argv[1] == "robust":
    robust(sys.argv[2], sys.argv[3:])
else:
    imbalanced(sys.argv[2], sys.argv[3])
