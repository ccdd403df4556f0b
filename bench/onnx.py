"""Passes of an ONNX file: seamripper against ONNX Runtime (forward), or against torch-cam (Grad-CAM of one image), in turns.

    cargo build --release -p seamripper-onnx --examples
    .venv/bin/python bench/onnx.py MODEL.onnx [BATCH ...]
    .venv/bin/python bench/onnx.py --grad-cam MODEL.onnx NAME      # NAME as torchvision calls it: resnet18

All use all cores and keep the model loaded; the figure is the median of several rounds' medians, and their ratio.
"""
import os, statistics, subprocess, sys, time
import numpy as np

ROUNDS, REPEATS = 5, 7
target = os.environ.get("CARGO_TARGET_DIR", "target")


def ours(example, *arguments):
    program = os.path.join(target, "release", "examples", example)
    run = subprocess.run([program, *map(str, arguments), str(REPEATS)], check=True, capture_output=True, text=True)
    return float(run.stdout)


def timed(work):
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def rounds(first, second):
    pairs = [(first(), second()) for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*pairs)]


def forward(path, batches):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    print(f"| batch | seamripper, ms | ONNX Runtime {ort.__version__}, ms | ratio |\n|---|---|---|---|")
    for batch in batches:
        shape = [batch, *session.get_inputs()[0].shape[1:]]
        images = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        run = lambda: session.run(None, {session.get_inputs()[0].name: images})
        a, b = rounds(lambda: ours("forward", path, batch), lambda: timed(run))
        print(f"| {batch} | {a:.1f} | {b:.1f} | {a / b:.2f} |", flush=True)


def grad_cam(path, name):
    import torch, torchcam, torchvision
    from torchcam.methods import GradCAM

    torch.set_num_threads(os.cpu_count())
    model = getattr(torchvision.models, name)(weights=None).eval()
    image = torch.randn(1, 3, 224, 224)
    cam = GradCAM(model)

    def run():
        scores = model(image)
        cam(0, scores)
        model.zero_grad()

    a, b = rounds(lambda: ours("gradcam", path), lambda: timed(run))
    print(f"| model | seamripper, ms | torch-cam {torchcam.__version__}, torch {torch.__version__}, ms | ratio |\n|---|---|---|---|")
    print(f"| {name} | {a:.1f} | {b:.1f} | {a / b:.2f} |")


if sys.argv[1] == "--grad-cam":
    grad_cam(*sys.argv[2:])
else:
    forward(sys.argv[1], [int(x) for x in sys.argv[2:]] or [1, 16])
