// Colors of saliency and of signed numbers.

/// Lays a map `[h, w]` over pixels: where it is high the image keeps its light, in warm colors; elsewhere it is dimmed.
export function overlay(
  canvas: HTMLCanvasElement,
  pixels: ArrayLike<number>,
  [h, w, c]: [number, number, number],
  map: ArrayLike<number> | null,
) {
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(w, h);
  let most = 1e-12;
  if (map) for (let i = 0; i < w * h; i++) most = Math.max(most, map[i]);
  for (let i = 0; i < w * h; i++) {
    const grey = [0, 1, 2].map((channel) => pixels[i * c + (c === 3 ? channel : 0)]);
    const heat = map && map.length ? map[i] / most : 0;
    const [r, g, b] = warm(heat);
    const share = 0.62 * heat;
    image.data[4 * i] = grey[0] * (1 - share) + r * share;
    image.data[4 * i + 1] = grey[1] * (1 - share) + g * share;
    image.data[4 * i + 2] = grey[2] * (1 - share) + b * share;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/// From dark red to yellow; lighter is more, so that it also reads without color.
function warm(share: number): [number, number, number] {
  return [120 + 135 * share, 20 + 215 * share * share, 10 + 60 * share * share];
}

/// Blue below 0, white at 0, orange above, at `limit` at most.
export function signed(value: number, limit: number): [number, number, number] {
  const share = Math.max(-1, Math.min(1, value / (limit || 1)));
  const end = share < 0 ? [10, 94, 168] : [201, 84, 14];
  return [0, 1, 2].map((i) => Math.round(255 + (end[i] - 255) * Math.abs(share))) as [number, number, number];
}
