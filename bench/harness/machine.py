"""What the figures were measured on: processor, versions, commit, date."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess

# Of /proc/cpuinfo's flags, those that decide which kernels run.
FLAGS = "avx2 fma avx512f avx512_vnni avx512_bf16 avx512_fp16 avx_vnni amx_tile amx_bf16 amx_int8 asimd bf16".split()

PYTHON = "torch tensorflow-cpu keras jax onnxruntime opencv-python-headless numpy".split()


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def locked(crate):
    lock = pathlib.Path("bench/peers/rust/Cargo.lock").read_text()
    return re.search(rf'name = "{crate}"\nversion = "(.+)"', lock)[1]


def python_versions():
    found = []
    for package in PYTHON:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} missing")
    return found


def describe(arguments, without):
    info = pathlib.Path("/proc/cpuinfo").read_text()
    field = lambda name: (re.search(rf"^{name}\s*: (.+)$", info, re.M) or [None, "unknown"])[1]
    flags = field("flags").split()
    has = [flag for flag in FLAGS if flag in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    changed = " with changes" if output("git", "status", "--porcelain", "--untracked-files=no") else ""
    print(f"`bench/run {' '.join(arguments)}`".replace(" `", "`"), end=": ")
    print(f"commit {output('git', 'rev-parse', '--short', 'HEAD')}{changed}, {datetime.date.today()}.")
    print(
        f"Machine: {field('model name')} (family {field('cpu family')}, model {field('model')}; {', '.join(has)}), "
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Linux {platform.release()}."
    )
    forced = os.environ.get("SEAMRIPPER_ISA")
    print(f"Instruction set of seamripper: {forced or 'the best there is'}; each table's rows were measured in turns.")
    versions = [*python_versions(), f"tract {locked('tract-onnx')}", f"rten {locked('rten')}"]
    print(f"Peers: {', '.join(versions)}; Python {platform.python_version()}; {output('rustc', '--version')}.")
    if without:
        print(f"Left out with --without: {', '.join(without)}.")
