"""ONNX Runtime as a worker of bench/run (protocol: serve.py).

    python with_onnxruntime.py infer|latency model=FILE batch=N threads=N sessions=N pixels=FILE [out=FILE]

All graph optimizations, inputs and outputs bound once so that a call copies nothing. With `sessions=N` the batch is split
over N sessions of `threads` threads each, which run at the same time.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort

import serve

task, options = serve.arguments()
settings = ort.SessionOptions()
settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
settings.intra_op_num_threads = int(options["threads"])
settings.inter_op_num_threads = 1
settings.add_session_config_entry("session.force_spinning_stop", "1")  # idle workers must not use the processor
images = serve.inference_batch(options).transpose(0, 3, 1, 2)
bound = []
for part in np.array_split(np.ascontiguousarray(images), int(options.get("sessions", 1))):
    session = ort.InferenceSession(options["model"], settings, providers=["CPUExecutionProvider"])
    shape = [len(part), *(session.get_outputs()[0].shape[1:])]
    result = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, "cpu")
    binding = session.io_binding()
    binding.bind_ortvalue_input("images", ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(part), "cpu"))
    binding.bind_ortvalue_output(session.get_outputs()[0].name, result)
    bound.append((session, binding, result))

if len(bound) == 1:
    forward = lambda: bound[0][0].run_with_iobinding(bound[0][1])
else:
    pool = ThreadPoolExecutor(len(bound))
    forward = lambda: list(pool.map(lambda each: each[0].run_with_iobinding(each[1]), bound))

forward()
serve.write_logits(options, np.concatenate([result.numpy() for _, _, result in bound]))
measured = serve.latency(forward) if task == "latency" else serve.rate(forward, len(images))
serve.serve("", measured)
