//! Progressive resizing.

use super::super::sizes::{of_epoch, resized};
use super::*;
use crate::recipe::Progressive;

/// A network for images of every size, with `train` as TOML.
fn pooled(train: &str) -> Recipe {
    let text = format!(
        "[data]\nsource = \"idx:made-up\"\n[augment]\nonline = [{{ flip = 0.5 }}, {{ mixup = 0.2 }}]\n[model]\ninput = [8, 8, 1]\n\
         layers = [\"conv 6 3x3 same\", \"batch_norm momentum 0.5 relu\", \"max_pool 2\", \"conv 6 3x3 same relu\", \"global_avg_pool\", \"dense 3\"]\n\
         [train]\nepochs = 4\nbatch = 40\nrate = 0.02\n{train}\n"
    );
    Recipe::from_toml(&text, "made-up.toml").expect("a recipe that can be read")
}

/// Images `[n, 8, 8, 1]`, brighter where their class says.
fn squares(n: usize, seed: u64) -> ImageSet {
    let mut stream = Stream::new(seed, Purpose::Test, 5, 0);
    let labels: Vec<u32> = (0..n).map(|_| stream.below(3) as u32).collect();
    let mut pixels = Vec::new();
    for &label in &labels {
        pixels.extend((0..64).map(|_| (60 * label as u64 + stream.below(90)) as u8));
    }
    set([8, 8, 1], pixels, labels, 3)
}

#[test]
fn sides_grow_in_fours_and_end_whole() {
    let sides = |from, until, epochs: u64, side| -> Vec<usize> {
        let of = |epoch| of_epoch(Progressive { from, until }, epoch, epochs, [side, side]);
        (0..epochs).map(|epoch| of(epoch)[0]).collect()
    };
    assert_eq!(sides(0.5, 0.75, 8, 28), [16, 16, 20, 20, 24, 24, 28, 28]);
    assert_eq!(sides(0.5, 0.5, 4, 32), [16, 24, 32, 32]);
    assert_eq!(sides(1.0, 1.0, 3, 30), [30, 30, 30]);
    assert_eq!(sides(0.1, 1.0, 2, 3), [3, 3], "less than a step");
    assert_eq!(of_epoch(Progressive { from: 0.5, until: 1.0 }, 0, 2, [32, 64]), [16, 32]);
}

#[test]
fn the_run_is_one_with_small_images_and_then_another_with_whole_ones() {
    let (train, held) = (squares(120, 1), squares(60, 2));
    let recipe = pooled("progressive = { from = 0.5, until = 0.5 }");
    let whole = run(&recipe, &train, Some(&held), None);
    let plain = run(&pooled(""), &train, Some(&held), None);
    assert_ne!(whole.states[1].weights, plain.states[1].weights, "the first step is of other images");
    // From the third epoch on, after six steps, both are the same if they begin with the same.
    let rest = run(&pooled(""), &train, Some(&held), Some(whole.states[6].clone()));
    assert_eq!(rest.last(), whole.last());
    for at in [0, 1, 3, 4, 6, 8] {
        let again = run(&recipe, &train, Some(&held), Some(whole.states[at].clone()));
        assert_eq!(again.last(), whole.last(), "stopped after step {at}");
    }
    assert!(whole.reports[3].validation.as_ref().unwrap().accuracy > 0.6, "{:?}", whole.reports);
}

#[test]
fn a_network_for_one_size_is_refused() {
    let mut fixed = recipe("", "");
    fixed.train.progressive = Some(Progressive { from: 0.5, until: 1.0 });
    insta::assert_snapshot!(refused(&fixed, &images(3, 0), None));
    assert!(resized(&graph(&pooled("")), [4, 4]).is_some());
}
