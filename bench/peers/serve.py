"""What all peers written in Python share: their arguments, the workers' protocol of bench/run, data and weights.

A worker loads and warms up, prints `ready`, then for each line SECONDS on its input works that long and prints one number,
until the input ends. `echo 3 | python bench/peers/with_pytorch.py train mode=eager batch=128` runs one by hand.
"""

import gzip
import os
import pathlib
import statistics
import sys
import time

import numpy as np

# Layers of the experiment's network: convolutions [kh, kw, in, out], each with a max-pool behind it, then dense layers.
CONVOLUTIONS = [((5, 5, 1, 128), 3), ((2, 2, 128, 64), 2), ((2, 2, 64, 32), 2)]
DENSE = [(32, 32), (32, 10)]
SEED_PARAMETERS = 45_770

# The residual network: channels of its three stages, blocks a stage.
STAGES, BLOCKS = [16, 32, 64], 3


def arguments():
    """The task and the KEY=VALUE arguments after it."""
    return sys.argv[1], dict(argument.split("=", 1) for argument in sys.argv[2:])


def cores():
    return len(os.sched_getaffinity(0))


def serve(about, work):
    """Says that the worker is ready, then measures whenever asked: `work` takes seconds and returns the number."""
    print("ready", about, flush=True)
    for line in sys.stdin:
        print(work(float(line)), flush=True)


def rate(step, images):
    """Measures calls of `step`, `images` each, as images a second, after five calls to warm up."""
    for _ in range(5):
        step()

    def work(seconds):
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            step()
            steps += 1
        return steps * images / (time.perf_counter() - start)

    return work


def latency(call):
    """Measures single calls: their median in µs, after 100 to warm up."""
    for _ in range(100):
        call()

    def work(seconds):
        times, start = [], time.perf_counter()
        while time.perf_counter() - start < seconds:
            before = time.perf_counter()
            call()
            times.append(time.perf_counter() - before)
        return 1e6 * statistics.median(times)

    return work


def random_batch(options):
    """Images [n, h, w, c] in 0…1 and labels [n]."""
    n = int(options["batch"])
    h, w, c = (int(side) for side in options.get("size", "28x28x1").split("x"))
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, h, w, c)).astype(np.float32) / 255, rng.integers(0, 10, n)


def inference_batch(options):
    """Images [n, 28, 28, 1] of the file that all programs read."""
    pixels = np.fromfile(options["pixels"], np.float32).reshape(-1, 28, 28, 1)
    return pixels[: int(options["batch"])].copy()


def seed_weights(options):
    """Kernels and biases of the experiment's network in turn, convolutions [kh, kw, in, out], dense [in, out]."""
    flat = np.fromfile(options["weights"], np.float32)
    assert flat.size == SEED_PARAMETERS
    arrays, first = [], 0
    for shape in [shape for shape, _ in CONVOLUTIONS] + DENSE:
        for size in (shape, shape[-1:]):
            count = int(np.prod(size))
            arrays.append(flat[first : first + count].reshape(size))
            first += count
    return arrays


def write_logits(options, logits):
    if "out" in options:
        np.asarray(logits, np.float32).tofile(options["out"])


def fashion_mnist():
    """Training images [60000, 28, 28, 1] and labels, from the files as they are published."""
    folder = pathlib.Path(os.environ.get("SEAMRIPPER_DATA", "/usr/share/datasets/fashion-mnist"))
    read = lambda kind: gzip.decompress((folder / f"train-{kind}-ubyte.gz").read_bytes())
    images = np.frombuffer(read("images-idx3"), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    return images, np.frombuffer(read("labels-idx1"), np.uint8, offset=8)


def start(options, step):
    """Trains `steps` steps on Fashion-MNIST and says when the first is done. `step` takes images and labels."""
    images, labels = fashion_mnist()
    order = np.random.default_rng(0).permutation(len(images))
    batch = int(options["batch"])
    for number in range(int(options["steps"])):
        rows = order[number * batch : (number + 1) * batch]
        step(images[rows].astype(np.float32) / 255, labels[rows].astype(np.int64))
        if number == 0:
            print("first step", flush=True)
