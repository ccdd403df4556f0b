// Whether a probability can be taken at its word: of the images that were called with 80 %, are 80 % right?

import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { count, interval, percent, pValue } from "../format";
import { Chart } from "../parts/chart";
import type { ReliabilityBin } from "../schema";
import { report, table } from "../state";
import { isWrong, type Table } from "../table";

const BINS = 15;
const Z = 1.959964;

/// Equal widths, the last bin closed, with Wilson's intervals: what the audit computes too.
function bins(rows: Table): ReliabilityBin[] {
  const found = Array.from({ length: BINS }, (_, i) => ({ low: i / BINS, high: (i + 1) / BINS, n: 0, hits: 0, sum: 0 }));
  for (let row = 0; row < rows.n; row++) {
    const p = rows.topProbs[row * rows.top];
    const bin = found[Math.min(BINS - 1, Math.max(0, Math.ceil(p * BINS) - 1))];
    bin.n++;
    bin.sum += p;
    bin.hits += Number(!isWrong(rows, row));
  }
  return found.map(({ low, high, n, hits, sum }) => {
    if (!n) return { low, high, n, hits, confidence: null, accuracy: null, accuracy_ci: null };
    const [share, z2] = [hits / n, Z * Z];
    const middle = (share + z2 / (2 * n)) / (1 + z2 / n);
    const half = (Z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
    return { low, high, n, hits, confidence: sum / n, accuracy: share, accuracy_ci: [middle - half, middle + half] };
  });
}

export function Calibration() {
  const rows = table.value!;
  const audit = report.audit?.calibration ?? null;
  const found = useMemo(() => (audit ? audit.reliability : bins(rows)).filter((bin) => bin.n > 0), [rows]);
  const ece = audit?.ece ?? report.evaluation?.ece ?? 0;
  const over = found.reduce((sum, bin) => sum + bin.n * (bin.confidence! - bin.accuracy!), 0) / rows.n;
  return (
    <>
      <div class="lead">
        <h2>Calibration</h2>
        <p>
          On average the model claims {percent(Math.abs(over))} {over > 0 ? "more" : "less"} than it holds. Expected calibration error{" "}
          {percent(ece)}{audit && <> ({interval(audit.ece_ci, percent)}, {pValue(audit.p)})</>}.
        </p>
      </div>
      <div class="charts">
        <figure style={{ margin: 0 }}>
          <h3>Claimed and held</h3>
          <Chart
            label={`Reliability: ${found.map((bin) => `claimed ${percent(bin.confidence!, 0)}, right ${percent(bin.accuracy!, 0)}`).join("; ")}`}
            inputs={[found]}
            options={() => ({
              x: { label: "claimed probability", domain: [0, 1], tickFormat: "%" },
              y: { label: "right", domain: [0, 1], tickFormat: "%", grid: true },
              marks: [
                Plot.line([[0, 0], [1, 1]], { stroke: "currentColor", strokeDasharray: "3,4", strokeOpacity: 0.5 }),
                Plot.ruleX(found, { x: "confidence", y1: (bin: ReliabilityBin) => bin.accuracy_ci![0], y2: (bin: ReliabilityBin) => bin.accuracy_ci![1], stroke: "var(--often)" }),
                Plot.line(found, { x: "confidence", y: "accuracy", stroke: "var(--often)" }),
                Plot.dot(found, { x: "confidence", y: "accuracy", r: 4, fill: "var(--often)", title: (bin: ReliabilityBin) => `${count(bin.n)} images: claimed ${percent(bin.confidence!)}, right ${percent(bin.accuracy!)}` }),
              ],
            })}
          />
          <figcaption class="soft small">Under the dashed line the model is surer than it should be. Lines are 95 % intervals.</figcaption>
        </figure>
        <figure style={{ margin: 0 }}>
          <h3>How sure it is</h3>
          <Chart
            label="Number of images by claimed probability"
            inputs={[found]}
            options={() => ({
              x: { label: "claimed probability", domain: [0, 1], tickFormat: "%" },
              y: { label: "images", grid: true },
              marks: [Plot.rectY(found, { x1: "low", x2: "high", y: "n", fill: "var(--calm)", inset: 1 }), Plot.ruleY([0])],
            })}
          />
        </figure>
        {report.audit?.abstention && <Abstention />}
        {audit && audit.scalings.length > 0 && <Scalings />}
      </div>
    </>
  );
}

function Abstention() {
  const curve = report.audit!.abstention!.curve;
  return (
    <figure style={{ margin: 0 }}>
      <h3>What not answering would buy</h3>
      <Chart
        label="Share of errors among answered images, by share answered"
        inputs={[curve]}
        options={() => ({
          x: { label: "answered", domain: [0, 1], tickFormat: "%" },
          y: { label: "wrong among them", tickFormat: "%", grid: true, zero: true },
          marks: [
            Plot.areaY(curve, { x: "coverage", y1: (d: (typeof curve)[0]) => d.risk_ci[0], y2: (d: (typeof curve)[0]) => d.risk_ci[1], fill: "var(--often)", fillOpacity: 0.2 }),
            Plot.line(curve, { x: "coverage", y: "risk", stroke: "var(--often)", strokeWidth: 2 }),
          ],
        })}
      />
      <figcaption class="soft small">If only the surest answers were given.</figcaption>
    </figure>
  );
}

function Scalings() {
  const { scalings } = report.audit!.calibration!;
  return (
    <div>
      <h3>What would mend it</h3>
      <table>
        <thead><tr><th>Scaling</th><th class="number">Temperature</th><th class="number">Error before</th><th class="number">after</th><th class="number">Judged on</th></tr></thead>
        <tbody>
          {scalings.map((each) => (
            <tr key={each.method}>
              <td>{each.method}</td>
              <td class="number">{each.temperature?.toFixed(2) ?? "–"}</td>
              <td class="number">{percent(each.before.ece)}</td>
              <td class="number">{percent(each.after.ece)}</td>
              <td class="number">{count(each.judged_on)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
