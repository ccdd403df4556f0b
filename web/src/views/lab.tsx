// The model, alive: alter an image and watch every layer, the probabilities and Grad-CAM follow.

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { probability, short } from "../format";
import { info, problem, run, start, status, windowOf } from "../live/model";
import { type Alterations, type Answer, UNCHANGED, type WindowInfo } from "../live/protocol";
import { CamBadge } from "../parts/detail";
import { overlay } from "../parts/heat";
import { adjust, numberParam, params } from "../route";
import { report, table } from "../state";
import { hasPicture, isWrong, picture } from "../table";
import { Switches } from "./switches";
import { Sweep } from "./sweep";
import { WindowView } from "./window";

interface Slider {
  key: Exclude<keyof Alterations, "erased" | "seed">;
  title: string;
  low: number;
  high: number;
  step: number;
  unit: string;
}

export const SLIDERS: Slider[] = [
  { key: "rotate", title: "Turn", low: -180, high: 180, step: 1, unit: "°" },
  { key: "right", title: "Right", low: -12, high: 12, step: 0.5, unit: " px" },
  { key: "down", title: "Down", low: -12, high: 12, step: 0.5, unit: " px" },
  { key: "scale", title: "Size", low: 0.4, high: 2, step: 0.02, unit: "×" },
  { key: "brightness", title: "Light", low: -0.6, high: 0.6, step: 0.02, unit: "" },
  { key: "contrast", title: "Contrast", low: 0, high: 2, step: 0.02, unit: "×" },
  { key: "blur", title: "Blur", low: 0, high: 4, step: 0.1, unit: " px" },
  { key: "noise", title: "Noise", low: 0, high: 0.5, step: 0.01, unit: "" },
  { key: "occlude", title: "Cover", low: 0, high: 0.6, step: 0.01, unit: "" },
];

/// An image that is not of the table: drawn, or dropped.
const own = signal<{ name: string; pixels: Uint8Array } | null>(null);
const erased = signal<[number, number][]>([]);

/// Frames a second over the last second, for those who want to know.
export const frames = signal(0);

function alterations(): Alterations {
  const changed = { ...UNCHANGED, erased: erased.value };
  for (const { key } of SLIDERS) changed[key] = numberParam(key) ?? UNCHANGED[key];
  return changed;
}

/// The row that is looked at: the one in the address, or the worst mistake.
function startingRow(): number {
  const rows = table.value!;
  const id = params.value.get("image");
  const asked = id === null ? undefined : rows.rowOf.get(id);
  if (asked !== undefined && hasPicture(rows, asked)) return asked;
  const wrong = rows.byLoss.find((row) => isWrong(rows, row) && hasPicture(rows, row));
  return wrong ?? rows.pictures?.rows[0] ?? 0;
}

export function Lab() {
  useEffect(() => void start().catch(() => undefined), []);
  const loaded = info.value;
  if (status.value === "absent") return <Absent />;
  if (status.value === "failed") return <p class="wrong" role="alert">The model did not start: {problem.value}</p>;
  return (
    <>
      <div class="lead">
        <h2>Lab</h2>
        <p>The trained model runs in this page: the same engine as on the command line, and no network. Drag the image to shift it, Shift-drag or scroll to turn it, or draw on it.</p>
      </div>
      {loaded ? <Bench /> : <p class="soft">Starting the model …</p>}
    </>
  );
}

function Absent() {
  return (
    <>
      <h2>Lab</h2>
      <p class="soft" style={{ marginTop: "8px" }}>
        This report was written without the live model: either the run has none, or the program was built where Rust's target
        wasm32-unknown-unknown was missing (<code>rustup target add wasm32-unknown-unknown</code>, then{" "}
        <code>cargo run -p xtask -- web</code>).
      </p>
    </>
  );
}

