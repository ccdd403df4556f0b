// What the page asks its worker, and what it is told.

export interface Alterations {
  rotate: number;
  scale: number;
  right: number;
  down: number;
  shear: number;
  brightness: number;
  contrast: number;
  blur: number;
  noise: number;
  occlude: number;
  erased: [number, number][];
  seed: number;
}

export const UNCHANGED: Alterations = {
  rotate: 0, scale: 1, right: 0, down: 0, shear: 0, brightness: 0, contrast: 1, blur: 0, noise: 0, occlude: 0,
  erased: [], seed: 0,
};

export interface LiveLayer {
  name: string;
  kind: string;
  node: number;
  output: [number, number, number];
  convolution: boolean;
  switchable: boolean;
}

export interface LiveInfo {
  isa: string;
  input: [number, number, number];
  classes: string[];
  layers: LiveLayer[];
  map_layer: string | null;
  parameters: number;
}

/// What one pass over an image gives.
export interface Answer {
  altered: Uint8Array;
  logits: Float32Array;
  probs: Float32Array;
  target: number;
  /// `[h, w]`; empty without a convolution.
  map: Float32Array;
  /// By layer with filters, `[h, w, c]`; empty unless asked for.
  responses: Float32Array[];
  milliseconds: number;
}

export interface WindowInfo {
  corner: [number, number];
  shape: [number, number, number];
  input: number[];
  weights: number[];
  products: number[];
  bias: number;
  sum: number;
}

export type Ask =
  | { kind: "load"; engine: Uint8Array; model: Uint8Array }
  | { kind: "run"; pixels: Uint8Array | null; alterations: Alterations; target: number; responses: boolean }
  | { kind: "sweep"; pixels: Uint8Array; alterations: Alterations; along: string; values: number[] }
  | { kind: "window"; layer: number; row: number; column: number; filter: number }
  | { kind: "silence"; pairs: number[] }
  | { kind: "predict"; pixels: Uint8Array };
