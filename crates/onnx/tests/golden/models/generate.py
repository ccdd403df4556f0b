"""Models of other frameworks as ONNX files, with what they compute.

    python3 -m venv .venv
    .venv/bin/pip install torch torchvision onnx onnxscript onnxruntime keras tensorflow tf2onnx   # versions.json
    .venv/bin/python generate.py              # the small models beside this file
    .venv/bin/python generate.py --full DIR   # torchvision's and Keras' own at 224 x 224, into DIR (1.4 GB)
    .venv/bin/python generate.py --verify DIR # ONNX Runtime on DIR/*.onnx and *.npy, as written by the test of exports

For each NAME.onnx there is a NAME.npz: `images` as the file wants them, `logits` by ONNX Runtime, and, of models from PyTorch,
`logit_gradient`, in float64 `image_gradient` of sum(logits logit_gradient), and `cam`: relu(sum_c mean_hw(g_c) a_c) of the features that the
last pooling reads. Of models that can only be run there are images and logits alone. Weights are seeded random numbers; batch normalisations have statistics that are not 0 and 1.
"""
import json, os, sys, warnings, io, contextlib
import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


def run_onnx(path, images):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def pooled_features(model, torch):
    """Makes the model keep what its last pooling reads, in model.kept."""
    import torch.nn.functional as F
    kept = []
    original = F.adaptive_avg_pool2d

    def pool(x, *args, **kwargs):
        if x.requires_grad:
            x.retain_grad()
        kept.append(x)
        return original(x, *args, **kwargs)
    F.adaptive_avg_pool2d = pool
    mean = torch.Tensor.mean

    def patched(x, dim=None, *args, **kwargs):
        if dim == [2, 3] and x.requires_grad:
            x.retain_grad()
            kept.append(x)
        return mean(x, dim, *args, **kwargs) if dim is not None else mean(x, *args, **kwargs)
    torch.Tensor.mean = patched
    def undo():
        F.adaptive_avg_pool2d = original
        torch.Tensor.mean = mean
    return kept, undo


def strip(path):
    """Leaves out what no reader needs: stack traces, names of classes, shapes between."""
    import onnx
    model = onnx.load(path)
    for part in [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output]:
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    del model.graph.value_info[:]
    onnx.save(model, path)


def write_torch(folder, name, model, size, opset, dynamo, images=2, fold=True, seed=0):
    import torch
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)):
            module.running_mean.copy_(torch.rand(module.running_mean.shape, generator=generator) - 0.5)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
            module.weight.data.copy_(torch.rand(module.weight.shape, generator=generator) + 0.5)
            module.bias.data.copy_(torch.rand(module.bias.shape, generator=generator) - 0.5)
    model.eval()
    x = torch.randn(images, *size, generator=generator)
    path = os.path.join(folder, name + ".onnx")
    with contextlib.redirect_stdout(io.StringIO()):
        if dynamo:
            torch.onnx.export(model, (x,), path, dynamo=True, opset_version=opset, external_data=False, verbose=False)
        else:
            training = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
            torch.onnx.export(model, (x,), path, dynamo=False, opset_version=opset, input_names=["input"],
                              output_names=["output"], dynamic_axes={"input": {0: "n"}}, training=training,
                              do_constant_folding=fold)
    strip(path)
    kept, undo = pooled_features(model, torch)
    # In float64: where a ReLU's input is 0 but for rounding, float32 may take the wrong side, and the gradient of a large network
    # is then off by up to a tenth of its largest value.
    wide = x.double().requires_grad_(True)
    logits = model.double()(wide)
    undo()
    gradient = torch.linspace(-1, 1, logits.shape[1]).repeat(images, 1)
    (logits * gradient).sum().backward()
    arrays = dict(images=x.numpy(), logits=run_onnx(path, x.numpy()),
                  logit_gradient=gradient.numpy(), image_gradient=wide.grad.numpy())
    assert np.abs(arrays["logits"] - logits.detach().numpy()).max() < 1e-3 * np.abs(arrays["logits"]).max(), name
    if kept:
        a, g = kept[-1].detach(), kept[-1].grad
        arrays["cam"] = torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).numpy()
    np.savez_compressed(os.path.join(folder, name + ".npz"), **{k: v.astype(np.float32) for k, v in arrays.items()})
    print(name, os.path.getsize(path), "bytes", flush=True)


