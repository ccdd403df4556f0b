//! A run is the same run, bit for bit, wherever it is stopped and however many threads it has.

use seamripper_kernels::parallel::Threads;

use super::{Run, State, images, recipe, run};
use crate::recipe::Recipe;

const ONLINE: &str = "online = [{ flip = 0.5 }, { affine = { rotate = [-10, 10], scale = [0.9, 1.1] } }, \
                      { crop = { pad = 1 } }, { erase = { probability = 0.5 } }, { noise = 0.05 }]";

/// Everything that draws or remembers, with mixup and without (mixed images are not counted).
fn everything() -> [Recipe; 2] {
    let train = "schedule = \"one-cycle\"\nweight_decay = 0.01\nclip_norm = 1\nlabel_smoothing = 0.1\n\
                 early_stopping = 5";
    let mixed = ONLINE.replace("0.05 }]", "0.05 }, { mixup = 0.4 }]");
    [recipe(ONLINE, train), recipe(&mixed, &format!("{train}\noptimizer = \"nesterov\""))]
}

fn same(left: &Run, right: &Run) -> bool {
    let bits = |state: &State| state.to_bytes();
    bits(left.last()) == bits(right.last()) && left.result == right.result
}

#[test]
fn a_run_stopped_after_any_step_goes_on_as_if_it_had_not_been() {
    let (train, validation) = (images(100, 3), images(30, 4));
    for recipe in everything() {
        let whole = run(&recipe, &train, Some(&validation), None);
        assert_eq!(whole.states.len(), 1 + 3 * 3, "states before and after each step");
        for (steps, state) in whole.states.iter().enumerate() {
            let state = State::from_bytes(&state.to_bytes(), &whole.states[0]).expect("a checkpoint");
            let rest = run(&recipe, &train, Some(&validation), Some(state));
            assert!(same(&rest, &whole), "stopped after step {steps}");
            assert_eq!(rest.reports, whole.reports[steps / 3..], "stopped after step {steps}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (train, validation) = (images(100, 3), images(30, 4));
    for recipe in everything() {
        let with = |count| {
            let threads = Threads::new(Some(count)).expect("a few threads");
            threads.run(|| run(&recipe, &train, Some(&validation), None))
        };
        let one = with(1);
        for count in [2, 3] {
            assert!(same(&one, &with(count)), "{count} threads");
        }
    }
}

/// What the two tests above rest on: each part of the recipe takes effect, so that a lost draw would show.
#[test]
fn seed_and_every_part_of_the_recipe_change_the_run() {
    let (train, validation) = (images(100, 3), images(30, 4));
    let [_, recipe] = everything();
    let whole = run(&recipe, &train, Some(&validation), None);
    let mut others = Vec::new();
    for place in 0..recipe.augment.online.len() {
        let mut other = recipe.clone();
        other.augment.online.remove(place);
        others.push(other);
    }
    let changes: [fn(&mut Recipe); 7] = [
        |recipe| recipe.train.seed = 1,
        |recipe| recipe.train.schedule = crate::recipe::Schedule::Constant,
        |recipe| recipe.train.weight_decay = 0.0,
        |recipe| recipe.train.clip_norm = 0.0,
        |recipe| recipe.train.label_smoothing = 0.0,
        |recipe| recipe.train.optimizer = crate::recipe::Optimizer::Sgd { momentum: 0.9, nesterov: false },
        |recipe| {
            recipe.model.layers.remove(3);
        },
    ];
    for change in changes {
        let mut other = recipe.clone();
        change(&mut other);
        others.push(other);
    }
    for other in others {
        assert!(!same(&run(&other, &train, Some(&validation), None), &whole), "{other:?}");
    }
}

#[test]
fn a_short_run_learns() {
    let mut recipe = recipe("", "");
    (recipe.train.epochs, recipe.train.rate) = (12, 0.03);
    let run = run(&recipe, &images(100, 3), Some(&images(60, 4)), None);
    let held = run.reports.last().and_then(|report| report.validation.clone()).expect("validation images");
    assert!(held.accuracy > 0.9, "{held:?}");
    let counts = &run.reports[0].classes;
    assert_eq!(counts.iter().map(|count| count.actual).sum::<u64>(), 60);
    assert_eq!(counts.iter().map(|count| count.predicted).sum::<u64>(), 60);
}
