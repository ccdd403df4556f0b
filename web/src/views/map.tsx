// Where images lie before the last layer: like ones near each other. Drag to select.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, plural, short } from "../format";
import { classColor } from "../parts/chart";
import { describe, draw } from "../parts/thumbnail";
import { go } from "../route";
import { report, selected, table } from "../state";
import { isWrong, picture } from "../table";

const SIDE = 900;
const MARGIN = 16;

interface Place { row: number; x: number; y: number }

export function ImageMap() {
  const rows = table.value!;
  const canvas = useRef<HTMLCanvasElement>(null);
  const hover = useRef<HTMLCanvasElement>(null);
  const [pointed, setPointed] = useState<{ place: Place; x: number; y: number } | null>(null);
  const [box, setBox] = useState<[number, number, number, number] | null>(null);
  const places = useMemo(() => scaled(), [rows]);
  const [wrongOnly, setWrongOnly] = useState(false);
  const shown = useMemo(() => (wrongOnly ? places.filter(({ row }) => isWrong(rows, row)) : places), [places, wrongOnly]);
  useEffect(() => paint(canvas.current!, shown, selected.value, box), [shown, selected.value, box]);
  useEffect(() => {
    const pixels = pointed && picture(rows, pointed.place.row);
    if (pixels && hover.current) draw(hover.current, pixels, rows.pictures!.size);
  }, [pointed?.place.row, pointed && picture(rows, pointed.place.row) !== null]);
  const at = (event: PointerEvent): [number, number] => {
    const area = canvas.current!.getBoundingClientRect();
    return [((event.clientX - area.left) / area.width) * SIDE, ((event.clientY - area.top) / area.height) * SIDE];
  };
  const move = (event: PointerEvent) => {
    const [x, y] = at(event);
    if (box) return setBox([box[0], box[1], x, y]);
    let [best, nearest]: [Place | null, number] = [null, 144];
    for (const place of shown) {
      const distance = (place.x - x) ** 2 + (place.y - y) ** 2;
      if (distance < nearest) [best, nearest] = [place, distance];
    }
    setPointed(best && { place: best, x: event.clientX, y: event.clientY });
  };
  const release = () => {
    if (!box) return;
    const [left, right] = [box[0], box[2]].sort((a, b) => a - b);
    const [top, bottom] = [box[1], box[3]].sort((a, b) => a - b);
    setBox(null);
    if (right - left < 4 && bottom - top < 4) {
      if (pointed) go("images", { image: rows.ids[pointed.place.row], true: rows.labels[pointed.place.row] });
      return;
    }
    selected.value = new Set(shown.filter(({ x, y }) => x >= left && x <= right && y >= top && y <= bottom).map(({ row }) => row));
  };
  return (
    <>
      <div class="lead">
        <h2>Map of images</h2>
        <p>{count(places.length)} images as the last layer reads them (t-SNE): near ones are alike to the model; distances between groups mean little. Crosses are wrong. Drag a box to select, click to look.</p>
      </div>
      <div class="row" style={{ marginBottom: "8px" }}>
        <label class="field"><input type="checkbox" checked={wrongOnly} onChange={(event) => setWrongOnly(event.currentTarget.checked)} /> wrong ones only</label>
        <span class="legend">{report.classes.slice(0, 20).map((name, index) => <span class="row" key={index} style={{ gap: "5px" }}><span class="swatch" style={{ background: classColor(index) }} /><span class="name">{short(name)}</span></span>)}</span>
      </div>
      <canvas
        class="mapcanvas" ref={canvas} width={SIDE} height={SIDE} role="img"
        aria-label={`Map of ${plural(shown.length, "image")}; the same images are in the view Images`}
        onPointerMove={move}
        onPointerLeave={() => setPointed(null)}
        onPointerDown={(event) => { canvas.current!.setPointerCapture(event.pointerId); const [x, y] = at(event); setBox([x, y, x, y]); }}
        onPointerUp={release}
      />
      {pointed && !box && (
        <div class="pop" style={{ left: `${Math.min(pointed.x + 14, innerWidth - 240)}px`, top: `${pointed.y + 14}px`, width: "200px" }}>
          <canvas ref={hover} style={{ width: "84px", imageRendering: "pixelated" }} />
          <div class="name">{describe(rows, pointed.place.row)}</div>
        </div>
      )}
    </>
  );
}

function scaled(): Place[] {
  const rows = table.value!;
  const found = report.see!.map!.images.flatMap(({ id, tsne: [x, y] }) => {
    const row = rows.rowOf.get(id);
    return row === undefined ? [] : [{ row, x, y }];
  });
  const ends = (values: number[]): [number, number] => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const [left, right] = ends(found.map(({ x }) => x));
  const [top, bottom] = ends(found.map(({ y }) => y));
  const size = Math.max(right - left, bottom - top) || 1;
  const to = (value: number, from: number) => MARGIN + ((value - from) / size) * (SIDE - 2 * MARGIN);
  return found.map(({ row, x, y }) => ({ row, x: to(x, left), y: to(y, top) }));
}

function paint(canvas: HTMLCanvasElement, places: Place[], chosen: ReadonlySet<number>, box: [number, number, number, number] | null) {
  const context = canvas.getContext("2d")!;
  const rows = table.value!;
  context.clearRect(0, 0, SIDE, SIDE);
  for (const { row, x, y } of places) {
    context.globalAlpha = chosen.size && !chosen.has(row) ? 0.18 : 0.8;
    context.fillStyle = context.strokeStyle = classColor(rows.labels[row]);
    if (isWrong(rows, row)) {
      context.lineWidth = 1.8;
      context.beginPath();
      context.moveTo(x - 4, y - 4); context.lineTo(x + 4, y + 4);
      context.moveTo(x - 4, y + 4); context.lineTo(x + 4, y - 4);
      context.stroke();
    } else {
      context.beginPath();
      context.arc(x, y, 2.4, 0, 7);
      context.fill();
    }
  }
  context.globalAlpha = 1;
  if (box) {
    context.strokeStyle = "#888";
    context.lineWidth = 1.5;
    context.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
  }
}