def write_keras(folder, name, model, size, images=2, opset=15):
    import tensorflow as tf, tf2onnx
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.__class__.__name__ == "BatchNormalization":
            layer.set_weights([(generator.random(w.shape) + (-0.5 if i in (1, 2) else 0.5)).astype("float32")
                               for i, w in enumerate(layer.get_weights())])
    x = generator.standard_normal((images, *size)).astype("float32")
    path = os.path.join(folder, name + ".onnx")
    spec = tf.TensorSpec((None, *size), tf.float32, name="images")
    call = tf.function(lambda images: model(images, training=False), input_signature=[spec])
    tf2onnx.convert.from_function(call, [spec], opset=opset, output_path=path)
    arrays = dict(images=x, logits=run_onnx(path, x))
    np.savez_compressed(os.path.join(folder, name + ".npz"), **arrays)
    print(name, os.path.getsize(path), "bytes", flush=True)


def small(folder):
    import torch
    from torch import nn
    from torchvision.models import convnext, densenet, efficientnet, mobilenetv3, shufflenetv2

    def unit(inputs, outputs, size, **options):
        return nn.Sequential(nn.Conv2d(inputs, outputs, size, bias=False, **options), nn.BatchNorm2d(outputs))

    class Residual(nn.Module):
        """As ResNet: 7 x 7 by 2, overlapping pool, a block with a shortcut of its own."""
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(unit(3, 8, 7, stride=2, padding=3), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
            self.a = nn.Sequential(unit(8, 12, 3, stride=2, padding=1), nn.ReLU(), unit(12, 12, 3, padding=1))
            self.short = unit(8, 12, 1, stride=2)
            self.b = nn.Sequential(unit(12, 12, 3, padding=1), nn.ReLU(), unit(12, 12, 3, padding=1))
            self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(12, 5)

        def forward(self, x):
            x = self.stem(x)
            x = torch.relu(self.a(x) + self.short(x))
            x = torch.relu(self.b(x) + x)
            return self.fc(torch.flatten(self.pool(x), 1))

    class Plain(nn.Module):
        """As VGG: flattened with rows and columns, dropout, a batch normalisation behind it."""
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(unit(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
                                          unit(6, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2))
            self.pool = nn.AdaptiveAvgPool2d(4)
            self.head = nn.Sequential(nn.BatchNorm1d(128), nn.Dropout(), nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, 5))

        def forward(self, x):
            return self.head(torch.flatten(self.pool(self.features(x)), 1))

    class Windows(nn.Module):
        """Windows of every sort: ceil, counted padding, dilation, sides of their own; fire modules; many activations."""
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(3, 8, 3, stride=2)
            self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
            self.squeeze, self.left, self.right = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1)
            self.pool2 = nn.AvgPool2d(3, 2, padding=1)
            self.wide = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2)
            self.pool3 = nn.AvgPool2d(2, 1, padding=1, count_include_pad=False)
            self.last = nn.Conv2d(8, 5, 1)

        def forward(self, x):
            x = self.pool1(nn.functional.leaky_relu(self.a(nn.functional.pad(x, (1, 0, 2, 1)))))
            x = nn.functional.elu(self.squeeze(x))
            x = torch.cat([nn.functional.hardtanh(self.left(x), -0.7, 0.9), nn.functional.softplus(self.right(x))], 1)
            x = nn.functional.relu6(self.pool2(x))
            x = nn.functional.hardswish(self.wide(x)) * 0.5 - 0.25
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest") + 1 - nn.functional.interpolate(
                torch.tanh(x), scale_factor=2, mode="bilinear")
            x = self.pool3(x)
            return torch.flatten(nn.functional.adaptive_avg_pool2d(nn.functional.relu(self.last(x)), 1), 1)

    torch.manual_seed(0)
    write_torch(folder, "residual", Residual(), (3, 33, 31), 7, False)
    write_torch(folder, "plain", Plain(), (3, 16, 16), 9, False, fold=False)
    write_torch(folder, "windows", Windows(), (3, 25, 27), 13, False)
    dense = densenet.DenseNet(growth_rate=3, block_config=(2, 2), num_init_features=6, bn_size=2, num_classes=5)
    write_torch(folder, "densenet", dense, (3, 40, 40), 13, False)
    shuffle = lambda: shufflenetv2.ShuffleNetV2([2, 1, 1], [6, 8, 12, 16, 16], num_classes=5)
    torch.manual_seed(1)
    write_torch(folder, "shufflenet-11", shuffle(), (3, 64, 64), 11, False, images=1)
    write_torch(folder, "shufflenet-18", shuffle(), (3, 64, 64), 18, True, images=1)
    blocks = [convnext.CNBlockConfig(6, 8, 1), convnext.CNBlockConfig(8, None, 1)]
    next_ = lambda: convnext.ConvNeXt(blocks, layer_scale=0.5, num_classes=5)
    write_torch(folder, "convnext-13", next_(), (3, 32, 32), 13, False)
    write_torch(folder, "convnext-18", next_(), (3, 32, 32), 18, True)
    setting = [mobilenetv3.InvertedResidualConfig(8, 3, 16, 8, True, "RE", 2, 1, 0.5),
               mobilenetv3.InvertedResidualConfig(8, 5, 12, 8, True, "HS", 1, 1, 0.5)]
    torch.manual_seed(2)
    v3 = lambda: mobilenetv3.MobileNetV3(setting, last_channel=16, num_classes=5)
    write_torch(folder, "mobilenet-v3-13", v3(), (3, 32, 32), 13, False)
    write_torch(folder, "mobilenet-v3-18", v3(), (3, 32, 32), 18, True)
    setting = [efficientnet.MBConvConfig(1, 3, 1, 8, 8, 1, 1, 1), efficientnet.MBConvConfig(2, 5, 2, 8, 12, 2, 1, 1)]
    write_torch(folder, "efficientnet", efficientnet.EfficientNet(setting, 0.2, num_classes=5, last_channel=16),
                (3, 32, 32), 17, False)

    import onnx
    from onnx import numpy_helper
    half = onnx.load(os.path.join(folder, "efficientnet.onnx"))
    for tensor in half.graph.initializer:  # float16 weights, as a Cast reads them
        values = numpy_helper.to_array(tensor).astype(np.float16)
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values, name + ":half"))
        half.graph.node.insert(0, onnx.helper.make_node("Cast", [name + ":half"], [name], to=1))
    path = os.path.join(folder, "float16.onnx")
    onnx.save(half, path)
    images = np.load(os.path.join(folder, "efficientnet.npz"))["images"]
    np.savez_compressed(os.path.join(folder, "float16.npz"), images=images, logits=run_onnx(path, images))

    outside = onnx.load(os.path.join(folder, "windows.onnx"))
    file = os.path.join(folder, "external.data")
    if os.path.exists(file):
        os.remove(file)
    onnx.save(outside, os.path.join(folder, "external.onnx"), save_as_external_data=True, location="external.data",
              size_threshold=0)
    arrays = np.load(os.path.join(folder, "windows.npz"))
    np.savez_compressed(os.path.join(folder, "external.npz"), images=arrays["images"], logits=arrays["logits"])


