"""Inference speed: batches on all cores, and single images on one thread.

All programs read the same weights and images, and their logits are compared.
"""

import struct

import programs
import table
from programs import CORES, SEED, framework_workers, needs, ours, python_worker
from worker import Failure, Worker, best_of, interleaved

# How far logits may lie from ours: in float32, and where a program computes in bf16 (8 bits of mantissa).
FLOAT32, BF16 = 1e-4, 0.1


def floats(path):
    data = path.read_bytes()
    return struct.unpack(f"{len(data) // 4}f", data)


def distance(path, reference):
    found, expected = floats(path), floats(reference)
    if len(found) != len(expected):
        return float("inf")
    return max(abs(a - b) for a, b in zip(found, expected))


def check_logits(workers, outputs):
    """Fails if a program's logits are not ours."""
    reference = outputs[workers[0].name]
    for worker in workers[1:]:
        bound, found = BF16 if "bf16" in worker.name else FLOAT32, distance(outputs[worker.name], reference)
        if not found <= bound:
            what = f"{worker.name}: expected logits within {bound} of seamripper's, found {found}"
            raise Failure(what, "both read the same weights, so one of the two computes something else")


def runtimes(task, bench, batch, threads, parts):
    """Workers of the programs that only infer."""
    files = {"model": bench.model, "pixels": bench.images}
    workers = []
    if "onnxruntime" not in bench.without:
        needs("onnxruntime")
        settings = {"threads": threads, "sessions": 1}
        workers.append([python_worker("ONNX Runtime", "with_onnxruntime", task, batch=batch, **settings, **files)])
        if threads > 1:
            settings = {"threads": 1, "sessions": threads}
            name = f"ONNX Runtime, {threads} sessions"
            workers.append([python_worker(name, "with_onnxruntime", task, batch=batch, **settings, **files)])
    for peer in [peer for peer in ("tract", "rten") if peer not in bench.without]:
        options = {"batch": batch, "threads": threads, **files}
        command = [programs.TARGET / "peers/release/rust_peers", peer, task, *programs.pairs(options)]
        workers.append([Worker(f"{peer}, {count} parts", [*command, f"parts={count}"], **programs.allocator) for count in parts])
    return workers


def with_output(bench, worker, outputs):
    outputs[worker.name] = bench.folder / f"logits-{len(outputs)}.f32"
    worker.command.append(f"out={outputs[worker.name]}")
    return worker


def prepare(bench):
    programs.throughput()
    if {"tract", "rten"} - set(bench.without):
        programs.rust_peers()
    bench.make_seed()


def batches(bench):
    """Images a second of forward passes of `seed`, batch 128 and 1,000."""
    prepare(bench)
    files = {"weights": bench.weights, "pixels": bench.images}
    for batch, parts in [(128, [2, 8, 128]), (1000, [2, 8, 1000])]:
        print(f"### Inference of `seed`, batch {batch:,}, images/s, all cores\n")
        mine = [ours("seamripper", "infer", recipe=SEED, batch=batch, **files)]
        mine.append(ours("seamripper bf16", "infer", recipe=SEED, batch=batch, bf16="true", **files))
        peers = framework_workers("infer", bench.without, batch=batch, **files)
        for variants in runtimes("infer", bench, batch, CORES, parts):
            peers.append(variants[0] if len(variants) == 1 else best_of(variants, bench.seconds)[0])
        outputs = {}
        workers = [with_output(bench, worker, outputs) for worker in [*mine, *peers]]
        numbers = interleaved(workers, bench.rounds, bench.seconds)
        check_logits(workers, outputs)
        exact = [worker.name for worker in peers if "bf16" not in worker.name]
        half = [worker.name for worker in peers if "bf16" in worker.name]
        names = [worker.name for worker in mine]
        table.compare("images/s", {name: numbers[name] for name in names + exact}, names, exact)
        if half:
            print("Peers in bf16:\n")
            table.compare("images/s", {name: numbers[name] for name in names + half}, names, half)
        bench.notice(mine[0])


def latency(bench):
    """One image at a time on one thread, median µs."""
    prepare(bench)
    print("### Latency of one image of `seed`, one thread each, µs\n")
    mine = ours("seamripper", "latency", recipe=SEED, threads=1, weights=bench.weights, pixels=bench.images)
    peers = [variants[0] for variants in runtimes("latency", bench, 1, 1, [1])]
    for worker in peers:
        worker.name = worker.name.removesuffix(", 1 parts")
    outputs = {}
    workers = [with_output(bench, worker, outputs) for worker in [mine, *peers]]
    empty = []
    if "onnxruntime" not in bench.without:
        options = {"model": bench.empty, "pixels": bench.images, "batch": 1, "threads": 1}
        name = "(a call of ONNX Runtime with an empty model)"
        empty.append(python_worker(name, "with_onnxruntime", "latency", **options))
    numbers = interleaved([*workers, *empty], bench.rounds, bench.seconds)
    check_logits(workers, outputs)
    table.compare("µs", numbers, [mine.name], [worker.name for worker in peers], less_is_better=True)
    bench.notice(mine)
