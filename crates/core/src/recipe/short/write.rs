//! Writing the short form, every default spelled out but one group, which is what makes a convolution an ordinary one.

use crate::graph::{Activation, Layer, LayerSpec, Padding};

/// The text that [`super::parse_layer`] reads as `spec`, if its names can be written at all.
pub fn write_layer(spec: &LayerSpec) -> String {
    let LayerSpec { name, layer, activation, from, with } = spec;
    let mut text = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let alone = *layer == Layer::Activation;
    let kind = if alone { write_activation(*activation) } else { layer.kind(*activation).to_owned() };
    text.push_str(&kind);
    text.push_str(&numbers(layer));
    if !with.is_empty() {
        text.push_str(&format!(" {}", with.join(",")));
    }
    if let Some(from) = from {
        text.push_str(&format!(" from {from}"));
    }
    if !alone && *activation != Activation::Identity {
        text.push_str(&format!(" {}", write_activation(*activation)));
    }
    text
}

/// `relu`, `leaky_relu 0.2`
fn write_activation(activation: Activation) -> String {
    match activation {
        Activation::LeakyRelu(slope) => format!("{} {slope}", activation.name()),
        Activation::Clip(low, high) => format!("{} {low} {high}", activation.name()),
        _ => activation.name().to_owned(),
    }
}

/// `pad`'s value: `1`, `1x2` where above and below, left and right are equal, else `0x0x1x1`.
fn sides([above, left]: [usize; 2], [below, right]: [usize; 2]) -> String {
    match (above == below && left == right, above == left) {
        (true, true) => above.to_string(),
        (true, false) => format!("{above}x{left}"),
        _ => format!("{above}x{left}x{below}x{right}"),
    }
}

/// `valid`, `same`, `pad 1`
fn padded(padding: Padding) -> String {
    match padding {
        Padding::Explicit { before, after } => format!("pad {}", sides(before, after)),
        Padding::Valid | Padding::Same => padding.name().to_owned(),
    }
}

/// The numbers and options of a layer, with a space before.
fn numbers(layer: &Layer) -> String {
    let size = |[h, w]: [usize; 2]| if h == w { h.to_string() } else { format!("{h}x{w}") };
    let bias_word = |bias| if bias { "bias" } else { "no_bias" };
    match *layer {
        Layer::Conv2d { filters, kernel: [h, w], stride, padding, bias, groups, dilation } => {
            let groups = if groups == 1 { String::new() } else { format!(" groups {groups}") };
            let dilation =
                if dilation == [1, 1] { String::new() } else { format!(" dilation {}", size(dilation)) };
            let (stride, padding, bias) = (size(stride), padded(padding), bias_word(bias));
            format!(" {filters} {h}x{w} stride {stride} {padding} {bias}{groups}{dilation}")
        }
        Layer::Depthwise { multiplier, kernel: [h, w], stride, padding, bias } => {
            let (stride, padding, bias) = (size(stride), padded(padding), bias_word(bias));
            format!(" {h}x{w} stride {stride} {padding} {bias} multiplier {multiplier}")
        }
        Layer::MaxPool { size: window, stride, padding }
        | Layer::AvgPool { size: window, stride, padding } => {
            format!(" {} stride {} {}", size(window), size(stride), padded(padding))
        }
        Layer::Dense { units, bias } => format!(" {units} {}", bias_word(bias)),
        Layer::BatchNorm { epsilon, momentum } => format!(" epsilon {epsilon} momentum {momentum}"),
        Layer::Dropout { rate } | Layer::DropPath { rate } => format!(" {rate}"),
        Layer::Scale { bias } => format!(" {}", bias_word(bias)),
        Layer::LayerNorm { epsilon } => format!(" epsilon {epsilon}"),
        Layer::Slice { first, channels } => format!(" {first}..{}", first.saturating_add(channels)),
        Layer::Shuffle { groups } => format!(" {groups}"),
        Layer::Pad { before, after } => format!(" {}", sides(before, after)),
        Layer::Resize { size: [h, w], method } => format!(" {h}x{w} {}", method.name()),
        Layer::GlobalAvgPool
        | Layer::GlobalMaxPool
        | Layer::Activation
        | Layer::Flatten
        | Layer::Add
        | Layer::Concat
        | Layer::Multiply => String::new(),
    }
}
