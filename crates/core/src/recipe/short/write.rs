//! Writing the short form, every default spelled out but one group, which is what makes a convolution an ordinary one.

use crate::graph::{Activation, Layer, LayerSpec};

/// The text that [`super::parse_layer`] reads as `spec`, if its names can be written at all.
pub fn write_layer(spec: &LayerSpec) -> String {
    let LayerSpec { name, layer, activation, from, with } = spec;
    let mut text = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let alone = *layer == Layer::Activation;
    let kind = if alone { write_activation(*activation) } else { layer.kind(*activation).to_owned() };
    text.push_str(&kind);
    text.push_str(&numbers(layer));
    if let Some(with) = with {
        text.push_str(&format!(" {with}"));
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
        _ => activation.name().to_owned(),
    }
}

/// The numbers and options of a layer, with a space before.
fn numbers(layer: &Layer) -> String {
    let size = |[h, w]: [usize; 2]| if h == w { h.to_string() } else { format!("{h}x{w}") };
    let bias_word = |bias| if bias { "bias" } else { "no_bias" };
    match *layer {
        Layer::Conv2d { filters, kernel: [h, w], stride, padding, bias, groups } => {
            let groups = if groups == 1 { String::new() } else { format!(" groups {groups}") };
            let (stride, padding, bias) = (size(stride), padding.name(), bias_word(bias));
            format!(" {filters} {h}x{w} stride {stride} {padding} {bias}{groups}")
        }
        Layer::Depthwise { multiplier, kernel: [h, w], stride, padding, bias } => {
            let (stride, padding, bias) = (size(stride), padding.name(), bias_word(bias));
            format!(" {h}x{w} stride {stride} {padding} {bias} multiplier {multiplier}")
        }
        Layer::MaxPool { size: window, stride, padding }
        | Layer::AvgPool { size: window, stride, padding } => {
            format!(" {} stride {} {}", size(window), size(stride), padding.name())
        }
        Layer::Dense { units, bias } => format!(" {units} {}", bias_word(bias)),
        Layer::BatchNorm { epsilon, momentum } => format!(" epsilon {epsilon} momentum {momentum}"),
        Layer::Dropout { rate } => format!(" {rate}"),
        Layer::GlobalAvgPool | Layer::GlobalMaxPool | Layer::Activation | Layer::Flatten | Layer::Add => {
            String::new()
        }
    }
}
