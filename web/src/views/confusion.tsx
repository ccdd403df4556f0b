// Who is taken for whom. A cell shows its images. Of many classes, the pairs with most errors and an overview to point at.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, percent, plural, short } from "../format";
import { Browser } from "../parts/browser";
import { address, adjust, go, numberParam } from "../route";
import { report, table } from "../state";
import { confusion, rowsOf } from "../table";
import { ClassChoice } from "./images";

/// More classes do not fit as a table of numbers.
const READABLE = 32;

const PAIRS = 200;

export function Confusion() {
  const rows = table.value;
  const k = report.classes.length;
  const counts = useMemo(
    () => (rows ? confusion(rows, k) : Uint32Array.from(report.evaluation!.confusion.flat())),
    [rows],
  );
  const [label, predicted] = [numberParam("true"), numberParam("predicted")];
  const found = useMemo(
    () => (rows && label !== undefined && predicted !== undefined ? rowsOf(rows, { label, predicted }, "loss") : null),
    [rows, label, predicted],
  );
  return (
    <>
      <div class="lead">
        <h2>Confusion</h2>
        <p>A row is a true class, a column what it was called. {rows ? "A cell shows its images, highest loss first." : ""}</p>
      </div>
      <div class={k <= 20 ? "confused" : "stack"}>
        {k <= READABLE ? <Matrix counts={counts} /> : <Many counts={counts} />}
        <section aria-live="polite">
          {found && (
            <>
              <h3 style={{ marginBottom: "10px" }}>
                {plural(found.length, "image")} of <span class="name">{short(report.classes[label!])}</span>{" "}
                {label === predicted ? "found" : <>called <span class="name">{short(report.classes[predicted!])}</span></>}
                {label !== predicted && (
                  <a class="small" style={{ marginLeft: "12px", fontWeight: 400 }} href={address("confusion", { true: predicted, predicted: label })}>
                    the other way: {count(counts[predicted! * k + label!])}
                  </a>
                )}
              </h3>
              {found.length ? <Browser rows={found} /> : <p class="soft">None.</p>}
            </>
          )}
          {!found && rows && <Pairs counts={counts} most={14} />}
        </section>
      </div>
    </>
  );
}

/// A warm shade for a share of a row's images; the square root, so that single errors are seen, and never so dark that the
/// number on it is not.
const shade = (share: number) => `rgba(var(--cell), ${(0.55 * Math.sqrt(Math.min(1, share * 2.5))).toFixed(3)})`;

