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
    assert_snapshot!(rejected(Recipe::from_toml(text, "seed.toml")), @r#"
    error: unknown key at seed.toml:4:1: expected a key of [data], found `valdation`
      |
    4 | valdation = 0.1
      | ^^^^^^^^^
    hint: did you mean `validation`?

    error: unknown key at seed.toml:6:2: expected a table of the recipe, found `modle`
      |
    6 | [modle]
      |  ^^^^^
    hint: did you mean [model]?

    error: unknown key at seed.toml:10:51: expected a key of [model.layers], found `slop`
       |
    10 | layers = ["flatten", "dense 10", { kind = "relu", slop = 1 }]
       |                                                   ^^^^
    hint: the keys of [model.layers] are kind, name, from

    error: unknown key at seed.toml:11:1: expected a key of [model], found `activation`
       |
    11 | activation = "relu"
       | ^^^^^^^^^^
    hint: the keys of [model] are input, layers, from, head, freeze

    error: unknown key at seed.toml:14:24: expected a key of [augment.online.affine], found `rotat`
       |
    14 | online = [{ affine = { rotat = [-1, 1] } }, { flipp = 0.5 }]
       |                        ^^^^^
    hint: did you mean `rotate`?

    error: augment.online at seed.toml:14:47: expected one of rotate, translate, affine, flip, crop, erase, noise, mixup, cutmix, found `flipp`
       |
    14 | online = [{ affine = { rotat = [-1, 1] } }, { flipp = 0.5 }]
       |                                               ^^^^^
    hint: did you mean `flip`?

    error: unknown key at seed.toml:17:1: expected a key of [train], found `epoch`
       |
    17 | epoch = 3
       | ^^^^^
    hint: did you mean `epochs`?

    error: unknown key at seed.toml:18:24: expected a key of [train.optimizer.adam], found `beta3`
       |
    18 | optimizer = { adam = { beta3 = 0.9 } }
       |                        ^^^^^
    hint: did you mean `beta1`?

    error: unknown key at seed.toml:19:28: expected a key of [train.schedule.one-cycle], found `rize`
       |
    19 | schedule = { one-cycle = { rize = 0.3 } }
       |                            ^^^^
    hint: did you mean `rise`?

    error: unknown key at seed.toml:20:20: expected a key of [train.early_stopping], found `patince`
       |
    20 | early_stopping = { patince = 3 }
       |                    ^^^^^^^
    hint: did you mean `patience`?
    "#);
}

