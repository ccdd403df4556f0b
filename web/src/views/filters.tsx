// What every filter sees and is needed for, layer by layer, as `seamripper see` found it.

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { blob, hasBlob } from "../embedded";
import { canRun } from "../live/model";
import { count, percent, plural, points } from "../format";
import { Pixels } from "../parts/thumbnail";
import { address, adjust, params } from "../route";
import type { Patch, SeenFilter, SeenLayer } from "../schema";
import { report, table } from "../state";
import { picture } from "../table";
import { SignedGrid } from "./window";

const PAGE = 48;
const PATCHES = 6;

type Order = "index" | "needed" | "selective" | "active";

export function Filters() {
  const { see } = report;
  const name = params.value.get("layer") ?? see!.layers[0].name;
  const layer = see!.layers.find((layer) => layer.name === name) ?? see!.layers[0];
  const order = (params.value.get("order") as Order) ?? "needed";
  const [shown, setShown] = useState(PAGE);
  useEffect(() => setShown(PAGE), [layer, order]);
  const filters = useMemo(() => ordered(layer, order), [layer, order]);
  const dead = layer.filters.filter((filter) => filter.dead).length;
  const [h, w, c] = layer.output;
  return (
    <>
      <div class="lead">
        <h2>Filters</h2>
        <p>What excites each filter most among {count(see!.images)} images, the class it prefers, and what the accuracy loses without it.</p>
      </div>
      <div class="row" style={{ marginBottom: "12px" }}>
        {see!.layers.map((found) => (
          <button key={found.name} class="plain name" type="button" aria-pressed={found === layer} onClick={() => adjust({ layer: found.name })}>
            {found.name} <span class="small">{found.filters.length}</span>
          </button>
        ))}
        <label class="field">
          First
          <select value={order} onChange={(event) => adjust({ order: event.currentTarget.value })}>
            <option value="needed">needed most</option>
            <option value="selective">most selective</option>
            <option value="active">most active</option>
            <option value="index">by number</option>
          </select>
        </label>
      </div>
      <p class="soft small" style={{ marginBottom: "14px" }}>
        {h * w > 1 ? `${c} filters, ${h} × ${w} places each` : `${c} units`}
        {dead ? `; ${plural(dead, "filter")} never respond${dead === 1 ? "s" : ""}` : ""}
        {layer.ablation ? `; without the whole layer: ${points(layer.ablation.accuracy)} points of accuracy` : ""}
        <Probe layer={layer} />
      </p>
      <div class="filters">
        {filters.slice(0, shown).map((filter) => <FilterCard key={`${layer.name}-${filter.index}`} layer={layer} filter={filter} />)}
      </div>
      {shown < filters.length && <button class="plain" type="button" style={{ marginTop: "14px" }} onClick={() => setShown(shown + PAGE)}>Show more of {filters.length}</button>}
    </>
  );
}

function Probe({ layer }: { layer: SeenLayer }) {
  const probe = report.see!.probes.find((probe) => probe.layer === layer.name);
  return probe ? <>; a linear classifier on its responses reaches {percent(probe.accuracy)}</> : null;
}

function ordered(layer: SeenLayer, order: Order): SeenFilter[] {
  const selective = (filter: SeenFilter) => Math.max(...filter.selectivity.map((value) => Math.abs(value ?? 0)), 0);
  const value = (filter: SeenFilter): number => {
    if (order === "needed") return filter.ablation ? -filter.ablation.accuracy : selective(filter);
    if (order === "selective") return selective(filter);
    if (order === "active") return filter.activation_rate;
    return -filter.index;
  };
  return [...layer.filters].sort((a, b) => value(b) - value(a) || a.index - b.index);
}

