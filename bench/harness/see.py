"""Seeing: integrated gradients of single images, against Captum."""

import programs
import table
from inference import distance, floats
from programs import SEED, needs, ours, python_worker
from worker import Failure, interleaved

IMAGES, STEPS = 64, 64

# How far maps may lie from ours, as a share of the largest value.
CLOSE = 1e-3


def integrated_gradients(bench):
    """Images a second of integrated gradients of `seed`, 64 steps an image."""
    programs.throughput()
    bench.make_seed()
    print(f"### Integrated gradients of `seed`, {IMAGES} images, {STEPS} steps each, images/s, all cores\n")
    files = {"weights": bench.weights, "pixels": bench.images, "images": IMAGES}
    mine = ours("seamripper", "integrated", recipe=SEED, steps=STEPS, **files)
    adaptive = ours("seamripper, until complete", "integrated", recipe=SEED, steps="adaptive", **files)
    peers = []
    if "captum" not in bench.without:
        needs("captum")
        for mode in ["eager", "channels_last", "compile"]:
            name = f"Captum {mode}"
            peers.append(python_worker(name, "with_captum", "integrated_gradients", mode=mode, steps=STEPS, **files))
    outputs = {}
    for worker in [mine, *peers]:
        outputs[worker.name] = bench.folder / f"maps-{len(outputs)}.f32"
        worker.command.append(f"out={outputs[worker.name]}")
    numbers = interleaved([mine, adaptive, *peers], bench.rounds, bench.seconds)
    largest = max(abs(value) for value in floats(outputs[mine.name]))
    for worker in peers:
        found = distance(outputs[worker.name], outputs[mine.name])
        if not found <= CLOSE * largest:
            what = f"{worker.name}: expected maps within {CLOSE} of the largest value, found {found / largest:.1e}"
            raise Failure(what, "both explain the same logits of the same images, so one computes something else")
    table.compare("images/s", numbers, [mine.name, adaptive.name], [worker.name for worker in peers])
    bench.notice(mine)
