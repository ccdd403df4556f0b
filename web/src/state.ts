// What all views share: the report, the table once it is unpacked, what is selected, what is marked as wrongly labelled.

import { computed, signal } from "@preact/signals";
import { readReport } from "./embedded";
import { readTable, type Table } from "./table";

export const report = readReport();
export const table = signal<Table | null>(null);
export const tableProblem = signal<string | null>(null);
readTable(report).then(
  (read) => (table.value = read),
  (error) => (tableProblem.value = String(error)),
);

/// Rows highlighted in every view.
export const selected = signal<ReadonlySet<number>>(new Set());

export function toggleSelected(row: number) {
  const rows = new Set(selected.value);
  if (!rows.delete(row)) rows.add(row);
  selected.value = rows;
}

/// The class suggested for a row, by row: what is exported as relabel.csv.
export const marks = signal<ReadonlyMap<number, number>>(new Map());

export function mark(row: number, suggested: number | null) {
  const next = new Map(marks.value);
  if (suggested === null) next.delete(row);
  else next.set(row, suggested);
  marks.value = next;
}

/// What can be seen of this report.
export const views = computed(() => {
  const { audit, see, history, layers, evaluation, rows } = report;
  const all: [string, string, boolean][] = [
    ["findings", "Findings", true],
    ["confusion", "Confusion", evaluation !== null],
    ["images", "Images", rows !== null],
    ["filters", "Filters", see !== null && see.layers.length > 0],
    ["lab", "Lab", layers.length > 0],
    ["robustness", "Robustness", Boolean(audit?.robustness)],
    ["slices", "Slices", Boolean(audit?.slices)],
    ["calibration", "Calibration", rows !== null],
    ["labels", "Labels", rows !== null],
    ["duplicates", "Duplicates", Boolean(audit?.duplicates)],
    ["map", "Map", Boolean(see?.map?.images.length)],
    ["training", "Training", history.length > 0],
    ["compared", "Compared", report.compared !== null],
  ];
  return all.filter(([, , there]) => there).map(([name, title]) => ({ name, title }));
});
