// Numbers and names as people read them.

const grouped = new Intl.NumberFormat("en-US");

export const count = (n: number) => grouped.format(n);
export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;
export const points = (share: number, digits = 1) =>
  `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(digits)}`;
export const ratio = (value: number) => value.toFixed(2);
export const interval = (ends: [number, number], format: (value: number) => string) =>
  `${format(ends[0])} – ${format(ends[1])}`;
export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const probability = (p: number) => (p >= 0.9995 && p < 1 ? "> 99.9 %" : p < 0.0005 && p > 0 ? "< 0.1 %" : percent(p));

export const pValue = (p: number) => (p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`);

/// A name that fits in a table; the whole one belongs in a title.
export const short = (name: string, most = 32) => {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
};
