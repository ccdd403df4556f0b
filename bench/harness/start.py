"""From the start of a process to the first finished training step, and the most memory that training takes.

Ours is the program itself, `seamripper train`, on a terminal: the clock stops when its progress line first shows a speed,
which is after the first step. It reads both splits, verifies their checksums and writes a run folder; peers read the
training images and train. Peers use memory as glibc gives it, without the tuning of the other sections.
"""

import os
import pty
import select
import signal
import subprocess
import time

import programs
import table
from programs import SEED, framework_workers
from worker import Failure, environment, say

STEPS = 200  # training steps for the peak of memory; ours trains a whole epoch of 469 and evaluates
MODES = ["PyTorch eager", "PyTorch channels_last", "Keras graph", "Keras xla", "JAX NHWC+reshape"]


class Program:
    def __init__(self, name, command, marker):
        self.name, self.command, self.marker = name, [str(part) for part in command], marker

    def run(self, to_the_end):
        """Seconds until the marker is printed, and the most memory in MiB."""
        terminal, inside = pty.openpty()
        began, first, seen = time.monotonic(), None, b""
        process = subprocess.Popen(
            self.command, stdout=inside, stderr=inside, stdin=subprocess.DEVNULL, env=environment({}), close_fds=True
        )
        os.close(inside)
        while time.monotonic() - began < 600:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    seen += os.read(terminal, 65536)
                except OSError:
                    break  # the program has ended
            if first is None and self.marker in seen:
                first = time.monotonic() - began
                if not to_the_end:
                    process.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        os.close(terminal)
        if first is None or (to_the_end and process.returncode):
            end = seen.decode(errors="replace")[-1500:]
            raise Failure(f"{self.name}: expected a first step, found none\n{end}", "run it: " + " ".join(self.command))
        return first, usage.ru_maxrss / 1024


def run(bench):
    command = [programs.program(), "train", SEED, "augment.expand=[]", "train.epochs=1"]
    mine = Program("seamripper", command, b"images/s")
    peers = []
    for worker in framework_workers("start", bench.without, batch=128, steps=STEPS):
        if worker.name in MODES:
            peers.append(Program(worker.name, worker.command, b"first step"))
    everyone = [mine, *peers]
    seconds = {each.name: [] for each in everyone}
    memory = {each.name: [] for each in everyone}
    for number in range(bench.rounds + 1):  # the first fills the file cache and does not count
        for each in everyone:
            command = each.command
            if each is mine:
                each.command = [*command, "--out", str(bench.folder / f"start-{number}")]
            first, _ = each.run(to_the_end=False)
            each.command = command
            if number:
                seconds[each.name].append(first)
        say(f"    round {number} of {bench.rounds}")
    for number in range(1 if bench.quick else 3):
        for each in everyone:
            command = each.command
            if each is mine:
                each.command = [*command, "--out", str(bench.folder / f"memory-{number}")]
            memory[each.name].append(each.run(to_the_end=True)[1])
            each.command = command
    names = [each.name for each in peers]
    print("### From the start of the process to the first training step of `seed` on Fashion-MNIST, seconds\n")
    table.compare("s", seconds, [mine.name], names, less_is_better=True)
    print(f"### Most memory of training `seed` on 60,000 images, batch 128, MiB (peers {STEPS} steps, ours an epoch)\n")
    table.compare("MiB", memory, [mine.name], names, less_is_better=True)
