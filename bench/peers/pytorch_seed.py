"""Training images a second of the 45,770-parameter network in PyTorch, random pixels, Adam, all of a step.

    python pytorch_seed.py MODE BATCH SECONDS      MODE: eager, channels_last, compile or bf16
"""

import sys
import time

import torch
from torch import nn

mode, batch, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 128, 5), nn.ReLU(), nn.MaxPool2d(3),
    nn.Conv2d(128, 64, 2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(64, 32, 2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10),
)  # fmt: skip
assert sum(p.numel() for p in model.parameters()) == 45_770
images, labels = torch.rand(batch, 1, 28, 28), torch.randint(10, (batch,))
if mode != "eager":
    model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
if mode == "compile":
    model = torch.compile(model)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
loss_of = nn.CrossEntropyLoss()


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
        loss = loss_of(model(images), labels)
    loss.backward()
    optimizer.step()


for _ in range(5):
    step()
steps, start = 0, time.perf_counter()
while time.perf_counter() - start < seconds:
    step()
    steps += 1
print(f"{steps * batch / (time.perf_counter() - start):.0f}")
