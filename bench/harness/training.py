"""Training speed: the experiment's network, a ResNet-20, one thread against all, sizes of data and network."""

import pathlib
import re

import programs
import table
from programs import CORES, SEED, framework_workers, ours, same_parameters
from table import median
from worker import best_of, interleaved

BATCHES = [128, 512, 1024]


def seed(bench):
    """Images a second of whole training steps; each peer with the batch size that suits it best, ours with 128."""
    programs.throughput()
    print("### Training `seed` (45,770 parameters, Adam, cross-entropy, random pixels), images/s, all cores\n")
    chosen, notes = [], {}
    by_batch = [framework_workers("train", bench.without, batch=batch) for batch in BATCHES]
    for variants in zip(*by_batch):
        name = variants[0].name
        for worker, batch in zip(variants, BATCHES):
            worker.name = f"{name}, batch {batch}"
        best, numbers = best_of(variants, bench.seconds)
        tried = {key.rsplit(" ", 1)[1]: table.text(value) for key, value in numbers.items()}
        notes[best.name] = " · ".join(f"{batch}: {rate}" for batch, rate in tried.items())
        chosen.append(best)
    mine = ours("seamripper, batch 128", "train", recipe=SEED, batch=128)
    workers = [mine, *chosen]
    numbers = interleaved(workers, bench.rounds, bench.seconds)
    same_parameters(workers, 45_770)
    table.compare("images/s", numbers, [mine.name], [worker.name for worker in chosen], notes=notes)
    bench.notice(mine)


def resnet20(bench):
    """ResNet-20 with batch normalization and 1x1 shortcuts, batch 128."""
    programs.throughput()
    for size, parameters in [("28x28x1", 272_186), ("32x32x3", 272_474)]:
        what = f"{parameters:,} parameters, momentum 0.9, batch 128"
        print(f"### Training a ResNet-20 on {size} ({what}), images/s, all cores\n")
        peers = [
            worker
            for worker in framework_workers("train", bench.without, network="resnet20", size=size, batch=128)
            if "reshape" not in worker.name  # there is no max-pool in it
        ]
        mine = ours("seamripper", "train", recipe=f"bench/recipes/resnet20-{size}.toml", batch=128)
        numbers = interleaved([mine, *peers], bench.rounds, bench.seconds)
        same_parameters([mine, *peers], parameters)
        exact = {name: numbers[name] for name in numbers if "bf16" not in name}
        table.compare("images/s, float32", exact, [mine.name], [name for name in exact if name != mine.name])
        half = {name: numbers[name] for name in numbers if "bf16" in name or name == mine.name}
        if len(half) > 1:
            print("Ours in float32 against training in bf16:\n")
            table.compare("images/s", half, [mine.name], [name for name in half if name != mine.name])
        bench.notice(mine)


def threads(bench):
    """Ours with one thread and with one a core."""
    programs.throughput()
    print(f"### Threads: seamripper, 1 and {CORES}, images/s\n")
    counts = [1, CORES]
    tasks = {
        "train `seed`": ("train", SEED),
        "infer `seed`": ("infer", SEED),
        "train ResNet-20, 32x32x3": ("train", "bench/recipes/resnet20-32x32x3.toml"),
    }
    name = lambda what, count: f"{what}, {count}"
    workers = [
        ours(name(what, count), task, recipe=recipe, threads=count)
        for what, (task, recipe) in tasks.items()
        for count in counts
    ]
    numbers = interleaved(workers, bench.rounds, bench.seconds)
    lines = []
    for what in tasks:
        one, all_cores = (numbers[name(what, count)] for count in counts)
        ratios = [many / single for single, many in zip(one, all_cores)]
        lines.append([what, table.spread(one), table.spread(all_cores), table.spread(ratios), str(len(ratios))])
    table.rows(["task", "1 thread", f"{CORES} threads", "ratio of each round", "rounds"], lines)
    bench.notice(workers[0])


def scaling(bench):
    """Time against the number of images, and against the number of parameters."""
    programs.throughput()
    print("### Scaling: one epoch of `seed`, batch 128, all cores\n")
    sizes = [1_000, 3_000, 10_000, 30_000] + ([] if bench.quick else [60_000, 180_000])
    workers = [ours(f"{n:,}", "epoch", recipe=SEED, images=n) for n in sizes]
    numbers = interleaved(workers, bench.rounds, bench.seconds)
    lines = []
    for n in sizes:
        seconds = numbers[f"{n:,}"]
        lines.append([f"{n:,}", table.spread(seconds), table.text(1e6 * median(seconds) / n), str(len(seconds))])
    table.rows(["images", "seconds an epoch, median (range)", "µs an image", "rounds"], lines)

    print("### Scaling: training the same layers with more or fewer filters, batch 128, all cores\n")
    workers, sums = [], {}
    for width in [0.3125, 0.5, 1, 2, 3.375, 5.5, 11]:
        filters = [int(128 * width), int(64 * width), int(32 * width)]
        recipe = bench.folder / f"width-{width}.toml"
        recipe.write_text(widened(*filters))
        parameters, sums_of_products = size_of(*filters)
        name = f"{parameters:,}"
        sums[name] = sums_of_products
        workers.append(ours(name, "train", recipe=recipe, batch=128, images=1280))
    numbers = interleaved(workers, bench.rounds, bench.seconds)
    lines = []
    for worker in workers:
        programs.same_parameters([worker], int(worker.name.replace(",", "")))
        rates = numbers[worker.name]
        nanoseconds = 1e9 / median(rates)
        each = nanoseconds / sums[worker.name]
        row = [worker.name, f"{sums[worker.name] / 1e6:.2f}", table.spread(rates), table.text(nanoseconds / 1000)]
        lines.append([*row, f"{1000 * each:.1f}", str(len(rates))])
    head = ["parameters", "million multiply-adds forward", "images/s, median (range)", "µs an image"]
    table.rows([*head, "ps a multiply-add forward", "rounds"], lines)
    bench.notice(workers[0])


def widened(*filters):
    """The recipe `seed` with other numbers of filters; the dense layer has as many as the last convolution."""
    recipe = pathlib.Path(SEED).read_text()
    wide = {f"conv {old}": f"conv {new}" for old, new in zip((128, 64, 32), filters)} | {"dense 32": f"dense {filters[2]}"}
    return re.sub("conv 128|conv 64|conv 32|dense 32", lambda found: wide[found[0]], recipe)


def size_of(first, second, third):
    """Parameters, and multiply-adds of a forward pass where they are needed: 21x21, 6x6 and 2x2 positions."""
    kernels = [(25 * first, 441), (4 * first * second, 36), (4 * second * third, 4), (third * third, 1), (third * 10, 1)]
    biases = first + second + third + third + 10
    return sum(kernel for kernel, _ in kernels) + biases, sum(kernel * positions for kernel, positions in kernels)
