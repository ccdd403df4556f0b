// Filters switched off: what becomes of the accuracy of each class, over all pictures in this file, counted here and now.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { count, percent, points, short } from "../format";
import { info, predictAll, silence } from "../live/model";
import { adjust, params } from "../route";
import { report, table } from "../state";

interface Score {
  done: number;
  total: number;
  right: Uint32Array;
  images: Uint32Array;
  /// Right with every filter on, of the same images.
  before: Uint32Array;
}

const score = signal<Score | null>(null);

/// `conv1.5,conv2.3` in the address.
export function parseSwitches(text: string | null): [number, number][] {
  const layers = info.value?.layers ?? [];
  return (text ?? "").split(",").flatMap((part) => {
    const dot = part.lastIndexOf(".");
    const [layer, filter] = [layers.findIndex((found) => found.name === part.slice(0, dot)), Number(part.slice(dot + 1))];
    const there = dot > 0 && layer >= 0 && layers[layer].switchable && Number.isInteger(filter) && filter >= 0 && filter < layers[layer].output[2];
    return there ? [[layer, filter] as [number, number]] : [];
  });
}

export function Switches({ onChange }: { onChange: () => void }) {
  const layers = info.value!.layers;
  const off = parseSwitches(params.value.get("off"));
  const key = JSON.stringify(off);
  const [layer, setLayer] = useState(0);
  const [filter, setFilter] = useState(0);
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    void silence(off).then(() => {
      if (mine !== turn.current) return;
      onChange();
      if (off.length) void rescore(() => mine === turn.current);
      else score.value = null;
    });
    return () => void turn.current++;
  }, [key]);
  const set = (pairs: [number, number][]) => adjust({ off: pairs.map(([l, f]) => `${layers[l].name}.${f}`).join(",") || null });
  const has = off.some(([l, f]) => l === layer && f === filter);
  return (
    <div class="stack" style={{ gap: "8px", borderTop: "1px solid var(--line)", paddingTop: "12px" }}>
      <h3>Switch filters off</h3>
      <div class="row small">
        <select aria-label="Layer" value={layer} onChange={(event) => { setLayer(Number(event.currentTarget.value)); setFilter(0); }}>
          {layers.map((found, index) => <option value={index} key={index} disabled={!found.switchable}>{found.name}</option>)}
        </select>
        <label class="field">
          filter
          <input
            type="number" min={0} max={layers[layer].output[2] - 1} value={filter} style={{ width: "4.5em" }}
            onInput={(event) => setFilter(Math.max(0, Math.min(layers[layer].output[2] - 1, Math.round(Number(event.currentTarget.value)))))}
          />
        </label>
        <button class="plain" type="button" disabled={has || !layers[layer].switchable} onClick={() => set([...off, [layer, filter]])}>Off</button>
        <button class="plain" type="button" disabled={!layers[layer].switchable} title="Every filter of the layer" onClick={() => set([...off.filter(([l]) => l !== layer), ...Array.from({ length: layers[layer].output[2] }, (_, f) => [layer, f] as [number, number])])}>All</button>
        {off.length > 0 && <button class="plain" type="button" onClick={() => set([])}>All on</button>}
      </div>
      {off.length > 0 && (
        <div class="row" style={{ gap: "4px" }}>
          {off.slice(0, 24).map(([l, f]) => (
            <button key={`${l}.${f}`} class="plain small" type="button" title="Switch it on again" onClick={() => set(off.filter((pair) => pair[0] !== l || pair[1] !== f))}>
              {layers[l].name} #{f} ×
            </button>
          ))}
          {off.length > 24 && <span class="soft small">and {off.length - 24} more</span>}
        </div>
      )}
      {off.length > 0 && score.value && <Scores found={score.value} />}
      {off.length === 0 && <p class="soft small">The accuracy of each class is then counted anew over the {count(table.value?.pictures?.count ?? 0)} pictures in this file.</p>}
    </div>
  );
}

async function rescore(present: () => boolean) {
  const rows = table.value;
  if (!rows?.pictures) return;
  const k = report.classes.length;
  const [right, images, before] = [0, 1, 2].map(() => new Uint32Array(k));
  let last = 0;
  await predictAll(rows, (predicted, done) => {
    for (let place = last; place < done; place++) {
      const row = rows.pictures!.rows[place];
      const label = rows.labels[row];
      images[label]++;
      right[label] += Number(predicted[place] === label);
      before[label] += Number(rows.predicted[row] === label);
    }
    last = done;
    if (present()) score.value = { done, total: rows.pictures!.count, right, images, before };
    return present();
  });
}

function Scores({ found }: { found: Score }) {
  const sum = (values: Uint32Array) => values.reduce((total, value) => total + value, 0);
  const [now, then, all] = [sum(found.right), sum(found.before), Math.max(1, sum(found.images))];
  const classes = report.classes
    .map((name, index) => ({ name, change: (found.right[index] - found.before[index]) / Math.max(1, found.images[index]), index }))
    .sort((a, b) => a.change - b.change);
  const shown = classes.length > 12 ? classes.slice(0, 12) : classes;
  return (
    <div class="stack" style={{ gap: "4px" }} data-testid="scores" data-done={found.done} data-total={found.total}>
      <p class="small">
        Accuracy <b>{percent(now / all, 2)}</b>, <span class={now < then ? "wrong" : "right"}>{points((now - then) / all, 2)} points</span>{" "}
        <span class="soft">{found.done < found.total ? `after ${count(found.done)} of ${count(found.total)}` : `over ${count(found.total)} images`}</span>
      </p>
      <table>
        <thead><tr><th>Class</th><th class="number">Recall</th><th class="number">Change</th></tr></thead>
        <tbody>
          {shown.map(({ name, change, index }) => (
            <tr key={index}>
              <td class="name" title={name} style={{ padding: "2px 8px" }}>{short(name, 22)}</td>
              <td class="number" style={{ padding: "2px 8px" }}>{percent(found.right[index] / Math.max(1, found.images[index]))}</td>
              <td class={`number ${change < 0 ? "wrong" : change > 0 ? "right" : "soft"}`} style={{ padding: "2px 8px" }}>{points(change)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
