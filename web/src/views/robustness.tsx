// Accuracy and classes under changes, as the audit measured them.

import * as Plot from "@observablehq/plot";
import { useState } from "preact/hooks";
import { canRun } from "../live/model";
import { count, percent, points } from "../format";
import { Chart, classColor } from "../parts/chart";
import { address, adjust, params } from "../route";
import type { Curve } from "../schema";
import { report } from "../state";

export function Robustness() {
  const section = report.audit!.robustness!;
  const curves = [...section.curves].sort((a, b) => b.mean_loss - a.mean_loss);
  const chosen = curves.find((curve) => curve.family === params.value.get("family")) ?? curves[0];
  const [bias, setBias] = useState(false);
  const many = curves.filter((curve) => curve.points.length > 1);
  return (
    <>
      <div class="lead">
        <h2>Robustness</h2>
        <p>{section.sentences[0] ?? `Accuracy under ${count(section.curves.length)} kinds of change, over ${count(section.n)} images.`}</p>
      </div>
      {section.sentences.slice(1, 6).map((sentence) => <p key={sentence} class="name" style={{ maxWidth: "90ch", marginBottom: "4px" }}>{sentence}</p>)}
      <div class="charts" style={{ marginTop: "16px" }}>
        <div>
          <h3 style={{ marginBottom: "6px" }}>Most harmful first</h3>
          <div class="scroll" style={{ maxHeight: "520px", overflowY: "auto" }}>
            <table>
              <thead><tr><th>Change</th><th class="number">Mean loss of accuracy</th><th class="number">At worst</th></tr></thead>
              <tbody>
                {curves.map((curve) => {
                  const worst = curve.points.reduce((a, b) => (b.accuracy < a.accuracy ? b : a));
                  return (
                    <tr key={curve.family} class={curve === chosen ? "chosen" : ""}>
                      <td><a href={address("robustness", { family: curve.family })}>{curve.family}</a></td>
                      <td class="number">{points(-curve.mean_loss)} points</td>
                      <td class="number">{percent(worst.accuracy)} <span class="soft">at {worst.amount}</span></td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        </div>
        <CurveView curve={chosen} bias={bias} setBias={setBias} />
      </div>
      {section.turning_points.length > 0 && <TurningPoints />}
      {section.advice.length > 0 && (
        <div style={{ marginTop: "22px" }}>
          <h3>What might help, in <code>augment.online</code></h3>
          <p class="soft small" style={{ margin: "2px 0 8px" }}>Compare on validation images, with and without.</p>
          {section.advice.map((each) => each.recipe && <p key={each.family}><code>{each.recipe}</code> against {each.family} <span class="soft">({points(-each.mean_loss)} points on average)</span></p>)}
        </div>
      )}
      {many.length === 0 && <p class="soft">No change was measured at more than one strength.</p>}
    </>
  );
}

function CurveView({ curve, bias, setBias }: { curve: Curve; bias: boolean; setBias: (bias: boolean) => void }) {
  const section = report.audit!.robustness!;
  const classes = report.audit!.classes;
  const shown = section.shown.length ? section.shown : classes.map((_, index) => index);
  const value = (point: { recall: number; bias: number | null }) => (bias ? point.bias : point.recall);
  const lines = shown.flatMap((index, place) =>
    curve.points.map((point) => ({ x: point.parameter, y: value(point.classes[place] ?? point.classes[index]), index })),
  ).filter((point) => point.y !== null && point.y !== undefined);
  const live = { rotate: "rotate", "shift right": "right", "shift down": "down", scale: "scale", brightness: "brightness", contrast: "contrast", blur: "blur", noise: "noise", occlude: "occlude" }[curve.family];
  return (
    <div class="stack">
      <div class="row" style={{ justifyContent: "space-between" }}>
        <h3>{curve.family}</h3>
        <span class="row">
          <button class="plain small" type="button" aria-pressed={!bias} onClick={() => setBias(false)}>recall</button>
          <button class="plain small" type="button" aria-pressed={bias} onClick={() => setBias(true)}>bias</button>
          {live && canRun && <a class="small" href={address("lab", { [live]: curve.points[curve.points.length - 1].parameter })}>try it in the lab</a>}
        </span>
      </div>
      <Chart
        label={`${bias ? "Bias" : "Recall"} of classes under ${curve.family}`}
        inputs={[curve, bias]}
        options={() => ({
          x: { label: "strength", grid: false },
          y: bias ? { label: "predicted / actual", grid: true, type: "log", tickFormat: ".2f", ticks: 5 } : { label: null, domain: [0, 1], tickFormat: "%", grid: true },
          marks: [
            Plot.ruleX([curve.neutral], { stroke: "currentColor", strokeOpacity: 0.25 }),
            ...(bias ? [Plot.ruleY([1], { stroke: "currentColor", strokeOpacity: 0.4 })] : [
              Plot.areaY(curve.points, { x: "parameter", y1: (d: Curve["points"][0]) => d.accuracy_ci[0], y2: (d: Curve["points"][0]) => d.accuracy_ci[1], fill: "currentColor", fillOpacity: 0.12 }),
              Plot.lineY(curve.points, { x: "parameter", y: "accuracy", stroke: "currentColor", strokeWidth: 3 }),
            ]),
            Plot.lineY(bias ? lines.filter((d) => d.y! > 0) : lines, { x: "x", y: "y", z: "index", stroke: (d: { index: number }) => classColor(d.index), strokeWidth: 1.6, title: (d: { index: number }) => classes[d.index] }),
            Plot.dot(bias ? lines.filter((d) => d.y! > 0) : lines, { x: "x", y: "y", r: 2.5, fill: (d: { index: number }) => classColor(d.index), title: (d: { index: number; x: number; y: number }) => `${classes[d.index]} at ${d.x}: ${bias ? d.y.toFixed(2) : percent(d.y)}` }),
          ],
        })}
      />
      <div class="legend">
        {!bias && <span class="row" style={{ gap: "5px" }}><span class="swatch" style={{ background: "currentColor" }} />all images</span>}
        {shown.map((index) => <span key={index} class="row" style={{ gap: "5px" }}><span class="swatch" style={{ background: classColor(index) }} /><span class="name">{classes[index]}</span></span>)}
      </div>
    </div>
  );
}

function TurningPoints() {
  const { turning_points: turning } = report.audit!.robustness!;
  const classes = report.audit!.classes;
  return (
    <div style={{ marginTop: "22px" }} class="scroll">
      <h3>Where a class becomes another</h3>
      <table style={{ maxWidth: "820px" }}>
        <thead><tr><th>Class</th><th>is mostly called</th><th>from</th><th class="number">Images</th></tr></thead>
        <tbody>
          {turning.slice(0, 30).map((each) => (
            <tr key={`${each.family}-${each.class}-${each.parameter}`}>
              <td class="name">{classes[each.class]}</td>
              <td class="name">{classes[each.becomes]}</td>
              <td><button class="plain small" type="button" onClick={() => adjust({ family: each.family })}>{each.family} {each.amount}</button></td>
              <td class="number">{count(each.count)} of {count(each.actual)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
