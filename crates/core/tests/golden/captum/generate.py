"""Saliency maps of the 45,770-parameter network by Captum and pytorch-grad-cam, and what neither has by hand.

    python generate.py --write      computes all arrays and writes them, and versions.json
    python generate.py --check      computes them again and compares with the stored files
    python generate.py --float32    prints how far the same program in float32 is from the stored files

`--fashion-mnist DIR` is a folder with the IDX files of Fashion-MNIST, .gz. README.md defines every array. All is
computed in float64 and stored as float32. Weights are those of ../keras.
"""

import argparse
import gzip
import json
import pathlib
import platform
import warnings
from importlib.metadata import version

import numpy as np
import torch
from captum.attr import Deconvolution, GuidedBackprop, InputXGradient, IntegratedGradients, Occlusion, Saliency
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, LayerCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
ROWS = [7, 16, 21, 29, 32, 41, 50, 56]  # of the test images, without near ties; 29 and 32 are predicted wrongly
CURVES = 2  # images with insertion and deletion curves, and with SmoothGrad
NOISES = 8  # noisy copies an image
MASKS = 64  # of RISE, for the first image
WINDOW = 5  # of occlusion
PACE = 28  # pixels between two points of a curve
SEED = 2030  # no near ties in the noisy images either
LAYERS = ["conv1", "conv1_relu", "conv2", "conv2_relu", "conv3", "conv3_relu"]


class Network(nn.Sequential):
    """The network of recipes/seed.toml, channels first. Every ReLU is a module of its own, for Captum's hooks."""

    def __init__(self, weights):
        super().__init__()
        for index, (inputs, filters, kernel, pool) in enumerate([(1, 128, 5, 3), (128, 64, 2, 2), (64, 32, 2, 2)], 1):
            self.add_module(f"conv{index}", nn.Conv2d(inputs, filters, kernel))
            self.add_module(f"conv{index}_relu", nn.ReLU())
            self.add_module(f"pool{index}", nn.MaxPool2d(pool))
        self.add_module("last", ChannelsLast())
        self.add_module("flatten", nn.Flatten())
        self.add_module("dense1", nn.Linear(32, 32))
        self.add_module("dense1_relu", nn.ReLU())
        self.add_module("dense2", nn.Linear(32, 10))
        for name, layer in self.named_children():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                kernel = torch.from_numpy(weights[f"{name}_kernel"])
                layer.weight.data = kernel.permute(3, 2, 0, 1) if kernel.dim() == 4 else kernel.T
                layer.bias.data = torch.from_numpy(weights[f"{name}_bias"])
        self.eval()


class ChannelsLast(nn.Module):
    """Keras flattens [h, w, c]."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1)


def read_images(folder):
    def payload(name, header):
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8)[header:]

    images = payload("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[ROWS]
    return images, payload("t10k-labels-idx1-ubyte.gz", 8)[ROWS]


def channels_first(images, dtype):
    return torch.from_numpy(np.ascontiguousarray(images)).to(dtype)[:, None]


def channels_last(maps):
    return maps.detach().numpy().transpose(0, 2, 3, 1)


def target_logits(model, x, targets):
    return model(x).gather(1, targets[:, None])[:, 0]


def target_probabilities(model, x, target):
    with torch.no_grad():
        return torch.softmax(model(x), 1)[:, target].numpy()


def gradient_of(model, x, targets):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(target_logits(model, x, targets).sum(), x)[0]


def close(found, expected, bound):
    """Fails unless two arrays agree, relative to the largest value."""
    found, expected = (np.asarray(torch.as_tensor(x).detach(), np.float64) for x in (found, expected))
    assert found.shape == expected.shape, (found.shape, expected.shape)
    error = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30)
    assert error <= bound, error


def inputs(model, images, labels, dtype, stored):
    """Images, targets and logits. Targets in turn: the predicted class, then the second."""
    x = channels_first(images, dtype) / 255
    logits = model(x).detach()
    close(logits, stored["logits"][ROWS], 1e-5)
    assert (stored["images_u8"][ROWS] == images).all()
    best = logits.argsort(1, descending=True)
    targets = torch.stack([best[i, i % 2] for i in range(len(x))])
    return x, targets, {
        "rows": np.int64(ROWS),
        "images_u8": images[..., None],
        "labels": labels,
        "targets": targets.numpy().astype(np.uint8),
        "logits": logits.numpy(),
    }


class GuidedReLU(torch.autograd.Function):
    """Guided backpropagation, or deconvolution, written out to check Captum's hooks."""

    @staticmethod
    def forward(context, x, guided):
        context.save_for_backward(x)
        context.guided = guided
        return x.clamp(min=0)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        gradient = gradient.clamp(min=0)
        return (gradient * (x > 0) if context.guided else gradient), None


