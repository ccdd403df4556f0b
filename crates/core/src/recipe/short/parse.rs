//! Reading the short form.

use std::ops::Range;

use super::{EPSILON, LAYER_EPSILON, MOMENTUM, WordProblem};
use crate::graph::{Activation, Interpolation, Layer, LayerSpec, Padding};
use crate::nearest::nearest;

/// Options that are followed by a value.
const VALUED: [&str; 8] =
    ["stride", "epsilon", "momentum", "groups", "multiplier", "dilation", "pad", "from"];

/// Options of layers with a window.
const WINDOW_OPTIONS: &[&str] = &["stride", "valid", "same", "pad"];

/// What the value of `pad` is.
const PAD: &str =
    "zeros around, as in `pad 1`, `pad 1x2` (rows, columns) or `pad 0x0x1x1` (above, left, below, right)";

/// The layer that `text` describes.
///
/// # Errors
/// Every word that was not understood.
pub fn parse_layer(text: &str) -> Result<LayerSpec, Vec<WordProblem>> {
    let mut words = Words::new(text);
    let spec = layer(&mut words);
    match spec {
        Some(spec) if words.problems.is_empty() => Ok(spec),
        _ => Err(words.problems),
    }
}

/// The activation that `text` describes, and nothing else: `relu`, `leaky_relu 0.2`.
///
/// # Errors
/// Every word that was not understood.
pub(in crate::recipe) fn activation(text: &str) -> Result<Activation, Vec<WordProblem>> {
    let mut words = Words::new(text);
    let names = Activation::ALL.map(Activation::name);
    let found = match words.next() {
        None => {
            words.missing("an activation such as relu");
            None
        }
        Some((span, word)) => {
            let found = words.activation(word);
            if found.is_none() {
                words.unknown(span, word, "an activation", &names);
            }
            found
        }
    };
    if let Some((span, word)) = words.next() {
        words.problem(span, format!("expected nothing more, found `{word}`"), None);
    }
    match found {
        Some(found) if words.problems.is_empty() => Ok(found),
        _ => Err(words.problems),
    }
}

fn layer(words: &mut Words<'_>) -> Option<LayerSpec> {
    let name = words.name();
    let Some((span, kind)) = words.next() else {
        words.missing("a layer such as conv, max_pool or dense");
        return None;
    };
    let mut activation = words.activation(kind);
    let (layer, options): (_, &[&str]) = match kind {
        "conv" => {
            let filters = words.whole("filters and a kernel size, as in `conv 128 5x5`");
            let kernel =
                filters.and_then(|_| words.size("a kernel size after the filters, as in `conv 128 5x5`"));
            let (filters, kernel) = (filters.unwrap_or(1), kernel.unwrap_or([1, 1]));
            let layer = Layer::Conv2d {
                filters,
                kernel,
                stride: [1, 1],
                padding: Padding::Valid,
                bias: true,
                groups: 1,
                dilation: [1, 1],
            };
            (layer, &["stride", "valid", "same", "pad", "bias", "no_bias", "groups", "dilation"])
        }
        "depthwise" => {
            let kernel = words.size("a kernel size, as in `depthwise 3x3`").unwrap_or([1, 1]);
            let (stride, padding) = ([1, 1], Padding::Valid);
            let layer = Layer::Depthwise { multiplier: 1, kernel, stride, padding, bias: true };
            (layer, &["stride", "valid", "same", "pad", "bias", "no_bias", "multiplier"])
        }
        "max_pool" => {
            let size = words.size("a window size, as in `max_pool 2`").unwrap_or([1, 1]);
            (Layer::MaxPool { size, stride: size, padding: Padding::Valid }, WINDOW_OPTIONS)
        }
        "avg_pool" => {
            let size = words.size("a window size, as in `avg_pool 2`").unwrap_or([1, 1]);
            (Layer::AvgPool { size, stride: size, padding: Padding::Valid }, WINDOW_OPTIONS)
        }
        "global_avg_pool" => (Layer::GlobalAvgPool, &[]),
        "global_max_pool" => (Layer::GlobalMaxPool, &[]),
        "dense" => {
            let units = words.whole("the number of outputs, as in `dense 10`").unwrap_or(1);
            (Layer::Dense { units, bias: true }, &["bias", "no_bias"])
        }
        "batch_norm" => (Layer::BatchNorm { epsilon: EPSILON, momentum: MOMENTUM }, &["epsilon", "momentum"]),
        "dropout" => {
            let rate = words.number("the share to drop, as in `dropout 0.3`").unwrap_or(0.0);
            (Layer::Dropout { rate }, &[])
        }
        "drop_path" => {
            let rate = words.number("the share of images, as in `drop_path 0.1`").unwrap_or(0.0);
            (Layer::DropPath { rate }, &[])
        }
        "flatten" => (Layer::Flatten, &[]),
        "add" => (Layer::Add, &[]),
        "concat" => (Layer::Concat, &[]),
        "multiply" => (Layer::Multiply, &[]),
        "scale" => (Layer::Scale { bias: true }, &["bias", "no_bias"]),
        "layer_norm" => (Layer::LayerNorm { epsilon: LAYER_EPSILON }, &["epsilon"]),
        "slice" => {
            let range = words.range("the channels, as in `slice 0..16`").unwrap_or(0..1);
            (Layer::Slice { first: range.start, channels: range.len() }, &[])
        }
        "shuffle" => {
            let groups = words.whole("the number of groups, as in `shuffle 2`").unwrap_or(1);
            (Layer::Shuffle { groups }, &[])
        }
        "pad" => {
            let [before, after] = words.sides(PAD).unwrap_or_default();
            (Layer::Pad { before, after }, &[])
        }
        "resize" => {
            let size = words.size("rows and columns, as in `resize 56x56`").unwrap_or([1, 1]);
            (Layer::Resize { size, method: Interpolation::Nearest }, &["nearest", "bilinear"])
        }
        _ if activation.is_some() => (Layer::Activation, &[]),
        _ => {
            let kinds = Layer::KINDS.into_iter().chain(Activation::ALL.map(Activation::name));
            words.unknown(span, kind, "a layer", &kinds.collect::<Vec<_>>());
            return None; // what follows cannot be judged
        }
    };
    let mut spec = LayerSpec { name, ..LayerSpec::new(layer) };
    if spec.layer.joins() {
        let with = words.word(&format!("the name of a layer, as in `{kind} conv1`"));
        spec.with = with.iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
    }
    let alone = spec.layer == Layer::Activation;
    options_of(words, &mut spec, &mut activation, options, (!alone).then_some(kind));
    spec.activation = activation.unwrap_or_default();
    Some(spec)
}

