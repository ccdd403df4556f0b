"""Turns colored terminal output into an SVG picture: python3 render.py < output.ansi > report.svg

The README's picture is `seamripper eval RUN` of recipe `seed`, run in a terminal (`script -qc 'seamripper eval RUN'`).
"""

import html
import re
import sys

COLORS = {"31": "#e06c60", "33": "#e5a13a", "34": "#6aa6f8", "36": "#56b6c2", "90": "#8b949e"}
WIDTH, HEIGHT, MARGIN = 8.0, 18, 16


def palette(n):
    if n >= 232:
        level = 8 + 10 * (n - 232)
        return f"#{level:02x}{level:02x}{level:02x}"
    if n >= 16:
        steps = [0, 95, 135, 175, 215, 255]
        n -= 16
        return "#" + "".join(f"{steps[n // d % 6]:02x}" for d in (36, 6, 1))
    return COLORS.get(str(30 + n), "#d0d7de")


def apply(state, codes):
    codes = codes.split(";") if codes else ["0"]
    while codes:
        code = codes.pop(0)
        if code in ("0", ""):
            state.clear()
        elif code == "1":
            state["weight"] = "bold"
        elif code == "2":
            state["fill"] = "#8b949e"
        elif code in ("38", "48") and codes and codes[0] == "5":
            state["fill" if code == "38" else "back"] = palette(int(codes[1]))
            del codes[:2]
        elif code in ("38", "48") and codes and codes[0] == "2":
            rgb = "#" + "".join(f"{int(c):02x}" for c in codes[1:4])
            state["fill" if code == "38" else "back"] = rgb
            del codes[:4]
        elif code in COLORS:
            state["fill"] = COLORS[code]
        elif code == "39":
            state.pop("fill", None)
        elif code == "49":
            state.pop("back", None)
        elif code == "22":
            state.pop("weight", None)


def main():
    lines = sys.stdin.read().replace("\r", "").rstrip("\n").split("\n")
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    width = max(map(len, plain)) * WIDTH + 2 * MARGIN
    height = len(lines) * HEIGHT + 2 * MARGIN
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}" '
        f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13.3" fill="#d0d7de">'
        f'<rect width="100%" height="100%" rx="6" fill="#0d1117"/>'
    )
    for row, line in enumerate(lines):
        state, column = {}, 0
        y = MARGIN + row * HEIGHT
        for part in re.split(r"(\x1b\[[0-9;]*m)", line):
            if part.startswith("\x1b"):
                apply(state, part[2:-1])
                continue
            if not part:
                continue
            x, length = MARGIN + column * WIDTH, len(part) * WIDTH
            if "back" in state:
                print(f'<rect x="{x:g}" y="{y}" width="{length:g}" height="{HEIGHT}" fill="{state["back"]}"/>')
            if part.strip():
                fill = f' fill="{state["fill"]}"' if "fill" in state else ""
                weight = ' font-weight="bold"' if "weight" in state else ""
                print(
                    f'<text x="{x:g}" y="{y + 13}" textLength="{length:g}" xml:space="preserve"{fill}{weight}>'
                    f"{html.escape(part)}</text>"
                )
            column += len(part)
    print("</svg>")


main()
