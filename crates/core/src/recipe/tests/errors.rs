use insta::assert_snapshot;

use super::*;

#[test]
#[should_panic(expected = "must be rejected")]
fn rejected_fails_on_a_good_recipe() {
    rejected(with_train("epochs = 3"));
}

#[test]
fn unknown_keys_are_all_listed_with_the_nearest_name() {
    let text = r#"
[data]
source = "fashion-mnist"
valdation = 0.1

[modle]

[model]
input = [28, 28, 1]
layers = ["flatten", "dense 10", { kind = "relu", slop = 1 }]
activation = "relu"

[augment]
online = [{ affine = { rotat = [-1, 1] } }, { flipp = 0.5 }]

[train]
epoch = 3
optimizer = { adam = { beta3 = 0.9 } }
schedule = { one-cycle = { rize = 0.3 } }
early_stopping = { patince = 3 }
"#;
    assert_snapshot!(rejected(Recipe::from_toml(text, "seed.toml")), @"");
}

#[test]
fn a_key_outside_its_table_is_told_where_it_belongs() {
    assert_snapshot!(rejected(Recipe::from_toml("epochs = 3\nfoo = 1\n", "r.toml")), @"");
}

#[test]
fn values_of_another_type() {
    assert_snapshot!(rejected(with_train(
        "epochs = \"3\"\nbatch = 1.5\nrate = true\noptimizer = 3\nschedule = [1]\nseed = -1\nearly_stopping = \"x\"\ninitializer = 1"
    )), @"");
    let text = "data = 3\naugment = [1]\nmodel = 1979-05-27\ntrain = \"x\"\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @"");
    let text = "[data]\nsource = 5\n[augment]\nexpand = { rotate = 3 }\nonline = [\"flip\", { flip = \"x\" }, { crop = {} }, 3, { rotate = 3 }]\n\
                [model]\ninput = [28, 28]\nlayers = \"conv\"\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @"");
}

#[test]
fn numbers_out_of_range() {
    assert_snapshot!(rejected(with_train(
        "epochs = 0\nbatch = 0\nrate = 0\nlabel_smoothing = 1\nweight_decay = -1\nclip_norm = nan\n\
         optimizer = { adam = { beta1 = 1.0, epsilon = 0 } }\nschedule = { step = { every = 0, factor = 2 } }\n\
         early_stopping = 0\nseed = 99999999999999999999"
    )), @"");
    let text = "[data]\nsource = \"s\"\nvalidation = 1.0\n[augment]\n\
                expand = [{ rotate = [30, -30] }, { mixup = 0.2 }]\n\
                online = [{ flip = 1.5 }, { noise = -1 }, { affine = { scale = [0, 1] } }, { crop = { pad = 0 } }]\n\
                [model]\ninput = [28, 0, 1]\nlayers = [\"flatten\", \"dense 10\"]\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @"");
}

#[test]
fn what_is_missing() {
    assert_snapshot!(rejected(Recipe::from_toml("", "r.toml")), @"");
    assert_snapshot!(rejected(Recipe::from_toml("[data]\n[model]\n", "r.toml")), @"");
}

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(rejected(Recipe::from_toml("[data\nsource = \"s\"\n", "r.toml")), @"");
    assert_snapshot!(rejected(Recipe::from_toml("[data]\nsource = \"s\nx = 1\n", "r.toml")), @"");
    assert_snapshot!(rejected(with_train("epochs = 1\nepochs = 2")), @"");
}

#[test]
fn one_choice_at_a_time() {
    assert_snapshot!(rejected(with_train("optimizer = { adam = {}, sgd = {} }\nschedule = \"cosin\"")), @"");
    assert_snapshot!(rejected(with_train("optimizer = \"adamw\"\nweight_decay = 0")), @"");
    assert_snapshot!(rejected(with_train("initializer = { he-normal = {} }\noptimizer = {}")), @"");
}

#[test]
fn early_stopping_needs_a_validation_part() {
    let text = "[data]\nsource = \"s\"\nvalidation = 0\n[model]\ninput = [1, 1, 3]\nlayers = [\"dense 2\"]\n\
                [train]\nearly_stopping = 3\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @"");
}

#[test]
fn short_layers_that_are_not_understood() {
    assert_snapshot!(rejected(with_layers(
        "  \"conv 128 5x5 rlu strid 2\",\n  \"maxpool 2\",\n  \"dense\",\n  \"conv 3\", \"conv 8 3y3 same valid\",\n\
         \t\"dense 10 stride 2\",\n  \"dropout many\", \"add\", \"relu relu\", \"\", \"flatten from\",\n  \"batch_norm epsilon relu\",\n  \
         \"zzz 3\", \"dense 1 relu gelu\", \"conv 8 3x3 stride 1 stride 2\""
    )), @"");
}

#[test]
fn a_text_with_escapes_is_shown_whole() {
    assert_snapshot!(rejected(with_layers("  \"den\\u0073e ten\"")), @"");
}

#[test]
fn layer_tables_that_are_not_understood() {
    assert_snapshot!(rejected(with_layers(
        "  { filters = 3 },\n  { kind = \"conv2d\" },\n  { kind = \"conv\", kernel = [3], padding = \"smae\", bias = 1 },\n  \
         { kind = \"conv\", filters = 0, kernel = 3, stride = 0 },\n  { kind = \"dense\", units = 3, activation = \"rellu\" },\n  \
         { kind = \"dropout\", rate = 1 },\n  { kind = \"relu\", activation = \"relu\" },\n  { kind = \"max_pool\" },\n  7"
    )), @"");
}

#[test]
fn layers_that_do_not_fit_together() {
    assert_snapshot!(rejected(with_layers(
        "  \"conv 8 5x5\",\n  \"max_pool 8\",\n  \"conv 64 5x5 relu\",\n  \"dense 10\",\n  \"dropout 1\",\n  \"x: add con1\",\n  \"x: flatten\",\n  \
         \"add conv1\",\n  \"input: relu\", \"relu from later\", \"later: gelu\""
    )), @"");
    assert_snapshot!(rejected(with_layers("  \"conv 8 5x5\", \"max_pool 3\", \"dense 10\"")), @"");
    assert_snapshot!(rejected(with_layers("  \"conv 8 5x5\", \"conv 8 3x3 same from input\", \"add conv1\", \"flatten\", \"dense 2\"")), @"");
    assert_snapshot!(rejected(with_layers("  \"conv 8 5x5\"")), @"");
    assert_snapshot!(rejected(with_layers("")), @"");
    assert_snapshot!(rejected(with_layers("  \"flatten\", \"dense 2\", \"dense 3 from flatten1\"")), @"");
    assert_snapshot!(rejected(with_layers("  \"flatten\", \"dense 900000000\", \"dense 900000000\"")), @"");
}
