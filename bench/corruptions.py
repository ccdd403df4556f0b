"""Times every corruption of ImageNet-C: the Python package imagecorruptions and seamripper, on images of one size, in turns.

    python3 -m venv .venv-corruptions && .venv-corruptions/bin/pip install imagecorruptions==1.1.2 "numpy<2" \
        scikit-image==0.20.0 "scipy<1.13" "Pillow<11" "setuptools<80" opencv-python-headless==4.11.0.86
    cargo build --release -p seamripper-core --example corruptions
    .venv-corruptions/bin/python bench/corruptions.py EXAMPLE [SIZE=224x224x3] [ROUNDS=3] [SECONDS=0.5]

EXAMPLE is the built program (target/release/examples/corruptions). Severity 3; each round measures both for at least
SECONDS, the package one image at least; the table has the medians of the rounds, in milliseconds an image. The package
uses one thread but for what OpenCV does; seamripper all cores, over images, and once more with RAYON_NUM_THREADS=1.
Ours uses the numbers of the size (see core::corrupt), the package those of 224 pixels whatever the size; 32 is the smallest
it takes. Images are a gradient with noise.
"""

import os
import statistics
import subprocess
import sys
import time
import warnings

warnings.simplefilter("ignore")

import numpy as np
from imagecorruptions import corrupt, corruptions as package, get_corruption_names
from skimage import filters

SEVERITY = 3


def new_gaussian(image, sigma, multichannel=False, **rest):
    """scikit-image renamed the argument that the package uses."""
    return filters.gaussian(image, sigma=sigma, channel_axis=-1 if multichannel else None, **rest)


package.gaussian = new_gaussian


class Ours:
    def __init__(self, program, threads):
        environment = dict(os.environ)
        if threads:
            environment["RAYON_NUM_THREADS"] = str(threads)
        self.process = subprocess.Popen(
            [program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def seconds(self, name, size, count, seconds):
        self.process.stdin.write(f"common/{name} {SEVERITY} {size} {count} {seconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def theirs(name, image, seconds):
    start, done = time.perf_counter(), 0
    while done == 0 or time.perf_counter() - start < seconds:
        corrupt(image, corruption_name=name, severity=SEVERITY)
        done += 1
    return (time.perf_counter() - start) / done


def main():
    program = sys.argv[1]
    size = sys.argv[2] if len(sys.argv) > 2 else "224x224x3"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 0.5
    h, w, _ = map(int, size.split("x"))
    count = max(8, 400_000 // (h * w))
    ramp = np.add.outer(np.arange(h), np.arange(w)) * 200 / (h + w)
    noise = np.random.default_rng(0).integers(0, 56, (h, w, 3))
    image = (ramp[:, :, None] + noise).astype(np.uint8)
    all_cores, one = Ours(program, None), Ours(program, 1)
    print(f"{size}, severity {SEVERITY}, median of {rounds} rounds, ms an image, {os.cpu_count()} cores\n")
    print("| corruption | imagecorruptions | seamripper, 1 thread | all cores | times as fast, 1 thread | all cores |")
    print("|---|---|---|---|---|---|")
    sums = [0.0, 0.0, 0.0]
    for name in get_corruption_names("all"):
        times = []
        for _ in range(rounds):
            a = theirs(name, image, seconds)
            b = one.seconds(name, size, count, seconds)
            times.append((a, b, all_cores.seconds(name, size, count, seconds)))
        medians = [1000 * statistics.median(column) for column in zip(*times)]
        sums = [sum + median for sum, median in zip(sums, medians)]
        row(name, medians)
    row("**sum**", sums)


def row(name, times):
    cells = [f"{value:.3g}" for value in times] + [f"{times[0] / value:.0f}" for value in times[1:]]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


main()
