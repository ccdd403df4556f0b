use insta::assert_snapshot;

use super::*;

#[test]
fn short_layers_that_are_not_understood() {
    assert_snapshot!(rejected(with_layers(
        "  \"conv 128 5x5 rlu strid 2\",\n  \"maxpool 2\",\n  \"dense\",\n  \"conv 3\", \"conv 8 3y3 same valid\",\n\
         \t\"dense 10 stride 2\",\n  \"dropout many\", \"add\", \"relu relu\", \"\", \"flatten from\",\n  \"batch_norm epsilon relu\",\n  \
         \"zzz 3\", \"dense 1 relu gelu\", \"conv 8 3x3 stride 1 stride 2\""
    )), @r#"
    error: layer "conv 128 5x5 rlu strid 2" at r.toml:6:17: expected an activation or an option of conv (stride, valid, same, pad, bias, no_bias, groups, dilation, from), found `rlu`
      |
    6 |   "conv 128 5x5 rlu strid 2",
      |                 ^^^
    hint: did you mean `relu`?

    error: layer "conv 128 5x5 rlu strid 2" at r.toml:6:21: expected an activation or an option of conv (stride, valid, same, pad, bias, no_bias, groups, dilation, from), found `strid`
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
    hint: the words that fit here are bias, no_bias, from, identity, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish, hard_sigmoid, clip

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
    hint: the words that fit here are conv, depthwise, max_pool, avg_pool, global_avg_pool, global_max_pool, dense, batch_norm, dropout, drop_path, flatten, add, concat, multiply, scale, layer_norm, slice, shuffle, pad, resize, identity, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish, hard_sigmoid, clip

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

#[test]
fn groups_that_do_not_fit() {
    assert_snapshot!(rejected(with_layers(
        "  \"conv 6 3x3 groups\", \"conv 6 3x3 groups 2 groups 3\", \"conv 6 3x3 group 2\", \"conv 6 3x3 groups relu\",\n  \
         \"depthwise\", \"depthwise 3x3 multiply 2\", \"depthwise 8 3x3\", \"depthwise 3x3 groups 4\",\n  \
         { kind = \"depthwise\", filters = 3 }, { kind = \"conv\", filters = 3, kernel = 3, groups = 0 }"
    )), @r#"
    error: layer "conv 6 3x3 groups" at r.toml:6:21: expected a number of groups, as in `groups 4`, found the end
      |
    6 |   "conv 6 3x3 groups", "conv 6 3x3 groups 2 groups 3", "conv 6 3x3 group 2", "conv 6 3x3 groups relu",
      |                     ^

    error: layer "conv 6 3x3 groups 2 groups 3" at r.toml:6:45: expected one groups, found a second, `groups`
      |
    6 |   "conv 6 3x3 groups", "conv 6 3x3 groups 2 groups 3", "conv 6 3x3 group 2", "conv 6 3x3 groups relu",
      |                                             ^^^^^^

    error: layer "conv 6 3x3 group 2" at r.toml:6:68: expected an activation or an option of conv (stride, valid, same, pad, bias, no_bias, groups, dilation, from), found `group`
      |
    6 |   "conv 6 3x3 groups", "conv 6 3x3 groups 2 groups 3", "conv 6 3x3 group 2", "conv 6 3x3 groups relu",
      |                                                                    ^^^^^
    hint: did you mean `groups`?

    error: layer "conv 6 3x3 groups relu" at r.toml:6:97: expected a number of groups, as in `groups 4`, found `relu`
      |
    6 |   "conv 6 3x3 groups", "conv 6 3x3 groups 2 groups 3", "conv 6 3x3 group 2", "conv 6 3x3 groups relu",
      |                                                                                                 ^^^^

    error: layer "depthwise" at r.toml:7:13: expected a kernel size, as in `depthwise 3x3`, found the end
      |
    7 |   "depthwise", "depthwise 3x3 multiply 2", "depthwise 8 3x3", "depthwise 3x3 groups 4",
      |             ^

    error: layer "depthwise 3x3 multiply 2" at r.toml:7:31: expected an activation or an option of depthwise (stride, valid, same, pad, bias, no_bias, multiplier, from), found `multiply`
      |
    7 |   "depthwise", "depthwise 3x3 multiply 2", "depthwise 8 3x3", "depthwise 3x3 groups 4",
      |                               ^^^^^^^^
    hint: did you mean `multiplier`?

    error: layer "depthwise 8 3x3" at r.toml:7:57: expected an activation or an option of depthwise (stride, valid, same, pad, bias, no_bias, multiplier, from), found `3x3`
      |
    7 |   "depthwise", "depthwise 3x3 multiply 2", "depthwise 8 3x3", "depthwise 3x3 groups 4",
      |                                                         ^^^
    hint: the words that fit here are stride, valid, same, pad, bias, no_bias, multiplier, from, identity, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish, hard_sigmoid, clip

    error: layer "depthwise 3x3 groups 4" at r.toml:7:78: expected an activation or an option of depthwise (stride, valid, same, pad, bias, no_bias, multiplier, from), found `groups`
      |
    7 |   "depthwise", "depthwise 3x3 multiply 2", "depthwise 8 3x3", "depthwise 3x3 groups 4",
      |                                                                              ^^^^^^
    hint: the words that fit here are stride, valid, same, pad, bias, no_bias, multiplier, from, identity, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish, hard_sigmoid, clip

    error: missing key in [model.layers] at r.toml:8:3: expected `kernel`, found none
      |
    8 |   { kind = "depthwise", filters = 3 }, { kind = "conv", filters = 3, kernel = 3, groups = 0 }
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: for instance kernel = [3, 3]

    error: unknown key at r.toml:8:25: expected a key of [model.layers], found `filters`
      |
    8 |   { kind = "depthwise", filters = 3 }, { kind = "conv", filters = 3, kernel = 3, groups = 0 }
      |                         ^^^^^^^
    hint: the keys of [model.layers] are kind, name, from, activation, kernel, stride, padding, pad, bias, multiplier

    error: model.layers.groups at r.toml:8:91: expected a whole number of at least 1, found 0
      |
    8 |   { kind = "depthwise", filters = 3 }, { kind = "conv", filters = 3, kernel = 3, groups = 0 }
      |                                                                                           ^
    "#);
    assert_snapshot!(rejected(with_layers(
        "  \"conv 12 3x3\", \"conv 30 3x3 groups 5\", \"conv 9 3x3 groups 0\", \"depthwise 3x3 multiplier 0\", \"flatten\", \"dense 3\""
    )), @r#"
    error: layer conv2 at r.toml:6:18: expected groups that divide 12 input channels from conv1 and 30 filters, found 5
      |
    6 |   "conv 12 3x3", "conv 30 3x3 groups 5", "conv 9 3x3 groups 0", "depthwise 3x3 multiplier 0", "flatten", "dense 3"
      |                  ^^^^^^^^^^^^^^^^^^^^^^
    hint: the next smaller number that divides both is 3

    error: layer conv3 at r.toml:6:42: expected groups of at least 1, found 0
      |
    6 |   "conv 12 3x3", "conv 30 3x3 groups 5", "conv 9 3x3 groups 0", "depthwise 3x3 multiplier 0", "flatten", "dense 3"
      |                                          ^^^^^^^^^^^^^^^^^^^^^

    error: layer depthwise1 at r.toml:6:65: expected a multiplier of at least 1, found 0
      |
    6 |   "conv 12 3x3", "conv 30 3x3 groups 5", "conv 9 3x3 groups 0", "depthwise 3x3 multiplier 0", "flatten", "dense 3"
      |                                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}
