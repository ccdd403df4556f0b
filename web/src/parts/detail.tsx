// One image: what the model says of it, which pixels that rests on, training images like it, and what to do about its label.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { blob } from "../embedded";
import { probability, short } from "../format";
import { answerOf, canRun, info, problem, status } from "../live/model";
import type { Answer } from "../live/protocol";
import { address } from "../route";
import { mark, marks, report, selected, table, toggleSelected } from "../state";
import { hasPicture, isWrong, picture } from "../table";
import { overlay } from "./heat";
import { Pixels } from "./thumbnail";

const SHOWN = 5;

/// Bars of the most probable classes; the true one in bold.
export function Probabilities(props: { classes: number[]; probs: number[]; label: number | null }) {
  return (
    <div class="probs">
      {props.classes.map((index, place) => (
        <>
          <span class={`label name ${index === props.label ? "truth" : ""}`} title={report.classes[index]}>
            {report.classes[index]}
          </span>
          <span class="track" aria-hidden="true">
            <span class={`fill ${place === 0 ? "top" : ""}`} style={{ display: "block", width: `${100 * props.probs[place]}%` }} />
          </span>
          <span class="number">{probability(props.probs[place])}</span>
        </>
      ))}
    </div>
  );
}

/// Whether Grad-CAM passed its sanity check on this model, if `see` asked.
export function CamBadge() {
  const verdict = report.see?.trust?.verdicts.find((verdict) => verdict.method === "grad-cam");
  if (!verdict) return <span class="chip" title="seamripper see RUN checks it">not checked on this model</span>;
  if (verdict.passes_sanity === null) {
    return <span class="chip" title="a check puts weights out of order, and there are none to be read">sanity not checked</span>;
  }
  const words = verdict.passes_sanity ? "passes its sanity check" : "fails its sanity check";
  const title = `Likeness of its maps before and after what was learned is destroyed: ${verdict.sanity.score.toFixed(2)}; below 0.5 is a pass`;
  return <span class={`chip ${verdict.passes_sanity ? "good" : "bad"}`} title={title}>{words}</span>;
}

