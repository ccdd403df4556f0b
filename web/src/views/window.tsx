// The products behind one response: what the window holds, what it is multiplied with, and their sum.

import { useEffect, useRef } from "preact/hooks";
import type { WindowInfo } from "../live/protocol";
import { signed } from "../parts/heat";

const SIDE = 96;

/// The sum over channels at each place of a window.
function perPlace(values: number[], [kh, kw, c]: [number, number, number]): number[] {
  return Array.from({ length: kh * kw }, (_, place) => {
    let sum = 0;
    for (let channel = 0; channel < c; channel++) sum += values[place * c + channel];
    return sum;
  });
}

export function SignedGrid(props: { values: number[]; size: [number, number]; side?: number; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [h, w] = props.size;
  useEffect(() => {
    const surface = canvas.current!;
    [surface.width, surface.height] = [w, h];
    const context = surface.getContext("2d")!;
    const image = context.createImageData(w, h);
    const limit = props.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    props.values.forEach((value, i) => image.data.set([...signed(value, limit), 255], 4 * i));
    context.putImageData(image, 0, 0);
  }, [props.values]);
  const side = props.side ?? SIDE;
  return <canvas ref={canvas} role="img" aria-label={props.label} style={{ width: `${side}px`, height: `${(side * h) / w}px`, imageRendering: "pixelated", borderRadius: "3px", cursor: "default" }} />;
}

export function WindowView({ found }: { found: WindowInfo }) {
  const [kh, kw, c] = found.shape;
  const parts: [string, number[]][] = [["window", found.input], ["× weights", found.weights], ["= products", found.products]];
  return (
    <div class="stack" style={{ gap: "6px", marginTop: "6px" }}>
      <div class="row" style={{ gap: "10px" }}>
        {parts.map(([title, values]) => (
          <figure key={title} style={{ margin: 0 }}>
            <SignedGrid values={perPlace(values, found.shape)} size={[kh, kw]} label={title} />
            <figcaption class="soft">{title}</figcaption>
          </figure>
        ))}
      </div>
      <div>
        {kh} × {kw} × {c} products sum to {(found.sum - found.bias).toFixed(3)}, with the bias {found.bias.toFixed(3)} to <b>{found.sum.toFixed(3)}</b>
        {c > 1 && <span class="soft"> (pictures: sums over {c} channels)</span>}
      </div>
    </div>
  );
}
