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
    assert_snapshot!(wrong(&["train.epoch=3"]), @"");
    assert_snapshot!(wrong(&["epochs=3"]), @"");
    assert_snapshot!(wrong(&["train.epochs=many", "train.rate=-1"]), @"");
    assert_snapshot!(wrong(&["train.epochs", "=3", "train.rate=", "model.layers=[conv"]), @"");
    assert_snapshot!(wrong(&["train.early_stopping=3", "train.seed=4"]), @"");
    assert_snapshot!(wrong(&["train.optimizer=adamw"]), @"");
    assert_snapshot!(wrong(&["model.input=[9, 9, 1]"]), @"");
    assert_snapshot!(wrong(&["train.epochs.x=3"]), @"");
    assert_snapshot!(wrong(&["model.layers=[\"flatten\", \"dens 10\"]"]), @"");
}
