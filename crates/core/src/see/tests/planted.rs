//! A network whose filters are known, and images for it.

use seamripper_kernels::Instructions;

use crate::graph::{Activation, Builder, Graph, Layer, LayerSpec, Padding, Preprocessing, Weights};
use crate::random::{Purpose, Stream};
use crate::sample::{Ids, ImageSet};
use crate::see::Model;

/// Height and width of an image.
pub(super) const SIDE: usize = 12;

/// Filters of `conv1`: a step from dark to light, one that is dead, two that are equal, the patch.
pub(super) const EDGE: usize = 0;
pub(super) const DEAD: usize = 1;
pub(super) const TWINS: [usize; 2] = [2, 3];
pub(super) const PATCH: usize = 4;

/// Classes: images with an edge, images with the patch, others.
pub(super) const EDGE_CLASS: u32 = 0;
pub(super) const PATCH_CLASS: u32 = 1;

/// Column from which an image with an edge is light, row and column of a patch: by index.
pub(super) fn place(index: usize) -> [usize; 2] {
    [index / 3 % 9, 2 + index % 7]
}

/// A model with all it refers to.
pub(super) struct Owned {
    pub(super) graph: Graph,
    pub(super) weights: Weights,
    pub(super) preprocessing: Preprocessing,
}

impl Owned {
    pub(super) fn new(graph: Graph, weights: Weights) -> Self {
        let preprocessing = Preprocessing::new(graph.input[2]);
        Self { graph, weights, preprocessing }
    }

    pub(super) fn model(&self) -> Model<'_> {
        let isa = Instructions::detect().unwrap();
        Model { isa, graph: &self.graph, weights: &self.weights, preprocessing: &self.preprocessing }
    }

    pub(super) fn set(&mut self, name: &str, values: &[f32]) {
        let parameter = self.graph.parameters.iter().find(|parameter| parameter.name == name).unwrap();
        self.weights.of_mut(parameter).copy_from_slice(values);
    }
}

/// Whether the patch is light at a place.
fn light(row: usize, column: usize) -> bool {
    (row + column).is_multiple_of(2)
}

/// `conv1` finds what is in an image, `hidden` passes it on, `logits` weighs it.
pub(super) fn planted() -> Owned {
    let mut builder = Builder::new([SIDE, SIDE, 1]);
    let (kernel, stride, padding) = ([4, 4], [1, 1], Padding::Valid);
    builder.push(
        LayerSpec::new(Layer::Conv2d {
            filters: 5,
            kernel,
            stride,
            padding,
            bias: true,
            groups: 1,
            dilation: [1, 1],
        })
        .activated(Activation::Relu),
    );
    builder.push(Layer::GlobalMaxPool);
    let dense = |units| LayerSpec::new(Layer::Dense { units, bias: true });
    builder.push(dense(5).activated(Activation::Relu).named("hidden"));
    builder.push(dense(3).named("logits"));
    let graph = builder.build().unwrap();
    let weights = Weights { values: vec![0.0; graph.parameter_count()] };
    let mut owned = Owned::new(graph, weights);
    let mut kernel = Vec::new();
    for row in 0..4 {
        for column in 0..4 {
            let edge = if column < 2 { -0.125 } else { 0.125 };
            let patch = if light(row, column) { 1.0 } else { -1.0 };
            kernel.extend([edge, 0.0, 0.0625, 0.0625, patch]);
        }
    }
    owned.set("conv1.kernel", &kernel);
    owned.set("conv1.bias", &[-0.7, -1.0, 0.0, 0.0, -6.0]);
    let unit = |at: usize| (0..5).map(move |other| if other == at { 1.0 } else { 0.0 });
    owned.set("hidden.kernel", &(0..5).flat_map(unit).collect::<Vec<f32>>());
    let logits = [[20.0, 0.0, 0.0], [0.0; 3], [0.0; 3], [0.0; 3], [0.0, 20.0, 0.0]];
    owned.set("logits.kernel", logits.as_flattened());
    owned.set("logits.bias", &[0.0, 0.0, 1.0]);
    owned
}