function Bench() {
  const rows = table.value;
  const size = info.value!.input;
  const row = rows?.pictures ? startingRow() : null;
  const fetched = row === null ? null : picture(rows!, row);
  // The same array as long as it is the same image, so that only what changed is run.
  const source = useMemo(() => own.value?.pixels ?? fetched ?? new Uint8Array(size[0] * size[1] * size[2]), [own.value, row, fetched !== null]);
  const label = own.value || row === null ? null : rows!.labels[row];
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [heat, setHeat] = useState(true);
  const [version, setVersion] = useState(0);
  const wanted = alterations();
  useFrames(source, wanted, version, setAnswer);
  const changed = SLIDERS.some(({ key }) => wanted[key] !== UNCHANGED[key]) || wanted.erased.length > 0;
  const reset = () => {
    erased.value = [];
    adjust(Object.fromEntries(SLIDERS.map(({ key }) => [key, null])));
  };
  const name = own.value?.name ?? (row === null ? "a blank image" : rows!.ids[row]);
  return (
    <div class="lab">
      <div class="stack side">
        <Stage source={source} size={size} answer={answer} heat={heat} wanted={wanted} />
        <div class="row small" style={{ justifyContent: "space-between" }}>
          <span class="name"><b>{short(name, 60)}</b>{label !== null && <> · labelled {short(report.classes[label], 60)}</>}</span>
        </div>
        <Choose row={row} size={size} reset={reset} />
        {SLIDERS.map((slider) => {
          const value = wanted[slider.key];
          return (
            <label class="slider" key={slider.key}>
              <span>{slider.title}</span>
              <input
                type="range" min={slider.low} max={slider.high} step={slider.step} value={value} name={slider.key}
                onInput={(event) => {
                  const next = Number(event.currentTarget.value);
                  adjust({ [slider.key]: next === UNCHANGED[slider.key] ? null : next });
                }}
              />
              <span class="number soft">{Number(value.toFixed(2))}{slider.unit}</span>
            </label>
          );
        })}
        <div class="row">
          <button class="plain" type="button" disabled={!changed} onClick={reset}>Undo all</button>
          <label class="field small"><input type="checkbox" checked={heat} onChange={(event) => setHeat(event.currentTarget.checked)} /> Grad-CAM</label>
          {info.value!.map_layer ? <CamBadge /> : <span class="soft small">no convolution, so no map</span>}
        </div>
      </div>
      <Layers answer={answer} />
      <div class="stack side">
        <Verdict answer={answer} label={label} />
        <Sweep source={source} wanted={wanted} label={label} version={version} />
        <Switches onChange={() => setVersion((before) => before + 1)} />
        <p class="soft small" aria-hidden="true">
          {answer ? `${answer.milliseconds.toFixed(1)} ms a pass with ${info.value!.isa}` : ""}
          {frames.value > 5 ? `, ${frames.value} frames/s` : ""}
        </p>
      </div>
    </div>
  );
}

/// Runs the model whenever something changed, one pass at a time: what changes meanwhile waits for the next.
function useFrames(source: Uint8Array, wanted: Alterations, version: number, done: (answer: Answer) => void) {
  const pending = useRef<{ source: Uint8Array; wanted: Alterations } | null>(null);
  const busy = useRef(false);
  const times = useRef<number[]>([]);
  useEffect(() => {
    pending.current = { source, wanted };
    const next = async () => {
      if (busy.current) return;
      busy.current = true;
      while (pending.current) {
        const ask = pending.current;
        pending.current = null;
        try {
          done(await run(ask.source, ask.wanted, -1, true));
        } catch {
          break;
        }
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        times.current = [...times.current.filter((time) => now - time < 1000), now];
        frames.value = times.current.length;
      }
      busy.current = false;
    };
    void next();
  }, [source, JSON.stringify(wanted), version]);
}

/// The altered image, to be dragged, turned and drawn on.
function Stage(props: { source: Uint8Array; size: [number, number, number]; answer: Answer | null; heat: boolean; wanted: Alterations }) {
  const { answer, heat, size, wanted } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<{ x: number; y: number; from: Alterations } | null>(null);
  const [brush, setBrush] = useState(false);
  useEffect(() => {
    if (canvas.current) overlay(canvas.current, answer?.altered ?? props.source, size, heat ? (answer?.map ?? null) : null);
  }, [answer, heat, props.source]);
  const cell = (event: PointerEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [((event.clientY - box.top) / box.height) * size[0], ((event.clientX - box.left) / box.width) * size[1]];
  };
  const wipe = (event: PointerEvent) => {
    const [row, column] = cell(event).map(Math.floor);
    const all = new Map(erased.value.map((pixel) => [pixel.join(), pixel]));
    for (const [dr, dc] of [[0, 0], [0, 1], [1, 0], [1, 1]]) all.set(`${row + dr},${column + dc}`, [row + dr, column + dc]);
    erased.value = [...all.values()].filter(([r, c]) => r >= 0 && c >= 0 && r < size[0] && c < size[1]) as [number, number][];
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    if (brush) return wipe(event);
    const [row, column] = cell(event);
    const { x, y, from } = drag.current;
    if (event.shiftKey) {
      const angle = (r: number, c: number) => (Math.atan2(size[0] / 2 - r, c - size[1] / 2) * 180) / Math.PI;
      const turned = from.rotate + angle(row, column) - angle(y, x);
      adjust({ rotate: Math.round(((turned + 540) % 360) - 180) || null });
    } else {
      adjust({ right: Math.round(2 * (from.right + column - x)) / 2 || null, down: Math.round(2 * (from.down + row - y)) / 2 || null });
    }
  };
  return (
    <>
      <div
        class={`stage ${brush ? "brush" : ""}`}
        onPointerDown={(event) => {
          const [row, column] = cell(event);
          drag.current = { x: column, y: row, from: wanted };
          event.currentTarget.setPointerCapture(event.pointerId);
          if (brush) wipe(event);
        }}
        onPointerMove={move}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
        onWheel={(event) => {
          event.preventDefault();
          const turned = wanted.rotate - Math.sign(event.deltaY) * 3;
          adjust({ rotate: ((turned + 540) % 360) - 180 || null });
        }}
      >
        <canvas ref={canvas} role="img" aria-label="The altered image" data-testid="stage" />
      </div>
      <button class="plain small" type="button" aria-pressed={brush} onClick={() => setBrush(!brush)} style={{ justifySelf: "start" }}>
        {brush ? "Erasing: draw on the image" : "Erase by drawing"}
      </button>
    </>
  );
}

