use insta::assert_snapshot;

use super::*;
use crate::recipe::{Optimizer, Schedule};

fn seed() -> Recipe {
    Recipe::from_toml(include_str!("../../../../../recipes/seed.toml"), "seed.toml").unwrap()
}

fn wrong(arguments: &[&str]) -> String {
    let mut recipe = seed();
    let error = recipe.override_all(arguments.iter().copied()).expect_err("these must be rejected");
    assert_eq!(recipe, seed(), "a rejected argument changed the recipe");
    printed(&error)
}

#[test]
fn values_are_toml_and_bare_words_are_text() {
    let mut recipe = seed();
    recipe.override_with("train.epochs=3").unwrap();
    recipe.override_with("train.rate = 2e-3").unwrap();
    recipe.override_with("data.source=idx:some/where").unwrap();
    recipe.override_with("model.layers=[\"flatten\", 'dense 10']").unwrap();
    let mut expected = seed();
    expected.train.epochs = 3;
    expected.train.rate = 2e-3;
    expected.data.source = "idx:some/where".to_owned();
    expected.model.layers = ["flatten1: flatten", "dense1: dense 10"]
        .map(|text| crate::recipe::parse_layer(text).unwrap())
        .to_vec();
    assert_eq!(recipe, expected);
}

#[test]
fn a_choice_is_replaced_and_its_fields_are_set() {
    let mut recipe = seed();
    recipe.override_with("train.optimizer=nesterov").unwrap();
    assert_eq!(recipe.train.optimizer, Optimizer::Sgd { momentum: 0.9, nesterov: true });
    recipe.override_with("train.optimizer.sgd.momentum=0.5").unwrap();
    assert_eq!(recipe.train.optimizer, Optimizer::Sgd { momentum: 0.5, nesterov: true });
    recipe.override_with("train.optimizer.adam.beta1=0.5").unwrap();
    let Optimizer::Adam { beta1, beta2, .. } = recipe.train.optimizer else { panic!("adam") };
    assert_eq!((beta1, beta2), (0.5, 0.999));
    recipe.override_with("train.schedule.cosine.warmup=1").unwrap();
    assert_eq!(recipe.train.schedule, Schedule::Cosine { warmup: 1.0, floor: 0.0 });
}

#[test]
fn arguments_are_checked_together() {
    let mut recipe = seed();
    recipe.override_all(["train.early_stopping=2", "data.validation=0.2"]).unwrap();
    assert_eq!(recipe.train.early_stopping.map(|stopping| stopping.patience), Some(2));
    recipe.override_all(["train.optimizer=adamw", "train.weight_decay=0.01"]).unwrap();
    assert_eq!(recipe.train.weight_decay, 0.01);
    recipe.override_all(["data.validation=0", "train.early_stopping=false"]).unwrap();
    assert_eq!(recipe.train.early_stopping, None);
}

#[test]
#[should_panic(expected = "must be rejected")]
fn wrong_fails_on_a_right_argument() {
    wrong(&["train.epochs=3"]);
}

#[test]
fn wrong_arguments_are_named() {
    assert_snapshot!(wrong(&["train.epoch=3"]), @r"
    error: unknown key in argument `train.epoch=3`: expected a key of [train], found `epoch`
    hint: did you mean `epochs`?
    ");
    assert_snapshot!(wrong(&["epochs=3"]), @r"
    error: unknown key in argument `epochs=3`: expected a table of the recipe, found `epochs`
    hint: `epochs` belongs to [train]: train.epochs
    ");
    assert_snapshot!(wrong(&["train.epochs=many", "train.rate=-1"]), @r#"
    error: train.epochs in argument `train.epochs=many`: expected a whole number of at least 1, found the text "many"

    error: train.rate in argument `train.rate=-1`: expected a number above 0, found -1
    "#);
    assert_snapshot!(wrong(&["train.epochs", "=3", "train.rate=", "model.layers=[conv"]), @r"
    error: argument `train.epochs`: expected key=value, found no `=`
    hint: for instance train.epochs=3

    error: argument `=3`: expected a key before `=`, found none
    hint: for instance train.epochs=3

    error: argument `train.rate=`: expected a value after `=`, found none
    hint: for instance train.epochs=3

    error: argument `model.layers=[conv`: expected a TOML value, found `[conv`
    hint: quote the argument for the shell
    ");
    assert_snapshot!(wrong(&["train.early_stopping=3", "train.seed=4"]), @r"
    error: train.early_stopping in argument `train.early_stopping=3`: expected a validation part to watch, found data.validation = 0
    hint: set data.validation = 0.1, or train.early_stopping = false
    ");
    assert_snapshot!(wrong(&["train.optimizer=adamw"]), @r"
    error: train.optimizer in argument `train.optimizer=adamw`: expected train.weight_decay above 0 with adamw, found 0
    hint: set train.weight_decay = 0.004, or take adam
    ");
    assert_snapshot!(wrong(&["model.input=[9, 9, 1]"]), @r"
    error: layer conv2 in argument `model.input=[9, 9, 1]`: a 2x2 window needs at least [2, 2], found [1, 1, 128] from max_pool1
    hint: use a smaller window, padding `same`, or fewer poolings before it
    ");
    assert_snapshot!(wrong(&["train.epochs.x=3"]), @"error: train.epochs in argument `train.epochs.x=3`: expected a whole number of at least 1, found a table");
    assert_snapshot!(wrong(&["model.layers=[\"flatten\", \"dens 10\"]"]), @r#"
    error: layer "dens 10" in argument `model.layers=["flatten", "dens 10"]`: expected a layer, found `dens`
    hint: did you mean `dense`?
    "#);
}
