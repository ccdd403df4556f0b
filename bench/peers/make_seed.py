"""Writes the experiment's network with random weights, for all programs that infer: the same numbers for each.

    python make_seed.py FOLDER     seed.onnx (any batch size), empty.onnx (one copy, to time a call), seed.f32, images.f32

`seed.f32` has kernels and biases in turn, convolutions [kh, kw, in, out], dense [in, out]; `images.f32` has 1,000 images.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import serve

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(0)
(rng.integers(0, 256, (1000, 28, 28, 1)).astype(np.float32) / 255).tofile(folder / "images.f32")

nodes, constants, arrays = [], [], []


def constant(name, array):
    constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name


def parameters(shape):
    kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype(np.float32)
    bias = rng.normal(0, 0.1, shape[-1]).astype(np.float32)
    arrays.extend([kernel, bias])
    return kernel, bias


def node(kind, inputs, **attributes):
    nodes.append(helper.make_node(kind, inputs, [f"value{len(nodes)}"], **attributes))
    return nodes[-1].output[0]


def save(name, nodes, constants, output, shape):
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
    graph = helper.make_graph(nodes, name, [value("images", [1, 28, 28])], [value(output, shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")


x = "images"
for index, (shape, pool) in enumerate(serve.CONVOLUTIONS):
    kernel, bias = parameters(shape)
    names = [constant(f"kernel{index}", kernel.transpose(3, 2, 0, 1)), constant(f"bias{index}", bias)]
    x = node("Relu", [node("Conv", [x, *names], kernel_shape=shape[:2])])
    x = node("MaxPool", [x], kernel_shape=[pool, pool], strides=[pool, pool])
x = node("Flatten", [x])
for index, shape in enumerate(serve.DENSE):
    kernel, bias = parameters(shape)
    x = node("Gemm", [x, constant(f"dense{index}", kernel), constant(f"dense_bias{index}", bias)])
    x = node("Relu", [x]) if index == 0 else x
save("seed", nodes, constants, x, [10])
save("empty", [helper.make_node("Identity", ["images"], ["copy"])], [], "copy", [1, 28, 28])
flat = np.concatenate([array.ravel() for array in arrays])
assert flat.size == serve.SEED_PARAMETERS
flat.tofile(folder / "seed.f32")