#[test]
fn a_key_outside_its_table_is_told_where_it_belongs() {
    assert_snapshot!(rejected(Recipe::from_toml("epochs = 3\nfoo = 1\n", "r.toml")), @r#"
    error: unknown key at r.toml:1:1: expected a table of the recipe, found `epochs`
      |
    1 | epochs = 3
      | ^^^^^^
    hint: `epochs` belongs to [train]: train.epochs

    error: unknown key at r.toml:2:1: expected a table of the recipe, found `foo`
      |
    2 | foo = 1
      | ^^^
    hint: the tables are data, augment, model, train

    error: missing table in r.toml: expected [data] with a `source`, found none
    hint: for instance source = "fashion-mnist"

    error: missing table in r.toml: expected [model] with `input` and `layers`, or with `from`, found none
    hint: for instance input = [28, 28, 1] and layers = ["flatten", "dense 10"]
    "#);
}

#[test]
fn values_of_another_type() {
    assert_snapshot!(rejected(with_train(
        "epochs = \"3\"\nbatch = 1.5\nrate = true\noptimizer = 3\nschedule = [1]\nseed = -1\nearly_stopping = \"x\"\ninitializer = 1"
    )), @r#"
    error: train.epochs at r.toml:7:10: expected a whole number of at least 1, found the text "3"
      |
    7 | epochs = "3"
      |          ^^^

    error: train.batch at r.toml:8:9: expected a whole number of at least 1, found 1.5
      |
    8 | batch = 1.5
      |         ^^^

    error: train.rate at r.toml:9:8: expected a number above 0, found true
      |
    9 | rate = true
      |        ^^^^

    error: train.optimizer at r.toml:10:13: expected one of adam, adamw, sgd, nesterov, muon, found 3
       |
    10 | optimizer = 3
       |             ^

    error: train.schedule at r.toml:11:12: expected one of constant, step, cosine, cosine-restarts, one-cycle, found an array of 1
       |
    11 | schedule = [1]
       |            ^^^

    error: train.seed at r.toml:12:8: expected a whole number of at least 0, found -1
       |
    12 | seed = -1
       |        ^^

    error: train.early_stopping at r.toml:13:18: expected epochs of patience, a table of patience and min_delta, or false, found the text "x"
       |
    13 | early_stopping = "x"
       |                  ^^^

    error: train.initializer at r.toml:14:15: expected one of glorot-uniform, he-normal, he-uniform, found 1
       |
    14 | initializer = 1
       |               ^
    "#);
    let text = "data = 3\naugment = [1]\nmodel = 1979-05-27\ntrain = \"x\"\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @r#"
    error: data at r.toml:1:8: expected a table, found 3
      |
    1 | data = 3
      |        ^

    error: augment at r.toml:2:11: expected a table, found an array of 1
      |
    2 | augment = [1]
      |           ^^^

    error: model at r.toml:3:9: expected a table, found the date 1979-05-27
      |
    3 | model = 1979-05-27
      |         ^^^^^^^^^^

    error: train at r.toml:4:9: expected a table, found the text "x"
      |
    4 | train = "x"
      |         ^^^
    "#);
    let text = "[data]\nsource = 5\n[augment]\nexpand = { rotate = 3 }\nonline = [\"flip\", { flip = \"x\" }, { crop = {} }, 3, { rotate = 3 }]\n\
                [model]\ninput = [28, 28]\nlayers = \"conv\"\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @r#"
    error: data.source at r.toml:2:10: expected a text in quotes, found 5
      |
    2 | source = 5
      |          ^

    error: augment.expand at r.toml:4:10: expected an array of transforms such as { rotate = [-30, 30] }, found a table
      |
    4 | expand = { rotate = 3 }
      |          ^^^^^^^^^^^^^^

    error: augment.online.flip at r.toml:5:11: expected a table such as { flip = 0.5 }, found the text "flip"
      |
    5 | online = ["flip", { flip = "x" }, { crop = {} }, 3, { rotate = 3 }]
      |           ^^^^^^

    error: augment.online.flip at r.toml:5:28: expected a number of at least 0 and at most 1, found the text "x"
      |
    5 | online = ["flip", { flip = "x" }, { crop = {} }, 3, { rotate = 3 }]
      |                            ^^^

    error: missing key in [augment.online.crop] at r.toml:5:44: expected `pad`, found none
      |
    5 | online = ["flip", { flip = "x" }, { crop = {} }, 3, { rotate = 3 }]
      |                                            ^^
    hint: for instance { crop = { pad = 2 } }

    error: augment.online at r.toml:5:50: expected one of rotate, translate, affine, flip, crop, erase, noise, mixup, cutmix, found 3
      |
    5 | online = ["flip", { flip = "x" }, { crop = {} }, 3, { rotate = 3 }]
      |                                                  ^

    error: augment.online.rotate at r.toml:5:64: expected a range [low, high], found 3
      |
    5 | online = ["flip", { flip = "x" }, { crop = {} }, 3, { rotate = 3 }]
      |                                                                ^

    error: model.input at r.toml:7:9: expected the size of an image, [h, w, c], found an array of 2
      |
    7 | input = [28, 28]
      |         ^^^^^^^^

    error: model.layers at r.toml:8:10: expected an array of layers such as "conv 128 5x5 relu", found the text "conv"
      |
    8 | layers = "conv"
      |          ^^^^^^
    "#);
}

#[test]
fn numbers_out_of_range() {
    assert_snapshot!(rejected(with_train(
        "epochs = 0\nbatch = 0\nrate = 0\nlabel_smoothing = 1\nweight_decay = -1\nclip_norm = nan\n\
         optimizer = { adam = { beta1 = 1.0, epsilon = 0 } }\nschedule = { step = { every = 0, factor = 2 } }\n\
         early_stopping = 0\nseed = 99999999999999999999"
    )), @r"
    error: train.epochs at r.toml:7:10: expected a whole number of at least 1, found 0
      |
    7 | epochs = 0
      |          ^

    error: train.batch at r.toml:8:9: expected a whole number of at least 1, found 0
      |
    8 | batch = 0
      |         ^

    error: train.rate at r.toml:9:8: expected a number above 0, found 0
      |
    9 | rate = 0
      |        ^

    error: train.label_smoothing at r.toml:10:19: expected a number of at least 0 and below 1, found 1
       |
    10 | label_smoothing = 1
       |                   ^

    error: train.weight_decay at r.toml:11:16: expected a number of at least 0, found -1
       |
    11 | weight_decay = -1
       |                ^^

    error: train.clip_norm at r.toml:12:13: expected a number of at least 0, found nan
       |
    12 | clip_norm = nan
       |             ^^^

    error: train.optimizer.adam.beta1 at r.toml:13:32: expected a number of at least 0 and below 1, found 1.0
       |
    13 | optimizer = { adam = { beta1 = 1.0, epsilon = 0 } }
       |                                ^^^

    error: train.optimizer.adam.epsilon at r.toml:13:47: expected a number above 0, found 0
       |
    13 | optimizer = { adam = { beta1 = 1.0, epsilon = 0 } }
       |                                               ^

    error: train.schedule.step.every at r.toml:14:31: expected a whole number of at least 1, found 0
       |
    14 | schedule = { step = { every = 0, factor = 2 } }
       |                               ^

    error: train.schedule.step.factor at r.toml:14:43: expected a number above 0 and at most 1, found 2
       |
    14 | schedule = { step = { every = 0, factor = 2 } }
       |                                           ^

    error: train.early_stopping at r.toml:15:18: expected a whole number of at least 1, found 0
       |
    15 | early_stopping = 0
       |                  ^

    error: train.seed at r.toml:16:8: expected a whole number of at least 0, found 99999999999999999999
       |
    16 | seed = 99999999999999999999
       |        ^^^^^^^^^^^^^^^^^^^^
    ");
    let text = "[data]\nsource = \"s\"\nvalidation = 1.0\n[augment]\n\
                expand = [{ rotate = [30, -30] }, { mixup = 0.2 }]\n\
                online = [{ flip = 1.5 }, { noise = -1 }, { affine = { scale = [0, 1] } }, { crop = { pad = 0 } }]\n\
                [model]\ninput = [28, 0, 1]\nlayers = [\"flatten\", \"dense 10\"]\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @r"
    error: data.validation at r.toml:3:14: expected a number of at least 0 and below 1, found 1.0
      |
    3 | validation = 1.0
      |              ^^^

    error: augment.expand.rotate at r.toml:5:22: expected a range [low, high] with low <= high, found [30, -30]
      |
    5 | expand = [{ rotate = [30, -30] }, { mixup = 0.2 }]
      |                      ^^^^^^^^^
    hint: write [-30, 30]

    error: augment.expand at r.toml:5:35: expected a transform of single images, found mixup
      |
    5 | expand = [{ rotate = [30, -30] }, { mixup = 0.2 }]
      |                                   ^^^^^^^^^^^^^^^
    hint: put it into augment.online

    error: augment.online.flip at r.toml:6:20: expected a number of at least 0 and at most 1, found 1.5
      |
    6 | online = [{ flip = 1.5 }, { noise = -1 }, { affine = { scale = [0, 1] } }, { crop = { pad = 0 } }]
      |                    ^^^

    error: augment.online.noise at r.toml:6:37: expected a number of at least 0, found -1
      |
    6 | online = [{ flip = 1.5 }, { noise = -1 }, { affine = { scale = [0, 1] } }, { crop = { pad = 0 } }]
      |                                     ^^

    error: augment.online.affine.scale at r.toml:6:65: expected a number above 0, found 0
      |
    6 | online = [{ flip = 1.5 }, { noise = -1 }, { affine = { scale = [0, 1] } }, { crop = { pad = 0 } }]
      |                                                                 ^

    error: augment.online.crop.pad at r.toml:6:93: expected a whole number of at least 1, found 0
      |
    6 | online = [{ flip = 1.5 }, { noise = -1 }, { affine = { scale = [0, 1] } }, { crop = { pad = 0 } }]
      |                                                                                             ^

    error: model.input at r.toml:8:14: expected a whole number of at least 1, found 0
      |
    8 | input = [28, 0, 1]
      |              ^
    ");
}

#[test]
fn what_is_missing() {
    assert_snapshot!(rejected(Recipe::from_toml("", "r.toml")), @r#"
    error: missing table in r.toml: expected [data] with a `source`, found none
    hint: for instance source = "fashion-mnist"

    error: missing table in r.toml: expected [model] with `input` and `layers`, or with `from`, found none
    hint: for instance input = [28, 28, 1] and layers = ["flatten", "dense 10"]
    "#);
    assert_snapshot!(rejected(Recipe::from_toml("[data]\n[model]\n", "r.toml")), @r#"
    error: missing key in [data] at r.toml:1:1: expected `source`, found none
      |
    1 | [data]
      | ^^^^^^
    hint: for instance source = "fashion-mnist"

    error: missing key in [model] at r.toml:2:1: expected `input`, found none
      |
    2 | [model]
      | ^^^^^^^
    hint: for instance input = [28, 28, 1]

    error: missing key in [model] at r.toml:2:1: expected `layers`, found none
      |
    2 | [model]
      | ^^^^^^^
    hint: for instance layers = ["flatten", "dense 10"]
    "#);
}

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(rejected(Recipe::from_toml("[data\nsource = \"s\"\n", "r.toml")), @r"
    error: TOML at r.toml:1:6: found unclosed table, expected `]`
      |
    1 | [data
      |      ^
    ");
    assert_snapshot!(rejected(Recipe::from_toml("[data]\nsource = \"s\nx = 1\n", "r.toml")), @r#"
    error: TOML at r.toml:2:12: found invalid basic string, expected `"`
      |
    2 | source = "s
      |            ^
    "#);
    assert_snapshot!(rejected(with_train("epochs = 1\nepochs = 2")), @r"
    error: TOML at r.toml:8:1: found duplicate key
      |
    8 | epochs = 2
      | ^^^^^^
    ");
}

#[test]
fn a_text_without_quotes() {
    assert_snapshot!(rejected(with_train("optimizer = adam")), @r#"
    error: TOML at r.toml:7:13: found string values must be quoted, expected literal string
      |
    7 | optimizer = adam
      |             ^^^^
    hint: a text stands in quotes: "adam"
    "#);
    assert_snapshot!(rejected(with_layers("  flatten")), @r#"
    error: TOML at r.toml:6:3: found invalid boolean, expected `false`
      |
    6 |   flatten
      |   ^^^^^^^
    hint: a text stands in quotes: "flatten"
    "#);
}

#[test]
fn one_choice_at_a_time() {
    assert_snapshot!(rejected(with_train("optimizer = { adam = {}, sgd = {} }\nschedule = \"cosin\"")), @r#"
    error: train.optimizer at r.toml:7:13: expected exactly one of adam, adamw, sgd, nesterov, muon, found adam and sgd
      |
    7 | optimizer = { adam = {}, sgd = {} }
      |             ^^^^^^^^^^^^^^^^^^^^^^^

    error: train.schedule at r.toml:8:12: expected one of constant, step, cosine, cosine-restarts, one-cycle, found `cosin`
      |
    8 | schedule = "cosin"
      |            ^^^^^^^
    hint: did you mean `cosine`?
    "#);
    assert_snapshot!(rejected(with_train("optimizer = \"adamw\"\nweight_decay = 0")), @r#"
    error: train.optimizer at r.toml:7:13: expected train.weight_decay above 0 with adamw, found 0
      |
    7 | optimizer = "adamw"
      |             ^^^^^^^
    hint: set train.weight_decay = 0.004, or take adam
    "#);
    assert_snapshot!(rejected(with_train("initializer = { he-normal = {} }\noptimizer = {}")), @r"
    error: train.initializer at r.toml:7:15: expected one of glorot-uniform, he-normal, he-uniform, found a table
      |
    7 | initializer = { he-normal = {} }
      |               ^^^^^^^^^^^^^^^^^^

    error: train.optimizer at r.toml:8:13: expected exactly one of adam, adamw, sgd, nesterov, muon, found none
      |
    8 | optimizer = {}
      |             ^^
    ");
}

#[test]
fn early_stopping_needs_a_validation_part() {
    let text = "[data]\nsource = \"s\"\nvalidation = 0\n[model]\ninput = [1, 1, 3]\nlayers = [\"dense 2\"]\n\
                [train]\nearly_stopping = 3\n";
    assert_snapshot!(rejected(Recipe::from_toml(text, "r.toml")), @r"
    error: train.early_stopping at r.toml:8:18: expected a validation part to watch, found data.validation = 0
      |
    8 | early_stopping = 3
      |                  ^
    hint: set data.validation = 0.1, or train.early_stopping = false
    ");
}

#[test]
fn losses_and_weights_that_are_none() {
    assert_snapshot!(rejected(with_train("loss = \"focl\"\nclass_weights = { Shirt = 0, Coat = \"2\" }")), @r#"
    error: train.loss at r.toml:7:8: expected one of cross-entropy, focal, found `focl`
      |
    7 | loss = "focl"
      |        ^^^^^^
    hint: did you mean `focal`?

    error: train.class_weights.Shirt at r.toml:8:27: expected a number above 0, found 0
      |
    8 | class_weights = { Shirt = 0, Coat = "2" }
      |                           ^

    error: train.class_weights.Coat at r.toml:8:37: expected a number above 0, found the text "2"
      |
    8 | class_weights = { Shirt = 0, Coat = "2" }
      |                                     ^^^
    "#);
    assert_snapshot!(rejected(with_train("loss = { focal = { gama = 1 } }\nclass_weights = true")), @r#"
    error: unknown key at r.toml:7:20: expected a key of [train.loss.focal], found `gama`
      |
    7 | loss = { focal = { gama = 1 } }
      |                    ^^^^
    hint: did you mean `gamma`?

    error: train.class_weights at r.toml:8:17: expected "balanced", a table of weights by class such as { Shirt = 2.0 }, or false, found true
      |
    8 | class_weights = true
      |                 ^^^^
    "#);
    assert_snapshot!(rejected(with_train("loss = { focal = { gamma = -1 } }\nclass_weights = \"even\"")), @r#"
    error: train.loss.focal.gamma at r.toml:7:28: expected a number of at least 0, found -1
      |
    7 | loss = { focal = { gamma = -1 } }
      |                            ^^

    error: train.class_weights at r.toml:8:17: expected "balanced", a table of weights by class such as { Shirt = 2.0 }, or false, found the text "even"
      |
    8 | class_weights = "even"
      |                 ^^^^^^
    "#);
}
