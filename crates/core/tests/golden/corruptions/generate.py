"""What the Python package imagecorruptions, or the published formula, makes of three images.

    pip install imagecorruptions==1.1.2 "numpy<2" scikit-image==0.20.0 "scipy<1.13" "Pillow<11" "setuptools<80" \
        opencv-python-headless==4.11.0.86
    python generate.py           # writes images.npz
    python generate.py --check   # computes again and compares

Only what draws nothing: brightness, contrast, saturate, gaussian_blur, defocus_blur, pixelate, jpeg_compression, zoom_blur,
canny_edges. `large` is 224x224x3 and goes through imagecorruptions itself, of which every 8th row and column is kept;
`small` (32x32x3) and `grey` (28x28) go through the formulas of make_cifar_c.py with its numbers, because the package knows
only those of 224 pixels, and canny_edges through scikit-image as in MNIST-C. Values are levels before they are rounded
(f32), or bytes where the published code makes bytes.
"""

import io
import json
import platform
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import cv2
import numpy as np
import scipy
import skimage
from imagecorruptions import corruptions as package
from PIL import Image, __version__ as pillow
from scipy.ndimage import zoom
from skimage import color, data, feature, filters

HERE = Path(__file__).parent


def new_gaussian(image, sigma, multichannel=False, **rest):
    """scikit-image renamed the argument that the package uses."""
    return filters.gaussian(image, sigma=sigma, channel_axis=-1 if multichannel else None, **rest)


package.gaussian = new_gaussian


def to_unit(image):
    return np.array(image) / 255.0


def gaussian_blur(image, sigma):
    return 255 * filters.gaussian(to_unit(image), sigma=sigma, channel_axis=-1 if image.mode == "RGB" else None)


def defocus_blur(image, radius_and_blur):
    kernel = package.disk(*radius_and_blur)
    x = to_unit(image)
    return 255 * np.clip(cv2.filter2D(x, -1, kernel), 0, 1)


def brightness(image, c):
    if image.mode == "L":
        return 255 * np.clip(to_unit(image) + c, 0, 1)
    hsv = color.rgb2hsv(to_unit(image))
    hsv[:, :, 2] = np.clip(hsv[:, :, 2] + c, 0, 1)
    return 255 * color.hsv2rgb(hsv)


def saturate(image, c):
    hsv = color.rgb2hsv(to_unit(image))
    hsv[:, :, 1] = np.clip(hsv[:, :, 1] * c[0] + c[1], 0, 1)
    return 255 * color.hsv2rgb(hsv)


def contrast(image, c):
    x = to_unit(image)
    mean = x.mean(axis=(0, 1), keepdims=True)
    return 255 * np.clip((x - mean) * c + mean, 0, 1)


def pixelate(image, c):
    w, h = image.size
    return np.array(image.resize((int(w * c), int(h * c)), Image.BOX).resize((w, h), Image.NEAREST))


def jpeg_compression(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def zoom_blur(image, factors):
    x = to_unit(image)
    h = x.shape[0]
    total = x.copy()
    for factor in factors:
        part = int(np.ceil(h / factor))
        top = (h - part) // 2
        zoomed = zoom(x[top : top + part, top : top + part], (factor, factor) + (1,) * (x.ndim - 2), order=1)
        trim = (zoomed.shape[0] - h) // 2
        total += zoomed[trim : trim + h, trim : trim + h]
    return 255 * total / (len(factors) + 1)


CIFAR = {
    gaussian_blur: [0.4, 0.6, 0.7, 0.8, 1],
    defocus_blur: [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)],
    zoom_blur: [1 + 0.01 * np.arange(count) for count in (6, 11, 16, 21, 26)],
    contrast: [0.75, 0.5, 0.4, 0.3, 0.15],
    brightness: [0.05, 0.1, 0.15, 0.2, 0.3],
    saturate: [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)],
    jpeg_compression: [80, 65, 58, 50, 40],
    pixelate: [0.95, 0.9, 0.85, 0.75, 0.65],
}


def levels(values):
    values = np.array(values)
    return values if values.dtype == np.uint8 else np.clip(values, 0, 255).astype(np.float32)


def compute():
    photo = Image.fromarray(data.astronaut())
    large = photo.resize((224, 224), Image.BOX)
    small = photo.crop((130, 0, 330, 200)).resize((32, 32), Image.BOX)
    grey = small.convert("L").resize((28, 28), Image.BOX)
    arrays = {"large": np.array(large), "small": np.array(small), "grey": np.array(grey)}
    for corruption, numbers in CIFAR.items():
        name = corruption.__name__
        for severity in range(1, 6):
            if name != "zoom_blur" and severity % 2 == 1:
                changed = getattr(package, name)(large, severity)
                arrays[f"large.{name}.{severity}"] = levels(changed)[::8, ::8]
            arrays[f"small.{name}.{severity}"] = levels(corruption(small, numbers[severity - 1]))
            if name != "saturate":
                arrays[f"grey.{name}.{severity}"] = levels(corruption(grey, numbers[severity - 1]))
    arrays["grey.canny_edges.5"] = np.uint8(255 * feature.canny(to_unit(grey)))
    return arrays


def main():
    arrays = compute()
    path = HERE / "images.npz"
    if "--check" in sys.argv:
        stored = np.load(path)
        assert sorted(stored.files) == sorted(arrays), "other arrays"
        for name, array in arrays.items():
            assert np.array_equal(stored[name], array), name
        print(f"{len(arrays)} arrays are as stored")
        return
    np.savez_compressed(path, **arrays)
    versions = {
        "python": platform.python_version(),
        "imagecorruptions": "1.1.2",
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-image": skimage.__version__,
        "opencv": cv2.__version__,
        "pillow": pillow,
    }
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


main()
