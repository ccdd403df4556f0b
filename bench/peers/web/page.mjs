// In the browser: one forward pass of each program, and how long it takes. run.mjs serves this and calls it.

const floats = async (name) => new Float32Array(await (await fetch(`/files/${name}`)).arrayBuffer());
let forward;

async function seamripper(image) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch("/files/wasm.wasm"));
  const engine = instance.exports;
  engine.prepare();
  if (!engine.is_simd()) throw new Error("expected the kernels of simd128");
  const view = (address, length) => new Float32Array(engine.memory.buffer, address, length);
  const weights = await floats("weights");
  view(engine.weights(), weights.length).set(weights);
  engine.load();
  engine.forward(); // memory may grow: views are made after it
  const [input, output] = [view(engine.image(), 784), view(engine.logits(), 10)];
  return async () => {
    input.set(image);
    engine.forward();
    return output.slice();
  };
}

async function onnxruntime(image) {
  const ort = await import("/ort/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/ort/";
  const settings = { executionProviders: ["wasm"], graphOptimizationLevel: "all" };
  const session = await ort.InferenceSession.create("/files/model", settings);
  const output = session.outputNames[0];
  return async () => {
    const images = new ort.Tensor("float32", image, [1, 1, 28, 28]);
    return (await session.run({ images }))[output].data;
  };
}

export async function prepare(kind) {
  const image = (await floats("pixels")).slice(0, 784);
  forward = await (kind === "seamripper" ? seamripper : onnxruntime)(image);
  for (let call = 0; call < 200; call++) await forward();
  return Array.from(await forward());
}

export async function measure(seconds) {
  const CALLS = 20;
  const times = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) await forward();
    times.push((performance.now() - start) / CALLS);
  }
  return 1000 * times.sort((a, b) => a - b)[times.length >> 1];
}
