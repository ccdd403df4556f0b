"""Markdown tables of medians with their range."""

import statistics

median = statistics.median


def text(number):
    """Three to four digits that mean something."""
    size = abs(number)
    return f"{number:,.0f}" if size >= 100 else f"{number:.1f}" if size >= 10 else f"{number:.3g}"


def rows(head, lines):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print(flush=True)


def spread(numbers):
    return f"{text(median(numbers))} ({text(min(numbers))}–{text(max(numbers))})"


def compare(unit, numbers, ours, peers, less_is_better=False, notes=None):
    """One row a program, best first, with its ratio to the best peer; below, `ours` against that peer by rounds."""
    rank = lambda name: median(numbers[name]) * (1 if less_is_better else -1)
    best = min(peers, key=rank) if peers else None
    times = lambda mine, other: other / mine if less_is_better else mine / other
    lines = []
    for name in sorted(numbers, key=rank):
        values = numbers[name]
        ratio = f"{times(median(values), median(numbers[best])):.2f}" if best else "–"
        line = [name, text(median(values)), text(min(values)), text(max(values)), str(len(values)), ratio]
        lines.append(line + ([notes.get(name, "")] if notes else []))
    head = ["program", f"{unit}, median", "min", "max", "rounds", "times the best peer"]
    rows(head + (["all sizes tried"] if notes else []), lines)
    for name in ours if best else []:
        ratios = [times(mine, other) for mine, other in zip(numbers[name], numbers[best])]
        print(f"{name} against {best}, the best peer: {median(ratios):.2f} × ({min(ratios):.2f}–{max(ratios):.2f}).")
    print(flush=True)
