// The classes: how often each is predicted for how often it occurs, how many of its images are found. Every number links to
// its images.

import { useMemo, useState } from "preact/hooks";
import { count, interval, percent, ratio, short } from "../format";
import { BiasBar, ShareBar } from "../parts/bars";
import { address } from "../route";
import type { ClassEvaluation, Evaluation } from "../schema";
import { report, table } from "../state";
import { confusion } from "../table";

type Column = "errors" | "name" | "bias" | "recall" | "precision" | "actual" | "predicted";

const COLUMNS: [Column, string, string, boolean][] = [
  ["name", "Class", "", false],
  ["bias", "Bias: predicted / actual", "1 is even; a bar to the right: predicted too often; the line is the 95 % interval", false],
  ["recall", "Recall", "of its images, the share that is found", false],
  ["precision", "Precision", "of the images called so, the share that is right", true],
  ["actual", "Images", "images that belong to it", true],
  ["predicted", "Called", "images that were called so", true],
];

export function ClassTable({ evaluation }: { evaluation: Evaluation }) {
  const [sort, setSort] = useState<{ by: Column; down: boolean }>({ by: "errors", down: true });
  const [all, setAll] = useState(false);
  const order = useMemo(() => ordered(evaluation, sort), [evaluation, sort]);
  const matrix = useMemo(() => (table.value ? confusion(table.value, report.classes.length) : null), [table.value]);
  const span = useMemo(() => octaves(evaluation), [evaluation]);
  const shown = all ? order : order.slice(0, 40);
  return (
    <section aria-label="Classes">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {COLUMNS.map(([column, title, about, number]) => (
                <th
                  key={column}
                  class={number ? "number" : ""}
                  title={about}
                  aria-sort={sort.by === column ? (sort.down ? "descending" : "ascending") : undefined}
                >
                  <button
                    type="button"
                    onClick={() => setSort({ by: column, down: sort.by === column ? !sort.down : column !== "name" })}
                  >
                    {title}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((index) => <ClassRow key={index} index={index} found={evaluation.classes[index]} matrix={matrix} span={span} />)}
          </tbody>
        </table>
      </div>
      {order.length > shown.length && (
        <button class="plain" type="button" style={{ marginTop: "8px" }} onClick={() => setAll(true)}>Show all {count(order.length)} classes</button>
      )}
      <p class="soft small" style={{ marginTop: "10px" }}>
        <span class="often">Orange</span>: predicted too often; <span class="seldom">blue</span>: too seldom, beyond chance (exact test,
        corrected over classes). Sorted by errors that a class takes part in. Accuracy {percent(evaluation.accuracy, 2)} (
        {interval(evaluation.accuracy_ci, (x) => percent(x, 1))}).
      </p>
    </section>
  );
}

function ClassRow({ index, found, matrix, span }: { index: number; found: ClassEvaluation; matrix: Uint32Array | null; span: number }) {
  const images = (query: Record<string, string | number>) => (report.rows ? address("images", query) : undefined);
  const often = (found.bias ?? 1) > 1;
  const bias = found.bias === null ? "–" : ratio(found.bias);
  const with_ = matrix && mostConfused(matrix, index, report.classes.length);
  const flag = !found.flagged ? "" : often ? "often" : "seldom";
  return (
    <tr>
      <td>
        <a class="name" href={images({ true: index })} title={found.name}>{short(found.name)}</a>
        {with_ !== null && with_ !== undefined && (
          <div class="soft small" style={{ lineHeight: 1.2 }}>
            ↔ <a class="name" href={address("confusion", { true: index, predicted: with_ })}>{short(report.classes[with_], 24)}</a>
          </div>
        )}
      </td>
      <td>
        <div class="row" style={{ flexWrap: "nowrap", gap: "8px" }}>
          <BiasBar bias={found.bias} interval={found.bias_ci} flagged={found.flagged} span={span} />
          <a
            class={flag}
            href={images(often ? { predicted: index, outcome: "wrong" } : { true: index, outcome: "wrong" })}
            title={found.bias_ci ? `95 % interval ${interval(found.bias_ci, ratio)}` : ""}
          >
            {bias}<span class="unseen">{!found.flagged ? ", no more than chance" : often ? ", predicted too often" : ", predicted too seldom"}</span>
          </a>
        </div>
      </td>
      <td>
        <div class="row" style={{ flexWrap: "nowrap", gap: "8px" }}>
          <ShareBar share={found.recall} interval={found.recall_ci} />
          <a href={images({ true: index, outcome: "wrong" })} title={found.recall_ci ? `95 % interval ${interval(found.recall_ci, percent)}` : ""}>
            {percent(found.recall)}
          </a>
        </div>
      </td>
      <td class="number"><a href={images({ predicted: index, outcome: "wrong" })}>{percent(found.precision)}</a></td>
      <td class="number"><a href={images({ true: index })}>{count(found.actual)}</a></td>
      <td class="number"><a href={images({ predicted: index })}>{count(found.predicted)}</a></td>
    </tr>
  );
}

/// How far the bars of bias reach: as far as the classes need, from a fifth of an octave to a whole one.
function octaves(evaluation: Evaluation): number {
  const ends = evaluation.classes.flatMap((found) => [found.bias, ...(found.bias_ci ?? [])]).filter((bias) => bias !== null);
  return Math.min(1, Math.max(0.2, ...ends.map((bias) => 1.05 * Math.abs(Math.log2(Math.max(bias, 1e-6))))));
}

/// The class that shares most errors with another.
function mostConfused(matrix: Uint32Array, index: number, classes: number): number | null {
  let [best, most] = [-1, 0];
  for (let other = 0; other < classes; other++) {
    const errors = other === index ? 0 : matrix[index * classes + other] + matrix[other * classes + index];
    if (errors > most) [best, most] = [other, errors];
  }
  return best < 0 ? null : best;
}

function ordered(evaluation: Evaluation, { by, down }: { by: Column; down: boolean }): number[] {
  const { classes } = evaluation;
  // Errors a class takes part in: those it misses, and those wrongly called so.
  const errors = (found: ClassEvaluation) => found.actual + found.predicted - 2 * Math.round(found.recall * found.actual);
  const value = (found: ClassEvaluation): number | string => {
    if (by === "errors") return errors(found);
    if (by === "bias") return Math.abs(Math.log2(Math.max(found.bias ?? 1, 1e-6)));
    return found[by];
  };
  const sign = down ? -1 : 1;
  const compare = (a: number, b: number) => {
    const [x, y] = [value(classes[a]), value(classes[b])];
    const difference = typeof x === "string" ? x.localeCompare(y as string) : x - (y as number);
    return sign * difference || classes[a].recall - classes[b].recall || a - b;
  };
  return classes.map((_, index) => index).sort(compare);
}
