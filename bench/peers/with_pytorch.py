"""PyTorch as a worker of bench/run (protocol: serve.py).

    python with_pytorch.py TASK mode=MODE batch=N [network=resnet20 size=HxWxC] [weights=FILE pixels=FILE out=FILE]

TASK is train, infer or start. MODE is eager, or a sum of channels_last, compile and bf16 (autocast): `compile+bf16`;
compile and bf16 use channels_last too. As PyTorch's tuning guide says: threads = cores, inference mode, denormal numbers
flushed to zero, fused optimizer, weights frozen into the compiled model for inference.
"""

import os

import serve

task, options = serve.arguments()
mode = options["mode"].split("+")
if task == "infer" and "compile" in mode:
    os.environ["TORCHINDUCTOR_FREEZING"] = "1"

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(serve.cores())
torch.set_flush_denormal(True)


def seed():
    layers = []
    for (h, w, c, filters), pool in serve.CONVOLUTIONS:
        layers += [nn.Conv2d(c, filters, (h, w)), nn.ReLU(inplace=True), nn.MaxPool2d(pool)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 32), nn.ReLU(inplace=True), nn.Linear(32, 10))


def load(model, arrays):
    layers = [layer for layer in model if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer, kernel, bias in zip(layers, arrays[::2], arrays[1::2]):
        kernel = torch.from_numpy(kernel.copy())
        layer.weight.data.copy_(kernel.permute(3, 2, 0, 1) if kernel.dim() == 4 else kernel.T)
        layer.bias.data.copy_(torch.from_numpy(bias.copy()))


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = outputs // inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        main = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(main + self.shortcut(x))


def resnet20(channels):
    widths = [width for width in serve.STAGES for _ in range(serve.BLOCKS)]
    blocks = [Block(inputs, outputs) for inputs, outputs in zip([16, *widths], widths)]
    stem = [nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def prepared(images):
    images = torch.from_numpy(images).permute(0, 3, 1, 2)
    layout = torch.contiguous_format if mode == ["eager"] else torch.channels_last
    return images.contiguous(memory_format=layout)


residual = options.get("network") == "resnet20"
model = resnet20(int(options["size"].split("x")[2])) if residual else seed()
if "weights" in options:
    load(model, serve.seed_weights(options))
if mode != ["eager"]:
    model = model.to(memory_format=torch.channels_last)
parameters = sum(parameter.numel() for parameter in model.parameters())
run = torch.compile(model) if "compile" in mode else model
autocast = lambda: torch.autocast("cpu", torch.bfloat16, enabled="bf16" in mode)

if task == "infer":
    model.eval()
    images = prepared(serve.inference_batch(options))

    @torch.inference_mode()
    def forward():
        with autocast():
            return run(images)

    serve.write_logits(options, forward().float())
    serve.serve(f"parameters={parameters}", serve.rate(forward, len(images)))
else:
    if residual:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    loss_of = nn.CrossEntropyLoss()

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        with autocast():
            loss = loss_of(run(images), labels)
        loss.backward()
        optimizer.step()

    if task == "start":
        serve.start(options, lambda images, labels: step(prepared(images), torch.from_numpy(labels)))
    else:
        images, labels = serve.random_batch(options)
        images, labels = prepared(images), torch.from_numpy(labels)
        serve.serve(f"parameters={parameters}", serve.rate(lambda: step(images, labels), len(labels)))
