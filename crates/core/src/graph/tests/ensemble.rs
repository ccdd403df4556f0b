use insta::assert_snapshot;
use seamripper_kernels::Instructions;

use crate::engine::{Engine, Wants};
use crate::graph::{
    Builder, Initializer, Layer, LayerSpec, ModelFile, Padding, Preprocessing, Weights, from_safetensors,
    to_safetensors,
};
use crate::random::{Purpose, Stream};

/// A network with a branch around its second layer, which reads the image once more.
fn member(seed: u64, filters: usize) -> ModelFile {
    let conv = || {
        LayerSpec::new(Layer::Conv2d {
            filters,
            kernel: [3, 3],
            stride: [1, 1],
            padding: Padding::Same,
            bias: true,
            groups: 1,
            dilation: [1, 1],
        })
    };
    let mut builder = Builder::new([6, 6, 2]);
    builder.push(conv().named("stem"));
    builder.push(conv().named("again").reading("input"));
    builder.push(LayerSpec::add("stem"));
    builder.push(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    builder.push(Layer::Flatten);
    builder.push(Layer::Dense { units: 3, bias: true });
    let graph = builder.build().unwrap();
    let weights = Weights::initial(&graph, Initializer::HeNormal, seed);
    let classes = ["disc", "ring", "cross"].map(str::to_owned).to_vec();
    ModelFile { graph, weights, classes, preprocessing: Preprocessing::new(2) }
}

fn logits(model: &ModelFile, images: &[f32]) -> Vec<f32> {
    let mut engine = Engine::new(&model.graph, Instructions::detect().unwrap(), 4, Wants::INFERENCE);
    engine.load(&model.weights);
    engine.run_forward(images);
    let mut logits = vec![0.0; 4 * 3];
    engine.copy_logits(&mut logits);
    logits
}

#[test]
fn its_logits_are_the_mean_of_its_members() {
    let mut stream = Stream::new(5, Purpose::Test, 7, 0);
    let images: Vec<f32> = (0..4 * 6 * 6 * 2).map(|_| stream.uniform(-1.0, 1.0) as f32).collect();
    let members = [member(1, 4), member(2, 4), member(3, 5)];
    let ensemble = ModelFile::ensemble(&members).unwrap();
    let each: Vec<_> = members.iter().map(|member| logits(member, &images)).collect();
    for (at, &found) in logits(&ensemble, &images).iter().enumerate() {
        let mean = each.iter().map(|logits| f64::from(logits[at])).sum::<f64>() / 3.0;
        assert!((f64::from(found) - mean).abs() < 1e-5, "{found} {mean}");
    }
    assert!(each[0] != each[1], "members that differ");
    let bytes = to_safetensors(&ensemble).unwrap();
    assert_eq!(from_safetensors(&bytes).unwrap(), ensemble);
}

#[test]
fn one_member_stays_as_it_is() {
    assert_eq!(ModelFile::ensemble(&[member(1, 4)]).unwrap(), member(1, 4));
}

#[test]
fn an_ensemble_of_ensembles_is_one() {
    let pair = ModelFile::ensemble(&[member(1, 4), member(2, 4)]).unwrap();
    let all = ModelFile::ensemble(&[pair.clone(), pair]).unwrap();
    assert!(all.graph.nodes.iter().any(|node| node.name == "2/1/stem"));
}

#[test]
fn members_that_differ_are_refused() {
    let mut other = member(2, 4);
    other.classes.swap(0, 1);
    let error = ModelFile::ensemble(&[member(1, 4), member(3, 4), other]).unwrap_err();
    assert_snapshot!(error, @"expected models that read the same images and know the same classes, found that number 3 differs from the first");
}
