"""The 45,770-parameter network in Keras, and in plain numpy float64: weights, activations, gradients, ten Adam steps.

    python generate.py --train DATA   trains with Keras and writes weights.npz (an hour; other weights than the stored
                                      ones, since TensorFlow is not reproducible across machines), then all below
    python generate.py --write DATA   computes outputs.npz and gradients.npz from weights.npz, and trajectory.npz
    python generate.py --check DATA   computes them again and compares with the stored files

DATA is a folder with the four IDX files of Fashion-MNIST, .gz. Layouts: activations [n, h, w, c], convolution kernels
[kh, kw, in, out], dense kernels [in, out]; input = value / 255. versions.json says with what the stored files were made.
"""

import gzip
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
TRAJECTORY = HERE / "trajectory.npz"
CONVS = [("conv1", 5, 128, 3), ("conv2", 2, 64, 2), ("conv3", 2, 32, 2)]  # name, kernel, filters, pool
NAMES = ["conv1", "conv2", "conv3", "dense1", "dense2"]
KEPT = 2  # images whose activations are stored


def read(folder, part):
    def payload(name, header):
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8)[header:]

    images = payload(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return images, payload(f"{part}-labels-idx1-ubyte.gz", 8)


def windows(x, k):
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)


def pooled(x, p):
    n, h, w, c = x.shape
    h, w = h // p, w // p
    return x[:, : h * p, : w * p].reshape(n, h, p, w, p, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h, w, c, p * p)


def forward(weights, images):
    x = images.reshape(-1, 28, 28, 1) / np.float64(255)
    taps = {}
    for i, (name, k, _, p) in enumerate(CONVS, 1):
        y = np.tensordot(windows(x, k), weights[f"{name}_kernel"], 3) + weights[f"{name}_bias"]
        taps[f"input{i}"], taps[f"{name}_relu"] = x, np.maximum(y, 0)
        x = taps[f"pool{i}"] = pooled(taps[f"{name}_relu"], p).max(-1)
    flat = taps["flatten"] = x.reshape(len(x), -1)
    hidden = taps["dense1_relu"] = np.maximum(flat @ weights["dense1_kernel"] + weights["dense1_bias"], 0)
    logits = taps["logits"] = hidden @ weights["dense2_kernel"] + weights["dense2_bias"]
    e = np.exp(logits - logits.max(1, keepdims=True))
    taps["probs"] = e / e.sum(1, keepdims=True)
    return taps


def loss_and_gradients(weights, images, labels):
    taps = forward(weights, images)
    n, rows = len(labels), np.arange(len(labels))
    loss = -np.log(taps["probs"][rows, labels]).mean()
    d = taps["probs"].copy()
    d[rows, labels] -= 1
    d /= n
    g = {"dense2_kernel": taps["dense1_relu"].T @ d, "dense2_bias": d.sum(0)}
    d = (d @ weights["dense2_kernel"].T) * (taps["dense1_relu"] > 0)
    g |= {"dense1_kernel": taps["flatten"].T @ d, "dense1_bias": d.sum(0)}
    d = (d @ weights["dense1_kernel"].T).reshape(taps["pool3"].shape)
    for i, (name, k, filters, p) in reversed(list(enumerate(CONVS, 1))):
        y, x = taps[f"{name}_relu"], taps[f"input{i}"]
        dy = np.zeros_like(y)
        best = pooled(y, p).argmax(-1)
        image, row, column, c = np.indices(best.shape)
        dy[image, row * p + best // p, column * p + best % p, c] = d
        dy *= y > 0
        g[f"{name}_kernel"] = np.tensordot(windows(x, k), dy, ((0, 1, 2), (0, 1, 2)))
        g[f"{name}_bias"] = dy.sum((0, 1, 2))
        d = np.zeros_like(x)
        for a in range(k):
            for b in range(k):
                h, w = dy.shape[1:3]
                d[:, a : a + h, b : b + w] += dy @ weights[f"{name}_kernel"][a, b].T
    return loss, g


def adam(weights, images, labels, steps):
    """Kingma & Ba 2014, algorithm 1: rate 1e-3, 0.9, 0.999, epsilon 1e-7 added to the corrected root."""
    m, v, losses = {k: 0.0 for k in weights}, {k: 0.0 for k in weights}, []
    for t in range(1, steps + 1):
        batch = slice(128 * (t - 1), 128 * t)
        loss, g = loss_and_gradients(weights, images[batch], labels[batch])
        losses.append(loss)
        for k in weights:
            m[k] = 0.9 * m[k] + 0.1 * g[k]
            v[k] = 0.999 * v[k] + 0.001 * g[k] ** 2
            weights[k] = weights[k] - 1e-3 * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-7)
    return losses


