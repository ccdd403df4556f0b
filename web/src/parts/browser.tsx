// A gallery with the image that is chosen beside it.

import { adjust, params } from "../route";
import { table } from "../state";
import { Detail } from "./detail";
import { Gallery } from "./gallery";

export function Browser({ rows }: { rows: number[] }) {
  const id = params.value.get("image");
  const row = id === null ? undefined : table.value!.rowOf.get(id);
  const choose = (next: number | null) => adjust({ image: next === null ? null : table.value!.ids[next] });
  return (
    <div class={row === undefined ? "" : "split"}>
      <div>
        <Gallery rows={rows} chosen={row} onChoose={(next) => choose(next === row ? null : next)} />
      </div>
      {row !== undefined && (
        <aside class="aside">
          <Detail row={row} rows={rows} onChoose={choose} />
        </aside>
      )}
    </div>
  );
}
