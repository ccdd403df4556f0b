"""`bench/run`: measures programs in turns and prints Markdown tables. One file a group of sections; see --help."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import inference
import machine
import peak
import programs
import see
import start
import training
import warp
import web
from worker import Failure, noise, say

SECTIONS = {
    "train": training.seed,
    "infer": inference.batches,
    "latency": inference.latency,
    "warp": warp.run,
    "start": start.run,
    "resnet20": training.resnet20,
    "peak": peak.run,
    "web": web.run,
    "scaling": training.scaling,
    "threads": training.threads,
    "see": see.integrated_gradients,
}


class Bench:
    """What all sections share: the options, and a folder for files of this run."""

    def __init__(self, options, folder):
        self.rounds = 1 if options.quick else options.rounds
        self.seconds = 1 if options.quick else options.seconds
        self.quick = options.quick
        self.without = set(options.without)
        self.folder = folder
        self.model, self.empty = folder / "seed.onnx", folder / "empty.onnx"
        self.weights, self.images = folder / "seed.f32", folder / "images.f32"

    def make_seed(self):
        """The network with weights, and images, for all programs that infer."""
        if not self.model.exists():
            programs.needs("onnx")
            subprocess.run([sys.executable, "bench/peers/make_seed.py", self.folder], check=True)

    def notice(self, worker):
        """Which instruction set ours ran on, and how quiet the machine was."""
        isa = f"seamripper ran on {worker.about['isa']}. " if "isa" in worker.about else ""
        print(f"{isa}{noise()}.\n", flush=True)


def names_of(allowed):
    def split(text):
        names = text.split(",")
        wrong = [name for name in names if name not in allowed]
        if wrong:
            raise argparse.ArgumentTypeError(f"expected {', '.join(allowed)}, found {', '.join(wrong)}")
        return names

    return split


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    sections = f"sections to run, with commas: {', '.join(SECTIONS)} (all)"
    parser.add_argument("--only", type=names_of(SECTIONS), default=list(SECTIONS), metavar="NAME,…", help=sections)
    parser.add_argument("--rounds", type=int, default=5, help="rounds in which each program is measured once (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement (3)")
    parser.add_argument("--quick", action="store_true", help="one round of one second: to try it, not to measure")
    peers = f"peers to leave out, with commas: {', '.join(programs.PEERS)}"
    parser.add_argument("--without", type=names_of(programs.PEERS), default=[], metavar="PEER,…", help=peers)
    how = "peers' memory: kept between steps, in huge pages (tuned), or as glibc does it (default)"
    parser.add_argument("--allocator", choices=["tuned", "default"], default="tuned", help=how)
    options = parser.parse_args()
    if options.allocator == "default":
        programs.allocator.clear()
    machine.describe(sys.argv[1:], options.without)
    print(f"Memory of peers: {programs.allocator.get('GLIBC_TUNABLES', 'as glibc does it')}.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, pathlib.Path(folder))
        for name in options.only:
            say(f"==> {name}")
            SECTIONS[name](bench)


try:
    main()
except Failure as failure:
    print(f"error: {failure}\nhint: {failure.hint}", file=sys.stderr)
    sys.exit(2)
