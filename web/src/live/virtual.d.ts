// What vite.config.ts makes of web/generated; null where the engine could not be built.
declare module "virtual:viewer" {
  export const initSync: ((options: { module: BufferSource }) => unknown) | null;
  export const Viewer:
    | (new (model: Uint8Array) => {
        info(): string;
        set_image(pixels: Uint8Array): void;
        run(alterations: string, target: number): void;
        altered(alterations: string): Uint8Array;
        logits(): Float32Array;
        probs(): Float32Array;
        target(): number;
        response(node: number): Float32Array;
        map(): Float32Array;
        window(layer: number, row: number, column: number, filter: number): string;
        sweep(asked: string): Float32Array;
        silence(pairs: Uint32Array): void;
        predict(pixels: Uint8Array): Uint32Array;
      })
    | null;
}
