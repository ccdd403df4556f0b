//! Distillation against PyTorch's, and in runs.

use seamripper_kernels::softmax::{cross_entropy, imitation};

use super::*;
use crate::graph::{ModelFile, Preprocessing, Weights};
use crate::recipe::Teacher;

/// Of the largest value: what `f32` leaves of PyTorch's `f64`.
const TOLERANCE: f64 = 1e-5;

#[derive(serde::Deserialize)]
struct Golden {
    logits: Vec<f32>,
    labels: Vec<usize>,
    teacher: Vec<f32>,
    lessons: Vec<Lesson>,
}

#[derive(serde::Deserialize)]
struct Lesson {
    weight: f64,
    temperature: f64,
    loss: f64,
    gradient: Vec<f64>,
}

#[test]
fn loss_and_gradient_are_those_of_pytorch() {
    let text = include_str!("../../../tests/golden/torch-loss/loss.json");
    let Golden { logits, labels, teacher, lessons } = serde_json::from_str(text).unwrap();
    assert_eq!(lessons.len(), 3);
    let (n, k) = (labels.len(), logits.len() / labels.len());
    let targets: Vec<f32> = labels
        .iter()
        .flat_map(|&label| (0..k).map(move |class| f32::from(u8::from(class == label))))
        .collect();
    for Lesson { weight, temperature, loss, gradient } in lessons {
        let mut found = vec![0.0; n * k];
        let scale = 1.0 / n as f32;
        let hard = cross_entropy(&logits, &targets, k, (1.0 - weight) as f32 * scale, &mut found);
        let soft = imitation(&logits, &teacher, k, temperature, weight as f32 * scale, &mut found);
        let sum = ((1.0 - weight) * hard + weight * soft) / n as f64;
        assert!((sum - loss).abs() < TOLERANCE * loss, "weight {weight}: {sum} is not {loss}");
        let largest = gradient.iter().fold(0.0_f64, |largest, g| largest.max(g.abs()));
        for (found, expected) in found.iter().zip(&gradient) {
            assert!((f64::from(*found) - expected).abs() < TOLERANCE * largest, "{found}, {expected}");
        }
    }
}

/// A model of the network that [`recipe`] has, with classes in this order.
fn taught(classes: [&str; 3], weights: Vec<f32>) -> ModelFile {
    let graph = graph(&recipe("", ""));
    let classes = classes.map(str::to_owned).to_vec();
    ModelFile { graph, weights: Weights { values: weights }, classes, preprocessing: Preprocessing::new(1) }
}

const ORDER: [&str; 3] = ["class 0", "class 1", "class 2"];

/// Predictions of the training images after a run with `teacher` alone to learn from.
fn imitated(teacher: &ModelFile) -> Vec<Vec<u64>> {
    let (train, held) = (images(200, 1), images(90, 2));
    let mut recipe = recipe("", "seed = 4");
    (recipe.train.epochs, recipe.train.rate) = (10, 0.03);
    recipe.train.teacher = Some(Teacher { weight: 1.0, temperature: 1.0, ..Teacher::new("unread") });
    let graph = graph(&recipe);
    let mut trainer = Trainer::new(isa(), &recipe, &graph, &train, Some(&held)).unwrap();
    trainer.learn_from(teacher).unwrap();
    let mut last = None;
    while !trainer.done() {
        last = trainer.step().or(last);
    }
    last.unwrap().classes.iter().map(|count| vec![count.actual, count.predicted, count.right]).collect()
}

/// With all the weight the labels have no part: the network predicts what the teacher does, also where that is another class' name.
#[test]
fn the_teacher_is_imitated_and_its_classes_are_matched_by_name() {
    let train = images(200, 1);
    let mut good = recipe("", "");
    (good.train.epochs, good.train.rate) = (12, 0.03);
    let weights = run(&good, &train, None, None).result;
    let straight = imitated(&taught(ORDER, weights.clone()));
    assert!(straight.iter().all(|count| count[2] * 4 > count[0] * 3), "{straight:?}");
    // Its first output is called class 1, and the other way round: what is class 0 is now taught to be class 1.
    let swapped = imitated(&taught(["class 1", "class 0", "class 2"], weights));
    assert!(swapped[0][2] * 4 < swapped[0][0], "{swapped:?}");
    assert!(swapped[2][2] * 4 > swapped[2][0] * 3, "{swapped:?}");
}

#[test]
fn a_run_with_a_teacher_goes_on_to_the_same_bits() {
    let train = images(100, 5);
    let mut recipe = recipe("online = [{ flip = 0.5 }, { mixup = 0.2 }]", "");
    let model = taught(ORDER, Weights::initial(&graph(&recipe), recipe.train.initializer, 3).values);
    recipe.train.teacher = Some(Teacher::new("unread"));
    let graph = graph(&recipe);
    let finish = |from: Option<State>| {
        let mut trainer = Trainer::new(isa(), &recipe, &graph, &train, None).unwrap();
        trainer.learn_from(&model).unwrap();
        if let Some(state) = from {
            trainer.resume(state).unwrap();
        }
        let mut states = vec![trainer.state().clone()];
        while !trainer.done() {
            trainer.step();
            states.push(trainer.state().clone());
        }
        states
    };
    let whole = finish(None);
    let alone = {
        let mut alone = recipe.clone();
        alone.train.teacher = None;
        run(&alone, &train, None, None)
    };
    assert_ne!(whole.last().unwrap().weights, alone.last().weights);
    assert_eq!(finish(Some(whole[4].clone())).last(), whole.last());
}

#[test]
fn a_model_that_cannot_teach() {
    let train = images(40, 5);
    let mut recipe = recipe("", "");
    recipe.train.teacher = Some(Teacher::new("unread"));
    let own = graph(&recipe);
    let weights = || Weights::initial(&own, recipe.train.initializer, 3).values;
    let refused = |model: &ModelFile| {
        let mut trainer = Trainer::new(isa(), &recipe, &own, &train, None).unwrap();
        let error = trainer.learn_from(model).unwrap_err();
        format!("{error}\nhint: {}", error.hint().unwrap_or_default())
    };
    let others = taught(["class 0", "bag", "class 2"], weights());
    let mut inverted = taught(ORDER, weights());
    inverted.preprocessing.inverted = true;
    let mut larger = taught(ORDER, weights());
    larger.graph.input = [9, 9, 1];
    let said = [&others, &inverted, &larger].map(refused).join("\n\n");
    insta::assert_snapshot!(said);
}
