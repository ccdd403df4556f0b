// The table of images: labels, predictions and losses by row, and pictures of rows.

import { signal } from "@preact/signals";
import { blob } from "./embedded";
import type { Report } from "./schema";

export interface Table {
  n: number;
  ids: string[];
  labels: Uint16Array;
  predicted: Uint16Array;
  losses: Float32Array;
  /// Most probable classes of a row, most probable first, `[n, top]`.
  topClasses: Uint16Array;
  topProbs: Float32Array;
  top: number;
  /// The row of each name.
  rowOf: Map<string, number>;
  /// All rows, highest loss first.
  byLoss: Uint32Array;
  pictures: Pictures | null;
  other: { predicted: Uint16Array; losses: Float32Array } | null;
}

export interface Pictures {
  size: [number, number, number];
  /// All of them, or null if they are fetched tile by tile.
  pixels: Uint8Array | null;
  /// Pictures of a tile.
  tile: number;
  count: number;
  /// The picture of a row, or -1.
  place: Int32Array;
  /// The row of a picture.
  rows: Uint32Array;
}

export async function readTable(report: Report): Promise<Table | null> {
  if (!report.rows) return null;
  const { n, top } = report.rows;
  const [idBytes, rows] = await Promise.all([blob("ids"), blob("rows")]);
  const ids = JSON.parse(new TextDecoder().decode(idBytes)) as string[];
  let at = 0;
  const take = <T>(make: (buffer: ArrayBuffer) => T, bytes: number): T => {
    const part = rows.buffer.slice(rows.byteOffset + at, rows.byteOffset + at + bytes);
    at += bytes;
    return make(part);
  };
  const labels = take((buffer) => new Uint16Array(buffer), 2 * n);
  const predicted = take((buffer) => new Uint16Array(buffer), 2 * n);
  const losses = take((buffer) => new Float32Array(buffer), 4 * n);
  const topClasses = take((buffer) => new Uint16Array(buffer), 2 * n * top);
  const topProbs = take((buffer) => new Float32Array(buffer), 4 * n * top);
  const byLoss = new Uint32Array(n).map((_, row) => row).sort((a, b) => losses[b] - losses[a] || a - b);
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const [pictures, other] = await Promise.all([readPictures(report, n), readOther(report, n)]);
  return { n, ids, labels, predicted, losses, topClasses, topProbs, top, rowOf, byLoss, pictures, other };
}

async function readPictures(report: Report, n: number): Promise<Pictures | null> {
  if (!report.pictures) return null;
  const { size, rows: listed } = report.pictures;
  const pixels = report.pictures.tile ? null : await blob("images");
  const rows = listed ? Uint32Array.from(listed) : new Uint32Array(n).map((_, row) => row);
  const place = new Int32Array(n).fill(-1);
  rows.forEach((row, picture) => (place[row] = picture));
  return { size, pixels, tile: report.pictures.tile ?? rows.length, count: rows.length, place, rows };
}

async function readOther(report: Report, n: number): Promise<Table["other"]> {
  if (!report.compared) return null;
  const bytes = await blob("compared");
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return { predicted: new Uint16Array(buffer, 0, n), losses: new Float32Array(buffer.slice(2 * n)) };
}

export function picture(table: Table, row: number): Uint8Array | null {
  const { pictures } = table;
  if (!pictures || pictures.place[row] < 0) return null;
  const length = valuesOf(pictures);
  const place = pictures.place[row];
  if (pictures.pixels) return pictures.pixels.subarray(place * length, (place + 1) * length);
  const [number, inside] = [Math.floor(place / pictures.tile), place % pictures.tile];
  const tile = tiles.value.get(number); // who draws it is told when it has come
  if (!tile) void fetchTile(number);
  return tile?.subarray(inside * length, (inside + 1) * length) ?? null;
}

/// Whether a row has a picture, here or to be fetched.
export const hasPicture = (table: Table, row: number) => table.pictures !== null && table.pictures.place[row] >= 0;

