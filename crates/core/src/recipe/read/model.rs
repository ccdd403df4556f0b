//! `[model]`: the image and the layers, each a short text or a table.

use std::ops::Range;

use super::value::{Bound, Fields, Reader, Value};
use crate::graph::{Activation, Interpolation, Layer, LayerSpec, Padding};
use crate::nearest::nearest;
use crate::recipe::Freeze;
use crate::recipe::short::{self, WordProblem};

pub(super) const KEYS: [&str; 5] = ["input", "layers", "from", "head", "freeze"];

/// What could be read; `None` where a problem was noted.
#[derive(Default)]
pub(super) struct Read {
    pub(super) input: Option<[usize; 3]>,
    pub(super) layers: Vec<Option<(LayerSpec, Range<usize>)>>,
    /// The list of layers.
    pub(super) span: Option<Range<usize>>,
    /// The model that training goes on from.
    pub(super) from: Option<String>,
    pub(super) head: Vec<Option<(LayerSpec, Range<usize>)>>,
    pub(super) freeze: Freeze,
}

pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>) -> Read {
    let mut read = Read::default();
    let Some(fields) = Fields::of(reader, value, "model", &KEYS) else { return read };
    transfer(reader, &fields, &mut read);
    // With a model to go on from both are taken from it, or both are given.
    let needed = fields.get("from").is_none() || fields.get("input").or(fields.get("layers")).is_some();
    match fields.get("input") {
        None if needed => fields.missing(reader, "input", "input = [28, 28, 1]"),
        None => {}
        Some(value) => read.input = input(reader, value),
    }
    match fields.get("layers") {
        None if needed => {
            fields.missing(reader, "layers", "layers = [\"flatten\", \"dense 10\"]");
            read.layers.push(None); // nothing to build
        }
        None => {}
        Some(value) => {
            read.span = Some(value.span());
            read.layers = layers(reader, value, "model.layers");
        }
    }
    read
}