/// Another image: the next mistake, any image, or a file.
function Choose(props: { row: number | null; size: [number, number, number]; reset: () => void }) {
  const rows = table.value;
  const step = (by: number) => {
    if (!rows || props.row === null) return;
    const mistakes = [...rows.byLoss].filter((row) => isWrong(rows, row) && hasPicture(rows, row));
    const all = mistakes.length ? mistakes : [...rows.pictures!.rows];
    const next = all[(all.indexOf(props.row) + by + all.length) % all.length];
    own.value = null;
    erased.value = [];
    adjust({ image: rows.ids[next] });
  };
  const random = () => {
    if (!rows?.pictures) return;
    own.value = null;
    erased.value = [];
    adjust({ image: rows.ids[rows.pictures.rows[Math.floor(Math.random() * rows.pictures.count)]] });
  };
  const read = async (file: File | undefined) => {
    if (!file) return;
    try {
      own.value = { name: file.name, pixels: await pixelsOf(file, props.size) };
      erased.value = [];
    } catch {
      own.value = null;
      alert(`${file.name}: expected a picture that this browser can read`);
    }
  };
  return (
    <div class="row" onDragOver={(event) => event.preventDefault()} onDrop={(event) => { event.preventDefault(); void read(event.dataTransfer?.files[0]); }}>
      {rows?.pictures && (
        <>
          <button class="plain small" type="button" onClick={() => step(-1)}>‹ Mistake</button>
          <button class="plain small" type="button" onClick={() => step(1)}>Mistake ›</button>
          <button class="plain small" type="button" onClick={random}>Any</button>
        </>
      )}
      <label class="plain small">
        Open or drop a picture
        <input class="unseen" type="file" accept="image/*" onChange={(event) => void read(event.currentTarget.files?.[0])} />
      </label>
      {own.value && <button class="plain small" type="button" onClick={() => (own.value = null)}>Back to the data</button>}
    </div>
  );
}

/// A picture file, shrunk or enlarged to the model's size.
async function pixelsOf(file: File, [h, w, c]: [number, number, number]): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(w, h);
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, w, h);
  const { data } = context.getImageData(0, 0, w, h);
  const pixels = new Uint8Array(h * w * c);
  for (let i = 0; i < h * w; i++) {
    const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
    if (c === 3) pixels.set([r, g, b], 3 * i);
    else pixels[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  }
  return pixels;
}

const SHOWN = 6;

function Verdict({ answer, label }: { answer: Answer | null; label: number | null }) {
  const announced = useRef("");
  if (!answer) return <p class="soft">…</p>;
  const order = [...answer.probs.keys()].sort((a, b) => answer.probs[b] - answer.probs[a]);
  const top = order[0];
  const words = `${short(report.classes[top], 60)}, ${probability(answer.probs[top])}`;
  announced.current = report.classes[top];
  // In the order of the classes, so that bars stay in place while the image turns; of many classes, the most probable.
  const shown = report.classes.length <= 12 ? report.classes.map((_, index) => index) : order.slice(0, SHOWN);
  return (
    <div class="stack" style={{ gap: "8px" }}>
      <p class={`verdict name ${label === null ? "" : top === label ? "right" : "wrong"}`} data-testid="verdict">{words}</p>
      <span class="unseen" aria-live="polite">{announced.current}</span>
      <div class="probs">
        {shown.map((index) => (
          <>
            <span class={`label name ${index === label ? "truth" : ""}`} title={report.classes[index]}>{report.classes[index]}</span>
            <span class="track" aria-hidden="true">
              <span class={`fill ${index === top ? "top" : ""}`} style={{ display: "block", width: `${100 * answer.probs[index]}%` }} />
            </span>
            <span class="number">{probability(answer.probs[index])}</span>
          </>
        ))}
      </div>
    </div>
  );
}

/// Every layer's responses, a channel a square, in one canvas a layer.
function Layers({ answer }: { answer: Answer | null }) {
  return (
    <div class="stack" style={{ gap: "16px" }}>
      {info.value!.layers.map((layer, index) => (
        <LayerView key={layer.name} index={index} values={answer?.responses[index] ?? null} />
      ))}
    </div>
  );
}

