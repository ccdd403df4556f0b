"""Programs that wait until they are asked to work, and rounds in which each works once while the others wait.

A worker prints `ready`, then answers each line SECONDS with one number (bench/peers/serve.py describes it).
"""

import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

# Of the processor, what all waiting workers together may use.
IDLE = 0.05
# Seconds a worker may take to load and warm up.
PATIENCE = 300


class Failure(Exception):
    """What went wrong, and the way out."""

    def __init__(self, what, hint):
        super().__init__(what)
        self.hint = hint


def environment(extra):
    """Ours, without what is set against old OpenBLAS builds and slows new ones."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    return kept | extra


class Worker:
    def __init__(self, name, command, ours=False, **extra):
        self.name, self.command, self.ours, self.extra = name, [str(part) for part in command], ours, extra
        self.process, self.about = None, {}

    def start(self):
        """Starts it and waits until it is ready."""
        self.errors = tempfile.TemporaryFile("w+")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = subprocess.Popen(
            self.command, **pipes, text=True, env=environment(self.extra), start_new_session=True
        )
        line = self.answer(PATIENCE)
        while not line.startswith("ready"):
            line = self.answer(PATIENCE)
        self.about = dict(pair.split("=", 1) for pair in line.split()[1:])
        return self

    def answer(self, seconds):
        readable, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            self.stop()
            self.errors.seek(0)
            end = "\n".join(self.errors.read().splitlines()[-15:])
            command = " ".join(self.command)
            raise Failure(f"{self.name}: expected an answer, found none\n{end}", f"run it by hand: echo 1 | {command}")
        return line

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.answer(60 + 20 * seconds))

    def processor_seconds(self):
        """What it and all it started have used so far."""
        return processor_seconds(self.process.pid)

    def stop(self):
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, 9)
                self.process.wait()


def processor_seconds(root):
    """What a process and all below it have used: its own, its threads' and its children's."""
    parents, ticks = {}, {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        parents[int(folder.name)] = int(fields[1])
        ticks[int(folder.name)] = sum(map(int, fields[11:15]))  # also of children that have ended
    below = lambda process: process == root or (process in parents and below(parents[process]))
    return sum(used for process, used in ticks.items() if below(process)) / os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """What all programs have used of the processor, with what the host took away, since the machine started."""
    user, nice, system, _, _, interrupts, soft, stolen = map(int, pathlib.Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")


# Share of a core that other programs used, one value a measurement; `noise` empties it.
others = []


def noise():
    """How quiet the machine was since the last call."""
    values = sorted(others)
    others.clear()
    if not values:
        return "How quiet the machine was is not known"
    middle, most = values[len(values) // 2], values[-1]
    return f"Other programs used {100 * middle:.0f} % of a core (median of measurements; at most {100 * most:.0f} %)"


def say(text):
    print(text, file=sys.stderr, flush=True)


def interleaved(workers, rounds, seconds):
    """In each round every worker in turn once, while all others wait: `{name: [number of each round]}`.

    Fails if the waiting ones use the processor.
    """
    say("    starting " + ", ".join(worker.name for worker in workers))
    try:
        for worker in workers:
            worker.start()
        numbers = {worker.name: [] for worker in workers}
        for number in range(rounds):
            for worker in workers:
                time.sleep(0.2)
                waiting = [other for other in workers if other is not worker]
                before, mine = [other.processor_seconds() for other in waiting], worker.processor_seconds()
                all_before, began = busy_seconds(), time.monotonic()
                numbers[worker.name].append(worker.measure(seconds))
                all_after, passed = busy_seconds(), time.monotonic() - began
                used_by_it = worker.processor_seconds() - mine
                others.append(max(0.0, all_after - all_before - used_by_it) / passed)
                for other, used in zip(waiting, before):
                    share = (other.processor_seconds() - used) / passed
                    if share > IDLE:
                        what = f"{other.name} used {100 * share:.0f} % of a core while {worker.name} was measured"
                        raise Failure(what, "a waiting worker must not spin: change its settings in bench/harness")
            say(f"    round {number + 1} of {rounds}")
        return numbers
    finally:
        for worker in workers:
            worker.stop()


def best_of(variants, seconds):
    """Measures each once, one alone at a time: the best one, and all their numbers by name."""
    numbers = {}
    for worker in variants:
        say(f"    trying {worker.name}")
        try:
            numbers[worker.name] = worker.start().measure(seconds)
        finally:
            worker.stop()
    best = max(variants, key=lambda worker: numbers[worker.name])
    return Worker(best.name, best.command, best.ours, **best.extra), numbers
