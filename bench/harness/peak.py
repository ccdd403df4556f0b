"""Share of the machine's peak in fused multiply-adds: forward passes of `seed`, training of ResNet-20."""

import programs
import table
from programs import CORES, SEED, framework_workers, ours
from table import median
from worker import interleaved


def seed_flops():
    """Forward, only what valid pools read: 21x21 positions of 24x24, 6x6 of 7x7, 2x2."""
    convolutions = [(21 * 21, 25 * 128), (6 * 6, 4 * 128 * 64), (2 * 2, 4 * 64 * 32)]
    return 2 * (sum(positions * kernel for positions, kernel in convolutions) + 32 * 32 + 32 * 10)


def resnet20_flops(side, channels):
    """A training step an image: forward, gradients of weights, gradients of inputs (not of the image's).

    Convolutions and the dense layer only; positions in the padding count, as usual.
    """
    first = side**2 * 9 * channels * 16
    rest, inputs = 64 * 10, 16
    for width, positions in [(16, side**2), (32, (side // 2) ** 2), (64, (side // 4) ** 2)]:
        for _ in range(3):
            rest += positions * 9 * (inputs * width + width * width)
            rest += positions * inputs * width if inputs != width else 0
            inputs = width
    return 2 * (2 * first + 3 * rest)


def run(bench):
    programs.throughput()
    print("### Share of the peak\n")
    peaks = [ours(f"peak {index}", "peak", threads=1) for index in range(CORES)]
    tasks = {
        "seamripper, forward `seed`, 1 thread": (ours, SEED, "infer", 1, seed_flops()),
        f"seamripper, forward `seed`, {CORES} threads": (ours, SEED, "infer", CORES, seed_flops()),
    }
    workers, flops, cores = [], {}, {}
    for name, (make, recipe, task, count, each) in tasks.items():
        workers.append(make(name, task, recipe=recipe, threads=count, batch=128))
        flops[name], cores[name] = each, count
    for size, side, channels in [("28x28x1", 28, 1), ("32x32x3", 32, 3)]:
        name = f"seamripper, training ResNet-20 on {size}, {CORES} threads"
        workers.append(ours(name, "train", recipe=f"bench/recipes/resnet20-{size}.toml", threads=CORES, batch=128))
        peers = framework_workers("train", bench.without | {"keras", "jax"}, network="resnet20", size=size, batch=128)
        for worker in peers:
            if worker.name in ("PyTorch channels_last", "PyTorch compile"):
                worker.name += f", training ResNet-20 on {size}, {CORES} threads"
                workers.append(worker)
        for worker in workers:
            if size in worker.name:
                flops[worker.name], cores[worker.name] = resnet20_flops(side, channels), CORES
    one = interleaved(peaks[:1], bench.rounds, bench.seconds)
    peak = {1: median(one[peaks[0].name]) / 1e9, CORES: together(peaks, bench) / 1e9}
    print(f"Measured peak: {peak[1]:.1f} GFLOP/s on one core, {peak[CORES]:.1f} GFLOP/s on {CORES}.\n")
    numbers = interleaved(workers, bench.rounds, bench.seconds)
    lines = []
    for worker in workers:
        rates = [rate * flops[worker.name] / 1e9 for rate in numbers[worker.name]]
        share = f"{100 * median(rates) / peak[cores[worker.name]]:.0f} %"
        lines.append([worker.name, f"{flops[worker.name] / 1e6:.2f}", table.spread(rates), share, str(len(rates))])
    table.rows(["program", "MFLOP an image", "GFLOP/s, median (range)", "share of the peak", "rounds"], lines)
    bench.notice(workers[0])


def together(workers, bench):
    """The sum of what all reach at the same time: median over rounds."""
    for worker in workers:
        worker.start()
    sums = []
    try:
        for _ in range(bench.rounds):
            for worker in workers:
                worker.process.stdin.write(f"{bench.seconds}\n")
                worker.process.stdin.flush()
            sums.append(sum(float(worker.answer(60 + bench.seconds)) for worker in workers))
    finally:
        for worker in workers:
            worker.stop()
    return median(sums)
