"""Weights as PyTorch and Keras save them, with what their models compute.

    python3 -m venv .venv
    .venv/bin/pip install torch safetensors keras h5py        # versions.json
    .venv/bin/python generate.py                              # the files beside this one
    .venv/bin/python generate.py --load DIR                   # what `export` has written into DIR, loaded and run

For each model there is a NAME.npz: `images` [n, h, w, c] as the model reads them, and `logits` [n, k], both float32. The layers of the
models are those of `tests/it/models.rs`. Weights are seeded random numbers; batch normalizations have statistics that are not 0 and 1.
"""
import json, os, re, sys, warnings, zipfile

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")
import h5py, keras, numpy as np, safetensors, safetensors.torch, torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
H, W, C, K = 9, 8, 2, 5
L = keras.layers


class Named(nn.Module):
    """Layers of every kind, called as the recipe calls them."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(C, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.each = nn.Conv2d(4, 8, 3, padding=1, groups=4)
        self.groups = nn.Conv2d(8, 6, 1, groups=2)
        self.middle = nn.LayerNorm(6)
        self.flat_norm = nn.BatchNorm1d(54)
        self.fc = nn.Linear(54, 7)
        self.head = nn.Linear(7, K)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = torch.relu(self.groups(self.each(x)))
        x = nn.functional.max_pool2d(x, 2)
        x = self.middle(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = self.flat_norm(x.flatten(1))
        return self.head(torch.relu(self.fc(x)))


def numbered():
    """Layers that are called after their place, three of one shape among them."""
    conv = lambda: nn.Conv2d(4, 4, 3, padding=1)
    return nn.Sequential(
        nn.Conv2d(C, 4, 3), nn.ReLU(), conv(), nn.ReLU(), conv(), nn.ReLU(), nn.MaxPool2d(2), conv(), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(36, K))


def seeded(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                noise = torch.randn(value.shape, generator=generator)
                value.copy_(noise.abs() + 0.5 if name.endswith("running_var") else noise * 0.3)
                if name.endswith(("norm.weight", "middle.weight")):
                    value.add_(1)
    return model.eval()


def images(seed):
    return np.random.default_rng(seed).random((3, H, W, C), dtype=np.float32)


def expected(name, shown, logits):
    np.savez(os.path.join(HERE, f"{name}.npz"), images=shown, logits=np.asarray(logits, dtype=np.float32))


def run_torch(model, shown):
    with torch.no_grad():
        return model(torch.from_numpy(shown).permute(0, 3, 1, 2)).numpy()


def save(value, name, **options):
    torch.save(value, os.path.join(HERE, name), **options)


class Payload:
    def __reduce__(self):
        return os.system, ("touch payload-has-run",)


def pytorch():
    model, shown = seeded(Named(), 1), images(1)
    state = model.state_dict()
    expected("named", shown, run_torch(model, shown))
    save(state, "named.pt")
    # Strides of channels last: the storage is not in the order of the shape.
    save({k: v.contiguous(memory_format=torch.channels_last) if v.ndim == 4 else v for k, v in state.items()}, "strides.pt")
    save({k: v.double() if v.dtype.is_floating_point else v for k, v in state.items()}, "float64.pt", pickle_protocol=4)
    optimizer = torch.optim.Adam(model.parameters())
    checkpoint = {"epoch": 3, "loss": 0.25, "state_dict": {f"module.{k}": v for k, v in state.items()},
                  "optimizer": optimizer.state_dict(), "classes": ["a", "b"], "best": None, "done": False}
    save(checkpoint, "checkpoint.pt")
    save({"teacher": dict(state), "student": {k: nn.Parameter(v) if v.dtype == torch.float32 else v for k, v in state.items()}}, "two.pt")
    safetensors.torch.save_file(state, os.path.join(HERE, "named.safetensors"))
    for element, ending in [(torch.float16, "float16"), (torch.bfloat16, "bfloat16")]:
        short = {k: v.to(element) if v.dtype.is_floating_point else v for k, v in state.items()}
        rounded = Named().eval()
        rounded.load_state_dict({k: v.float() if v.dtype == element else v for k, v in short.items()})
        expected(ending, shown, run_torch(rounded, shown))
        save(short, f"{ending}.pt")
        safetensors.torch.save_file(short, os.path.join(HERE, f"{ending}.safetensors"))

    model, shown = seeded(numbered(), 2), images(2)
    expected("numbered", shown, run_torch(model, shown))
    save(model.state_dict(), "numbered.pt")
    safetensors.torch.save_file(model.state_dict(), os.path.join(HERE, "numbered.safetensors"))

    # What is refused.
    small = seeded(nn.Sequential(nn.Linear(2, 2)), 3)
    save(small, "refused-module.pt")
    save({"weight": torch.ones(2), "run": Payload()}, "refused-payload.pt")
    save({"best": np.float64(0.5), "state_dict": small.state_dict()}, "refused-numpy.pt")
    save({"epoch": 1}, "refused-old.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(nn.Identity()).save(os.path.join(HERE, "refused-script.pt"))


def keras_named():
    x = inputs = keras.Input((H, W, C))
    x = L.Conv2D(4, 3, use_bias=False, name="stem")(x)
    x = L.BatchNormalization(scale=False, name="norm")(x)
    x = L.ReLU()(x)
    x = L.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", name="apart")(x)
    x = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="each")(x)
    x = L.Conv2D(6, 1, groups=2, activation="relu", name="groups")(x)
    x = L.MaxPooling2D(2)(x)
    x = L.LayerNormalization(name="middle")(x)
    x = L.Dropout(0.2)(x)
    x = L.Flatten()(x)
    x = L.BatchNormalization(name="flat_norm")(x)
    x = L.Dense(7, activation="relu", name="fc")(x)
    return keras.Model(inputs, L.Dense(K, name="head")(x))


def keras_nested():
    """Names that say nothing, layers of one shape, and a model in the model."""
    conv = lambda: L.Conv2D(4, 3, padding="same", activation="relu")
    inner = keras.Sequential([keras.Input((7, 6, 4)), conv(), conv(), L.BatchNormalization(epsilon=1e-4)])
    x = inputs = keras.Input((H, W, C))
    x = L.Conv2D(4, 3, activation="relu")(x)
    x = inner(x)
    x = L.MaxPooling2D(2)(x)
    x = conv()(x)
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, L.Dense(K)(x))


def keras_exported():
    """`keras_named` as our layers are: a separable convolution is two, a normalization has all its parts."""
    x = inputs = keras.Input((H, W, C))
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False)(x)))
    x = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", use_bias=False)(x)
    x = L.Conv2D(6, 1)(x)
    x = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = L.MaxPooling2D(2)(L.Conv2D(6, 1, groups=2, activation="relu")(x))
    x = L.BatchNormalization()(L.Flatten()(L.LayerNormalization()(x)))
    return keras.Model(inputs, L.Dense(K)(L.Dense(7, activation="relu")(x)))


def keras_flat():
    """`keras_nested` without a model in it."""
    conv = lambda: L.Conv2D(4, 3, padding="same", activation="relu")
    return keras.Sequential([
        keras.Input((H, W, C)), L.Conv2D(4, 3, activation="relu"), conv(), conv(), L.BatchNormalization(epsilon=1e-4),
        L.MaxPooling2D(2), conv(), L.GlobalAveragePooling2D(), L.Dense(K)])


def without_chance(path):
    """The same file without the date and the addresses of objects in memory, which differ every time."""
    steady = lambda text: re.sub(r', "shared_object_id": \d+', "", text)
    if path.endswith(".h5"):
        with h5py.File(path, "a") as file:
            file.attrs["model_config"] = steady(file.attrs["model_config"])
        return
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["config.json"] = steady(entries["config.json"].decode()).encode()
    entries["metadata.json"] = json.dumps({"keras_version": keras.__version__}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def seeded_keras(model, seed):
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.dtype != "float32":
            continue
        noise = generator.normal(size=variable.shape)
        name = variable.path.split("/")[-1]
        if name == "moving_variance":
            noise = np.abs(noise) + 0.5
        else:
            noise = noise * 0.3 + (name == "gamma")
        variable.assign(noise.astype(np.float32))
    return model


def keras_files():
    for name, build, seed in [("keras-named", keras_named, 3), ("keras-nested", keras_nested, 4)]:
        keras.utils.clear_session()
        model, shown = seeded_keras(build(), seed), images(seed)
        expected(name, shown, model(shown, training=False).detach().numpy())
        path = os.path.join(HERE, name)
        if name == "keras-nested":
            model.compile(optimizer="adam", loss="mse")
            model.optimizer.build(model.trainable_variables)
        model.save(f"{path}.keras")
        model.save_weights(f"{path}.weights.h5")
        model.save(f"{path}.h5")
        without_chance(f"{path}.keras")
        without_chance(f"{path}.h5")
    # HDF5 has no type for bfloat16.
    keras.utils.clear_session()
    small = lambda policy: keras.Sequential([
        keras.Input((H, W, C)), L.Conv2D(4, 3, dtype=policy), L.GlobalAveragePooling2D(dtype="float32"), L.Dense(K, dtype=policy)])
    whole, short, shown = seeded_keras(small("float32"), 5), small("bfloat16"), images(5)
    for to, own in zip(short.weights, whole.weights):
        to.assign(own.value)
        own.assign(to.value.float())
    expected("keras-bfloat16", shown, whole(shown, training=False).detach().numpy())
    short.save_weights(os.path.join(HERE, "keras-bfloat16.weights.h5"))
    # Keras 2 wrote no model around the weights, and a colon behind every name; here from the same numbers.
    with h5py.File(os.path.join(HERE, "keras-2.h5"), "w") as file:
        layers = [layer for layer in seeded_keras(keras_named(), 3).layers]
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.15.0"
        for layer in layers:
            group = file.create_group(layer.name)
            weights = [weight for weight in layer.weights if weight.dtype == "float32"]
            names = [f"{layer.name}/{weight.path.split('/')[-1]}:0" for weight in weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, weights):
                data = weight.numpy().astype(np.float16 if name.startswith("fc/") else np.float32)
                group.create_dataset(name, data=data, compression="gzip" if name.startswith("head/k") else None)


def load(folder):
    """Loads what the test `exports_are_written` left in the folder; fails where logits differ by more than 1e-5 of the largest."""
    def compare(what, got, want):
        error = np.abs(got - want).max() / np.abs(want).max()
        print(f"{what}: {error:.1e}")
        assert error < 1e-5, what
    model = Named().eval()
    print(model.load_state_dict(safetensors.torch.load_file(os.path.join(folder, "named.safetensors")), strict=True))
    data = lambda name: [np.load(os.path.join(folder, f"{name}.{what}.npy")) for what in ["images", "logits"]]
    shown, logits = data("named")
    compare("PyTorch", run_torch(model, shown), logits)
    for name, build in [("keras-named", keras_exported), ("keras-nested", keras_flat)]:
        keras.utils.clear_session()
        model = build()
        model.load_weights(os.path.join(folder, f"{name}.weights.h5"))
        shown, logits = data(name)
        compare(f"Keras {name}", model(shown, training=False).detach().numpy(), logits)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load(sys.argv[2])
    else:
        pytorch()
        keras_files()
        versions = {"torch": torch.__version__.split("+")[0], "safetensors": safetensors.__version__,
                    "keras": keras.__version__, "h5py": h5py.__version__, "numpy": np.__version__}
        for name in os.listdir(HERE):
            os.chmod(os.path.join(HERE, name), 0o644)
        with open(os.path.join(HERE, "versions.json"), "w") as file:
            json.dump(versions, file, indent=1)
            file.write("\n")
