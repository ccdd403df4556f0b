"""Keras on TensorFlow as a worker of bench/run (protocol: serve.py).

    python with_keras.py TASK mode=MODE batch=N [network=resnet20 size=HxWxC] [weights=FILE pixels=FILE out=FILE]

TASK is train, infer or start. MODE is graph (one compiled `tf.function`) or xla (`jit_compile=True`). TensorFlow uses all
cores and oneDNN by itself.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf
from keras import layers

import serve

task, options = serve.arguments()
keras.utils.set_random_seed(0)


def seed():
    stack = [keras.Input((28, 28, 1))]
    for (h, w, _, filters), pool in serve.CONVOLUTIONS:
        stack += [layers.Conv2D(filters, (h, w), activation="relu"), layers.MaxPooling2D(pool)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(10)])


def resnet20(size):
    def conv(x, filters, kernel, stride):
        x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    image = keras.Input(size)
    x = layers.ReLU()(conv(image, 16, 3, 1))
    for width in serve.STAGES:
        for _ in range(serve.BLOCKS):
            stride = width // x.shape[-1]
            main = layers.ReLU()(conv(x, width, 3, stride))
            main = conv(main, width, 3, 1)
            shortcut = x if stride == 1 else conv(x, width, 1, stride)
            x = layers.ReLU()(layers.Add()([main, shortcut]))
    return keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


residual = options.get("network") == "resnet20"
model = resnet20([int(side) for side in options["size"].split("x")]) if residual else seed()
parameters = sum(int(tf.size(weight)) for weight in model.trainable_variables)
if "weights" in options:
    model.set_weights(serve.seed_weights(options))
compiled = tf.function(jit_compile=options["mode"] == "xla")

if task == "infer":
    images = tf.constant(serve.inference_batch(options))
    forward = compiled(lambda images: model(images, training=False))
    serve.write_logits(options, forward(images))
    serve.serve(f"parameters={parameters}", serve.rate(lambda: forward(images).numpy(), len(images)))
else:
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9) if residual else keras.optimizers.Adam(1e-3, epsilon=1e-7)
    optimizer.build(model.trainable_variables)

    @compiled
    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    if task == "start":
        serve.start(options, lambda images, labels: step(tf.constant(images), tf.constant(labels)).numpy())
    else:
        images, labels = (tf.constant(array) for array in serve.random_batch(options))
        serve.serve(f"parameters={parameters}", serve.rate(lambda: step(images, labels).numpy(), int(options["batch"])))
