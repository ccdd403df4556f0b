"""Forward passes of an ONNX file: seamripper against ONNX Runtime, in turns.

    cargo build --release -p seamripper-onnx --example forward
    .venv/bin/python bench/onnx.py MODEL.onnx [BATCH ...]

Both use all cores and keep the model loaded; the figure is the median of several rounds' medians, and their ratio.
"""
import os, statistics, subprocess, sys, time
import numpy as np
import onnxruntime as ort

ROUNDS, REPEATS = 5, 7
target = os.environ.get("CARGO_TARGET_DIR", "target")
program = os.path.join(target, "release", "examples", "forward")


def runtime(session, batch):
    shape = [batch, *session.get_inputs()[0].shape[1:]]
    images = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    name = session.get_inputs()[0].name
    session.run(None, {name: images})
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        session.run(None, {name: images})
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    path, batches = sys.argv[1], [int(x) for x in sys.argv[2:]] or [1, 16]
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    print(f"| batch | seamripper, ms | ONNX Runtime {ort.__version__}, ms | ratio |\n|---|---|---|---|")
    for batch in batches:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(float(subprocess.run([program, path, str(batch), str(REPEATS)], check=True,
                                             capture_output=True, text=True).stdout))
            theirs.append(runtime(session, batch))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {batch} | {a:.1f} | {b:.1f} | {a / b:.2f} |", flush=True)


main()
