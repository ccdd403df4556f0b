// Labels that may be wrong: the audit's list, or the surest mistakes; what is marked here becomes relabel.csv.

import { useMemo, useState } from "preact/hooks";
import { download, relabelCsv } from "../csv";
import { count, percent, plural, probability, short } from "../format";
import { Detail } from "../parts/detail";
import { Thumbnail } from "../parts/thumbnail";
import { adjust, params } from "../route";
import { mark, marks, report, table } from "../state";
import { isWrong } from "../table";

const PAGE = 60;

interface Suspect { row: number; suggested: number; score: number; flagged: boolean }

function suspects(): Suspect[] {
  const rows = table.value!;
  const listed = report.audit?.label_errors?.suspects;
  if (listed) {
    return listed.flatMap(({ id, suggested, score, flagged }) => {
      const row = rows.rowOf.get(id);
      return row === undefined ? [] : [{ row, suggested, score, flagged }];
    });
  }
  const wrong = [...rows.byLoss].filter((row) => isWrong(rows, row));
  return wrong.map((row) => ({ row, suggested: rows.predicted[row], score: Math.exp(-rows.losses[row]), flagged: false }));
}

export function Labels() {
  const rows = table.value!;
  const section = report.audit?.label_errors ?? null;
  const all = useMemo(suspects, [rows]);
  const [shown, setShown] = useState(PAGE);
  const id = params.value.get("image");
  const row = id === null ? undefined : rows.rowOf.get(id);
  const choose = (next: number | null) => adjust({ image: next === null ? null : rows.ids[next] });
  const order = all.map((suspect) => suspect.row);
  return (
    <>
      <div class="lead">
        <h2>Labels</h2>
        <p>
          {section
            ? `${count(section.flagged)} of ${count(section.n)} labels are flagged as probably wrong; about ${section.expected.toFixed(0)} are expected to be.`
            : "The surest mistakes, where a wrong label is likeliest. seamripper audit judges labels from predictions of models that did not see them."}{" "}
          Of what such lists flag in clean data, about half is confirmed by people: look before you change anything.
        </p>
      </div>
      <div class="row" style={{ marginBottom: "14px" }}>
        <button class="plain" type="button" disabled={marks.value.size === 0} onClick={() => download("relabel.csv", relabelCsv(rows, report.classes, marks.value))}>
          Export relabel.csv ({plural(marks.value.size, "mark")})
        </button>
        {marks.value.size > 0 && <button class="plain" type="button" onClick={() => (marks.value = new Map())}>Remove all marks</button>}
        <span class="soft small"><code>seamripper train RECIPE --relabel relabel.csv</code> uses it.</span>
      </div>
      <div class={row === undefined ? "" : "split"}>
        <div class="scroll">
          <table style={{ maxWidth: "980px" }}>
            <caption class="unseen">Labels that may be wrong, most suspect first</caption>
            <thead><tr><th>Image</th><th>Name</th><th>Label</th><th>Suggested</th><th class="number" title="Estimated chance that the given label is right">Label right</th><th>Wrong label?</th></tr></thead>
            <tbody>
              {all.slice(0, shown).map(({ row: at, suggested, score, flagged }) => (
                <tr key={at} class={at === row ? "chosen" : ""}>
                  <td><div style={{ width: "46px" }}><Thumbnail row={at} chosen={at === row} onChoose={(next) => choose(next === row ? null : next)} /></div></td>
                  <td class="name" title={rows.ids[at]}>{short(rows.ids[at], 60)}{flagged && <> <span class="chip bad">flagged</span></>}</td>
                  <td class="name">{short(report.classes[rows.labels[at]])}</td>
                  <td class="name">{short(report.classes[suggested])}</td>
                  <td class="number">{probability(score)}</td>
                  <td>
                    <label class="field">
                      <input type="checkbox" checked={marks.value.has(at)} onChange={(event) => mark(at, event.currentTarget.checked ? suggested : null)} />
                      <span class="unseen">{rows.ids[at]}: the label is wrong, </span>
                      <span class="soft small name">{short(report.classes[marks.value.get(at) ?? suggested])}</span>
                    </label>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {shown < all.length && <button class="plain" type="button" style={{ marginTop: "12px" }} onClick={() => setShown(shown + PAGE)}>Show more of {count(all.length)}</button>}
          {all.length === 0 && <p class="soft">No label is suspect.</p>}
        </div>
        {row !== undefined && <aside class="aside"><Detail row={row} rows={order} onChoose={choose} /></aside>}
      </div>
      {section && !section.out_of_fold && <p class="soft small" style={{ marginTop: "12px" }}>Judged from predictions of this very model ({percent(section.flagged / Math.max(1, section.n))} flagged).</p>}
    </>
  );
}