def train(folder):
    import cv2
    import keras

    rng = np.random.default_rng(2020)
    images, labels = read(folder, "train")
    turned = [cv2.warpAffine(x, cv2.getRotationMatrix2D((14, 14), rng.uniform(-30, 30), 1), (28, 28)) for x in images]
    shift = lambda: np.float64([[1, 0, rng.uniform(-4, 4)], [0, 1, rng.uniform(-4, 4)]])
    moved = [cv2.warpAffine(x, shift(), (28, 28)) for x in images]
    x = np.concatenate([images, turned, moved]).reshape(-1, 28, 28, 1).astype("float32") / 255
    layers = [keras.layers.Input((28, 28, 1))]
    for _, k, filters, p in CONVS:
        layers += [keras.layers.Conv2D(filters, k, activation="relu"), keras.layers.MaxPooling2D(p)]
    layers += [keras.layers.Flatten(), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(x, np.tile(labels, 3), batch_size=128, epochs=10)
    values = model.get_weights()
    pairs = zip(NAMES, values[::2], values[1::2])
    stored = {f"{name}_{part}": value for name, k, b in pairs for part, value in [("kernel", k), ("bias", b)]}
    np.savez_compressed(HERE / "weights.npz", **stored)


def compute(folder):
    wide = lambda file, prefix="": {
        k[len(prefix) :]: v.astype(np.float64) for k, v in np.load(file).items() if k.startswith(prefix)
    }
    weights = wide(HERE / "weights.npz")
    images, labels = (x[:64] for x in read(folder, "t10k"))
    taps = forward(weights, images)
    outputs = {"images_u8": images, "labels": labels, "logits": taps["logits"]}
    for name in ["conv1_relu", "pool1", "conv2_relu", "pool2", "conv3_relu", "pool3", "flatten", "dense1_relu"]:
        outputs[name] = taps[name][:KEPT]
    loss, g = loss_and_gradients(weights, images, labels)
    gradients = {"loss": np.float64(loss)} | {f"grad_{k}": v for k, v in g.items()}
    moving = wide(TRAJECTORY, "init_")
    trajectory = {f"init_{k}": v for k, v in moving.items()}
    images, labels = (x[:1280] for x in read(folder, "train"))
    trajectory |= {"images_u8": images, "labels": labels}
    trajectory["loss"] = np.array(adam(moving, images, labels, 10))
    trajectory |= {f"step10_{k}": v for k, v in moving.items()}
    return {HERE / "outputs.npz": outputs, HERE / "gradients.npz": gradients, TRAJECTORY: trajectory}


def main():
    mode, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if mode == "--train":
        train(folder)
    for file, arrays in compute(folder).items():
        narrow = {k: v if v.dtype == np.uint8 or v.size <= 10 else v.astype(np.float32) for k, v in arrays.items()}
        if mode != "--check":
            np.savez_compressed(file, **narrow)
            continue
        stored = np.load(file)
        assert set(stored) == set(narrow), file
        for name, value in narrow.items():
            scale = max(np.abs(stored[name]).max(), 1e-30)
            error = np.abs(stored[name].astype(np.float64) - value).max() / scale
            # Ten steps of Adam divide by the root of tiny second moments: rounding differences grow in the weights.
            assert error <= (1e-2 if name.startswith("step10") else 1e-5), (file.name, name, error)
        print(f"{file.name}: {len(narrow)} arrays agree")


main()
