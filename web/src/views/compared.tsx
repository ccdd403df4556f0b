// Another run on the same images: what it gets right that this one does not, and the reverse.

import { count, interval, percent, points, pValue, ratio, short } from "../format";
import { address } from "../route";
import { report } from "../state";

export function Compared() {
  const { name, paired, evaluation } = report.compared!;
  const mine = report.evaluation!;
  const classes = report.classes.map((_, index) => index).sort((a, b) => change(a) - change(b));
  function change(index: number) {
    return evaluation.classes[index].recall - mine.classes[index].recall;
  }
  return (
    <>
      <div class="lead">
        <h2>Compared with <span class="name">{name}</span></h2>
        <p>
          On the {count(paired.n)} images of both, the other is {points(paired.difference, 2)} points more accurate ({interval(paired.difference_ci, (x) => points(x, 2))}, {pValue(paired.p)}). It calls {count(paired.changed)} images otherwise:{" "}
          <a href={address("images", { against: "gained" })}>{count(paired.gained)} that only it gets right</a>,{" "}
          <a href={address("images", { against: "lost" })}>{count(paired.lost)} that only this run gets right</a>.
        </p>
      </div>
      <div class="scroll">
        <table style={{ maxWidth: "860px" }}>
          <thead><tr><th>Class, most lost first</th><th class="number">Recall here</th><th class="number">there</th><th class="number">Points</th><th class="number">Bias here</th><th class="number">there</th><th class="number">Images only one gets right</th></tr></thead>
          <tbody>
            {classes.map((index) => {
              const [here, there] = [mine.classes[index], evaluation.classes[index]];
              return (
                <tr key={index}>
                  <td class="name">{short(report.classes[index])}</td>
                  <td class="number">{percent(here.recall)}</td>
                  <td class="number">{percent(there.recall)}</td>
                  <td class={`number ${change(index) < 0 ? "wrong" : "right"}`}>{points(change(index))}</td>
                  <td class="number">{here.bias === null ? "–" : ratio(here.bias)}</td>
                  <td class="number">{there.bias === null ? "–" : ratio(there.bias)}</td>
                  <td class="number"><a href={address("images", { against: "lost", true: index })}>here</a> · <a href={address("images", { against: "gained", true: index })}>there</a></td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}
