// The model from the page's side: a worker that is started when something first asks for it.

import { signal } from "@preact/signals";
import { blob, hasBlob } from "../embedded";
import { picture, picturesOf, type Table } from "../table";
import LiveWorker from "./live.worker?worker&inline";
import { type Alterations, type Answer, type Ask, type LiveInfo, UNCHANGED, type WindowInfo } from "./protocol";

export type Status = "absent" | "asleep" | "loading" | "ready" | "failed";

export const canRun = hasBlob("engine") && hasBlob("model");
export const status = signal<Status>(canRun ? "asleep" : "absent");
export const problem = signal("");
export const info = signal<LiveInfo | null>(null);

let worker: Worker | null = null;
let started: Promise<LiveInfo> | null = null;
let next = 0;
const waiting = new Map<number, { done: (value: never) => void; failed: (error: Error) => void }>();

function send<T>(ask: Ask): Promise<T> {
  return new Promise((done, failed) => {
    const id = next++;
    waiting.set(id, { done, failed });
    worker!.postMessage({ id, ask });
  });
}

/// Starts the worker and loads the model, once.
export function start(): Promise<LiveInfo> {
  started ??= load().catch((error: Error) => {
    problem.value = error.message;
    status.value = "failed";
    throw error;
  });
  return started;
}

async function load(): Promise<LiveInfo> {
  if (!canRun) throw new Error("this report was made without the live model");
  status.value = "loading";
  const [engine, model] = await Promise.all([blob("engine"), blob("model")]);
  worker = new LiveWorker();
  worker.onmessage = ({ data }) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.problem !== undefined) asked?.failed(new Error(data.problem));
    else asked?.done(data.value as never);
  };
  worker.onerror = (event) => {
    for (const { failed } of waiting.values()) failed(new Error(event.message || "the engine stopped"));
    waiting.clear();
  };
  const loaded = JSON.parse(await send<string>({ kind: "load", engine, model })) as LiveInfo;
  info.value = loaded;
  status.value = "ready";
  return loaded;
}

async function ask<T>(question: Ask): Promise<T> {
  await start();
  return send<T>(question);
}

export const run = (pixels: Uint8Array, alterations: Alterations, target: number, responses: boolean) =>
  ask<Answer>({ kind: "run", pixels, alterations, target, responses });

export const sweep = (pixels: Uint8Array, alterations: Alterations, along: string, values: number[]) =>
  ask<Float32Array>({ kind: "sweep", pixels, alterations, along, values });

export const silence = (pairs: [number, number][]) => ask<null>({ kind: "silence", pairs: pairs.flat() });

export async function windowOf(layer: number, row: number, column: number, filter: number) {
  return JSON.parse(await ask<string>({ kind: "window", layer, row, column, filter })) as WindowInfo | null;
}

export const predict = (pixels: Uint8Array) => ask<Uint32Array>({ kind: "predict", pixels });

/// The answer to a row's image as it is.
export async function answerOf(table: Table, row: number, target = -1): Promise<Answer | null> {
  const pixels = picture(table, row);
  return pixels ? run(pixels, UNCHANGED, target, false) : null;
}

/// Images the model is asked about at a time when it scores many, so that a click in between is answered soon.
const CHUNK = 128;

/// Predicted classes of all pictures; `progress` sees them grow and says whether to go on.
export async function predictAll(
  table: Table,
  progress: (predicted: Uint32Array, done: number) => boolean,
): Promise<void> {
  const { pictures } = table;
  if (!pictures) return;
  const predicted = new Uint32Array(pictures.count);
  for (let first = 0; first < pictures.count; first += CHUNK) {
    const last = Math.min(first + CHUNK, pictures.count);
    predicted.set(await predict(await picturesOf(pictures, first, last)), first);
    if (!progress(predicted, last)) return;
  }
}
