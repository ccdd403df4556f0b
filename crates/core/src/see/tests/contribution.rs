use seamripper_kernels::Instructions;

use crate::graph::{
    Activation, Builder, Graph, Initializer, Layer, LayerSpec, Padding, Preprocessing, Weights,
};
use crate::random::{Purpose, Stream};
use crate::see::saliency::{Cam, Target};
use crate::see::{Model, contributions};

/// Without biases, so that a layer's contributions add up to the target.
fn graph() -> Graph {
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
    let conv = |filters| {
        LayerSpec::new(Layer::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            bias: false,
            groups: 1,
            dilation: [1, 1],
        })
        .activated(Activation::Relu)
    };
    let mut builder = Builder::new([8, 8, 1]);
    builder.push(conv(5));
    builder.push(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: Padding::Valid });
    builder.push(conv(6));
    builder.push(Layer::Flatten);
    builder.push(LayerSpec::new(Layer::Dense { units: 4, bias: false }).activated(Activation::Relu));
    builder.push(Layer::Dense { units: 3, bias: false });
    builder.build().unwrap()
}

#[test]
fn contributions_add_up_to_the_target() {
    let graph = graph();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 4);
    let preprocessing = Preprocessing::new(1);
    let mut stream = Stream::new(5, Purpose::Test, 0, 0);
    let image: Vec<f32> = (0..64).map(|_| stream.unit() as f32).collect();
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let logits = model.logits(&image);
    for target in [Target::Logit(1), Target::Contrast { class: 2, against: 0 }] {
        let expected = target.of(logits.data());
        let found = contributions(&model, &mut Cam::new(&model), &image, target);
        let names: Vec<_> = found.iter().map(|layer| layer.layer.as_str()).collect();
        assert_eq!(names, ["conv1", "conv2", "dense1"]);
        for layer in &found {
            let sum: f32 = layer.filters.iter().sum();
            assert!(
                (sum - expected).abs() < 1e-4 * expected.abs().max(1.0),
                "{}: {sum}, {expected}",
                layer.layer
            );
            let [pro, con] = layer.extremes(2);
            assert!(pro.iter().all(|&filter| layer.filters[filter] > 0.0));
            assert!(con.iter().all(|&filter| layer.filters[filter] < 0.0));
            assert!(pro.windows(2).all(|pair| layer.filters[pair[0]] >= layer.filters[pair[1]]));
        }
    }
}
