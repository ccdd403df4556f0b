//! Checkpoints: all of a state comes back, and bytes that are none are an error.

use super::super::{CheckpointError, Trainer};
use super::{Run, State, graph, images, isa, recipe, run};

/// A run with everything a state can hold: both moments, a best epoch, counts in the middle of an epoch.
fn whole() -> Run {
    run(&recipe("", "early_stopping = 5\nema = 0.9"), &images(100, 3), Some(&images(30, 4)), None)
}

fn shown(error: &CheckpointError) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn read(bytes: &[u8]) -> Result<State, CheckpointError> {
    State::from_bytes(bytes, &whole().states[0])
}

#[test]
fn a_state_comes_back_whole() {
    let adam = whole();
    let sgd = run(&recipe("", "optimizer = \"sgd\""), &images(100, 3), None, None);
    for run in [&adam, &sgd] {
        for state in &run.states {
            let back = State::from_bytes(&state.to_bytes(), &run.states[0]).expect("a checkpoint");
            assert_eq!(&back, state);
            assert_eq!(back.to_bytes(), state.to_bytes());
        }
    }
    // what the comparison has seen
    let middle = &adam.states[5];
    assert!(middle.best.is_some() && middle.loss > 0.0 && middle.seen > 0 && middle.step_in_epoch == 2);
    assert!(middle.average.as_ref().is_some_and(|average| *average != middle.weights));
    assert!(middle.moments.second.iter().any(|&value| value > 0.0));
    assert!(
        sgd.last().moments.second.is_empty() && sgd.last().best.is_none() && sgd.last().average.is_none()
    );
}

/// A run whose loss overflowed can be stopped and looked at like any other.
#[test]
fn numbers_that_are_none_come_back_too() {
    let mut state = whole().states.swap_remove(5);
    for loss in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 0.1 + 0.2, f64::MIN_POSITIVE / 8.0] {
        state.loss = loss;
        state.weights.values[0] = loss as f32;
        let back = read(&state.to_bytes()).expect("a checkpoint");
        assert_eq!(back.loss.to_bits(), loss.to_bits());
        assert_eq!(back.weights.values[0].to_bits(), (loss as f32).to_bits());
    }
}

#[test]
fn every_truncation_is_an_error() {
    let run = whole();
    let bytes = run.last().to_bytes();
    for length in 0..bytes.len() {
        let read = State::from_bytes(&bytes[..length], &run.states[0]);
        assert!(matches!(read, Err(CheckpointError::Broken(_))), "{length} of {} bytes", bytes.len());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(State::from_bytes(&longer, &run.states[0]).is_err(), "a byte too many");
}

#[test]
fn a_damaged_header_never_panics() {
    let run = whole();
    let bytes = run.last().to_bytes();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut refused = 0;
    for place in 0..header {
        for change in [0x01, 0x10, 0x80] {
            let mut damaged = bytes.clone();
            damaged[place] ^= change;
            refused += usize::from(State::from_bytes(&damaged, &run.states[0]).is_err());
        }
    }
    // a digit of a counter can become another digit; quotes, names and lengths cannot
    assert!(refused > header, "{refused} of {}", 3 * header);
}

#[test]
fn what_is_said_of_other_bytes() {
    let run = whole();
    let said = |bytes: &[u8]| shown(&State::from_bytes(bytes, &run.states[0]).unwrap_err());
    insta::assert_snapshot!(said(b""), @r"
    expected a checkpoint of seamripper.checkpoint/1, found: header too small
    hint: the file is damaged: start again with `seamripper train RECIPE`
    ");
    insta::assert_snapshot!(said(b"[train]\nepochs = 3\n"), @r"
    expected a checkpoint of seamripper.checkpoint/1, found: header too large
    hint: the file is damaged: start again with `seamripper train RECIPE`
    ");
    let bytes = run.last().to_bytes();
    insta::assert_snapshot!(said(&bytes[..bytes.len() - 4]), @r"
    expected a checkpoint of seamripper.checkpoint/1, found: incomplete metadata, file not fully covered
    hint: the file is damaged: start again with `seamripper train RECIPE`
    ");

    // a model is a safetensors file too, and no checkpoint
    let none =
        safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView<'_>)>::new(), None).unwrap();
    insta::assert_snapshot!(said(&none), @r"
    expected a checkpoint of seamripper.checkpoint/1, found: no entry `seamripper` in the header
    hint: the file is damaged: start again with `seamripper train RECIPE`
    ");

    let mut another = run.states[0].clone();
    another.weights.values.push(0.0);
    insta::assert_snapshot!(said(&another.to_bytes()), @r"
    weights: expected 167 values, found 168
    hint: the recipe of the run was changed: undo that, or begin a new run
    ");
    let mut another = run.states[0].clone();
    another.counts.pop();
    insta::assert_snapshot!(said(&another.to_bytes()), @r"
    counts: expected 3 values, found 2
    hint: the recipe of the run was changed: undo that, or begin a new run
    ");
    let mut sgd = run.states[0].clone();
    sgd.moments.second.clear();
    insta::assert_snapshot!(said(&sgd.to_bytes()), @r"
    second: expected 167 values, found 0
    hint: the recipe of the run was changed: undo that, or begin a new run
    ");
}

/// The same recipe with other images has other epochs; going on would read past their end.
#[test]
fn a_place_that_is_not_in_the_run_is_refused() {
    let run = whole();
    let recipe = recipe("", "early_stopping = 5");
    let (graph, fewer, validation) = (graph(&recipe), images(40, 3), images(30, 4));
    let mut trainer = Trainer::new(isa(), &recipe, &graph, &fewer, Some(&validation)).unwrap();
    let error = trainer.resume(run.states[5].clone()).unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    steps: expected 1 an epoch, as many as the training images make, found 5 in 1 whole epochs and 2 steps
    hint: the images of the run were changed: undo that, or begin a new run
    ");
    assert_eq!(
        trainer.state(),
        Trainer::new(isa(), &recipe, &graph, &fewer, Some(&validation)).unwrap().state(),
        "as it was"
    );

    let mut later = run.states[0].clone();
    later.epoch = u64::MAX;
    assert!(trainer.resume(later).is_err());
}
