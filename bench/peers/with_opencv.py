"""OpenCV's warpAffine as a worker of bench/run (protocol: serve.py), on one thread.

    python with_opencv.py make size=HxWxC images=N pixels=FILE matrices=FILE shifts=FILE    random images and transforms
    python with_opencv.py warp size=HxWxC pixels=FILE matrices=FILE [out=FILE]     a call an image
    python with_opencv.py call                                                     images of 1x1: what a call costs
    python with_opencv.py tall size=HxWxC pixels=FILE                              all images stacked into one, one call

The tall image is narrowed and shifted by fractions of a pixel, so that every pixel is interpolated, as many as in the
images, without calls in between; `shifts` has the same transform for every image. Results are written into an array that
is kept.
"""

import cv2
import numpy as np

import serve

TALLEST = 32_000  # rows of an image that OpenCV accepts: below 2^15
SHIFT = np.array([[0.98, 0, 0.3], [0, 1, 0.7]])

task, options = serve.arguments()
cv2.setNumThreads(1)
h, w, c = (int(side) for side in options.get("size", "1x1x1").split("x"))

if task == "make":
    rng = np.random.default_rng(0)
    n = int(options["images"])
    rng.integers(0, 256, (n, h, w, c), np.uint8).tofile(options["pixels"])
    turn = lambda: cv2.getRotationMatrix2D((w / 2, h / 2), rng.uniform(-30, 30), rng.uniform(0.9, 1.1))
    shift = lambda: np.array([[0, 0, rng.uniform(-4, 4)], [0, 0, rng.uniform(-4, 4)]])
    np.array([turn() + shift() for _ in range(n)]).tofile(options["matrices"])
    np.tile(SHIFT, (n, 1, 1)).tofile(options["shifts"])
    raise SystemExit

if task == "call":
    images = np.zeros((1000, 1, 1), np.uint8)
else:
    images = np.fromfile(options["pixels"], np.uint8).reshape((-1, h, w) if c == 1 else (-1, h, w, c))
matrices = np.tile(SHIFT, (len(images), 1, 1))
if "matrices" in options:
    matrices = np.fromfile(options["matrices"]).reshape(-1, 2, 3)
warped = np.empty_like(images)
rows = list(zip(images, matrices, warped))


def every():
    for image, matrix, result in rows:
        cv2.warpAffine(image, matrix, (w, h), result)


every()
if "out" in options:
    warped.tofile(options["out"])
if task == "tall":
    count = min(TALLEST // h, len(images))
    tall = images[:count].reshape(count * h, *images.shape[2:])
    result = np.empty_like(tall)
    serve.serve("", serve.rate(lambda: cv2.warpAffine(tall, SHIFT, (w, count * h), result), count))
else:
    serve.serve("", serve.rate(every, len(images)))
