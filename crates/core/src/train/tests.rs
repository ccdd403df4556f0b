//! Training on tiny made-up sets: the same run whatever happens to it, and each part against a plain computation.

mod average;
mod batches;
mod checkpoint;
mod early_stopping;
mod loss;
mod muon;
mod optimizer;
mod profile;
mod rate_range;
mod runs;
mod schedule;
mod sizes;
mod teacher;
mod transfer;

use seamripper_kernels::Instructions;

use super::{EpochReport, State, TrainError, Trainer};
use crate::augment::Transform;
use crate::graph::Graph;
use crate::random::{Purpose, Stream};
use crate::recipe::Recipe;
use crate::sample::{Ids, ImageSet};

const SIZE: [usize; 3] = [6, 6, 1];
const CLASSES: usize = 3;

/// Noisy images `[n, 6, 6, 1]`; those of class `c` have two bright columns at `2 c`.
fn images(n: usize, seed: u64) -> ImageSet {
    let mut stream = Stream::new(seed, Purpose::Test, 1, 0);
    let mut pixels = Vec::new();
    let labels: Vec<u32> = (0..n).map(|_| stream.below(CLASSES as u64) as u32).collect();
    for &label in &labels {
        let bright = |place: usize| if place % 6 / 2 == label as usize { 100 } else { 0 };
        pixels.extend((0..36).map(|place| bright(place) + stream.below(120) as u8));
    }
    set(SIZE, pixels, labels, CLASSES)
}

fn set(size: [usize; 3], pixels: Vec<u8>, labels: Vec<u32>, classes: usize) -> ImageSet {
    let rows = (0..labels.len() as u32).collect();
    let names: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
    ImageSet::new(size, pixels, labels, names.into(), Ids::Rows { prefix: "train".into(), rows })
}

/// Convolution, batch normalization and dropout for [`images`], with `augment` and `train` as TOML.
fn recipe(augment: &str, train: &str) -> Recipe {
    let text = format!(
        "[data]\nsource = \"idx:made-up\"\n[augment]\n{augment}\n[model]\ninput = [6, 6, 1]\n\
         layers = [\"conv 4 3x3 same\", \"batch_norm relu\", \"max_pool 2\", \"dropout 0.25\", \"flatten\", \"dense 3\"]\n\
         [train]\nepochs = 3\nbatch = 40\nrate = 0.01\n{train}\n"
    );
    Recipe::from_toml(&text, "made-up.toml").expect("a recipe that can be read")
}

/// What happened in a run: the state before the first and after every step, and the epochs.
struct Run {
    states: Vec<State>,
    reports: Vec<EpochReport>,
    result: Vec<f32>,
}

impl Run {
    fn last(&self) -> &State {
        self.states.last().expect("the state before the first step")
    }
}

fn isa() -> Instructions {
    Instructions::available()[0]
}

fn graph(recipe: &Recipe) -> Graph {
    recipe.graph().expect("layers that fit")
}

/// Runs `recipe` to its end, from `from` if there is one.
fn run(recipe: &Recipe, train: &ImageSet, validation: Option<&ImageSet>, from: Option<State>) -> Run {
    let graph = graph(recipe);
    let mut trainer = Trainer::new(isa(), recipe, &graph, train, validation).expect("they fit together");
    if let Some(state) = from {
        trainer.resume(state).expect("a state of this run");
    }
    let (mut states, mut reports) = (vec![trainer.state().clone()], Vec::new());
    while !trainer.done() {
        reports.extend(trainer.step());
        states.push(trainer.state().clone());
    }
    Run { states, reports, result: trainer.result().values.clone() }
}

/// Message and hint of a recipe and images that do not fit together.
fn refused(recipe: &Recipe, train: &ImageSet, validation: Option<&ImageSet>) -> String {
    let graph = graph(recipe);
    let error: TrainError = Trainer::new(isa(), recipe, &graph, train, validation).expect_err("do not fit");
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

#[test]
fn recipe_and_images_that_do_not_fit() {
    let recipe = recipe("", "");
    insta::assert_snapshot!(refused(&recipe, &set([4, 5, 1], vec![0; 40], vec![0, 1], 3), None), @r"
    [model] input: expected [4, 5, 1], the size of the images of the data set, found [6, 6, 1]
    hint: set `input = [4, 5, 1]`
    ");
    insta::assert_snapshot!(refused(&recipe, &set(SIZE, vec![0; 72], vec![0, 1], 2), None), @r#"
    the last layer: expected 2 outputs, one for each class of the data set, found 3
    hint: end the layers with "dense 2"
    "#);
    insta::assert_snapshot!(refused(&recipe, &set(SIZE, vec![], vec![], 3), None), @r"
    training images: expected at least one, found none
    hint: check the data set with `seamripper data SOURCE`
    ");

    let mut early = recipe.clone();
    early.train.early_stopping = Some(Default::default());
    let empty = set(SIZE, vec![], vec![], 3);
    insta::assert_snapshot!(refused(&early, &images(3, 0), Some(&empty)), @r"
    [train] early_stopping: expected validation images to judge by, found none ([data] validation is 0)
    hint: set `validation = 0.1`, or remove `early_stopping`
    ");
    assert_eq!(refused(&early, &images(3, 0), None), refused(&early, &images(3, 0), Some(&empty)));

    let mut wrong = recipe.clone();
    wrong.augment.online = vec![Transform::Flip(2.0)];
    insta::assert_snapshot!(refused(&wrong, &images(3, 0), None), @r"
    flip in augment.online[0]: expected a probability from 0 to 1, found 2
    hint:
    ");
}