const valuesOf = ({ size }: Pictures) => size[0] * size[1] * size[2];

/// Tiles that were fetched.
const tiles = signal<ReadonlyMap<number, Uint8Array>>(new Map());
const fetching = new Map<number, Promise<Uint8Array>>();

/// Requests at a time: the server has few threads, each busy with a connection as long as the browser keeps it.
const LANES = 2;
const lanes: Promise<unknown>[] = Array.from({ length: LANES }, () => Promise.resolve());
let nextLane = 0;

function fetchTile(number: number): Promise<Uint8Array> {
  let found = fetching.get(number);
  if (!found) {
    const read = async () => {
      const answer = await fetch(`tiles/${number}`);
      if (!answer.ok) throw new Error(`tile ${number}: ${answer.status}`);
      const pixels = new Uint8Array(await answer.arrayBuffer());
      tiles.value = new Map(tiles.value).set(number, pixels);
      return pixels;
    };
    const lane = nextLane++ % LANES;
    found = lanes[lane].then(read, read);
    lanes[lane] = found;
    fetching.set(number, found);
    found.catch(() => fetching.delete(number));
  }
  return found;
}

/// Pixels of the pictures from `first` to before `last`.
export async function picturesOf(pictures: Pictures, first: number, last: number): Promise<Uint8Array> {
  const length = valuesOf(pictures);
  if (pictures.pixels) return pictures.pixels.slice(first * length, last * length);
  const pixels = new Uint8Array((last - first) * length);
  for (let place = first; place < last; ) {
    const [number, inside] = [Math.floor(place / pictures.tile), place % pictures.tile];
    const end = Math.min(last, (number + 1) * pictures.tile);
    const tile = await fetchTile(number);
    pixels.set(tile.subarray(inside * length, (inside + end - place) * length), (place - first) * length);
    place = end;
  }
  return pixels;
}

export const isWrong = (table: Table, row: number) => table.labels[row] !== table.predicted[row];

/// `[k * k]` counts, true class by predicted class.
export function confusion(table: Table, classes: number): Uint32Array {
  const counts = new Uint32Array(classes * classes);
  for (let row = 0; row < table.n; row++) counts[table.labels[row] * classes + table.predicted[row]]++;
  return counts;
}

export interface Filter {
  label?: number;
  predicted?: number;
  outcome?: "wrong" | "right";
  /// Rows of the other run that it gets right and this one wrong, or the reverse.
  against?: "lost" | "gained";
  text?: string;
  rows?: number[];
}

export type Order = "loss" | "unsure" | "sure" | "id";

/// The rows that fit, in order.
export function rowsOf(table: Table, filter: Filter, order: Order): number[] {
  const named = filter.rows ? new Set(filter.rows) : null;
  const text = filter.text?.toLowerCase();
  const fits = (row: number) => {
    const [label, predicted] = [table.labels[row], table.predicted[row]];
    if (named && !named.has(row)) return false;
    if (filter.label !== undefined && label !== filter.label) return false;
    if (filter.predicted !== undefined && predicted !== filter.predicted) return false;
    if (filter.outcome && (filter.outcome === "wrong") !== (label !== predicted)) return false;
    if (filter.against && table.other) {
      const other = table.other.predicted[row];
      const [mine, theirs] = [predicted === label, other === label];
      if (other === 0xffff || mine === theirs || (filter.against === "lost") !== mine) return false;
    }
    return !text || table.ids[row].toLowerCase().includes(text);
  };
  const found: number[] = [];
  for (const row of table.byLoss) if (fits(row)) found.push(row);
  const confidence = (row: number) => table.topProbs[row * table.top];
  if (order === "unsure") found.sort((a, b) => confidence(a) - confidence(b));
  if (order === "sure") found.sort((a, b) => confidence(b) - confidence(a));
  if (order === "id") found.sort((a, b) => a - b);
  return found;
}
