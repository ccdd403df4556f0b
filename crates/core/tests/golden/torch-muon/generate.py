"""Steps of torch.optim.Muon for crates/core/src/train/tests/muon.rs.

python3 -m venv .venv && .venv/bin/pip install torch numpy   (the versions of versions.json)
.venv/bin/python crates/core/tests/golden/torch-muon/generate.py

PyTorch iterates in bf16, so its steps are rough; the same in float64, written down here, is what ours is compared with closely.
"""

import json
import pathlib
import platform

import torch

HERE = pathlib.Path(__file__).parent
RATE, DECAY, MOMENTUM, STEPS = 0.02, 0.1, 0.95, 4
torch.manual_seed(0)


def exact(u):
    x = u.T if u.shape[0] > u.shape[1] else u
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x.T if u.shape[0] > u.shape[1] else x


cases = []
for rows, columns in [(6, 4), (4, 9), (5, 5)]:
    for nesterov in [True, False]:
        start = torch.randn(rows, columns).round(decimals=3)
        gradients = [torch.randn(rows, columns).round(decimals=3) for _ in range(STEPS)]
        theirs = torch.nn.Parameter(start.clone())
        optimizer = torch.optim.Muon([theirs], lr=RATE, weight_decay=DECAY, momentum=MOMENTUM, nesterov=nesterov, adjust_lr_fn="match_rms_adamw")
        weights, moment = start.double(), torch.zeros(rows, columns).double()
        for gradient in gradients:
            theirs.grad = gradient.clone()
            optimizer.step()
            g = gradient.double()
            moment = MOMENTUM * moment + (1 - MOMENTUM) * g
            u = MOMENTUM * moment + (1 - MOMENTUM) * g if nesterov else moment
            weights = weights * (1 - RATE * DECAY) - RATE * 0.2 * max(rows, columns) ** 0.5 * exact(u)
        flat = lambda matrix: matrix.detach().flatten().tolist()
        cases.append({"shape": [rows, columns], "nesterov": nesterov, "start": flat(start), "gradients": [flat(g) for g in gradients],
                      "torch": flat(theirs), "exact": flat(weights)})

golden = {"rate": RATE, "decay": DECAY, "momentum": MOMENTUM, "cases": cases}
(HERE / "muon.json").write_text(json.dumps(golden, indent=1) + "\n")
(HERE / "versions.json").write_text(json.dumps({"python": platform.python_version(), "torch": torch.__version__}, indent=1) + "\n")