fn layers(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Vec<Option<(LayerSpec, Range<usize>)>> {
    match reader.array(value, key, "layers such as \"conv 128 5x5 relu\"") {
        None => vec![None],
        Some(array) => array.iter().map(|value| layer(reader, value)).collect(),
    }
}

/// `from`, and the keys that only make sense with it.
fn transfer(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, read: &mut Read) {
    let Some(value) = fields.get("from") else {
        for name in ["head", "freeze"] {
            let Some(value) = fields.get(name) else { continue };
            let key = fields.key(name);
            let hint = Some("for instance from = \"model.onnx\"".to_owned());
            let rest = "expected model.from with it, the model that training goes on from, found none";
            reader.problem(&key, &key, Some(value.span()), rest, hint);
        }
        return;
    };
    match reader.text(value, "model.from") {
        Some(path) => read.from = Some(path.to_owned()),
        None => read.layers.push(None),
    }
    if let Some(value) = fields.get("head") {
        read.head = layers(reader, value, "model.head");
        if read.head.is_empty() {
            let hint = Some("leave it out for a dense layer with an output for each class".to_owned());
            let rest = "expected at least one layer, found none";
            reader.problem("model.head", "model.head", Some(value.span()), rest, hint);
        }
    }
    if let Some(value) = fields.get("freeze") {
        read.freeze = match (value.get_ref().as_bool(), value.get_ref().as_str()) {
            (Some(false), _) => Freeze::Nothing,
            (_, Some(Freeze::ALL_BUT_HEAD)) => Freeze::AllButHead,
            (_, Some(name)) => Freeze::UpTo(name.to_owned()),
            _ => {
                let expected = "\"all but the head\", the name of the last layer to freeze, or false";
                reader.unlike(value, "model.freeze", expected);
                Freeze::Nothing
            }
        };
    }
}

fn input(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<[usize; 3]> {
    let array = value.get_ref().as_array().filter(|array| array.len() == 3);
    let Some(array) = array else {
        reader.unlike(value, "model.input", "the size of an image, [h, w, c]");
        return None;
    };
    let axes: Vec<_> = array.iter().map(|axis| reader.size(axis, "model.input", 1)).collect();
    Some([axes[0]?, axes[1]?, axes[2]?])
}

fn layer(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<(LayerSpec, Range<usize>)> {
    let spec = if value.get_ref().is_table() {
        table(reader, value)
    } else if let Some(text) = value.get_ref().as_str() {
        words(reader, value, "model.layers", &format!("layer \"{text}\""), short::parse_layer(text))
    } else {
        reader.unlike(value, "model.layers", "a layer as text or table");
        None
    };
    Some((spec?, value.span()))
}

/// What was parsed, or its problems with their places in the file.
fn words<T>(
    reader: &mut Reader<'_>,
    value: &Value<'_>,
    key: &str,
    what: &str,
    parsed: Result<T, Vec<WordProblem>>,
) -> Option<T> {
    let problems = match parsed {
        Ok(parsed) => return Some(parsed),
        Err(problems) => problems,
    };
    let text = value.get_ref().as_str().unwrap_or_default();
    let raw = reader.text.get(value.span()).unwrap_or_default();
    for WordProblem { span, message, hint } in problems {
        // a text with escapes is not in the file as it reads: then all of it is shown
        let place = match raw.find(text) {
            Some(quote) => value.span().start + quote + span.start..value.span().start + quote + span.end,
            None => value.span(),
        };
        reader.problem(key, what, Some(place), &message, hint);
    }
    None
}

/// `{ kind = "conv", filters = 128, kernel = [5, 5], … }`
fn table(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<LayerSpec> {
    const KEY: &str = "model.layers";
    let Some(kind_value) = value.get_ref().as_table().and_then(|table| table.get("kind")) else {
        let hint = Some("for instance kind = \"conv\"".to_owned());
        reader.problem(KEY, "layer", Some(value.span()), "expected a `kind`, found none", hint);
        return None;
    };
    let before = reader.problems.len();
    let text = reader.text(kind_value, "model.layers.kind")?;
    let kind = Layer::KINDS.into_iter().find(|kind| *kind == text);
    let alone = Activation::named(text.split_whitespace().next().unwrap_or_default());
    if kind.is_none() && alone.is_none() {
        let kinds: Vec<_> = Layer::KINDS.into_iter().chain(Activation::ALL.map(Activation::name)).collect();
        let hint = match nearest(text, kinds.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the kinds are {}", kinds.join(", ")),
        };
        let rest = format!("expected a kind of layer, found `{text}`");
        reader.problem(KEY, "model.layers.kind", Some(kind_value.span()), &rest, Some(hint));
        return None;
    }
    let known: Vec<_> = common(kind).iter().chain(own(kind)).copied().collect();
    let fields = Fields::of(reader, value, KEY, &known)?;
    let mut spec = LayerSpec::new(numbers(reader, &fields, kind.unwrap_or_default()));
    for (name, slot) in [("name", &mut spec.name), ("from", &mut spec.from)] {
        let text = fields.get(name).and_then(|value| reader.text(value, &fields.key(name)));
        *slot = text.map(str::to_owned);
    }
    if let Some(value) = fields.get("with") {
        spec.with = names(reader, value, &fields.key("with"));
    }
    let activation = if kind.is_none() { Some(kind_value) } else { fields.get("activation") };
    if let Some(value) = activation {
        let text = reader.text(value, &fields.key("activation"))?;
        let parsed = short::activation(text);
        spec.activation = words(reader, value, KEY, &fields.key("activation"), parsed)?;
    }
    (reader.problems.len() == before).then_some(spec)
}

fn common(kind: Option<&str>) -> &'static [&'static str] {
    if kind.is_some() { &["kind", "name", "from", "activation"] } else { &["kind", "name", "from"] }
}

/// The keys that only this kind of layer has.
fn own(kind: Option<&str>) -> &'static [&'static str] {
    match kind {
        Some("conv") => &["filters", "kernel", "stride", "padding", "pad", "bias", "groups", "dilation"],
        Some("depthwise") => &["kernel", "stride", "padding", "pad", "bias", "multiplier"],
        Some("max_pool" | "avg_pool") => &["size", "stride", "padding", "pad"],
        Some("dense") => &["units", "bias"],
        Some("batch_norm") => &["epsilon", "momentum"],
        Some("dropout" | "drop_path") => &["rate"],
        Some("add" | "concat" | "multiply") => &["with"],
        Some("scale") => &["bias"],
        Some("layer_norm") => &["epsilon"],
        Some("slice") => &["first", "channels"],
        Some("shuffle") => &["groups"],
        Some("pad") => &["pad"],
        Some("resize") => &["size", "method"],
        _ => &[],
    }
}

/// The layer with its numbers. Where one is missing or wrong, that is noted and the layer not used.
fn numbers(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, kind: &str) -> Layer {
    let mut padding = Padding::Valid;
    fields.word(reader, "padding", &["valid", "same"], |word| {
        padding = if word == "same" { Padding::Same } else { Padding::Valid };
    });
    let around = sides(reader, fields);
    if let Some([before, after]) = around {
        padding = Padding::Explicit { before, after };
        if let (Some(value), false) = (fields.get("padding"), kind == "pad") {
            let hint = Some("`pad` says it all".to_owned());
            let rest = "expected either `padding` or `pad`, found both";
            reader.problem(&fields.key("padding"), "layer", Some(value.span()), rest, hint);
        }
    }
    let mut bias = true;
    fields.flag(reader, "bias", |flag| bias = flag);
    let (mut groups, mut multiplier) = (1, 1);
    fields.size(reader, "groups", 1, |x| groups = x);
    fields.size(reader, "multiplier", 1, |x| multiplier = x);
    match kind {
        "depthwise" => Layer::Depthwise {
            multiplier,
            kernel: window(reader, fields, "kernel", Some("kernel = [3, 3]")).unwrap_or([1, 1]),
            stride: window(reader, fields, "stride", None).unwrap_or([1, 1]),
            padding,
            bias,
        },
        "conv" => Layer::Conv2d {
            filters: needed(reader, fields, "filters", "filters = 128"),
            kernel: window(reader, fields, "kernel", Some("kernel = [5, 5]")).unwrap_or([1, 1]),
            stride: window(reader, fields, "stride", None).unwrap_or([1, 1]),
            padding,
            bias,
            groups,
            dilation: window(reader, fields, "dilation", None).unwrap_or([1, 1]),
        },
        "max_pool" | "avg_pool" => {
            let size = window(reader, fields, "size", Some("size = [2, 2]")).unwrap_or([1, 1]);
            let stride = window(reader, fields, "stride", None).unwrap_or(size);
            if kind == "max_pool" {
                Layer::MaxPool { size, stride, padding }
            } else {
                Layer::AvgPool { size, stride, padding }
            }
        }
        "global_avg_pool" => Layer::GlobalAvgPool,
        "global_max_pool" => Layer::GlobalMaxPool,
        "dense" => Layer::Dense { units: needed(reader, fields, "units", "units = 10"), bias },
        "batch_norm" => {
            let (mut epsilon, mut momentum) = (short::EPSILON, short::MOMENTUM);
            fields.number(reader, "epsilon", Bound::POSITIVE, |x| epsilon = x as f32);
            fields.number(reader, "momentum", Bound::SHARE, |x| momentum = x as f32);
            Layer::BatchNorm { epsilon, momentum }
        }
        "dropout" | "drop_path" => {
            let mut rate = 0.0;
            if fields.get("rate").is_none() {
                fields.missing(reader, "rate", "rate = 0.3");
            }
            fields.number(reader, "rate", Bound::SHARE, |x| rate = x as f32);
            if kind == "dropout" { Layer::Dropout { rate } } else { Layer::DropPath { rate } }
        }
        "flatten" => Layer::Flatten,
        "add" => Layer::Add,
        "concat" => Layer::Concat,
        "multiply" => Layer::Multiply,
        "scale" => Layer::Scale { bias },
        "layer_norm" => {
            let mut epsilon = short::LAYER_EPSILON;
            fields.number(reader, "epsilon", Bound::POSITIVE, |x| epsilon = x as f32);
            Layer::LayerNorm { epsilon }
        }
        "slice" => {
            let mut first = 0;
            fields.size(reader, "first", 0, |x| first = x);
            Layer::Slice { first, channels: needed(reader, fields, "channels", "channels = 16") }
        }
        "shuffle" => Layer::Shuffle { groups: needed(reader, fields, "groups", "groups = 2") },
        "pad" => {
            if fields.get("pad").is_none() {
                fields.missing(reader, "pad", "pad = 1");
            }
            let [before, after] = around.unwrap_or_default();
            Layer::Pad { before, after }
        }
        "resize" => {
            let mut method = Interpolation::Nearest;
            fields.word(reader, "method", &["nearest", "bilinear"], |word| {
                let bilinear = word == "bilinear";
                method = if bilinear { Interpolation::Bilinear } else { Interpolation::Nearest };
            });
            let size = window(reader, fields, "size", Some("size = [56, 56]")).unwrap_or([1, 1]);
            Layer::Resize { size, method }
        }
        _ => Layer::Activation,
    }
}

/// `"conv1"` or `["conv1", "conv2"]`
fn names(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Vec<String> {
    match value.get_ref().as_array() {
        Some(array) => array.iter().filter_map(|name| reader.text(name, key)).map(str::to_owned).collect(),
        None => reader.text(value, key).map(str::to_owned).into_iter().collect(),
    }
}

/// `pad`: `1`, `[1, 2]` (rows, columns) or `[0, 0, 1, 1]` (above, left, below, right), as `[[above, left], [below, right]]`.
fn sides(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<[[usize; 2]; 2]> {
    let (value, key) = (fields.get("pad")?, fields.key("pad"));
    let Some(array) = value.get_ref().as_array() else {
        return reader.size(value, &key, 0).map(|all| [[all; 2]; 2]);
    };
    let lengths: Vec<usize> = array.iter().filter_map(|length| reader.size(length, &key, 0)).collect();
    match lengths[..] {
        [rows, columns] if array.len() == 2 => Some([[rows, columns]; 2]),
        [above, left, below, right] if array.len() == 4 => Some([[above, left], [below, right]]),
        _ if lengths.len() < array.len() => None,
        _ => {
            reader.unlike(
                value,
                &key,
                "1, [1, 2] (rows, columns) or [0, 0, 1, 1] (above, left, below, right)",
            );
            None
        }
    }
}

fn needed(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, name: &str, example: &str) -> usize {
    if fields.get(name).is_none() {
        fields.missing(reader, name, example);
    }
    let mut size = 1;
    fields.size(reader, name, 1, |x| size = x);
    size
}

/// `3` or `[3, 2]`; noted as missing if there is an example of it.
fn window(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    name: &str,
    example: Option<&str>,
) -> Option<[usize; 2]> {
    let key = fields.key(name);
    let Some(value) = fields.get(name) else {
        if let Some(example) = example {
            fields.missing(reader, name, example);
        }
        return None;
    };
    if value.get_ref().is_integer() {
        return reader.size(value, &key, 1).map(|size| [size, size]);
    }
    let Some([h, w]) = value.get_ref().as_array().and_then(|a| a.get(..2).filter(|_| a.len() == 2)) else {
        reader.unlike(value, &key, "a size, 3 or [3, 2]");
        return None;
    };
    let (h, w) = (reader.size(h, &key, 1), reader.size(w, &key, 1));
    Some([h?, w?])
}
