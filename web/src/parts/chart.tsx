// A chart of Observable Plot, with a name for those who do not see it.

import * as Plot from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";

export type Options = Plot.PlotOptions;

export function Chart(props: { label: string; options: () => Options; inputs: unknown[] }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const width = Math.max(280, Math.min(place.current!.clientWidth || 460, 760));
    const chart = Plot.plot({ width, height: Math.round(width * 0.56), marginLeft: 50, marginTop: 30, marginBottom: 44, ...props.options() });
    // The chart is one image with one name; its parts have names that no reader may use.
    for (const part of chart.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", props.label);
    place.current!.replaceChildren(chart);
  }, props.inputs);
  return <div class="chart" ref={place} />;
}

/// Colors that are told apart with any kind of color vision (Okabe & Ito 2008), and more of them by darkness.
const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7b00", "#7a5195", "#8c564b", "#6b6b66"];

export const classColor = (index: number) =>
  index < OKABE_ITO.length ? OKABE_ITO[index] : `hsl(${(index * 137.5) % 360} 55% ${40 + 12 * (index % 3)}%)`;