export function Detail(props: { row: number; rows: number[]; onChoose: (row: number | null) => void }) {
  const { row, rows } = props;
  const rowsOf = table.value!;
  const label = rowsOf.labels[row];
  const pixels = picture(rowsOf, row);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [heat, setHeat] = useState(true);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    setAnswer(null);
    let present = true;
    if (pixels && canRun) {
      answerOf(rowsOf, row).then((found) => present && setAnswer(found), () => undefined);
    }
    return () => void (present = false);
  }, [row, pixels !== null]);
  // In the same step as the name above it: a key pressed at once must not be answered by the image before.
  useLayoutEffect(() => {
    if (canvas.current && pixels) overlay(canvas.current, pixels, rowsOf.pictures!.size, heat ? (answer?.map ?? null) : null);
  }, [pixels, answer, heat]);
  useLayoutEffect(() => {
    const step = (event: KeyboardEvent) => {
      if ((event.target as Element).matches("select, input:not([type=checkbox])")) return;
      const by = { j: 1, k: -1 }[event.key];
      const next = by === undefined ? undefined : rows[rows.indexOf(row) + by];
      if (next !== undefined) props.onChoose(next);
      if (event.key === "Escape") props.onChoose(null);
    };
    addEventListener("keydown", step);
    return () => removeEventListener("keydown", step);
  }, [row, rows]);
  const classes = [...rowsOf.topClasses.subarray(row * rowsOf.top, (row + 1) * rowsOf.top)].slice(0, SHOWN);
  const probs = [...rowsOf.topProbs.subarray(row * rowsOf.top, (row + 1) * rowsOf.top)].slice(0, SHOWN);
  const marked = marks.value.get(row);
  const layer = info.value?.map_layer;
  return (
    <div class="stack" role="region" aria-label={`Image ${rowsOf.ids[row]}`}>
      <div class="row" style={{ justifyContent: "space-between" }}>
        <h3 class="name" title={rowsOf.ids[row]}>{short(rowsOf.ids[row], 80)}</h3>
        <button class="plain small" type="button" onClick={() => props.onChoose(null)}>Close</button>
      </div>
      {pixels ? (
        <div class="large"><canvas ref={canvas} role="img" aria-label={heat && answer ? `${rowsOf.ids[row]} with its saliency` : rowsOf.ids[row]} /></div>
      ) : (
        <p class="soft small">{hasPicture(rowsOf, row) ? "Fetching the picture …" : "The picture of this image is not in this file."}</p>
      )}
      <p>
        Labelled <b class="name">{short(report.classes[label], 60)}</b>, predicted{" "}
        <b class={`name ${isWrong(rowsOf, row) ? "wrong" : "right"}`}>{short(report.classes[rowsOf.predicted[row]], 60)}</b>; loss {rowsOf.losses[row].toFixed(2)}.
      </p>
      <Probabilities classes={classes} probs={probs} label={label} />
      {pixels && canRun && (
        <div class="row small">
          <label class="field"><input type="checkbox" checked={heat} onChange={(event) => setHeat(event.currentTarget.checked)} /> Grad-CAM{layer ? ` of ${layer}` : ""}</label>
          {status.value === "failed" ? <span class="wrong">{problem.value}</span> : answer && answer.map.length === 0 ? <span class="soft">no convolution, so no map</span> : <CamBadge />}
        </div>
      )}
      <Like row={row} />
      <div class="row">
        {pixels && canRun && <a class="plain" style={{ textDecoration: "none", color: "inherit" }} href={address("lab", { image: rowsOf.ids[row] })}>Open in the lab</a>}
        <button class="plain" type="button" aria-pressed={selected.value.has(row)} onClick={() => toggleSelected(row)}>
          {selected.value.has(row) ? "Selected" : "Select"}
        </button>
      </div>
      <label class="field small">
        Label is
        <select
          value={marked ?? -1}
          onChange={(event) => mark(row, Number(event.currentTarget.value) < 0 ? null : Number(event.currentTarget.value))}
        >
          <option value={-1}>as given</option>
          {report.classes.map((name, index) => index !== label && <option value={index}>{name}</option>)}
        </select>
      </label>
      <p class="soft small">Keys: j next, k back, Esc close.</p>
    </div>
  );
}

/// The training images that the model finds most like a wrong one.
function Like({ row }: { row: number }) {
  const { neighbors, pictures } = report;
  const [found, setFound] = useState<{ places: number[]; distances: number[]; pixels: Uint8Array } | null>(null);
  const at = neighbors?.rows.indexOf(row) ?? -1;
  useEffect(() => {
    setFound(null);
    if (at < 0 || !neighbors) return;
    let present = true;
    Promise.all([blob("neighbors"), blob("training")]).then(([bytes, pixels]) => {
      const all = neighbors.rows.length * neighbors.each;
      const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      const [first, last] = [at * neighbors.each, (at + 1) * neighbors.each];
      const places = [...new Uint32Array(buffer, 0, all).subarray(first, last)];
      const distances = [...new Float32Array(buffer, 4 * all, all).subarray(first, last)];
      if (present) setFound({ places, distances, pixels });
    });
    return () => void (present = false);
  }, [row]);
  if (!found || !neighbors || !pictures) return null;
  const length = pictures.size[0] * pictures.size[1] * pictures.size[2];
  return (
    <div class="stack" style={{ gap: "4px" }}>
      <span class="soft small">Training images the model finds most like it</span>
      <div class="gallery" style={{ "--thumb": "62px", gap: "6px" }}>
        {found.places.map((place, index) => (
          <div class="tile" key={place} title={`${neighbors.ids[place]}, distance ${found.distances[index].toFixed(2)}`}>
            <div class="thumb" style={{ cursor: "default" }}>
              <Pixels
                pixels={found.pixels.subarray(place * length, (place + 1) * length)}
                size={pictures.size}
                label={`${neighbors.ids[place]}, labelled ${report.classes[neighbors.labels[place]]}`}
              />
            </div>
            <span class="words">{report.classes[neighbors.labels[place]]}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
