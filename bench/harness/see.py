"""Seeing: integrated gradients of single images, against Captum."""

import programs
import table
from inference import floats
from programs import SEED, needs, ours, python_worker
from worker import Failure, interleaved

IMAGES, STEPS = 64, 64

# How far maps may lie from ours: the mean distance of a pixel as a share of the mean size. Where two places of a pool are nearly
# equal, rounding decides which one gets the gradient, so single pixels may differ by more.
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
    mine_maps = floats(outputs[mine.name])
    size = sum(abs(value) for value in mine_maps)
    for worker in peers:
        maps = floats(outputs[worker.name])
        found = sum(abs(a - b) for a, b in zip(maps, mine_maps)) / size
        if len(maps) != len(mine_maps) or not found <= CLOSE:
            what = f"{worker.name}: expected maps within {CLOSE} of seamripper's, found {found:.1e}"
            raise Failure(what, "both explain the same logits of the same images, so one computes something else")
    table.compare("images/s", numbers, [mine.name, adaptive.name], [worker.name for worker in peers])
    bench.notice(mine)
