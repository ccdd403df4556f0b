"""Captum as a worker of bench/run (protocol: serve.py): integrated gradients of the experiment's network.

    python with_captum.py integrated_gradients mode=MODE images=N [steps=64 weights=FILE pixels=FILE out=FILE]

MODE is eager, channels_last or compile. The target is each image's predicted class, the baseline zeros, the method
`riemann_middle`. Captum holds all steps of all images in memory at once unless it is told otherwise, so images go in
chunks, and `internal_batch_size` cuts their steps: before it is ready, the worker tries sizes and takes the fastest. It
answers with images a second, and says `ready parameters=N chunk=N internal=N`. `out` gets the maps, [n, h, w, c].

Threads, denormal numbers and layouts are those of with_pytorch.py.
"""

import time
import warnings

import numpy as np
import serve
import torch
from captum.attr import IntegratedGradients
from torch import nn

task, options = serve.arguments()
assert task == "integrated_gradients", task
count, steps = int(options["images"]), int(options.get("steps", 64))
torch.manual_seed(0)
torch.set_num_threads(serve.cores())
torch.set_flush_denormal(True)
warnings.filterwarnings("ignore", "Internal batch size")  # the last chunk may be a smaller one


def seed():
    layers = []
    for (h, w, c, filters), pool in serve.CONVOLUTIONS:
        layers += [nn.Conv2d(c, filters, (h, w)), nn.ReLU(), nn.MaxPool2d(pool)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))


def load(model, arrays):
    layers = [layer for layer in model if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer, kernel, bias in zip(layers, arrays[::2], arrays[1::2]):
        kernel = torch.from_numpy(kernel.copy())
        layer.weight.data.copy_(kernel.permute(3, 2, 0, 1) if kernel.dim() == 4 else kernel.T)
        layer.bias.data.copy_(torch.from_numpy(bias.copy()))


def read_images():
    batch = {"batch": count, **options}
    pixels = serve.inference_batch(batch) if "pixels" in options else serve.random_batch(batch)[0]
    layout = torch.contiguous_format if options["mode"] == "eager" else torch.channels_last
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(memory_format=layout)


def integrate(images, targets, chunk, internal):
    """Maps of all images, `chunk` images at a time, `internal` points of their paths at a time."""
    parts = zip(images.split(chunk), targets.split(chunk))
    arguments = {"baselines": 0, "n_steps": steps, "method": "riemann_middle", "internal_batch_size": internal}
    return torch.cat([integrated.attribute(part, target=target, **arguments) for part, target in parts])


def candidates():
    """Chunks and internal batch sizes: one step of many images, all steps of a few, and between them."""
    for internal in [32, 64, 128, 256, 512]:
        for chunk in sorted({max(1, internal // steps), max(1, internal // 8), internal}):
            if chunk <= count:
                yield chunk, internal


def seconds_of(chunk, internal):
    """How long the first images take, per image: the best of three times after one to warm up."""
    some = min(count, max(chunk, 16 // chunk * chunk))
    times = []
    for _ in range(4):
        before = time.perf_counter()
        integrate(images[:some], targets[:some], chunk, internal)
        times.append(time.perf_counter() - before)
    return min(times[1:]) / some


model = seed().eval().requires_grad_(False)
if "weights" in options:
    load(model, serve.seed_weights(options))
if options["mode"] != "eager":
    model = model.to(memory_format=torch.channels_last)
parameters = sum(parameter.numel() for parameter in model.parameters())
run = torch.compile(model) if options["mode"] == "compile" else model
integrated = IntegratedGradients(run)
images = read_images()
with torch.inference_mode():
    targets = model(images).argmax(1)
targets = targets.clone()  # of ordinary memory, which autograd may read

if "chunk" in options:
    best = int(options["chunk"]), int(options["internal"])
else:
    best = min(candidates(), key=lambda sizes: seconds_of(*sizes))
maps = integrate(images, targets, *best)  # also to warm up, since compiled code is made at the first call
if "out" in options:
    maps.permute(0, 2, 3, 1).numpy().astype(np.float32).tofile(options["out"])


def work(seconds):
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        integrate(images, targets, *best)
        done += count
    return done / (time.perf_counter() - start)


serve.serve(f"parameters={parameters} chunk={best[0]} internal={best[1]}", work)
