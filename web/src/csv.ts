// relabel.csv, as `seamripper train --relabel` reads it.

import type { Table } from "./table";

/// A field in quotes where it needs them (RFC 4180).
export const field = (text: string) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/// A row a mark: `id,given,suggested,score,flagged`. The score is the probability of the given label, as far as the table has it.
export function relabelCsv(table: Table, classes: string[], marks: ReadonlyMap<number, number>): string {
  const rows = [...marks].map(([row, suggested]) => {
    const label = table.labels[row];
    const score = Math.exp(-table.losses[row]);
    return { line: [table.ids[row], classes[label], classes[suggested], String(score), "true"].map(field).join(","), score };
  });
  rows.sort((a, b) => a.score - b.score);
  return ["id,given,suggested,score,flagged", ...rows.map((row) => row.line), ""].join("\n");
}

export function download(name: string, text: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
