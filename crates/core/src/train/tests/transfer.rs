//! Training that goes on from another model.

use super::*;
use crate::graph::{ModelFile, Preprocessing, Weights};
use crate::sample::Split;
use crate::train::Predictor;

/// A model with batch normalization and dropout whose weights are drawn, and which wants its pixels in a way of its own.
fn model() -> ModelFile {
    let recipe = recipe("", "seed = 9");
    let graph = graph(&recipe);
    let mut weights = Weights::initial(&graph, recipe.train.initializer, 9);
    let mut stream = Stream::new(9, Purpose::Test, 2, 0);
    for parameter in graph.parameters.iter().filter(|parameter| parameter.shape.len() == 1) {
        for value in weights.of_mut(parameter) {
            *value += stream.uniform(0.1, 0.4) as f32;
        }
    }
    let preprocessing =
        Preprocessing { inverted: true, ..Preprocessing::of(1.0 / 127.5, vec![1.0], vec![0.8]) };
    ModelFile { graph, weights, classes: ["a", "b", "c"].map(str::to_owned).to_vec(), preprocessing }
}

/// A recipe that goes on from [`model`].
fn from(model: &ModelFile, freeze: &str, train: &str) -> Recipe {
    let text = format!(
        "[data]\nsource = \"idx:made-up\"\n[model]\nfrom = \"model.onnx\"\nfreeze = {freeze}\n\
         [train]\nepochs = 6\nrate = 0.02\n{train}\n"
    );
    let mut recipe = Recipe::from_toml(&text, "made-up.toml").expect("a recipe that can be read");
    recipe.fill_in(&model.graph, Some(CLASSES)).expect("a model that fits");
    recipe
}

/// The weights before and after a run, the reports, and the recipe's network.
fn trained(
    model: &ModelFile,
    recipe: &Recipe,
    from: Option<State>,
) -> (State, State, Vec<EpochReport>, Graph) {
    let graph = graph(recipe);
    let (train, held) = (images(200, 1), images(90, 2));
    let mut trainer = Trainer::new(isa(), recipe, &graph, &train, Some(&held)).expect("they fit together");
    trainer.begin_with(model);
    if let Some(state) = from {
        trainer.resume(state).expect("a state of this run");
    }
    let (before, mut reports) = (trainer.state().clone(), Vec::new());
    while !trainer.done() {
        reports.extend(trainer.step());
    }
    let after = trainer.state().clone();
    (before, after, reports, graph)
}

#[test]
fn frozen_weights_do_not_change_by_a_bit_and_the_head_learns() {
    let model = model();
    for options in ["", "weight_decay = 0.1\nema = 0.9\nclip_norm = 0.1", "optimizer = \"nesterov\""] {
        let options = &format!("batch = 40\n{options}");
        let recipe = from(&model, "\"all but the head\"", options);
        let (before, after, reports, graph) = trained(&model, &recipe, None);
        let taken: Vec<_> = recipe.taken(&graph, &model.graph).collect();
        assert_eq!(taken.len(), 6);
        for [own, theirs] in &taken {
            assert_eq!(before.weights.of(own), model.weights.of(theirs), "{}", own.name);
            assert_eq!(after.weights.of(own), model.weights.of(theirs), "{}", own.name);
            assert_eq!(after.judged().of(own), model.weights.of(theirs), "{}", own.name);
        }
        for own in graph.parameters.iter().skip(taken.len()) {
            assert_ne!(after.weights.of(own), before.weights.of(own), "{}", own.name);
        }
        let accuracy = reports.last().unwrap().validation.as_ref().unwrap().accuracy;
        // A third is chance; 0.55 is four standard errors of it above, with 90 images.
        assert!(accuracy > 0.55, "{accuracy}");
    }
}

#[test]
fn without_freezing_all_weights_change() {
    let model = model();
    let recipe = from(&model, "false", "batch = 40");
    let (before, after, ..) = trained(&model, &recipe, None);
    let graph = graph(&recipe);
    for parameter in &graph.parameters {
        assert_ne!(before.weights.of(parameter), after.weights.of(parameter), "{}", parameter.name);
    }
    // A layer and all before it: the convolution stays, the normalization behind it does not.
    let recipe = from(&model, "\"conv1\"", "batch = 40");
    let (before, after, ..) = trained(&model, &recipe, None);
    for (place, parameter) in graph.parameters.iter().enumerate() {
        let same = before.weights.of(parameter) == after.weights.of(parameter);
        assert_eq!(same, place < 2, "{}", parameter.name);
    }
}

#[test]
fn images_are_prepared_as_the_model_wants_them() {
    let model = model();
    let recipe = from(&model, "\"all but the head\"", "batch = 90");
    let graph = graph(&recipe);
    let set = images(90, 1);
    let mut trainer = Trainer::new(isa(), &recipe, &graph, &set, None).unwrap();
    trainer.begin_with(&model);
    let weights = trainer.state().weights.clone();
    // All that is not frozen is a dense layer, so that training and inference are the same.
    let loss = trainer.step_at(1e-9);
    let predictor = Predictor {
        isa: isa(),
        graph: &graph,
        weights: &weights,
        preprocessing: &model.preprocessing,
        bf16: false,
    };
    let table = predictor.predict(&set, Split::Train, |_| {});
    let expected: f64 =
        (0..90).map(|row| -table.row(row)[table.labels[row] as usize].ln()).sum::<f64>() / 90.0;
    assert!((loss - expected).abs() < 1e-5 * expected, "{loss} is not {expected}");
    let plain = Predictor { preprocessing: &Preprocessing::new(1), ..predictor };
    assert_ne!(plain.predict(&set, Split::Train, |_| {}).probs, table.probs);
}

#[test]
fn a_stopped_run_goes_on_with_its_own_weights() {
    let model = model();
    let recipe = from(&model, "\"conv1\"", "batch = 40");
    let (_, whole, ..) = trained(&model, &recipe, None);
    let graph = graph(&recipe);
    let (train, held) = (images(200, 1), images(90, 2));
    let mut trainer = Trainer::new(isa(), &recipe, &graph, &train, Some(&held)).unwrap();
    trainer.begin_with(&model);
    (0..7).for_each(|_| drop(trainer.step()));
    let bytes = trainer.state().to_bytes();
    let state = State::from_bytes(&bytes, trainer.state()).unwrap();
    let (_, resumed, ..) = trained(&model, &recipe, Some(state));
    assert_eq!(resumed, whole);
}