function FilterCard({ layer, filter }: { layer: SeenLayer; filter: SeenFilter }) {
  const kernel = report.kernels.find((kernel) => kernel.layer === layer.name);
  const dream = report.see!.dreams?.find((dream) => dream.layer === layer.name && dream.index === filter.index);
  const size = report.pictures?.size;
  const dreamt = dreamPixels(dream?.place ?? null);
  const preferred = best(filter.selectivity);
  const weights = kernel && kernel.shape[2] === 1 ? kernel.values.filter((_, at) => at % kernel.shape[3] === filter.index) : null;
  return (
    <article class="filter" aria-label={`${layer.name} filter ${filter.index}`}>
      <div class="row" style={{ justifyContent: "space-between" }}>
        <h3>#{filter.index}{filter.dead && <span class="wrong"> never responds</span>}</h3>
        {canRun && report.pictures && <a class="small" href={address("lab", { off: `${layer.name}.${filter.index}` })}>switch off</a>}
      </div>
      <div class="pictures">
        {weights && kernel && <SignedGrid values={weights} size={[kernel.shape[0], kernel.shape[1]]} side={64} label={`Weights of filter ${filter.index}`} />}
        {dreamt && size && <Pixels pixels={dreamt} size={size} width={64} label={`What excites filter ${filter.index} most, made by gradient ascent`} />}
        {table.value?.pictures && filter.exemplars.slice(0, PATCHES - Number(Boolean(weights)) - Number(Boolean(dreamt))).map((patch) => <Exemplar key={patch.id} layer={layer} patch={patch} />)}
      </div>
      <dl>
        <dt>active</dt><dd>{percent(filter.activation_rate)} of places</dd>
        {preferred && <><dt>prefers</dt><dd><span class="name">{report.see!.classes[preferred.index]}</span> <span class="soft">({preferred.value.toFixed(2)})</span></dd></>}
        {filter.ablation && <><dt>without it</dt><dd>{points(filter.ablation.accuracy, 2)} points<Hurt effect={filter.ablation.recall} /></dd></>}
        {filter.duplicates.length > 0 && <><dt>same as</dt><dd>{filter.duplicates.slice(0, 6).map((other) => `#${other}`).join(", ")}</dd></>}
      </dl>
      <Selectivity values={filter.selectivity} />
    </article>
  );
}

const dreams = signal<Uint8Array | null>(null);
if (hasBlob("dreams")) void blob("dreams").then((bytes) => (dreams.value = bytes));

function dreamPixels(place: number | null): Uint8Array | null {
  const size = report.pictures?.size;
  if (place === null || !dreams.value || !size) return null;
  return dreams.value.subarray(place, place + size[0] * size[1] * size[2]);
}

function best(values: (number | null)[]): { index: number; value: number } | null {
  let found: { index: number; value: number } | null = null;
  values.forEach((value, index) => {
    if (value !== null && value > (found?.value ?? 0)) found = { index, value };
  });
  return found;
}

/// The class whose recall changes most.
function Hurt({ effect }: { effect: (number | null)[] }) {
  const index = effect.reduce((at: number, value, i) => (Math.abs(value ?? 0) > Math.abs(effect[at] ?? 0) ? i : at), 0);
  const change = effect[index];
  return change ? <span class="soft">, <span class="name">{report.see!.classes[index]}</span> {points(change)}</span> : null;
}

/// A bar a class, up where the filter responds more to it than to others.
function Selectivity({ values }: { values: (number | null)[] }) {
  if (values.length > 64) return null;
  const [width, height] = [280, 30];
  const step = width / values.length;
  return (
    <svg width="100%" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" height={height} role="img" aria-label={`Selectivity by class: ${values.map((value, i) => `${report.see!.classes[i]} ${value?.toFixed(2) ?? "unknown"}`).join(", ")}`}>
      <line x1={0} x2={width} y1={height / 2} y2={height / 2} stroke="var(--line)" />
      {values.map((value, index) => value !== null && (
        <rect key={index} x={index * step + 1} width={step - 2} y={value > 0 ? (height / 2) * (1 - value) : height / 2} height={Math.max(0.5, (Math.abs(value) * height) / 2)} fill={value > 0 ? "var(--often)" : "var(--seldom)"}>
          <title>{report.see!.classes[index]}: {value.toFixed(2)}</title>
        </rect>
      ))}
    </svg>
  );
}

/// The part of an image that a response depends on.
function Exemplar({ layer, patch }: { layer: SeenLayer; patch: Patch }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const rows = table.value!;
  const row = rows.rowOf.get(patch.id);
  const pixels = row === undefined ? null : picture(rows, row);
  const field = report.fields.find((field) => field.layer === layer.name);
  useEffect(() => {
    if (!pixels || !canvas.current) return;
    const [h, w, c] = rows.pictures!.size;
    const [top, height] = field?.rows[patch.row] ?? [0, h];
    const [left, width] = field?.columns[patch.column] ?? [0, w];
    [canvas.current.width, canvas.current.height] = [width, height];
    const context = canvas.current.getContext("2d")!;
    const image = context.createImageData(width, height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = ((top + y) * w + left + x) * c;
        for (let channel = 0; channel < 3; channel++) image.data[4 * (y * width + x) + channel] = pixels[at + (c === 3 ? channel : 0)];
        image.data[4 * (y * width + x) + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }, [pixels]);
  if (!pixels || row === undefined) return null;
  const words = `${patch.id}, ${report.classes[rows.labels[row]]}, responds with ${patch.activation.toFixed(2)}`;
  return (
    <a href={address("images", { image: patch.id, true: rows.labels[row] })} title={words} aria-label={words}>
      <canvas ref={canvas} style={{ width: "44px", height: "44px" }} aria-hidden="true" />
    </a>
  );
}
