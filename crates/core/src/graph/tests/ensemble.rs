use insta::assert_snapshot;
use seamripper_kernels::Instructions;

use crate::engine::{Engine, Wants};
use crate::graph::{Initializer, ModelFile, Preprocessing, Weights, from_safetensors, to_safetensors};
use crate::random::{Purpose, Stream};
use crate::recipe::graph_of;

/// A network with a branch around its second layer, which reads the image once more.
fn member(seed: u64, filters: usize) -> ModelFile {
    let conv = format!("conv {filters} 3x3 same");
    let layers = [
        &format!("stem: {conv}"),
        &format!("again: {conv} from input"),
        "add stem",
        "batch_norm momentum 0.9",
        "flatten",
        "dense 3",
    ];
    let graph = graph_of([6, 6, 2], &layers).unwrap();
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
