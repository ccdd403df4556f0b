// Groups of images that are wrong more often than others: found on one half, confirmed on the other.

import { count, interval, percent, points, pValue } from "../format";
import { address } from "../route";
import { report } from "../state";

/// "Dress, wide" of "Dress, wide: 27 % wrong against 3 % …"; the numbers have columns of their own.
const which = (title: string) => (title.includes(": ") ? title.slice(0, title.lastIndexOf(": ")) : title);

export function Slices() {
  const section = report.audit!.slices!;
  const tested = [...section.tested].sort((a, b) => Number(b.confirmed) - Number(a.confirmed) || b.harm - a.harm);
  const confirmed = tested.filter((slice) => slice.confirmed).length;
  const finding = (title: string) => report.findings.findIndex((found) => found.kind === "slice" && found.title === title);
  return (
    <>
      <div class="lead">
        <h2>Slices</h2>
        <p>{count(confirmed)} of {count(tested.length)} groups that stood out on one half of the images are confirmed on the other.</p>
      </div>
      <div class="scroll">
        <table>
          <thead><tr><th>Images</th><th class="number">Wrong</th><th class="number">Others wrong</th><th class="number">Difference, points</th><th class="number">Corrected</th><th class="number">Explains</th><th>On the other half</th></tr></thead>
          <tbody>
            {tested.map((slice) => {
              const at = finding(slice.title);
              return (
                <tr key={slice.title}>
                  <td class="name">{at >= 0 && report.rows ? <a href={address("images", { finding: at })}>{which(slice.title)}</a> : which(slice.title)}</td>
                  <td class="number">{percent(slice.error_rate)} <span class="soft">of {count(slice.n)}</span></td>
                  <td class="number">{percent(slice.error_rate_others)}</td>
                  <td class="number">{interval(slice.difference_ci, (x) => points(x))}</td>
                  <td class="number">{pValue(slice.p_corrected)}</td>
                  <td class="number">{percent(slice.harm, 0)}</td>
                  <td>{slice.confirmed ? <span class="chip good">confirmed</span> : <span class="chip">not confirmed</span>}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {tested.length === 0 && <p class="soft">No group stood out.</p>}
    </>
  );
}
