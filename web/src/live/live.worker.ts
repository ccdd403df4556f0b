// The model in a thread of its own: the Rust engine as WebAssembly, asked by messages.

import { initSync, Viewer } from "virtual:viewer";
import type { Answer, Ask } from "./protocol";

let viewer: InstanceType<NonNullable<typeof Viewer>> | null = null;
let nodes: number[] = [];

function answer(ask: Ask): [unknown, Transferable[]] {
  if (ask.kind === "load") {
    if (!initSync || !Viewer) throw new Error("this page was built without the engine");
    initSync({ module: ask.engine as Uint8Array<ArrayBuffer> });
    viewer = new Viewer(ask.model);
    const info = viewer.info();
    nodes = (JSON.parse(info) as { layers: { node: number }[] }).layers.map((layer) => layer.node);
    return [info, []];
  }
  if (!viewer) throw new Error("no model was loaded");
  switch (ask.kind) {
    case "run": {
      const began = performance.now();
      if (ask.pixels) viewer.set_image(ask.pixels);
      const alterations = JSON.stringify(ask.alterations);
      viewer.run(alterations, ask.target);
      const given: Answer = {
        altered: viewer.altered(alterations),
        logits: viewer.logits(),
        probs: viewer.probs(),
        target: viewer.target(),
        map: viewer.map(),
        responses: ask.responses ? nodes.map((node) => viewer!.response(node)) : [],
        milliseconds: performance.now() - began,
      };
      const arrays = [given.altered, given.logits, given.probs, given.map, ...given.responses];
      return [given, arrays.map((array) => array.buffer as ArrayBuffer)];
    }
    case "sweep": {
      viewer.set_image(ask.pixels);
      const { alterations, along, values } = ask;
      return [viewer.sweep(JSON.stringify({ alterations, along, values })), []];
    }
    case "window":
      return [viewer.window(ask.layer, ask.row, ask.column, ask.filter), []];
    case "silence":
      viewer.silence(Uint32Array.from(ask.pairs));
      return [null, []];
    case "predict":
      return [viewer.predict(ask.pixels), []];
  }
}

self.onmessage = (event: MessageEvent<{ id: number; ask: Ask }>) => {
  const { id, ask } = event.data;
  try {
    const [value, transfer] = answer(ask);
    self.postMessage({ id, value }, { transfer });
  } catch (error) {
    self.postMessage({ id, problem: error instanceof Error ? error.message : String(error) });
  }
};