def small_keras(folder):
    import keras
    from keras import layers
    keras.utils.set_random_seed(0)
    image = keras.Input((29, 31, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU(max_value=6)(layers.BatchNormalization()(x))
    y = layers.ReLU(max_value=6)(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)))
    x = layers.Add()([layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(y)), x])
    y = layers.DepthwiseConv2D(3, strides=2, padding="valid")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    x = layers.Activation("silu")(layers.SeparableConv2D(12, 3, padding="same")(y))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    se = layers.Reshape((1, 1, 12))(layers.GlobalAveragePooling2D()(x))
    se = layers.Conv2D(12, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="relu")(se))
    x = layers.Concatenate()([layers.Multiply()([x, se]), layers.AveragePooling2D(3, 1, padding="same")(x)])
    x = layers.Dense(16, activation="elu")(layers.Dropout(0.2)(layers.Flatten()(x)))
    write_keras(folder, "keras", keras.Model(image, layers.Dense(5, activation="softmax")(x)), (29, 31, 3))


def drawn_shapes(count, seed):
    """Discs, rings and crosses of 12 x 12, as crates/cli/tests/it/train/shapes.rs draws them: pixels [n, 1, 12, 12], labels."""
    draws = np.random.default_rng(seed)
    row, column = np.mgrid[:12, :12]
    pixels, labels = [], np.arange(count) % 3
    for label in labels:
        (x, y), radius = draws.uniform(4.5, 6.5, 2), draws.uniform(3, 4.5)
        dx, dy = np.abs(column - x), np.abs(row - y)
        far = np.hypot(dx, dy)
        inside = [far < radius, (far < radius) & (far > radius - 1.6), (np.maximum(dx, dy) < radius) & (np.minimum(dx, dy) < 1)]
        pixels.append(np.clip(np.where(inside[label], 200, 30) + draws.normal(0, 20, (12, 12)), 0, 255).astype(np.uint8))
    return np.stack(pixels)[:, None], labels