function Matrix({ counts }: { counts: Uint32Array }) {
  const k = report.classes.length;
  const [at, setAt] = useState<[number, number]>([0, 0]);
  const grid = useRef<HTMLTableElement>(null);
  const chosen = [numberParam("true"), numberParam("predicted")];
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    const next: [number, number] = [at[0] + step[0], at[1] + step[1]].map((x) => Math.max(0, Math.min(k - 1, x))) as [number, number];
    setAt(next);
    grid.current!.querySelector<HTMLElement>(`[data-cell="${next[0]}-${next[1]}"]`)?.focus();
    event.preventDefault();
  };
  const names = report.classes.map((name) => short(name, 18));
  return (
    <div class="scroll">
      <table class="matrix" ref={grid} onKeyDown={move}>
        <caption class="unseen">Confusion matrix: rows are true classes, columns predicted ones. Arrow keys move.</caption>
        <thead>
          <tr>
            <td />
            {names.map((name, index) => <th scope="col" key={index} title={report.classes[index]}><span>{name}</span></th>)}
          </tr>
        </thead>
        <tbody>
          {names.map((name, row) => {
            const total = counts.subarray(row * k, (row + 1) * k).reduce((sum, n) => sum + n, 0);
            return (
              <tr key={row}>
                <th scope="row" title={report.classes[row]}>{name}</th>
                {names.map((_, column) => {
                  const n = counts[row * k + column];
                  const share = total ? n / total : 0;
                  const kind = row === column ? "hit" : n === 0 ? "zero" : "";
                  const chosenHere = chosen[0] === row && chosen[1] === column ? "chosen" : "";
                  return (
                    <td key={column}>
                      <a
                        class={`${kind} ${chosenHere}`}
                        data-cell={`${row}-${column}`}
                        tabIndex={at[0] === row && at[1] === column ? 0 : -1}
                        href={address("confusion", { true: row, predicted: column })}
                        style={kind ? {} : { background: shade(share) }}
                        title={`${count(n)} of ${count(total)} ${report.classes[row]} called ${report.classes[column]} (${percent(share)})`}
                        aria-label={`${report.classes[row]} called ${report.classes[column]}: ${count(n)}`}
                        onFocus={() => setAt([row, column])}
                      >
                        {n || "·"}
                      </a>
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/// The pairs with most errors, as a list.
function Pairs({ counts, most, only }: { counts: Uint32Array; most: number; only?: number }) {
  const k = report.classes.length;
  const pairs = useMemo(() => {
    const found: [number, number, number][] = [];
    for (let row = 0; row < k; row++) {
      for (let column = 0; column < k; column++) {
        const n = counts[row * k + column];
        if (row !== column && n && (only === undefined || row === only || column === only)) found.push([row, column, n]);
      }
    }
    return found.sort((a, b) => b[2] - a[2]).slice(0, most);
  }, [counts, most, only]);
  return (
    <div class="scroll">
      <table style={{ maxWidth: "640px" }}>
        <caption class="unseen">Pairs of classes with most errors</caption>
        <thead><tr><th>Label</th><th>called</th><th class="number">Images</th><th class="number">the other way</th></tr></thead>
        <tbody>
          {pairs.map(([row, column, n]) => (
            <tr key={`${row}-${column}`}>
              <td class="name">{short(report.classes[row])}</td>
              <td class="name">{short(report.classes[column])}</td>
              <td class="number"><a href={address("confusion", { true: row, predicted: column })}>{count(n)}</a></td>
              <td class="number"><a href={address("confusion", { true: column, predicted: row })}>{count(counts[column * k + row])}</a></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Many({ counts }: { counts: Uint32Array }) {
  const k = report.classes.length;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hint, setHint] = useState("");
  const label = numberParam("true");
  useEffect(() => {
    const surface = canvas.current!;
    surface.width = surface.height = k;
    const context = surface.getContext("2d")!;
    const image = context.createImageData(k, k);
    for (let row = 0; row < k; row++) {
      const total = Math.max(1, counts.subarray(row * k, (row + 1) * k).reduce((sum, n) => sum + n, 0));
      for (let column = 0; column < k; column++) {
        const share = counts[row * k + column] / total;
        const color = row === column ? [130, 130, 124] : [184, 74, 12];
        image.data.set([...color, share ? 60 + 195 * Math.sqrt(Math.min(1, share * 2.5)) : 0], 4 * (row * k + column));
      }
    }
    context.putImageData(image, 0, 0);
  }, [counts]);
  const cell = (event: PointerEvent | MouseEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    const at = (from: number, size: number, place: number) => Math.max(0, Math.min(k - 1, Math.floor(((place - from) / size) * k)));
    return [at(box.top, box.height, event.clientY), at(box.left, box.width, event.clientX)];
  };
  return (
    <div class="stack">
      <div class="row">
        <ClassChoice label="True" name="true" />
        <ClassChoice label="Called" name="predicted" />
        {label !== undefined && <button class="plain" type="button" onClick={() => adjust({ true: null, predicted: null, image: null })}>All pairs</button>}
      </div>
      <div class="confused" style={{ gridTemplateColumns: "min(520px, 100%) minmax(0, 1fr)" }}>
        <div>
          <canvas
            class="overview"
            ref={canvas}
            role="img"
            aria-label={`Overview of the confusion of ${k} classes; the list has the pairs with most errors`}
            style={{ width: "520px" }}
            onPointerMove={(event) => {
              const [row, column] = cell(event);
              setHint(`${short(report.classes[row], 40)} called ${short(report.classes[column], 40)}: ${count(counts[row * k + column])}`);
            }}
            onClick={(event) => go("confusion", { true: cell(event)[0], predicted: cell(event)[1] })}
          />
          <p class="soft small name" aria-hidden="true">{hint || " "}</p>
        </div>
        <Pairs counts={counts} most={PAIRS} only={label} />
      </div>
    </div>
  );
}
