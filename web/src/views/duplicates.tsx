// Images that occur more than once, and test images that were trained on.

import { count, plural } from "../format";
import { Thumbnail } from "../parts/thumbnail";
import { address, go } from "../route";
import { report, table } from "../state";

export function Duplicates() {
  const section = report.audit!.duplicates!;
  const classes = report.audit!.classes;
  // Pairs with an image of this report first.
  const listed = [...section.listed].sort((a, b) => Number(a.trained[0] && a.trained[1]) - Number(b.trained[0] && b.trained[1]));
  return (
    <>
      <div class="lead">
        <h2>Duplicates</h2>
        <p>
          {plural(section.pairs, "pair")} of like images, {count(section.equal)} equal to the last byte, {count(section.different_labels)} with different labels.
          {section.leaked !== null && ` ${plural(section.leaked, "test image")} ${section.leaked === 1 ? "has" : "have"} a copy among the training images.`}
        </p>
      </div>
      <div class="scroll">
        <table style={{ maxWidth: "900px" }}>
          <thead><tr><th>Images</th><th>Names</th><th>Labels</th><th>How alike</th></tr></thead>
          <tbody>
            {listed.slice(0, 200).map((pair) => (
              <tr key={pair.ids.join()}>
                <td>
                  <div class="row" style={{ gap: "6px" }}>
                    {pair.ids.map((id, side) => {
                      const row = pair.trained[side] ? undefined : table.value?.rowOf.get(id);
                      return row === undefined ? null : <div key={side} style={{ width: "48px" }}><Thumbnail row={row} onChoose={() => go("images", { image: id })} /></div>;
                    })}
                  </div>
                </td>
                <td class="name">
                  {pair.ids.map((id, side) => <div key={side}>{pair.trained[side] ? <>{id} <span class="chip bad">trained on</span></> : <a href={address("images", { image: id, text: id })}>{id}</a>}</div>)}
                </td>
                <td class={`name ${pair.labels[0] === pair.labels[1] ? "" : "wrong"}`}>{pair.labels[0] === pair.labels[1] ? classes[pair.labels[0]] : `${classes[pair.labels[0]]} and ${classes[pair.labels[1]]}`}</td>
                <td>{alike(pair)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {section.listed.length === 0 && <p class="soft">No image occurs twice.</p>}
    </>
  );
}

function alike(pair: { equal: boolean; mirrored: boolean; shift: [number, number]; correlation: number }): string {
  if (pair.equal) return "equal";
  const words = [pair.mirrored && "mirrored", (pair.shift[0] || pair.shift[1]) && `shifted by ${pair.shift.join(", ")}`].filter(Boolean);
  return [...words, `correlation ${pair.correlation.toFixed(3)}`].join(", ");
}