def black_boxes(folder):
    """Networks with operators that are no layers: they can only be run."""
    import onnx, torch
    from onnx import TensorProto, helper, numpy_helper
    from torch import nn

    class Groups(nn.Module):
        """Group normalisation; trained on drawn shapes, so that it has something to be asked about."""
        def __init__(self):
            super().__init__()
            self.a, self.norm = nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.GroupNorm(4, 8)
            self.b, self.fc = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 3)

        def forward(self, x):
            x = torch.relu(self.b(torch.relu(self.norm(self.a(x)))))
            return self.fc(x.mean((2, 3)))

    class Attention(nn.Module):
        """As ViT: patches that attend to each other; probabilities at the end."""
        def __init__(self):
            super().__init__()
            self.patches, self.qkv, self.fc = nn.Conv2d(3, 8, 4, stride=4), nn.Linear(8, 24), nn.Linear(8, 5)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            q, k, v = self.qkv(x).chunk(3, 2)
            x = x + torch.softmax(q @ k.transpose(1, 2) / 8 ** 0.5, 2) @ v
            return torch.softmax(4 * self.fc(x.mean(1)), 1)

    torch.manual_seed(3)
    torch.set_num_threads(1)
    groups, (pixels, labels) = Groups(), drawn_shapes(600, 0)
    x, y = torch.from_numpy(pixels).float() / 255, torch.from_numpy(labels)
    optimizer = torch.optim.Adam(groups.parameters(), 0.01)
    for epoch in range(60):
        for batch in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(groups(x[batch]), y[batch]).backward()
            optimizer.step()
    for name, model, size in (("group-norm", groups, (1, 12, 12)), ("attention", Attention(), (3, 16, 20))):
        path = os.path.join(folder, name + ".onnx")
        axes = {"input": {0: "n"}} if name == "group-norm" else None
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(model.eval(), (torch.zeros(1, *size),), path, dynamo=False, opset_version=17,
                              input_names=["input"], output_names=["output"], dynamic_axes=axes)
        strip(path)
        images = np.random.default_rng(1).random((5, *size), np.float32)
        if name == "group-norm":
            named = onnx.load(path)
            helper.set_model_props(named, {"classes": json.dumps(["disc", "ring", "cross"])})
            onnx.save(named, path)
            images = drawn_shapes(5, 1)[0].astype(np.float32) / 255
        rows = [run_onnx(path, images[i:i + 1]) for i in range(5)]
        np.savez_compressed(os.path.join(folder, name + ".npz"), images=images, logits=np.concatenate(rows))
        print(name, os.path.getsize(path), "bytes", flush=True)

    # Channels last, three images at a time, a transposed convolution, and a softmax that is written out.
    draws = np.random.default_rng(2)
    weights = {"up": draws.normal(0, 0.5, (3, 4, 2, 2)), "dense": draws.normal(0, 2, (4, 5))}
    tensors = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()]
    tensors.append(numpy_helper.from_array(np.array([1], np.int64), "one"))
    nodes = [("Transpose", ["images"], "first", dict(perm=[0, 3, 1, 2])), ("ConvTranspose", ["first", "up"], "large", dict(strides=[2, 2], dilations=[1, 1], pads=[0, 0, 0, 0])),
             ("Relu", ["large"], "relu", {}), ("ReduceMean", ["relu"], "mean", dict(axes=[2, 3], keepdims=0)),
             ("MatMul", ["mean", "dense"], "scores", {}), ("Exp", ["scores"], "exp", {}),
             ("ReduceSum", ["exp", "one"], "sum", dict(keepdims=1)), ("Div", ["exp", "sum"], "probabilities", {})]
    graph = helper.make_graph([helper.make_node(op, inputs, [output], name=output, **more) for op, inputs, output, more in nodes], "deconvolution",
                              [helper.make_tensor_value_info("images", TensorProto.FLOAT, [3, 10, 8, 3])],
                              [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [3, 5])], tensors)
    path = os.path.join(folder, "deconvolution.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    images = draws.random((6, 10, 8, 3), np.float32)
    rows = [run_onnx(path, images[i:i + 3]) for i in (0, 3)]
    np.savez_compressed(os.path.join(folder, "deconvolution.npz"), images=images, logits=np.concatenate(rows))
    print("deconvolution", os.path.getsize(path), "bytes", flush=True)


def full(folder):
    import torchvision
    size = (3, 224, 224)
    names = ["resnet18", "resnet50", "vgg11_bn", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
             "efficientnet_b0", "densenet121", "squeezenet1_1", "shufflenet_v2_x1_0", "convnext_tiny"]
    import torch
    for name in names:
        for dynamo, opset in ((False, 13), (True, 18)):
            torch.manual_seed(0)
            model = getattr(torchvision.models, name)(weights=None)
            write_torch(folder, f"{name}-{opset}", model, size, opset, dynamo, images=1)
    import keras
    keras.utils.set_random_seed(0)
    write_keras(folder, "keras-mobilenet-v2", keras.applications.MobileNetV2(weights=None), (224, 224, 3), images=1)
    write_keras(folder, "keras-xception", keras.applications.Xception(weights=None), (299, 299, 3), images=1)


def verify(folder):
    """Compares ONNX Runtime with the logits that seamripper gave for what it exported."""
    worst = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".onnx"):
            images, logits = (np.load(os.path.join(folder, f"{file[:-5]}.{what}.npy")) for what in ("images", "logits"))
            found = run_onnx(os.path.join(folder, file), images)
            worst[file] = float(np.abs(found - logits).max() / np.abs(found).max())
            print(f"{file}: {worst[file]:.1e} of the largest logit")
    wrong = [file for file, far in worst.items() if not far <= 1e-5]
    if wrong or not worst:
        sys.exit(f"error: logits of ONNX Runtime: expected those of seamripper within 1e-5, found otherwise in {wrong}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--full"]:
        os.makedirs(sys.argv[2], exist_ok=True)
        full(sys.argv[2])
    elif sys.argv[1:2] == ["--verify"]:
        verify(sys.argv[2])
    else:
        small(HERE)
        small_keras(HERE)
        black_boxes(HERE)
        import importlib.metadata as metadata
        names = ["torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "keras", "tensorflow", "tf2onnx", "numpy"]
        with open(os.path.join(HERE, "versions.json"), "w") as out:
            found = {package.metadata["Name"].lower().replace("_", "-"): package.version for package in metadata.distributions()}
            json.dump({name: found.get(name) or found[name + "-cpu"] for name in names}, out, indent=1)
            out.write("\n")
