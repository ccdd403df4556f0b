"""`warp_affine` against OpenCV's, one thread each; the images that come out must be the same bytes."""

import subprocess
import sys

import programs
import table
from programs import needs, ours, python_worker
from worker import Failure, interleaved


def run(bench):
    programs.throughput()
    with_opencv = "opencv" not in bench.without
    if not with_opencv:
        print("OpenCV was left out, so there is nothing to compare with.\n")
        return
    needs("cv2")
    for size, n in [("28x28x1", 1000), ("224x224x3", 40)]:
        files = {"pixels": bench.folder / f"{size}.u8", "matrices": bench.folder / f"{size}.f64"}
        make = ["bench/peers/with_opencv.py", "make", f"size={size}", f"images={n}", *programs.pairs(files)]
        subprocess.run([sys.executable, *make], check=True)
        results = [bench.folder / f"{size}-{who}.u8" for who in ("ours", "opencv")]
        mine = ours("seamripper", "warp", size=size, threads=1, out=results[0], **files)
        calls = python_worker("OpenCV, a call an image", "with_opencv", "warp", size=size, out=results[1], **files)
        tall = python_worker("OpenCV, one call on all images as one tall image", "with_opencv", "tall", size=size, **files)
        empty = python_worker("(a call of OpenCV on a 1x1 image)", "with_opencv", "call")
        numbers = interleaved([mine, calls, tall, empty], bench.rounds, bench.seconds)
        if results[0].read_bytes() != results[1].read_bytes():
            raise Failure(f"warp {size}: expected the same bytes as OpenCV, found others", "see crates/kernels/src/warp")
        print(f"### `warp_affine`, {size}, images/s, one thread; outputs equal bit for bit ({n:,} images)\n")
        table.compare("images/s", numbers, [mine.name], [calls.name])
        rate = lambda worker: table.median(numbers[worker.name])
        without_calls = 1 / (1 / rate(calls) - 1 / rate(empty))
        print(
            f"Against OpenCV less the cost of its calls from Python ({table.text(without_calls)} images/s): "
            f"{rate(mine) / without_calls:.2f} ×; against the tall image: {rate(mine) / rate(tall):.2f} ×.\n"
        )
        bench.notice(mine)
