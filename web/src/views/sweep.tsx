// One slider from end to end: the probability of each class along it, and where the class changes.

import * as Plot from "@observablehq/plot";
import { useEffect, useState } from "preact/hooks";
import { short } from "../format";
import { sweep } from "../live/model";
import { type Alterations, UNCHANGED } from "../live/protocol";
import { Chart, classColor } from "../parts/chart";
import { adjust } from "../route";
import { report } from "../state";
import { SLIDERS } from "./lab";

const STEPS = 61;
const LINES = 5;

export function Sweep(props: { source: Uint8Array; wanted: Alterations; label: number | null; version: number }) {
  const [along, setAlong] = useState<(typeof SLIDERS)[number]["key"]>("rotate");
  const [probs, setProbs] = useState<Float32Array | null>(null);
  const slider = SLIDERS.find(({ key }) => key === along)!;
  const values = Array.from({ length: STEPS }, (_, i) => Number((slider.low + ((slider.high - slider.low) * i) / (STEPS - 1)).toFixed(4)));
  const others = JSON.stringify({ ...props.wanted, [along]: UNCHANGED[along] });
  useEffect(() => {
    let present = true;
    const timer = setTimeout(() => {
      sweep(props.source, props.wanted, along, values).then((found) => present && setProbs(found), () => undefined);
    }, 60);
    return () => {
      present = false;
      clearTimeout(timer);
    };
  }, [props.source, others, along, props.version]);
  const k = report.classes.length;
  const tops = probs ? values.map((_, i) => argmax(probs.subarray(i * k, (i + 1) * k))) : [];
  const shown = probs ? mostProbable(probs, k, props.label) : [];
  const lines = shown.flatMap((index) => values.map((value, i) => ({ value, p: probs![i * k + index], index })));
  const now = props.wanted[along];
  const changes = tops.flatMap((top, i) => (i > 0 && top !== tops[i - 1] ? [{ at: (values[i] + values[i - 1]) / 2, top }] : []));
  return (
    <div class="stack" style={{ gap: "4px" }}>
      <label class="field small">
        Along
        <select value={along} onChange={(event) => setAlong(event.currentTarget.value as typeof along)}>
          {SLIDERS.map(({ key, title }) => <option value={key} key={key}>{title.toLowerCase()}</option>)}
        </select>
      </label>
      {probs && (
        <div onClick={(event) => {
          const svg = (event.target as Element).closest("svg");
          if (!svg) return;
          const box = svg.getBoundingClientRect();
          const [left, right] = [36, 8].map((margin) => (margin * box.width) / Number(svg.getAttribute("width")));
          const share = Math.max(0, Math.min(1, (event.clientX - box.left - left) / (box.width - left - right)));
          const value = slider.low + share * (slider.high - slider.low);
          adjust({ [along]: Number((Math.round(value / slider.step) * slider.step).toFixed(4)) });
        }}>
          <Chart
            label={`Probabilities along ${slider.title.toLowerCase()}`}
            inputs={[probs, now]}
            options={() => ({
              height: 170, marginLeft: 36, marginRight: 8, marginTop: 8, marginBottom: 24,
              x: { label: null, domain: [slider.low, slider.high], ticks: 5 },
              y: { label: null, domain: [0, 1], ticks: 3, tickFormat: "%" },
              marks: [
                Plot.ruleY([0]),
                Plot.ruleX(changes, { x: "at", stroke: "var(--line)" }),
                Plot.lineY(lines, { x: "value", y: "p", z: "index", stroke: (d: { index: number }) => classColor(d.index), strokeWidth: 2 }),
                Plot.ruleX([now], { stroke: "currentColor", strokeDasharray: "3,3" }),
              ],
            })}
          />
        </div>
      )}
      <div class="legend">
        {shown.map((index) => <span key={index} class="row" style={{ gap: "5px" }}><span class="swatch" style={{ background: classColor(index) }} /><span class="name">{short(report.classes[index])}</span></span>)}
      </div>
      {probs && <p class="soft small">{turning(values, tops, UNCHANGED[along], slider.unit)}</p>}
    </div>
  );
}

/// Where the class changes first, going up and down from where the slider does nothing.
function turning(values: number[], tops: number[], neutral: number, unit: string): string {
  const start = values.reduce((best, value, at) => (Math.abs(value - neutral) < Math.abs(values[best] - neutral) ? at : best), 0);
  const first = (step: number) => {
    for (let at = start + step; at >= 0 && at < values.length; at += step) {
      if (tops[at] !== tops[start]) return `${short(report.classes[tops[at]])} from ${Number(values[at].toFixed(2))}${unit}`;
    }
    return null;
  };
  const found = [first(1), first(-1)].filter((words) => words !== null);
  const here = short(report.classes[tops[start]]);
  return found.length ? `${here} at ${neutral}${unit}; ${found.join(", ")}.` : `${here} all the way.`;
}

function argmax(values: Float32Array): number {
  return values.reduce((best, value, at) => (value > values[best] ? at : best), 0);
}

/// The classes that are most probable somewhere, and the true one.
function mostProbable(probs: Float32Array, k: number, label: number | null): number[] {
  const most = new Float32Array(k);
  probs.forEach((p, i) => (most[i % k] = Math.max(most[i % k], p)));
  const order = [...most.keys()].sort((a, b) => most[b] - most[a]).slice(0, LINES);
  if (label !== null && !order.includes(label)) order[order.length - 1] = label;
  return order;
}