def changed_gradient(model, x, targets, guided):
    x = value = x.clone().requires_grad_()
    for layer in model:
        value = GuidedReLU.apply(value, guided) if isinstance(layer, nn.ReLU) else layer(value)
    return torch.autograd.grad(value.gather(1, targets[:, None]).sum(), x)[0]


def quadrature(method, steps):
    if method == "riemann_middle":
        return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


def path_integral(model, x, targets, method, steps):
    points = zip(*quadrature(method, steps))
    return x * sum(weight * gradient_of(model, alpha * x, targets) for alpha, weight in points)


def gradient_maps(model, x, targets, bound):
    gradient = gradient_of(model, x, targets)
    close(Saliency(model).attribute(x, targets, abs=False), gradient, 0)
    arrays = {"gradient": gradient, "input_x_gradient": InputXGradient(model).attribute(x, targets)}
    close(arrays["input_x_gradient"], x * gradient, 0)
    for method in ["riemann_middle", "gausslegendre"]:
        for steps in [32, 64]:
            options = {"target": targets, "n_steps": steps, "method": method, "return_convergence_delta": True}
            integrated, delta = IntegratedGradients(model).attribute(x, 0, **options)
            # Captum rounds the weights of the sum to float32, also when all else is float64.
            close(integrated, path_integral(model, x, targets, method, steps), max(bound, 2e-7))
            ends = target_logits(model, x, targets) - target_logits(model, torch.zeros_like(x), targets)
            close(delta, integrated.sum((1, 2, 3)) - ends, max(bound, 1e-6))
            arrays |= {f"integrated_gradients_{method}_{steps}": integrated, f"delta_{method}_{steps}": delta}
    arrays["guided_backprop"] = GuidedBackprop(model).attribute(x, targets)
    arrays["deconvolution"] = Deconvolution(model).attribute(x, targets)
    close(arrays["guided_backprop"], changed_gradient(model, x, targets, True), bound)
    close(arrays["deconvolution"], changed_gradient(model, x, targets, False), bound)
    plain = lambda value: channels_last(value) if value.dim() == 4 else value.detach().numpy()
    return {name: plain(value) for name, value in arrays.items()}


def smooth_gradient(model, x, targets, random):
    """The mean gradient at images with stored noise."""
    x, targets = x[:CURVES], targets[:CURVES]
    shape = [NOISES, *x.shape]
    noise_u8 = np.clip(np.rint(128 + 0.15 * 255 * random.normal(size=shape)), 0, 255).astype(np.uint8)
    noises = (torch.from_numpy(noise_u8).to(x.dtype) - 128) / 255
    smooth = sum(gradient_of(model, x + noise, targets) for noise in noises) / NOISES
    return {"smooth_gradient": channels_last(smooth), "noise_u8": noise_u8.transpose(0, 1, 3, 4, 2)}


def activation_and_gradient(model, x, targets, name):
    kept = []
    layer = getattr(model, name)
    handle = layer.register_forward_hook(lambda module, arguments, output: kept.append(output))
    score = target_logits(model, x, targets).sum()
    handle.remove()
    return kept[0].detach(), torch.autograd.grad(score, kept[0])[0]


def grad_cam(a, g):
    return (g.mean((2, 3), keepdim=True) * a).sum(1).clamp(min=0)


def grad_cam_plus_plus(a, g):
    alpha = g**2 / (2 * g**2 + a.sum((2, 3), keepdim=True) * g**3 + 1e-6)
    return ((alpha * g.clamp(min=0)).sum((2, 3), keepdim=True) * a).sum(1).clamp(min=0)


def layer_cam(a, g):
    return (g.clamp(min=0) * a).sum(1).clamp(min=0)


