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
        shifts = bench.folder / f"{size}-shifts.f64"
        make = ["bench/peers/with_opencv.py", "make", f"size={size}", f"images={n}", f"shifts={shifts}"]
        subprocess.run([sys.executable, *make, *programs.pairs(files)], check=True)
        results = [bench.folder / f"{size}-{who}.u8" for who in ("ours", "opencv")]
        options, shifted = {"size": size, **files}, {"size": size, **files, "matrices": shifts}
        mine = ours("seamripper", "warp", threads=1, out=results[0], **options)
        calls = python_worker("OpenCV, a call an image", "with_opencv", "warp", out=results[1], **options)
        empty = python_worker("OpenCV, a call on an image of 1x1", "with_opencv", "call")
        mine_shifted = ours("seamripper, every image shifted alike", "warp", threads=1, **shifted)
        tall = python_worker("OpenCV, all images as one tall image, shifted alike", "with_opencv", "tall", **shifted)
        numbers = interleaved([mine, calls, empty, mine_shifted, tall], bench.rounds, bench.seconds)
        if results[0].read_bytes() != results[1].read_bytes():
            what = f"warp {size}: expected the same bytes as OpenCV's, found others"
            raise Failure(what, "see crates/kernels/src/warp")
        print(f"### `warp_affine`, {size}, images/s, one thread; outputs equal bit for bit ({n:,} images)\n")
        table.compare("images/s", numbers, [mine.name], [calls.name])
        rate = lambda worker: table.median(numbers[worker.name])
        without_calls = 1 / (1 / rate(calls) - 1 / rate(empty))
        print(
            "Against OpenCV less what a call from Python costs, measured on 1x1 "
            f"({table.text(without_calls)} images/s): {rate(mine) / without_calls:.2f} ×. Against one call on the tall image, same transform: "
            f"{rate(mine_shifted) / rate(tall):.2f} ×.\n"
        )
        bench.notice(mine)
