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
    hint: the keys of [model] are input, layers

    error: unknown key at seed.toml:14:24: expected a key of [augment.online.affine], found `rotat`
       |
    14 | online = [{ affine = { rotat = [-1, 1] } }, { flipp = 0.5 }]
       |                        ^^^^^
    hint: did you mean `rotate`?

    error: augment.online at seed.toml:14:47: expected one of rotate, translate, affine, flip, crop, erase, noise, mixup, found `flipp`
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

    error: missing table in r.toml: expected [model] with `input` and `layers`, found none
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

    error: train.optimizer at r.toml:10:13: expected one of adam, adamw, sgd, nesterov, found 3
       |
    10 | optimizer = 3
       |             ^

    error: train.schedule at r.toml:11:12: expected one of constant, step, cosine, one-cycle, found an array of 1
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

    error: augment.online at r.toml:5:50: expected one of rotate, translate, affine, flip, crop, erase, noise, mixup, found 3
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

    error: missing table in r.toml: expected [model] with `input` and `layers`, found none
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
    error: train.optimizer at r.toml:7:13: expected exactly one of adam, adamw, sgd, nesterov, found adam and sgd
      |
    7 | optimizer = { adam = {}, sgd = {} }
      |             ^^^^^^^^^^^^^^^^^^^^^^^

    error: train.schedule at r.toml:8:12: expected one of constant, step, cosine, one-cycle, found `cosin`
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

    error: train.optimizer at r.toml:8:13: expected exactly one of adam, adamw, sgd, nesterov, found none
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
fn short_layers_that_are_not_understood() {
    assert_snapshot!(rejected(with_layers(
        "  \"conv 128 5x5 rlu strid 2\",\n  \"maxpool 2\",\n  \"dense\",\n  \"conv 3\", \"conv 8 3y3 same valid\",\n\
         \t\"dense 10 stride 2\",\n  \"dropout many\", \"add\", \"relu relu\", \"\", \"flatten from\",\n  \"batch_norm epsilon relu\",\n  \
         \"zzz 3\", \"dense 1 relu gelu\", \"conv 8 3x3 stride 1 stride 2\""
    )), @r#"
    error: layer "conv 128 5x5 rlu strid 2" at r.toml:6:17: expected an activation or an option of conv (stride, valid, same, bias, no_bias, from), found `rlu`
      |
    6 |   "conv 128 5x5 rlu strid 2",
      |                 ^^^
    hint: did you mean `relu`?

    error: layer "conv 128 5x5 rlu strid 2" at r.toml:6:21: expected an activation or an option of conv (stride, valid, same, bias, no_bias, from), found `strid`
      |
    6 |   "conv 128 5x5 rlu strid 2",
      |                     ^^^^^
    hint: did you mean `stride`?

    error: layer "maxpool 2" at r.toml:7:4: expected a layer, found `maxpool`
      |
    7 |   "maxpool 2",
      |    ^^^^^^^
    hint: did you mean `max_pool`?

    error: layer "dense" at r.toml:8:9: expected the number of outputs, as in `dense 10`, found the end
      |
    8 |   "dense",
      |         ^

    error: layer "conv 3" at r.toml:9:10: expected a kernel size after the filters, as in `conv 128 5x5`, found the end
      |
    9 |   "conv 3", "conv 8 3y3 same valid",
      |          ^

    error: layer "conv 8 3y3 same valid" at r.toml:9:21: expected a kernel size after the filters, as in `conv 128 5x5`, found `3y3`
      |
    9 |   "conv 3", "conv 8 3y3 same valid",
      |                     ^^^

    error: layer "conv 8 3y3 same valid" at r.toml:9:30: expected one padding, found a second, `valid`
      |
    9 |   "conv 3", "conv 8 3y3 same valid",
      |                              ^^^^^

    error: layer "dense 10 stride 2" at r.toml:10:12: expected an activation or an option of dense (bias, no_bias, from), found `stride`
       |
    10 |  "dense 10 stride 2",
       |            ^^^^^^
    hint: the words that fit here are bias, no_bias, from, identity, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish

    error: layer "dropout many" at r.toml:11:12: expected the share to drop, as in `dropout 0.3`, found `many`
       |
    11 |   "dropout many", "add", "relu relu", "", "flatten from",
       |            ^^^^

    error: layer "add" at r.toml:11:23: expected the name of a layer, as in `add conv1`, found the end
       |
    11 |   "dropout many", "add", "relu relu", "", "flatten from",
       |                       ^

    error: layer "relu relu" at r.toml:11:32: expected from NAME or nothing more, found `relu`
       |
    11 |   "dropout many", "add", "relu relu", "", "flatten from",
       |                                ^^^^

    error: layer "" at r.toml:11:39: expected a layer such as conv, max_pool or dense, found the end
       |
    11 |   "dropout many", "add", "relu relu", "", "flatten from",
       |                                       ^

    error: layer "flatten from" at r.toml:11:56: expected the name of a layer, as in `from conv1`, found the end
       |
    11 |   "dropout many", "add", "relu relu", "", "flatten from",
       |                                                        ^

    error: layer "batch_norm epsilon relu" at r.toml:12:23: expected a number, as in `epsilon 0.001`, found `relu`
       |
    12 |   "batch_norm epsilon relu",
       |                       ^^^^

    error: layer "zzz 3" at r.toml:13:4: expected a layer, found `zzz`
       |
    13 |   "zzz 3", "dense 1 relu gelu", "conv 8 3x3 stride 1 stride 2"
       |    ^^^
    hint: the words that fit here are conv, max_pool, avg_pool, global_avg_pool, global_max_pool, dense, batch_norm, dropout, flatten, add, identity, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish

    error: layer "dense 1 relu gelu" at r.toml:13:26: expected one activation, found a second, `gelu`
       |
    13 |   "zzz 3", "dense 1 relu gelu", "conv 8 3x3 stride 1 stride 2"
       |                          ^^^^

    error: layer "conv 8 3x3 stride 1 stride 2" at r.toml:13:54: expected one stride, found a second, `stride`
       |
    13 |   "zzz 3", "dense 1 relu gelu", "conv 8 3x3 stride 1 stride 2"
       |                                                      ^^^^^^
    "#);
}

#[test]
fn a_text_with_escapes_is_shown_whole() {
    assert_snapshot!(rejected(with_layers("  \"den\\u0073e ten\"")), @r#"
    error: layer "dense ten" at r.toml:6:3: expected the number of outputs, as in `dense 10`, found `ten`
      |
    6 |   "den\u0073e ten"
      |   ^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn layer_tables_that_are_not_understood() {
    assert_snapshot!(rejected(with_layers(
        "  { filters = 3 },\n  { kind = \"conv2d\" },\n  { kind = \"conv\", kernel = [3], padding = \"smae\", bias = 1 },\n  \
         { kind = \"conv\", filters = 0, kernel = 3, stride = 0 },\n  { kind = \"dense\", units = 3, activation = \"rellu\" },\n  \
         { kind = \"dropout\", rate = 1 },\n  { kind = \"relu\", activation = \"relu\" },\n  { kind = \"max_pool\" },\n  7"
    )), @r#"
    error: layer at r.toml:6:3: expected a `kind`, found none
      |
    6 |   { filters = 3 },
      |   ^^^^^^^^^^^^^^^
    hint: for instance kind = "conv"

    error: model.layers.kind at r.toml:7:12: expected a kind of layer, found `conv2d`
      |
    7 |   { kind = "conv2d" },
      |            ^^^^^^^^
    hint: did you mean `conv`?

    error: missing key in [model.layers] at r.toml:8:3: expected `filters`, found none
      |
    8 |   { kind = "conv", kernel = [3], padding = "smae", bias = 1 },
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: for instance filters = 128

    error: model.layers.kernel at r.toml:8:29: expected a size, 3 or [3, 2], found an array of 1
      |
    8 |   { kind = "conv", kernel = [3], padding = "smae", bias = 1 },
      |                             ^^^

    error: model.layers.padding at r.toml:8:44: expected one of valid, same, found `smae`
      |
    8 |   { kind = "conv", kernel = [3], padding = "smae", bias = 1 },
      |                                            ^^^^^^
    hint: did you mean `same`?

    error: model.layers.bias at r.toml:8:59: expected true or false, found 1
      |
    8 |   { kind = "conv", kernel = [3], padding = "smae", bias = 1 },
      |                                                           ^

    error: model.layers.filters at r.toml:9:30: expected a whole number of at least 1, found 0
      |
    9 |   { kind = "conv", filters = 0, kernel = 3, stride = 0 },
      |                              ^

    error: model.layers.stride at r.toml:9:54: expected a whole number of at least 1, found 0
      |
    9 |   { kind = "conv", filters = 0, kernel = 3, stride = 0 },
      |                                                      ^

    error: model.layers.activation at r.toml:10:46: expected an activation, found `rellu`
       |
    10 |   { kind = "dense", units = 3, activation = "rellu" },
       |                                              ^^^^^
    hint: did you mean `relu`?

    error: model.layers.rate at r.toml:11:30: expected a number of at least 0 and below 1, found 1
       |
    11 |   { kind = "dropout", rate = 1 },
       |                              ^

    error: unknown key at r.toml:12:20: expected a key of [model.layers], found `activation`
       |
    12 |   { kind = "relu", activation = "relu" },
       |                    ^^^^^^^^^^
    hint: the keys of [model.layers] are kind, name, from

    error: missing key in [model.layers] at r.toml:13:3: expected `size`, found none
       |
    13 |   { kind = "max_pool" },
       |   ^^^^^^^^^^^^^^^^^^^^^
    hint: for instance size = [2, 2]

    error: model.layers at r.toml:14:3: expected a layer as text or table, found 7
       |
    14 |   7
       |   ^
    "#);
}

#[test]
fn layers_that_do_not_fit_together() {
    assert_snapshot!(rejected(with_layers(
        "  \"conv 8 5x5\",\n  \"max_pool 8\",\n  \"conv 64 5x5 relu\",\n  \"dense 10\",\n  \"dropout 1\",\n  \"x: add con1\",\n  \"x: flatten\",\n  \
         \"add conv1\",\n  \"input: relu\", \"relu from later\", \"later: gelu\""
    )), @r#"
    error: layer conv2 at r.toml:8:3: a 5x5 window needs at least [5, 5], found [3, 3, 8] from max_pool1
      |
    8 |   "conv 64 5x5 relu",
      |   ^^^^^^^^^^^^^^^^^^
    hint: use a smaller window, padding `same`, or fewer poolings before it

    error: layer dropout1 at r.toml:10:3: expected a rate of at least 0 and below 1, found 1
       |
    10 |   "dropout 1",
       |   ^^^^^^^^^^^

    error: layer x at r.toml:11:3: expected the name of an earlier layer to read, found `con1`
       |
    11 |   "x: add con1",
       |   ^^^^^^^^^^^^^
    hint: did you mean `conv1`?

    error: layer x at r.toml:12:3: expected a name of its own, found `x`, which is what layer 6 is called too
       |
    12 |   "x: flatten",
       |   ^^^^^^^^^^^^

    error: layer input at r.toml:14:3: expected a name of its own, found `input`, which is what the image is called
       |
    14 |   "input: relu", "relu from later", "later: gelu"
       |   ^^^^^^^^^^^^^

    error: layer relu2 at r.toml:14:18: expected the name of an earlier layer to read, found `later`, which is not computed yet
       |
    14 |   "input: relu", "relu from later", "later: gelu"
       |                  ^^^^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(rejected(with_layers("  \"conv 8 5x5\", \"max_pool 3\", \"dense 10\"")), @r#"
    error: layer dense1 at r.toml:6:31: dense needs a flat input [1, 1, c], found [8, 8, 8] from max_pool1
      |
    6 |   "conv 8 5x5", "max_pool 3", "dense 10"
      |                               ^^^^^^^^^^
    hint: add "flatten" (or a global pooling, "global_avg_pool") before it
    "#);
    assert_snapshot!(rejected(with_layers("  \"conv 8 5x5\", \"conv 8 3x3 same from input\", \"add conv1\", \"flatten\", \"dense 2\"")), @r#"
    error: layer add1 at r.toml:6:47: add needs two equal shapes, found [28, 28, 8] from conv2 and [24, 24, 8] from conv1
      |
    6 |   "conv 8 5x5", "conv 8 3x3 same from input", "add conv1", "flatten", "dense 2"
      |                                               ^^^^^^^^^^^
    hint: bring one of them to the other's shape, for instance with a 1x1 conv of the same stride
    "#);
    assert_snapshot!(rejected(with_layers("  \"conv 8 5x5\"")), @r#"
    error: layer conv1 at r.toml:6:3: expected the last layer to give one value a class, [1, 1, k], found [24, 24, 8]
      |
    6 |   "conv 8 5x5"
      |   ^^^^^^^^^^^^
    hint: end with "flatten" and "dense 10", or with a global pooling
    "#);
    assert_snapshot!(rejected(with_layers("")), @r"
    error: model at r.toml:5:10: expected at least one layer, found none
      |
    5 | layers = [
      |          ^
    ");
    assert_snapshot!(rejected(with_layers("  \"flatten\", \"dense 2\", \"dense 3 from flatten1\"")), @r#"
    error: layer dense1 at r.toml:6:14: expected a later layer that reads it, found none
      |
    6 |   "flatten", "dense 2", "dense 3 from flatten1"
      |              ^^^^^^^^^
    hint: read it with "add NAME" or "… from NAME", or leave it out
    "#);
    assert_snapshot!(rejected(with_layers("  \"flatten\", \"dense 900000000\", \"dense 900000000\"")), @r#"
    error: layer dense1 at r.toml:6:14: expected at most 2,147,483,648 parameters in all, found 706,500,000,000 up to here
      |
    6 |   "flatten", "dense 900000000", "dense 900000000"
      |              ^^^^^^^^^^^^^^^^^
    "#);
}