def class_activation_maps(model, x, targets, bound):
    """Raw maps by formula; scaled and resized, they must be what the library returns."""
    arrays = {}
    methods = {"grad_cam": GradCAM, "grad_cam_plus_plus": GradCAMPlusPlus, "layer_cam": LayerCAM}
    formulas = {"grad_cam": grad_cam, "grad_cam_plus_plus": grad_cam_plus_plus, "layer_cam": layer_cam}
    for layer in LAYERS:
        a, g = activation_and_gradient(model, x, targets, layer)
        for method, library in methods.items():
            raw = formulas[method](a, g).numpy()
            with library(model, [getattr(model, layer)]) as cam:
                scaled = cam(x, [ClassifierOutputTarget(int(target)) for target in targets])
                kept = cam.activations_and_grads
                arguments = [kept.activations[0].numpy(), kept.gradients[0].numpy(), False]
                image = cam.get_cam_image(x, None, None, *arguments)
            close(raw, np.maximum(image, 0), bound)
            close(scale_cam_image(scale_cam_image(raw, (28, 28))), scaled, max(bound, 1e-6))
            arrays[f"{method}.{layer}"] = raw
    return arrays


def occlusion_by_hand(model, x, target, stride):
    """The mean, over the windows that cover a pixel, of how much the logit falls."""
    count = -(-(28 - WINDOW) // stride) + 1
    windows = [(slice(a * stride, a * stride + WINDOW), slice(b * stride, b * stride + WINDOW))
               for a in range(count) for b in range(count)]
    changed = x.repeat(len(windows), 1, 1, 1)
    for image, (rows, columns) in zip(changed, windows):
        image[:, rows, columns] = 0
    with torch.no_grad():
        falls = model(x)[0, target] - model(changed)[:, target]
    total, covered = torch.zeros_like(x[0]), torch.zeros_like(x[0])
    for fall, (rows, columns) in zip(falls, windows):
        total[:, rows, columns] += fall
        covered[:, rows, columns] += 1
    return total / covered


def occlusion(model, x, targets, bound):
    arrays = {}
    for stride in [1, 2]:
        shape, strides = (1, WINDOW, WINDOW), (1, stride, stride)
        options = {"strides": strides, "baselines": 0, "perturbations_per_eval": 64}
        found = Occlusion(model).attribute(x, shape, target=targets, **options)
        expected = torch.stack([occlusion_by_hand(model, x[i : i + 1], targets[i], stride) for i in range(len(x))])
        close(found, expected, max(bound, 1e-6))  # Captum divides in float32
        arrays[f"occlusion_{WINDOW}_stride_{stride}"] = channels_last(expected)
    return arrays


def rise(model, x, targets, random):
    """Random masks as in the paper: 7x7 zeros and ones, one cell larger, bilinear, shifted within a cell."""
    grids = torch.from_numpy((random.random((MASKS, 1, 8, 8)) < 0.5).astype(np.float64))
    wide = functional.interpolate(grids, size=(32, 32), mode="bilinear", align_corners=False)[:, 0].numpy()
    shifts = random.integers(0, 4, (MASKS, 2))
    masks_u8 = np.rint(255 * np.stack([mask[r : r + 28, c : c + 28] for mask, (r, c) in zip(wide, shifts)]))
    masks_u8 = masks_u8.astype(np.uint8)
    masks = channels_first(masks_u8, x.dtype) / 255
    scores = target_probabilities(model, x[:1] * masks, targets[0])
    masks = masks[:, 0].numpy()
    weighted = np.tensordot(scores, masks, 1)
    return {
        "rise_masks_u8": masks_u8[..., None],
        "rise_scores": scores,
        "rise": (weighted / masks.sum(0))[None, ..., None],
        "rise_paper": (weighted / (MASKS * 0.5))[None, ..., None],
    }


def pixels_by_saliency(saliency):
    """Indices of pixels, the most salient first, equal ones in the order of their index."""
    flat = saliency.reshape(-1)
    return np.lexsort((np.arange(flat.size), -flat))


def curves(model, x, targets, maps):
    """Probabilities of the target while the most salient pixels are deleted from the image, or inserted into zeros."""
    deletion, insertion = [], []
    for image, target, saliency in zip(x[:CURVES], targets, maps):
        order = pixels_by_saliency(saliency)
        counts = range(0, 784 + 1, PACE)
        chosen = torch.zeros((len(counts), 784), dtype=torch.bool)
        for row, count in zip(chosen, counts):
            row[torch.from_numpy(order[:count])] = True
        chosen = chosen.reshape(-1, 1, 28, 28)
        deletion.append(target_probabilities(model, image * ~chosen, target))
        insertion.append(target_probabilities(model, image * chosen, target))
    area = lambda curve: (curve[0] / 2 + curve[1:-1].sum() + curve[-1] / 2) / (len(curve) - 1)
    return {
        "deletion": np.stack(deletion),
        "insertion": np.stack(insertion),
        "deletion_area": np.array([area(curve) for curve in deletion]),
        "insertion_area": np.array([area(curve) for curve in insertion]),
    }


def effective_fields(model, x):
    """Mean absolute gradient of a layer's centre with respect to the input: of the sum of its channels, and of each."""
    arrays = {}
    for layer in LAYERS:
        x = x.clone().requires_grad_()
        value = x
        for name, module in model.named_children():
            value = module(value)
            if name == layer:
                break
        h, w = value.shape[2:]
        centre = value[:, :, h // 2, w // 2].sum(0)  # of all images: a pixel has to do with its own image only
        slope = lambda unit: torch.autograd.grad(unit, x, retain_graph=True)[0].abs().mean((0, 1))
        arrays[f"summed.{layer}"] = slope(centre.sum()).numpy()
        arrays[f"each.{layer}"] = (sum(slope(unit) for unit in centre) / len(centre)).numpy()
    return arrays


def compute(folder, dtype):
    """All arrays by file."""
    random = np.random.default_rng(SEED)
    model = Network(np.load(HERE / "../keras/weights.npz")).to(dtype)
    bound = 1e-10 if dtype == torch.float64 else np.inf  # between the libraries and the formulas
    images, labels = read_images(folder)
    x, targets, about = inputs(model, images, labels, dtype, np.load(HERE / "../keras/outputs.npz"))
    gradients = gradient_maps(model, x, targets, bound) | smooth_gradient(model, x, targets, random)
    perturbed = occlusion(model, x, targets, bound) | rise(model, x, targets, random)
    # Pixels are ordered by the map as it is stored.
    ordering = np.float32(gradients["integrated_gradients_riemann_middle_64"])
    if dtype != torch.float64:
        ordering = np.load(HERE / "gradients.npz")["integrated_gradients_riemann_middle_64"]
    return {
        "inputs.npz": about,
        "gradients.npz": gradients,
        "cams.npz": class_activation_maps(model, x, targets, bound),
        "perturbations.npz": perturbed | curves(model, x, targets, ordering),
        "fields.npz": effective_fields(model, x),
    }


def narrowed(array):
    return array.astype(np.float32) if array.dtype == np.float64 else array


def write(files):
    for name, arrays in files.items():
        np.savez_compressed(HERE / name, **{key: narrowed(value) for key, value in arrays.items()})
    packages = ["torch", "torchvision", "captum", "grad-cam", "numpy", "opencv-python-headless"]
    versions = {"python": platform.python_version()} | {package: version(package) for package in packages}
    versions |= {"seed": SEED, "weights": "../keras/weights.npz", "dtype": "float64, stored as float32"}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


def compare(files, bound):
    """Differences from the stored files, relative to the largest value of an array."""
    for name, arrays in files.items():
        stored = np.load(HERE / name)
        assert set(stored) == set(arrays), name
        for key, value in arrays.items():
            assert stored[key].shape == value.shape, (name, key)
            scale = max(np.abs(stored[key].astype(np.float64)).max(), 1e-30)
            error = np.abs(stored[key].astype(np.float64) - value).max() / scale
            assert bound is None or error <= bound, (name, key, error)
            if bound is None and value.dtype.kind == "f":
                print(f"{name:18} {key:42} {error:.1e} of {scale:.3g}")
        print(f"{name}: {len(arrays)} arrays{' agree' if bound else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    for name in ["--write", "--check", "--float32"]:
        mode.add_argument(name, action="store_true")
    folder = "/usr/share/datasets/fashion-mnist"
    parser.add_argument("--fashion-mnist", type=pathlib.Path, default=folder, metavar="DIR")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "Setting backward hooks|Input Tensor|Required")
    files = compute(options.fashion_mnist, torch.float32 if options.float32 else torch.float64)
    if options.write:
        write(files)
    else:
        compare(files, None if options.float32 else 1e-6)


main()