/// `n` images for it; image `i` is of class `i % 3`. The ground is noise, no lighter than a tenth.
pub(super) fn planted_set(n: usize) -> ImageSet {
    let mut stream = Stream::new(1, Purpose::Test, 0, 0);
    let mut pixels = Vec::new();
    for index in 0..n {
        let [row, column] = place(index);
        let mut image: Vec<u8> = (0..SIDE * SIDE).map(|_| stream.below(26) as u8).collect();
        for y in 0..SIDE {
            for x in 0..SIDE {
                let in_patch = (row..row + 4).contains(&y) && (column..column + 4).contains(&x);
                match index as u32 % 3 {
                    EDGE_CLASS if x >= column => image[y * SIDE + x] = 255,
                    PATCH_CLASS if in_patch => {
                        image[y * SIDE + x] = if light(y - row, x - column) { 255 } else { 0 };
                    }
                    _ => {}
                }
            }
        }
        pixels.extend(image);
    }
    labelled([SIDE, SIDE, 1], pixels, 3)
}

/// A set of images, image `i` of class `i % classes`.
pub(super) fn labelled(size: [usize; 3], pixels: Vec<u8>, classes: usize) -> ImageSet {
    let n = pixels.len() / size.iter().product::<usize>();
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..n as u32).collect() };
    let labels = (0..n).map(|index| (index % classes) as u32).collect();
    let names: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
    ImageSet::new(size, pixels, labels, names.into(), ids)
}

/// Images of random pixels.
pub(super) fn noise(size: [usize; 3], n: usize, classes: usize) -> ImageSet {
    let mut stream = Stream::new(2, Purpose::Test, 0, 0);
    let pixels = (0..n * size.iter().product::<usize>()).map(|_| stream.below(256) as u8).collect();
    labelled(size, pixels, classes)
}

/// Every kind of way through a network: batch normalization, depthwise, grouped, residual, average pool, hidden dense layers.
pub(super) fn residual() -> Owned {
    let mut builder = Builder::new([9, 8, 3]);
    let conv = |filters, groups, bias| {
        let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
        LayerSpec::new(Layer::Conv2d { filters, kernel, stride, padding, bias, groups, dilation: [1, 1] })
    };
    let norm =
        || LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 }).activated(Activation::Relu);
    builder.push(conv(6, 1, false).named("stem"));
    builder.push(norm());
    builder.push(
        LayerSpec::new(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: Padding::Same }).named("pool"),
    );
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
    builder.push(
        LayerSpec::new(Layer::Depthwise { multiplier: 1, kernel, stride, padding, bias: true })
            .named("depthwise"),
    );
    builder.push(conv(6, 2, true).activated(Activation::Relu).named("grouped"));
    builder.push(LayerSpec::add("pool").named("sum").activated(Activation::Relu));
    builder.push(conv(5, 1, true).activated(Activation::Tanh).named("last"));
    builder.push(Layer::AvgPool { size: [2, 2], stride: [2, 2], padding: Padding::Same });
    builder.push(Layer::Flatten);
    builder.push(
        LayerSpec::new(Layer::Dense { units: 7, bias: true }).activated(Activation::Relu).named("hidden"),
    );
    builder.push(LayerSpec::new(Layer::Dense { units: 4, bias: true }).named("logits"));
    let graph = builder.build().unwrap();
    let mut weights = Weights::initial(&graph, crate::graph::Initializer::HeNormal, 3);
    // Biases and statistics that a trained network would have.
    let mut stream = Stream::new(3, Purpose::Test, 0, 0);
    for parameter in graph.parameters.iter().filter(|parameter| parameter.shape.len() == 1) {
        weights.of_mut(parameter).iter_mut().for_each(|value| *value += stream.uniform(-0.1, 0.3) as f32);
    }
    let mut owned = Owned::new(graph, weights);
    // Logits about their means, so that every class is predicted.
    let logits = owned.model().logits(&owned.model().values(&noise([9, 8, 3], 64, 4).pixels()));
    let mean = |class: usize| logits.data().iter().skip(class).step_by(4).sum::<f32>() / 64.0;
    let bias = owned.graph.parameters.last().expect("the bias of the logits");
    let values = owned.weights.of_mut(bias).iter_mut();
    values.enumerate().for_each(|(class, value)| *value -= mean(class));
    owned
}
