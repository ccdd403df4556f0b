// The first screen: what is wrong, worst first; then each class, worst first; accuracy small.

import { count, interval, percent, plural, pValue, ratio } from "../format";
import { Thumbnail } from "../parts/thumbnail";
import { address, adjust, go, params } from "../route";
import type { Finding } from "../schema";
import { report, table } from "../state";
import { isWrong } from "../table";
import { ClassTable } from "./classes";

const STRIP = 12;
const SUREST = 21;

/// With more findings than this the first screen is full.
const MANY = 5;

/// Findings of a kind at first.
const EACH = 3;

const KINDS: Record<string, string> = {
  bias: "class balance", slice: "slice", robustness: "robustness", calibration: "calibration", label_error: "labels",
  duplicate: "duplicates", leak: "leak", spurious: "spurious feature", drift: "drift", preprocessing: "preprocessing",
};

/// Where a finding is looked into.
export function place(finding: Finding, index: number): string {
  const evidence = finding.evidence ?? {};
  if (finding.kind === "robustness" && report.audit?.robustness) return address("robustness");
  if (finding.kind === "calibration") return address("calibration");
  if (finding.kind === "label_error") return address("labels");
  if ((finding.kind === "duplicate" || finding.kind === "leak") && report.audit?.duplicates) return address("duplicates");
  if (typeof evidence.from === "number" && typeof evidence.to === "number") {
    return address("confusion", { true: evidence.from, predicted: evidence.to });
  }
  return report.rows && finding.examples.length ? address("images", { finding: index }) : address("findings");
}

function Strip({ finding, index }: { finding: Finding; index: number }) {
  const rows = table.value;
  if (!rows?.pictures) return null;
  const found = finding.examples.map((id) => rows.rowOf.get(id)).filter((row) => row !== undefined);
  if (!found.length) return null;
  return (
    <div class="strip">
      {found.slice(0, STRIP).map((row) => (
        <Thumbnail key={row} row={row} onChoose={() => go("images", { finding: index, image: rows.ids[row] })} />
      ))}
    </div>
  );
}

/// The findings in their order; at first no more than a few of a kind, so that one kind does not hide the others.
function Ranked({ findings }: { findings: Finding[] }) {
  const kind = params.value.get("kind");
  const seen = new Map<string, number>();
  const nth = findings.map(({ kind }) => {
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    return seen.get(kind)!;
  });
  const shown = findings.flatMap((finding, index) => (kind === "all" || kind === finding.kind || (!kind && nth[index] <= EACH) ? [index] : []));
  const choice = (value: string | null, words: string) => (
    <button key={words} class="plain small" type="button" aria-pressed={kind === value} onClick={() => adjust({ kind: value })}>{words}</button>
  );
  return (
    <>
      {findings.length > EACH && (
        <div class="row" style={{ gap: "5px", marginBottom: "14px" }}>
          {seen.size > 1 && choice(null, "worst of each kind")}
          {[...seen].map(([name, n]) => choice(name, `${KINDS[name] ?? name} ${n}`))}
          {choice("all", `all ${findings.length}`)}
        </div>
      )}
      {shown.map((index) => <FindingArticle key={index} finding={findings[index]} index={index} />)}
    </>
  );
}

/// The mistakes the model is surest of.
function Surest() {
  const rows = table.value;
  if (!rows?.pictures || report.findings.length > MANY) return null;
  const found = [...rows.byLoss.subarray(0, SUREST)].filter((row) => isWrong(rows, row));
  if (!found.length) return null;
  return (
    <div class="finding">
      <h3><a class="sentence" href={address("images", { outcome: "wrong" })}>The mistakes it is surest of</a></h3>
      <p class="meta">highest loss first; some of them may be wrong labels</p>
      <div class="gallery">
        {found.map((row) => (
          <div class="tile" key={row}>
            <Thumbnail row={row} onChoose={() => go("images", { outcome: "wrong", image: rows.ids[row] })} />
            <span class="words name">{report.classes[rows.labels[row]]}</span>
            <span class="words wrong name" style={{ marginTop: 0 }}>{report.classes[rows.predicted[row]]}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

function FindingArticle({ finding, index }: { finding: Finding; index: number }) {
  return (
    <article class="finding">
      <a class="sentence name" href={place(finding, index)} title={finding.title}>{finding.title}</a>
      <div class="meta">
        <span>{KINDS[finding.kind] ?? finding.kind}</span>
        {finding.harm >= 0.005 && <span>explains {percent(finding.harm, 0)} of all errors</span>}
        {finding.interval && !finding.title.includes("interval") && <span>95 % interval {interval(finding.interval, ratio)}</span>}
        {finding.p_corrected !== null && <span>{pValue(finding.p_corrected)}</span>}
        {!finding.confirmed && <span class="wrong">not confirmed on held-out images</span>}
        {finding.examples.length > 0 && report.rows && (
          <a href={address("images", { finding: index })}>{plural(finding.examples.length, "example")}</a>
        )}
      </div>
      <Strip finding={finding} index={index} />
    </article>
  );
}

function Lead() {
  const { evaluation, findings, split } = report;
  if (!evaluation) return <p>This run has no predictions yet.</p>;
  const wrong = Math.round(evaluation.n * (1 - evaluation.accuracy));
  const held = report.audited ? "" : " These are of the per-class report; seamripper audit looks for more.";
  return (
    <p>
      {count(wrong)} of {count(evaluation.n)} {split ?? ""} images are wrong.{" "}
      {findings.length ? `${plural(findings.length, "finding")}, worst first.` : "Nothing stands out beyond chance."}
      {held}
    </p>
  );
}

export function Findings() {
  const { audit, evaluation, findings, missing } = report;
  const notRun = (audit?.not_run ?? []).map(({ kind, why, hint }): [string, string] => [`${KINDS[kind] ?? kind} (${why})`, hint]);
  return (
    <>
      <div class="lead">
        <h2>What is wrong</h2>
        <Lead />
      </div>
      <div class={evaluation ? "first" : ""}>
        <section aria-label="Findings">
          <Ranked findings={findings} />
          {evaluation && findings.length === 0 && (
            <p class="soft">
              No class is predicted too often or too seldom beyond chance, and no confusion goes one way. That says nothing about
              single images{report.rows && <>: the highest losses are under <a href={address("images", { outcome: "wrong" })}>Images</a></>}.
            </p>
          )}
          <Surest />
        </section>
        {evaluation && <ClassTable evaluation={evaluation} />}
      </div>
      <Missing missing={[...missing, ...notRun]} />
    </>
  );
}

function Missing({ missing }: { missing: [string, string][] }) {
  if (!missing.length) return null;
  return (
    <div class="notes" role="note">
      {missing.map(([what, how]) => <div key={what}>Not in this report: {what}. {how.includes("seamripper") ? <code class="name">{how}</code> : how}</div>)}
    </div>
  );
}
