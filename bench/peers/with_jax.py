"""JAX as a worker of bench/run (protocol: serve.py).

    python with_jax.py TASK mode=LAYOUT[+reshape] batch=N [network=resnet20 size=HxWxC] [weights=FILE pixels=FILE out=FILE]

TASK is train, infer or start. LAYOUT is NHWC or NCHW, of the convolutions. Max-pooling is `reduce_window`; with `+reshape`
it is a maximum over a reshaped array, whose gradient XLA compiles better on CPUs. A step is one jitted function that
reuses the memory of its weights; XLA uses all cores by itself.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import serve

task, options = serve.arguments()
layout, *rest = options["mode"].split("+")
channel_axis = layout.index("C")
spatial = [layout.index("H"), layout.index("W")]


def conv(x, kernel, stride=1, padding="VALID"):
    return lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=(layout, "HWIO", layout))


def along_channels(vector):
    return vector if layout == "NHWC" else vector[:, None, None]


def max_pool(x, size):
    if rest == ["reshape"]:
        h, w = (x.shape[axis] // size for axis in spatial)
        if layout == "NHWC":
            x = x[:, : h * size, : w * size].reshape(x.shape[0], h, size, w, size, x.shape[3])
            return x.max((2, 4))
        x = x[:, :, : h * size, : w * size].reshape(*x.shape[:2], h, size, w, size)
        return x.max((3, 5))
    window = tuple(size if axis in spatial else 1 for axis in range(4))
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def seed(weights, x):
    for (_, pool), kernel, bias in zip(serve.CONVOLUTIONS, weights[0::2], weights[1::2]):
        x = max_pool(jax.nn.relu(conv(x, kernel) + along_channels(bias)), pool)
    kernel1, bias1, kernel2, bias2 = weights[6:]
    x = jax.nn.relu(x.reshape(len(x), -1) @ kernel1 + bias1)
    return x @ kernel2 + bias2


def initial(shapes):
    """Kernels He-normal, batch-norm factors 1, offsets and biases 0."""
    rng = np.random.default_rng(0)
    normal = lambda shape: rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype(np.float32)
    fill = {"gamma": np.ones, "bias": np.zeros}
    return [jnp.array(normal(shape) if kind == "kernel" else fill[kind](shape, np.float32)) for kind, shape in shapes]


def seed_shapes():
    shapes = [shape for shape, _ in serve.CONVOLUTIONS] + serve.DENSE
    return [pair for shape in shapes for pair in (("kernel", shape), ("bias", shape[-1:]))]


def resnet20_shapes(channels):
    norm = lambda width: [("gamma", (width,)), ("bias", (width,))]
    shapes, inputs = [("kernel", (3, 3, channels, 16)), *norm(16)], 16
    for width in serve.STAGES:
        for _ in range(serve.BLOCKS):
            shapes += [("kernel", (3, 3, inputs, width)), *norm(width), ("kernel", (3, 3, width, width)), *norm(width)]
            if width != inputs:
                shapes += [("kernel", (1, 1, inputs, width)), *norm(width)]
            inputs = width
    return shapes + [("kernel", (64, 10)), ("bias", (10,))]


def resnet20(weights, x):
    weights = iter(weights)

    def conv_norm(x, stride=1):
        x = conv(x, next(weights), stride, "SAME")
        axes = (0, *spatial)
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        factor, offset = along_channels(next(weights)), along_channels(next(weights))
        return (x - mean) * (lax.rsqrt(variance + 1e-3) * factor) + offset

    x = jax.nn.relu(conv_norm(x))
    for width in serve.STAGES:
        for _ in range(serve.BLOCKS):
            stride = width // x.shape[channel_axis]
            main = conv_norm(jax.nn.relu(conv_norm(x, stride)))
            x = jax.nn.relu(main + (x if stride == 1 else conv_norm(x, stride)))
    return x.mean(spatial) @ next(weights) + next(weights)


def adam(weight, gradient, memory, number):
    mean, square = memory
    mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
    corrected = mean / (1 - 0.9**number), square / (1 - 0.999**number)
    return weight - 1e-3 * corrected[0] / (jnp.sqrt(corrected[1]) + 1e-7), (mean, square)


def momentum(weight, gradient, memory, number):
    speed = 0.9 * memory[0] + gradient
    return weight - 0.1 * speed, (speed,)


def arranged(images):
    return images if layout == "NHWC" else np.ascontiguousarray(images.transpose(0, 3, 1, 2))


residual = options.get("network") == "resnet20"
network, update, memories = (resnet20, momentum, 1) if residual else (seed, adam, 2)
weights = initial(resnet20_shapes(int(options["size"].split("x")[2])) if residual else seed_shapes())
if "weights" in options:
    weights = [jnp.array(array) for array in serve.seed_weights(options)]
parameters = sum(weight.size for weight in weights)


def loss_of(weights, images, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(network(weights, images)), labels[:, None], 1).mean()


def whole_step(state, images, labels):
    weights, memory, number = state
    loss, gradients = jax.value_and_grad(loss_of)(weights, images, labels)
    pairs = [update(*values, number) for values in zip(weights, gradients, memory)]
    return ([weight for weight, _ in pairs], [new for _, new in pairs], number + 1), loss


if task == "infer":
    images = jnp.array(arranged(serve.inference_batch(options)))
    forward = jax.jit(network)
    serve.write_logits(options, forward(weights, images))
    serve.serve(
        f"parameters={parameters}", serve.rate(lambda: forward(weights, images).block_until_ready(), len(images))
    )
else:
    jitted = jax.jit(whole_step, donate_argnums=0)
    state = (weights, [tuple(jnp.zeros_like(weight) for _ in range(memories)) for weight in weights], jnp.float32(1))

    def step(images, labels):
        global state
        state, loss = jitted(state, images, labels)
        loss.block_until_ready()

    if task == "start":
        serve.start(options, lambda images, labels: step(arranged(images), labels.astype(np.int32)))
    else:
        images, labels = serve.random_batch(options)
        images, labels = jnp.array(arranged(images)), jnp.array(labels, jnp.int32)
        serve.serve(f"parameters={parameters}", serve.rate(lambda: step(images, labels), len(labels)))
