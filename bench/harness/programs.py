"""How to run our programs and the peers': builds, checks that a peer is there, and makes its worker."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

from worker import Failure, Worker, say

SEED = "recipes/seed.toml"
CORES = len(os.sched_getaffinity(0))
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).absolute()

# How glibc gives memory to peers: kept instead of returned after every step, in huge pages. PyTorch's tuning guide asks for
# such an allocator (it names jemalloc and TCMalloc): without it PyTorch and JAX train at about half the speed.
# `--allocator default` measures peers as they are installed.
TUNABLES = {
    "mmap_threshold": 2**32,
    "trim_threshold": 2**33,
    "top_pad": 2**28,
    "hugetlb": 1,
}
TUNED = {"GLIBC_TUNABLES": ":".join(f"glibc.malloc.{key}={value}" for key, value in TUNABLES.items())}
allocator = dict(TUNED)

# What each peer needs, and the modes in which it runs.
PYTHON_PEERS = {
    "pytorch": ("PyTorch", "torch", ["eager", "channels_last", "compile", "bf16", "compile+bf16"]),
    "keras": ("Keras", "keras", ["graph", "xla"]),
    "jax": ("JAX", "jax", ["NHWC", "NCHW", "NHWC+reshape"]),
}
PEERS = [*PYTHON_PEERS, "onnxruntime", "tract", "rten", "opencv", "onnxruntime-web", "captum"]


def needs(module):
    """Fails if a module of the peers' Python is missing."""
    if not importlib.util.find_spec(module):
        hint = f"{sys.executable} -m pip install -r bench/peers/requirements.txt, or leave it out with --without"
        raise Failure(f"peers: expected the Python module {module}, found none", hint)


def cargo(*arguments):
    say(f"    cargo {' '.join(arguments)}")
    done = subprocess.run(["cargo", *arguments, "--quiet"], check=False)
    if done.returncode:
        raise Failure("cargo build: expected success, found an error", "see above")


def throughput():
    """Our worker, built."""
    cargo("build", "--release", "-p", "seamripper-core", "--example", "throughput")
    return TARGET / "release/examples/throughput"


def program():
    """The program itself, built."""
    cargo("build", "--release", "-p", "seamripper")
    return TARGET / "release/seamripper"


def rust_peers():
    cargo("build", "--release", "--manifest-path", "bench/peers/rust/Cargo.toml", "--target-dir", str(TARGET / "peers"))
    return TARGET / "peers/release/rust_peers"


def pairs(options):
    return [f"{key}={value}" for key, value in options.items()]


def ours(name, task, **options):
    path = TARGET / "release/examples/throughput"
    return Worker(name, [path, task, *pairs(options)], ours=True)


def python_worker(name, script, task, **options):
    return Worker(name, [sys.executable, f"bench/peers/{script}.py", task, *pairs(options)], **allocator)


def framework_workers(task, without, **options):
    """A worker for each mode of each framework that trains."""
    workers = []
    for peer, (name, module, modes) in PYTHON_PEERS.items():
        if peer in without:
            continue
        needs(module)
        if peer == "pytorch" and not shutil.which("g++"):
            raise Failure("torch.compile: expected g++, found none", "install it: apt-get install g++")
        if peer == "keras":
            needs("tensorflow")
        for mode in modes:
            workers.append(python_worker(f"{name} {mode}", f"with_{peer}", task, mode=mode, **options))
    return workers


def same_parameters(workers, expected=None):
    """Fails if the networks do not have the same number of parameters."""
    counts = {worker.name: int(worker.about["parameters"]) for worker in workers if "parameters" in worker.about}
    wanted = expected or next(iter(counts.values()))
    wrong = {name: count for name, count in counts.items() if count != wanted}
    if wrong:
        raise Failure(f"parameters: expected {wanted} everywhere, found {wrong}", "make the networks equal")
