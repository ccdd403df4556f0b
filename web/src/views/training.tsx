// The run over its epochs: loss, and recall and bias of each class; the film of the filters.

import * as Plot from "@observablehq/plot";
import { useEffect, useState } from "preact/hooks";
import { blob, hasBlob } from "../embedded";
import { percent, short } from "../format";
import { Chart, classColor } from "../parts/chart";
import { report } from "../state";

const MOST_LINES = 24;

export function Training() {
  const { history } = report;
  const names = history[0].classes.map((found) => found.name);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const lines = (key: "recall" | "bias") =>
    history.flatMap((epoch) => epoch.classes.slice(0, MOST_LINES).map((found, index) => ({ epoch: epoch.epoch, value: found[key], index })))
      .filter(({ index, value }) => value !== null && !hidden.has(index));
  const losses = history.flatMap((epoch) => [
    { epoch: epoch.epoch, value: epoch.train_loss, kind: "training" },
    { epoch: epoch.epoch, value: epoch.validation_loss, kind: "validation" },
  ]).filter((point) => point.value !== null);
  const held = losses.some((point) => point.kind === "validation");
  const toggle = (index: number) => {
    const next = new Set(hidden);
    if (!next.delete(index)) next.add(index);
    setHidden(next);
  };
  const x = { label: "epoch", ticks: Math.min(10, history.length), tickFormat: "d" };
  const last = history[history.length - 1];
  return (
    <>
      <div class="lead">
        <h2>Training</h2>
        <p>{history.length} epochs{last.validation_accuracy !== null && last.validation_accuracy !== undefined ? `, validation accuracy ${percent(last.validation_accuracy, 2)} at the end` : ""}. {held ? "" : "No images were held out: classes are those of the training images as they were seen."}</p>
      </div>
      <div class="charts">
        <figure style={{ margin: 0 }}>
          <h3>Loss</h3>
          <Chart label="Loss by epoch" inputs={[]} options={() => ({
            x, y: { label: "nats", grid: true, zero: true },
            color: { legend: held, domain: ["training", "validation"], range: ["var(--seldom)", "var(--often)"] },
            marks: [Plot.lineY(losses, { x: "epoch", y: "value", stroke: "kind", strokeWidth: 2 })],
          })} />
        </figure>
        <figure style={{ margin: 0 }}>
          <h3>Recall of each class</h3>
          <Chart label="Recall of each class by epoch" inputs={[hidden]} options={() => ({
            x, y: { label: null, grid: true, tickFormat: "%" },
            marks: [Plot.lineY(lines("recall"), { x: "epoch", y: "value", z: "index", stroke: (d: { index: number }) => classColor(d.index), strokeWidth: 1.8, title: (d: { index: number }) => names[d.index] })],
          })} />
        </figure>
        <figure style={{ margin: 0 }}>
          <h3>Bias of each class: predicted / actual</h3>
          <Chart label="Bias of each class by epoch" inputs={[hidden]} options={() => ({
            x, y: { label: null, grid: true, ticks: 5, tickFormat: ".2f" },
            marks: [Plot.ruleY([1], { stroke: "currentColor", strokeOpacity: 0.4 }), Plot.lineY(lines("bias").filter((d) => d.value! > 0), { x: "epoch", y: "value", z: "index", stroke: (d: { index: number }) => classColor(d.index), strokeWidth: 1.8, title: (d: { index: number }) => names[d.index] })],
          })} />
        </figure>
        <div>
          <h3 style={{ marginBottom: "8px" }}>Classes</h3>
          <div class="legend">
            {names.slice(0, MOST_LINES).map((name, index) => (
              <button key={index} type="button" aria-pressed={!hidden.has(index)} onClick={() => toggle(index)}>
                <span class="swatch" style={{ background: classColor(index) }} /><span class="name">{short(name)}</span>
              </button>
            ))}
            {names.length > MOST_LINES && <span class="soft">and {names.length - MOST_LINES} more that are not drawn</span>}
          </div>
          <Film />
        </div>
      </div>
    </>
  );
}

function Film() {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (hasBlob("film")) void blob("film").then((bytes) => setUrl(URL.createObjectURL(new Blob([bytes], { type: "image/png" }))));
  }, []);
  return url ? <img src={url} alt="The first layer's filters after every epoch" style={{ maxWidth: "100%", marginTop: "16px" }} /> : null;
}
