// `seamripper.report/1`, as crates/report/src/schema.rs writes it, and the parts of other documents that are drawn.

export type Interval = [number, number];

export interface ClassEvaluation {
  name: string;
  actual: number;
  predicted: number;
  bias: number | null;
  bias_ci: Interval | null;
  bias_p: number;
  bias_p_corrected: number;
  precision: number;
  recall: number;
  recall_ci: Interval | null;
  f1: number;
  flagged: boolean;
}

export interface Evaluation {
  n: number;
  accuracy: number;
  accuracy_ci: Interval;
  classes: ClassEvaluation[];
  confusion: number[][];
  log_loss: number;
  brier: number;
  ece: number;
}

export interface Finding {
  kind: string;
  title: string;
  effect: number | null;
  interval: Interval | null;
  p: number | null;
  p_corrected: number | null;
  confirmed: boolean;
  n: number;
  harm: number;
  examples: string[];
  evidence: Record<string, unknown> | null;
}

export interface Effect {
  accuracy: number;
  recall: (number | null)[];
  gained: number[];
  lost: number[];
}

export interface Patch {
  id: string;
  row: number;
  column: number;
  activation: number;
}

export interface SeenFilter {
  index: number;
  activation_rate: number;
  mean: number;
  max: number;
  dead: boolean;
  duplicates: number[];
  selectivity: (number | null)[];
  exemplars: Patch[];
  ablation: Effect | null;
}

export interface SeenLayer {
  name: string;
  kind: string;
  output: [number, number, number];
  filters: SeenFilter[];
  ablation: Effect | null;
}

export interface Dreamt {
  layer: string | null;
  index: number;
  /// Where its pixels begin in the blob `dreams`; null if nothing excites it.
  place: number | null;
}

export interface Verdict {
  method: string;
  sanity: { score: number };
  passes_sanity: boolean | null;
}

export interface Seen {
  classes: string[];
  images: number;
  layers: SeenLayer[];
  probes: { layer: string | null; features: number; accuracy: number; n: number }[];
  trust: { images: number; verdicts: Verdict[] } | null;
  dreams?: Dreamt[];
  map?: { images: { id: string; tsne: [number, number]; pca: [number, number] }[] } | null;
}

/// Which pixels the places of a layer see: start and size of the field of place `[row, column]`, by axis.
export interface Field {
  layer: string;
  rows: [number, number][];
  columns: [number, number][];
}

export interface Epoch {
  epoch: number;
  seconds: number;
  rate: number;
  train_loss: number | null;
  validation_loss: number | null;
  validation_accuracy: number | null;
  classes: { name: string; recall: number | null; bias: number | null }[];
}

export interface ClassPoint {
  recall: number;
  recall_ci: Interval | null;
  bias: number | null;
  bias_ci: Interval | null;
}

export interface Curve {
  family: string;
  neutral: number;
  mean_error: number;
  mean_loss: number;
  points: {
    parameter: number;
    amount: string;
    accuracy: number;
    accuracy_ci: Interval;
    difference: number;
    difference_ci: Interval;
    p_corrected: number;
    classes: ClassPoint[];
  }[];
}

export interface Audit {
  classes: string[];
  n: number;
  errors: number;
  not_run?: { kind: string; why: string; hint: string }[];
  excluded?: { what: string; count: number; from: string; names: string[] }[];
  losses?: { top_losses: { id: string; nearest?: { id: string; label: number; distance: number }[] }[] } | null;
  slices?: {
    properties: string[];
    n: number;
    errors: number;
    tested: {
      title: string;
      class: number | null;
      conditions: string[];
      cluster: boolean;
      n: number;
      wrong: number;
      error_rate: number;
      error_rate_others: number;
      difference_ci: Interval;
      p_corrected: number;
      confirmed: boolean;
      harm: number;
      examples?: string[];
    }[];
  } | null;
  robustness?: {
    n: number;
    accuracy: number;
    accuracy_ci: Interval;
    shown: number[];
    clean: ClassPoint[];
    curves: Curve[];
    mean_error: number;
    turning_points: {
      family: string;
      parameter: number;
      amount: string;
      class: number;
      becomes: number;
      count: number;
      actual: number;
      share_ci: Interval;
    }[];
    worst: { class: number; change: string; clean_recall: number; recall: number; called: number | null }[];
    advice: { family: string; mean_loss: number; recipe: string | null }[];
    sentences: string[];
  } | null;
  calibration?: {
    ece: number;
    ece_ci: Interval;
    ece_debiased: number;
    p: number;
    reliability: ReliabilityBin[];
    scalings: {
      method: string;
      temperature: number | null;
      before: { ece: number; log_loss: number };
      after: { ece: number; log_loss: number };
      judged_on: number;
    }[];
  } | null;
  abstention?: {
    curve: { threshold: number; coverage: number; risk: number; risk_ci: Interval }[];
    thresholds: { wanted: number; threshold: number | null }[];
  } | null;
  label_errors?: {
    out_of_fold: boolean;
    n: number;
    flagged: number;
    expected: number;
    suspects: { id: string; given: number; suggested: number; score: number; flagged: boolean }[];
  } | null;
  duplicates?: {
    images: number[];
    pairs: number;
    equal: number;
    different_labels: number;
    leaked: number | null;
    listed: {
      ids: [string, string];
      labels: [number, number];
      trained: [boolean, boolean];
      equal: boolean;
      mirrored: boolean;
      shift: [number, number];
      correlation: number;
    }[];
  } | null;
}

export interface ReliabilityBin {
  low: number;
  high: number;
  n: number;
  hits: number;
  confidence: number | null;
  accuracy: number | null;
  accuracy_ci: Interval | null;
}

export interface Report {
  schema: string;
  program: string;
  name: string;
  source: string | null;
  split: string | null;
  classes: string[];
  rows: { n: number; top: number } | null;
  pictures: { size: [number, number, number]; rows: number[] | null; tile: number | null } | null;
  neighbors: { rows: number[]; each: number; ids: string[]; labels: number[] } | null;
  evaluation: Evaluation | null;
  findings: Finding[];
  audited: boolean;
  audit: Audit | null;
  see: Seen | null;
  history: Epoch[];
  layers: { name: string; kind: string; output: [number, number, number]; parameters: number }[];
  kernels: { layer: string; shape: [number, number, number, number]; values: number[] }[];
  fields: Field[];
  compared: {
    name: string;
    paired: {
      n: number;
      changed: number;
      gained: number;
      lost: number;
      difference: number;
      difference_ci: Interval;
      p: number;
    };
    evaluation: Evaluation;
  } | null;
  missing: [string, string][];
}
