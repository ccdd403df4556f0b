// A picture of a row, drawn from its pixels.

import { useEffect, useRef } from "preact/hooks";
import { report, selected, table } from "../state";
import { picture, type Table } from "../table";

/// Draws pixels `[h, w, c]` on a canvas of that size, red, green and blue or grey.
export function draw(canvas: HTMLCanvasElement, pixels: ArrayLike<number>, [h, w, c]: [number, number, number]) {
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(w, h);
  for (let i = 0, j = 0; i < w * h * 4; i += 4, j += c) {
    image.data[i] = pixels[j];
    image.data[i + 1] = pixels[c === 3 ? j + 1 : j];
    image.data[i + 2] = pixels[c === 3 ? j + 2 : j];
    image.data[i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export function Pixels(props: { pixels: ArrayLike<number>; size: [number, number, number]; width?: number; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => draw(canvas.current!, props.pixels, props.size), [props.pixels]);
  return <canvas ref={canvas} role="img" aria-label={props.label} style={props.width ? { width: `${props.width}px` } : {}} />;
}

export function describe(table: Table, row: number): string {
  const [label, called] = [report.classes[table.labels[row]], report.classes[table.predicted[row]]];
  return label === called
    ? `${table.ids[row]}: ${label}, predicted rightly`
    : `${table.ids[row]}: labelled ${label}, predicted ${called}`;
}

export function Thumbnail(props: { row: number; chosen?: boolean; onChoose: (row: number) => void }) {
  const { row } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const rows = table.value!;
  const pixels = picture(rows, row);
  useEffect(() => {
    if (pixels && canvas.current) draw(canvas.current, pixels, rows.pictures!.size);
  }, [pixels]);
  const classes = ["thumb", props.chosen && "chosen", selected.value.has(row) && "selected"];
  return (
    <button
      type="button"
      class={classes.filter(Boolean).join(" ")}
      data-row={row}
      title={describe(rows, row)}
      aria-label={describe(rows, row)}
      onClick={() => props.onChoose(row)}
    >
      {pixels ? <canvas ref={canvas} aria-hidden="true" /> : <span class="blank" style={{ display: "block" }} />}
    </button>
  );
}