interface Pointed { filter: number; row: number; column: number; x: number; y: number }

function LayerView({ index, values }: { index: number; values: Float32Array | null }) {
  const layer = info.value!.layers[index];
  const [h, w, c] = layer.output;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const [found, setFound] = useState<WindowInfo | null>(null);
  const flat = h * w === 1;
  const columns = flat ? Math.min(c, 32) : columnsOf(c);
  const gap = flat ? 0 : 1;
  useEffect(() => {
    if (values && canvas.current) drawChannels(canvas.current, values, [h, w, c], columns, gap);
  }, [values]);
  useEffect(() => {
    setFound(null);
    if (!pointed || !layer.convolution) return;
    let present = true;
    windowOf(index, pointed.row, pointed.column, pointed.filter).then((answer) => present && setFound(answer), () => undefined);
    return () => void (present = false);
  }, [pointed?.filter, pointed?.row, pointed?.column, values]);
  const point = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * canvas.current!.width;
    const y = ((event.clientY - box.top) / box.height) * canvas.current!.height;
    const [column, row] = [Math.floor(x / (w + gap)), Math.floor(y / (h + gap))];
    const place = { row: Math.floor(y - row * (h + gap)), column: Math.floor(x - column * (w + gap)) };
    const filter = row * columns + column;
    const inside = filter < c && column < columns && place.row < h && place.column < w;
    setPointed(inside ? { filter, ...place, x: event.clientX, y: event.clientY } : null);
  };
  const most = values ? values.reduce((most, value) => Math.max(most, value), 0) : 0;
  return (
    <div class="layer">
      <div class="row small" style={{ justifyContent: "space-between", marginBottom: "4px" }}>
        <span><b class="name">{layer.name}</b> <span class="soft">{flat ? `${c} units` : `${c} filters, ${h} × ${w} places each`}</span></span>
        <span class="soft">0 – {most.toFixed(2)}</span>
      </div>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Responses of ${layer.name}: ${c} ${flat ? "units" : "filters"}, the largest ${most.toFixed(2)}`}
        onPointerMove={point}
        onPointerLeave={() => setPointed(null)}
        style={flat ? { height: `${14 * Math.ceil(c / columns)}px` } : { maxWidth: `${MOST_SCALE * columns * (w + gap)}px` }}
      />
      {pointed && (
        <div class="pop" style={popPlace(pointed)}>
          <b>{layer.name} #{pointed.filter}</b>{" "}
          {!flat && <span class="soft">at row {pointed.row}, column {pointed.column}</span>}
          {values && <div>responds with {values[(pointed.row * w + pointed.column) * c + pointed.filter].toFixed(3)}</div>}
          {found && <WindowView found={found} />}
        </div>
      )}
    </div>
  );
}

/// Pixels of the screen that a place has, at most.
const MOST_SCALE = 14;

/// Columns that leave no gap at the end, if there are any near twice as many as rows.
function columnsOf(c: number): number {
  const [low, high] = [Math.sqrt(1.2 * c), Math.sqrt(4.2 * c)];
  for (let columns = Math.floor(high); columns >= low; columns--) if (c % columns === 0) return columns;
  return Math.max(1, Math.round(Math.sqrt(2 * c)));
}

function popPlace({ x, y }: Pointed) {
  return {
    left: `${Math.max(8, Math.min(x + 16, innerWidth - 440))}px`,
    ...(y > innerHeight / 2 ? { bottom: `${innerHeight - y + 14}px` } : { top: `${y + 16}px` }),
  };
}

/// Channels beside each other, each from its 0 (dark) to the layer's largest (light).
function drawChannels(
  canvas: HTMLCanvasElement, values: Float32Array, [h, w, c]: [number, number, number], columns: number, gap: number,
) {
  const rows = Math.ceil(c / columns);
  [canvas.width, canvas.height] = [columns * (w + gap) - gap, rows * (h + gap) - gap];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(canvas.width, canvas.height);
  let most = 1e-9;
  for (const value of values) if (value > most) most = value;
  for (let channel = 0; channel < c; channel++) {
    const [left, top] = [(channel % columns) * (w + gap), Math.floor(channel / columns) * (h + gap)];
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const share = Math.sqrt(Math.max(0, values[(y * w + x) * c + channel]) / most);
        const at = 4 * ((top + y) * canvas.width + left + x);
        image.data[at] = 18 + 237 * share;
        image.data[at + 1] = 18 + 190 * share * share + 40 * share;
        image.data[at + 2] = 24 + 130 * share * share;
        image.data[at + 3] = 255;
      }
    }
  }
  context.putImageData(image, 0, 0);
}