/// The options after kind and sizes; `kind` only if an activation may be among them.
fn options_of(
    words: &mut Words<'_>,
    spec: &mut LayerSpec,
    activation: &mut Option<Activation>,
    options: &[&'static str],
    kind: Option<&str>,
) {
    let mut seen: Vec<&str> = Vec::new();
    while let Some((span, word)) = words.next() {
        let mut group = word;
        if word == "from" {
            spec.from = words.word("the name of a layer, as in `from conv1`").or(spec.from.take());
        } else if options.contains(&word) {
            group = option(words, &mut spec.layer, word);
        } else if let (Some(_), Some(found)) = (kind, words.activation(word)) {
            group = "activation";
            *activation = Some(found);
        } else {
            let activations = Activation::ALL.map(Activation::name);
            let valid: Vec<_> = options.iter().copied().chain(["from"]).collect();
            let what = match kind {
                Some(kind) => format!("an activation or an option of {kind} ({})", valid.join(", ")),
                None => "from NAME or nothing more".to_owned(),
            };
            let candidates = valid.iter().copied().chain(kind.into_iter().flat_map(|_| activations));
            let meant = words.unknown(span, word, &what, &candidates.collect::<Vec<_>>());
            if VALUED.contains(&meant.unwrap_or(word)) {
                words.next(); // the value of a mistyped option, or of another layer's
            }
            continue;
        }
        if seen.contains(&group) {
            words.problem(span, format!("expected one {group}, found a second, `{word}`"), None);
        }
        seen.push(group);
    }
}

/// Applies an option and names what it decides, since `same` and `valid` exclude each other.
fn option(words: &mut Words<'_>, layer: &mut Layer, word: &str) -> &'static str {
    match layer {
        Layer::Conv2d { stride, padding, .. }
        | Layer::Depthwise { stride, padding, .. }
        | Layer::MaxPool { stride, padding, .. }
        | Layer::AvgPool { stride, padding, .. }
            if WINDOW_OPTIONS.contains(&word) =>
        {
            if word == "stride" {
                *stride = words.size("a stride, as in `stride 2`").unwrap_or(*stride);
                return "stride";
            }
            *padding = match word {
                "same" => Padding::Same,
                "pad" => {
                    let sides = words.sides(PAD);
                    sides.map_or(*padding, |[before, after]| Padding::Explicit { before, after })
                }
                _ => Padding::Valid,
            };
            "padding"
        }
        Layer::Conv2d { groups, .. } if word == "groups" => {
            *groups = words.whole("a number of groups, as in `groups 4`").unwrap_or(*groups);
            "groups"
        }
        Layer::Conv2d { dilation, .. } if word == "dilation" => {
            *dilation = words.size("a dilation, as in `dilation 2`").unwrap_or(*dilation);
            "dilation"
        }
        Layer::Resize { method, .. } => {
            *method = if word == "bilinear" { Interpolation::Bilinear } else { Interpolation::Nearest };
            "method"
        }
        Layer::LayerNorm { epsilon } => {
            *epsilon = words.number("a number, as in `epsilon 1e-6`").unwrap_or(*epsilon);
            "epsilon"
        }
        Layer::Depthwise { multiplier, .. } if word == "multiplier" => {
            *multiplier = words.whole("filters a channel, as in `multiplier 2`").unwrap_or(*multiplier);
            "multiplier"
        }
        Layer::Conv2d { bias, .. }
        | Layer::Depthwise { bias, .. }
        | Layer::Dense { bias, .. }
        | Layer::Scale { bias } => {
            *bias = word == "bias";
            "bias"
        }
        Layer::BatchNorm { epsilon, momentum } => {
            let (slot, name, what) = if word == "epsilon" {
                (epsilon, "epsilon", "a number, as in `epsilon 0.001`")
            } else {
                (momentum, "momentum", "a number, as in `momentum 0.99`")
            };
            *slot = words.number(what).unwrap_or(*slot);
            name
        }
        _ => "option",
    }
}

/// The words of a text, read from left to right.
struct Words<'t> {
    text: &'t str,
    at: usize,
    problems: Vec<WordProblem>,
}

impl<'t> Words<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, problems: Vec::new() }
    }

    /// The next word with its place, without taking it.
    fn peek(&self) -> Option<(Range<usize>, &'t str)> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let word = self.text[start..].split_whitespace().next()?;
        Some((start..start + word.len(), word))
    }

    fn next(&mut self) -> Option<(Range<usize>, &'t str)> {
        let (span, word) = self.peek()?;
        self.at = span.end;
        Some((span, word))
    }

    fn problem(&mut self, span: Range<usize>, message: String, hint: Option<String>) {
        self.problems.push(WordProblem { span, message, hint });
    }

    fn missing(&mut self, what: &str) {
        let end = self.text.len();
        self.problem(end..end, format!("expected {what}, found the end"), None);
    }

    /// Reports a word that is none of `candidates`; the nearest of them.
    fn unknown<'c>(
        &mut self,
        span: Range<usize>,
        word: &str,
        what: &str,
        candidates: &[&'c str],
    ) -> Option<&'c str> {
        let meant = nearest(word, candidates.iter().copied());
        let hint = match meant {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None if candidates.len() == 1 => None,
            None => Some(format!("the words that fit here are {}", candidates.join(", "))),
        };
        self.problem(span, format!("expected {what}, found `{word}`"), hint);
        meant
    }

    /// `NAME:` at the very start.
    fn name(&mut self) -> Option<String> {
        let (_, word) = self.peek()?;
        let name = word.strip_suffix(':')?;
        self.next();
        Some(name.to_owned())
    }

    fn word(&mut self, what: &str) -> Option<String> {
        let word = self.next();
        if word.is_none() {
            self.missing(what);
        }
        word.map(|(_, word)| word.to_owned())
    }

    /// The next word as a value, if `read` can make one of it.
    fn value<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Some((span, word)) = self.peek() else {
            self.missing(what);
            return None;
        };
        let value = read(word);
        if value.is_none() {
            self.problem(span, format!("expected {what}, found `{word}`"), None);
        }
        let option = ["valid", "same", "bias", "no_bias", "nearest", "bilinear"].contains(&word)
            || VALUED.contains(&word);
        if value.is_some() || !(option || Activation::named(word).is_some()) {
            self.next();
        }
        value
    }

    fn whole(&mut self, what: &str) -> Option<usize> {
        self.value(what, |word| word.parse().ok())
    }

    fn number(&mut self, what: &str) -> Option<f32> {
        self.value(what, |word| word.parse().ok().filter(|x: &f32| x.is_finite()))
    }

    fn size(&mut self, what: &str) -> Option<[usize; 2]> {
        self.value(what, |word| {
            let (h, w) = word.split_once('x').unwrap_or((word, word));
            Some([h.parse().ok()?, w.parse().ok()?])
        })
    }

    /// `1`, `1x2` or `0x0x1x1`: zeros `[[above, left], [below, right]]`.
    fn sides(&mut self, what: &str) -> Option<[[usize; 2]; 2]> {
        self.value(what, |word| {
            let numbers: Option<Vec<usize>> = word.split('x').map(|number| number.parse().ok()).collect();
            match numbers?[..] {
                [all] => Some([[all, all], [all, all]]),
                [rows, columns] => Some([[rows, columns], [rows, columns]]),
                [above, left, below, right] => Some([[above, left], [below, right]]),
                _ => None,
            }
        })
    }

    /// `0..16`
    fn range(&mut self, what: &str) -> Option<Range<usize>> {
        self.value(what, |word| {
            let (start, end) = word.split_once("..")?;
            let range = start.parse().ok()?..end.parse().ok()?;
            (!range.is_empty()).then_some(range)
        })
    }

    /// The next word as a number, if it is one.
    fn follows(&mut self) -> Option<f32> {
        let number = self.peek().and_then(|(_, word)| word.parse().ok()).filter(|x: &f32| x.is_finite());
        if number.is_some() {
            self.next();
        }
        number
    }

    /// The activation called `word`, with its numbers if they follow.
    fn activation(&mut self, word: &str) -> Option<Activation> {
        let found = Activation::named(word)?;
        Some(match found {
            Activation::LeakyRelu(_) => self.follows().map_or(found, Activation::LeakyRelu),
            Activation::Clip(low, high) => {
                let low = self.follows().unwrap_or(low);
                Activation::Clip(low, self.follows().unwrap_or(high))
            }
            _ => found,
        })
    }
}
