// Small pictures of a number with its interval, for table cells.

import type { Interval } from "../schema";

const WIDTH = 104;
const HEIGHT = 16;

/// Bias on a logarithmic axis: too seldom on the left, even in the middle, too often on the right; `span` octaves each way.
export function BiasBar(props: { bias: number | null; interval: Interval | null; flagged: boolean; span: number }) {
  const { bias, interval, flagged, span } = props;
  const place = (bias: number) => {
    const log = Math.log2(Math.max(bias, 1e-6));
    return WIDTH / 2 + (Math.max(-1, Math.min(1, log / span)) * WIDTH) / 2;
  };
  if (bias === null) return <span class="soft small">no image</span>;
  const color = !flagged ? "var(--calm)" : bias > 1 ? "var(--often)" : "var(--seldom)";
  const [from, to] = [place(1), place(bias)].sort((a, b) => a - b);
  return (
    <svg class="bar" width={WIDTH} height={HEIGHT} aria-hidden="true">
      <line x1={WIDTH / 2} x2={WIDTH / 2} y1={0} y2={HEIGHT} stroke="var(--calm)" />
      <rect x={from} width={Math.max(to - from, 0.5)} y={4} height={8} fill={color} />
      {interval && (
        <line x1={place(interval[0])} x2={place(interval[1])} y1={8} y2={8} stroke="var(--ink)" stroke-width={1.5} />
      )}
      {Math.abs(Math.log2(Math.max(bias, 1e-6))) > span && (
        <text x={bias > 1 ? WIDTH + 2 : -2} y={12} font-size={11} text-anchor={bias > 1 ? "start" : "end"} fill={color}>
          {bias > 1 ? "›" : "‹"}
        </text>
      )}
    </svg>
  );
}

/// A share from 0 to 1.
export function ShareBar(props: { share: number; interval?: Interval | null; color?: string; width?: number }) {
  const width = props.width ?? 64;
  return (
    <svg class="bar" width={width} height={HEIGHT} aria-hidden="true">
      <rect x={0} width={width} y={4} height={8} fill="var(--raised)" />
      <rect x={0} width={width * props.share} y={4} height={8} fill={props.color ?? "var(--calm)"} />
      {props.interval && (
        <line x1={width * props.interval[0]} x2={width * props.interval[1]} y1={8} y2={8} stroke="var(--ink)" stroke-width={1.5} />
      )}
    </svg>
  );
}
