"""Losses and gradients of PyTorch for crates/core/src/train/tests/loss.rs.

python3 -m venv .venv && .venv/bin/pip install torch numpy   (the versions of versions.json)
.venv/bin/python crates/core/tests/golden/torch-loss/generate.py

Cross-entropy is torch.nn.CrossEntropyLoss. Focal loss is written down here (Lin et al. 2017, "Focal Loss for Dense Object
Detection", equation 5, over a softmax) and differentiated by autograd. Distillation is torch.nn.KLDivLoss at a temperature.
"""

import json
import pathlib
import platform

import torch

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)
N, K = 6, 4
logits = (3 * torch.randn(N, K)).round(decimals=3).double()
labels = torch.tensor([0, 3, 1, 1, 2, 3])
weights = torch.tensor([1.0, 0.5, 2.0, 3.25]).double()


def focal(x, weight, gamma):
    log_p = torch.log_softmax(x, 1)[torch.arange(N), labels]
    w = weight[labels]
    return (w * (1 - log_p.exp()) ** gamma * -log_p).sum() / w.sum()


cases = []
for weighted in [False, True]:
    for smoothing, gamma in [(0.0, 0.0), (0.1, 0.0), (0.0, 2.0), (0.0, 0.5)]:
        weight = weights if weighted else torch.ones(K).double()
        x = logits.clone().requires_grad_()
        if gamma == 0.0:
            loss = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)(x, labels)
        else:
            loss = focal(x, weight, gamma)
        loss.backward()
        cases.append({"weighted": weighted, "smoothing": smoothing, "gamma": gamma,
                      "loss": loss.item(), "gradient": x.grad.flatten().tolist()})

teacher = (3 * torch.randn(N, K)).round(decimals=3).double()
lessons = []
for weight, temperature in [(1.0, 1.0), (0.7, 2.0), (0.3, 4.0)]:
    x = logits.clone().requires_grad_()
    cooled, target = torch.log_softmax(x / temperature, 1), torch.softmax(teacher / temperature, 1)
    entropy = -(target * target.log()).sum() / N
    soft = torch.nn.KLDivLoss(reduction="batchmean")(cooled, target) + entropy
    loss = (1 - weight) * torch.nn.CrossEntropyLoss()(x, labels) + weight * temperature**2 * soft
    loss.backward()
    lessons.append({"weight": weight, "temperature": temperature, "loss": loss.item(), "gradient": x.grad.flatten().tolist()})

golden = {"logits": logits.flatten().tolist(), "labels": labels.tolist(), "weights": weights.tolist(), "cases": cases,
          "teacher": teacher.flatten().tolist(), "lessons": lessons}
(HERE / "loss.json").write_text(json.dumps(golden, indent=1) + "\n")
(HERE / "versions.json").write_text(json.dumps({"python": platform.python_version(), "torch": torch.__version__}, indent=1) + "\n")
