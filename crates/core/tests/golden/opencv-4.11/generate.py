"""Makes and checks the fixtures of this folder: images, matrices and what OpenCV 4.11's warpAffine makes of them.

    pip install opencv-python-headless==4.11.0.86
    python generate.py           # writes every case that is not there yet
    python generate.py --check   # warps every case again and compares

A case is <name>.src.npy [n, h, w] or [n, h, w, 3], <name>.dst_from_src.npy [n, 2, 3] and <name>.dst.npy, all flags
at INTER_LINEAR and BORDER_CONSTANT; with <name>.border.npy [n] the border value of each image, else 0; with
<name>.degrees.npy [n] the matrices are getRotationMatrix2D((w / 2, h / 2), degrees, 1). The sizes in a name are
height x width. Cases differ from those in the folder when numpy draws differently; versions.json holds the versions.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np

SEED = 2020
HERE = Path(__file__).parent


def images(rng, shape):
    """Noise in one half of the images, smooth gradients in the other: both weights and rounding are exercised."""
    noise = rng.integers(0, 256, shape, dtype=np.uint8)
    n, h, w = shape[:3]
    ramp = np.add.outer(np.arange(h) * 3, np.arange(w) * 5).astype(np.uint8)
    smooth = np.broadcast_to(ramp.reshape(1, h, w, *[1] * (len(shape) - 3)), shape)
    return np.where(rng.random((n, *[1] * (len(shape) - 1))) < 0.5, noise, smooth).astype(np.uint8)


def affine(rng, n, src, dst):
    """Turned, scaled, sheared about the centers, and shifted."""
    matrices = []
    for _ in range(n):
        m = cv2.getRotationMatrix2D((src[1] / 2, src[0] / 2), rng.uniform(-180, 180), rng.uniform(0.4, 2.0))
        m[:, :2] += rng.uniform(-0.3, 0.3, (2, 2))
        m[:, 2] += [(dst[1] - src[1]) / 2, (dst[0] - src[0]) / 2] + rng.uniform(-3, 3, 2)
        matrices.append(m)
    return np.array(matrices)


def extreme(rng, n):
    """Matrices whose inverse overflows, vanishes, is singular or lands on exact halves."""
    matrices = rng.normal(size=(n, 2, 3)) * 10.0 ** rng.uniform(-9, 9, (n, 1, 1))
    matrices[::4, 1, :2] = matrices[::4, 0, :2]
    matrices[1::4, :, :2] = np.eye(2) * rng.choice([0.5, 1, 2, -1, 1 / 3], (matrices[1::4].shape[0], 1, 1))
    matrices[1::4, :, 2] = rng.integers(-8, 9, (matrices[1::4].shape[0], 2)) / 64
    matrices[2::8, :, 2] = rng.choice([-(2.0**21), 2.0**21, 2.0**22, np.nan, np.inf], (matrices[2::8].shape[0], 2))
    return matrices


def cases():
    """Name, source images, matrices, destination (h, w), degrees, borders. Each case has a generator of its own."""
    rng = lambda case: np.random.default_rng([SEED, case])
    degrees = rng(0).uniform(-180, 180, 68)
    turns = np.array([cv2.getRotationMatrix2D((14, 14), d, 1) for d in degrees])
    yield "rotate_28", images(rng(1), (68, 28, 28)), turns, (28, 28), degrees, None
    shifts = np.tile(np.eye(2, 3), (56, 1, 1))
    shifts[:, :, 2] = rng(2).uniform(-6, 6, (56, 2))
    yield "translate_28", images(rng(3), (56, 28, 28)), shifts, (28, 28), None, None
    turned = zip(rng(4).uniform(-180, 180, 40), rng(5).uniform(0.5, 2, 40))
    similar = np.array([cv2.getRotationMatrix2D((14, 14), d, s) for d, s in turned])
    yield "similarity_28", images(rng(6), (40, 28, 28)), similar, (28, 28), None, None
    sizes = [((1, 1), (4, 4), 8), ((5, 17), (9, 3), 8), ((37, 23), (37, 23), 8), ((64, 64), (48, 80), 8)]
    for i, (src, dst, n) in enumerate([*sizes, ((224, 224), (224, 224), 3)]):
        name = f"affine_{src[0]}x{src[1]}_to_{dst[0]}x{dst[1]}"
        yield name, images(rng(10 + i), (n, *src)), affine(rng(20 + i), n, src, dst), dst, None, None
    border = lambda case, n: rng(case).integers(0, 256, n, dtype=np.uint8)
    yield "rgb_19x26", images(rng(30), (16, 19, 26, 3)), affine(rng(31), 16, (19, 26), (19, 26)), (19, 26), None, border(32, 16)
    yield "border_28", images(rng(40), (24, 28, 28)), affine(rng(41), 24, (28, 28), (28, 28)), (28, 28), None, border(42, 24)
    yield "extreme_7x11", images(rng(50), (160, 7, 11)), extreme(rng(51), 160), (9, 8), None, border(52, 160)


def warp(src, matrices, size, borders):
    h, w = size
    borders = [0] * len(src) if borders is None else [int(b) for b in borders]
    flags = dict(flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.stack([
        cv2.warpAffine(image, matrix, (w, h), borderValue=(border,) * 3, **flags).reshape(h, w, *image.shape[2:])
        for image, matrix, border in zip(src, matrices, borders)
    ])


def generate():
    for name, src, matrices, size, degrees, borders in cases():
        if (HERE / f"{name}.dst.npy").exists():
            continue
        values = {"src": src, "dst_from_src": matrices, "dst": warp(src, matrices, size, borders)}
        values |= {"degrees": degrees} if degrees is not None else {}
        values |= {"border": borders} if borders is not None else {}
        for part, value in values.items():
            np.save(HERE / f"{name}.{part}.npy", value)
        print(f"{name}: {len(src)} images")
    env = json.loads((HERE / "versions.json").read_text())
    env |= {"opencv": cv2.__version__, "numpy": np.__version__}
    (HERE / "versions.json").write_text(json.dumps(env, indent=1) + "\n")


def check():
    for path in sorted(HERE.glob("*.dst.npy")):
        name = path.name.removesuffix(".dst.npy")
        part = lambda part: np.load(HERE / f"{name}.{part}.npy")
        borders = part("border") if (HERE / f"{name}.border.npy").exists() else None
        dst = part("dst")
        assert np.array_equal(dst, warp(part("src"), part("dst_from_src"), dst.shape[1:3], borders)), name
        print(f"{name}: {dst.size} values are OpenCV {cv2.__version__}'s")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    np.seterr(invalid="ignore")
    check() if "--check" in sys.argv[1:] else generate()
