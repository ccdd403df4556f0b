"""Forward of one image in headless Chromium: the engine as WebAssembly against onnxruntime-web, one thread each."""

import json
import os
import pathlib
import shutil
import subprocess

import programs
import table
from inference import check_logits, with_output
from programs import TARGET
from worker import Failure, Worker, interleaved, say

FOLDER = pathlib.Path("bench/peers/web")


def build():
    """The engine for the browser."""
    say("    cargo build, wasm32 with simd128 and relaxed-simd")
    command = ["cargo", "build", "--release", "--quiet", "--target", "wasm32-unknown-unknown"]
    command += ["--manifest-path", "bench/peers/wasm/Cargo.toml", "--target-dir", str(TARGET / "wasm-bench")]
    environment = os.environ | {"RUSTFLAGS": "-C target-feature=+simd128,+relaxed-simd"}
    if subprocess.run(command, env=environment, check=False).returncode:
        raise Failure("the wasm crate: expected it to build", "rustup target add wasm32-unknown-unknown")
    return TARGET / "wasm-bench/wasm32-unknown-unknown/release/seamripper_wasm_bench.wasm"


def run(bench):
    browser = shutil.which("chromium")
    if not browser:
        raise Failure("web: expected the program chromium, found none", "apt-get install chromium")
    if not shutil.which("npm"):
        raise Failure("web: expected node and npm, found none", "apt-get install nodejs npm")
    if not (FOLDER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=FOLDER, check=True)
    wasm = build().absolute()
    bench.make_seed()
    files = {"wasm": wasm, "model": bench.model, "weights": bench.weights, "pixels": bench.images, "chromium": browser}
    worker = lambda name: Worker(name, ["node", FOLDER / "run.mjs", name, *programs.pairs(files)])
    peers = [] if "onnxruntime-web" in bench.without else [worker("onnxruntime-web")]
    mine, outputs = worker("seamripper"), {}
    workers = [with_output(bench, each, outputs) for each in [mine, *peers]]
    numbers = interleaved(workers, bench.rounds, bench.seconds)
    check_logits(workers, outputs)
    versions = f"Chromium {mine.about['browser']}, onnxruntime-web {locked('onnxruntime-web')}"
    print(f"### Forward of one image of `seed` in the browser, wasm with simd128, one thread, µs ({versions})\n")
    table.compare("µs", numbers, [mine.name], [each.name for each in peers], less_is_better=True)
    bench.notice(mine)


def locked(package):
    return json.loads((FOLDER / "package-lock.json").read_text())["packages"][f"node_modules/{package}"]["version"]
