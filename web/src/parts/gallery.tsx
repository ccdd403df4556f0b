// Images in a grid, a page at a time: the next page is drawn when its place comes into view.

import { useEffect, useRef, useState } from "preact/hooks";
import { count, short } from "../format";
import { report, table } from "../state";
import { Thumbnail } from "./thumbnail";

const PAGE = 120;

interface Props {
  rows: number[];
  chosen?: number;
  onChoose: (row: number) => void;
}

export function Gallery({ rows, chosen, onChoose }: Props) {
  const [shown, setShown] = useState(PAGE);
  const end = useRef<HTMLButtonElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  useEffect(() => setShown(PAGE), [rows]);
  useEffect(() => {
    if (!end.current) return;
    const watcher = new IntersectionObserver((seen) => {
      if (seen.some((entry) => entry.isIntersecting)) setShown((before) => before + PAGE);
    });
    watcher.observe(end.current);
    return () => watcher.disconnect();
  }, [rows, shown]);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const thumbs = [...grid.current!.querySelectorAll<HTMLElement>(".thumb")];
    const next = thumbs[thumbs.indexOf(document.activeElement as HTMLElement) + step];
    next?.focus();
    event.preventDefault();
  };
  const rowsOf = table.value!;
  return (
    <>
      <div class="gallery" ref={grid} onKeyDown={move}>
        {rows.slice(0, shown).map((row) => {
          const [label, called] = [rowsOf.labels[row], rowsOf.predicted[row]];
          return (
            <div class="tile" key={row}>
              <Thumbnail row={row} chosen={row === chosen} onChoose={onChoose} />
              <span class="words" title={rowsOf.ids[row]}>{short(rowsOf.ids[row], 60)}</span>
              <span class={`words ${label === called ? "soft" : "wrong"}`} style={{ marginTop: 0 }}>
                {label === called ? short(report.classes[label]) : `${short(report.classes[label])} → ${short(report.classes[called])}`}
              </span>
            </div>
          );
        })}
      </div>
      {shown < rows.length && (
        <button class="plain" ref={end} type="button" style={{ marginTop: "14px" }} onClick={() => setShown(shown + PAGE)}>
          Show more of {count(rows.length)}
        </button>
      )}
    </>
  );
}
