//! The operators of each layer.

use seamripper_core::graph::{
    Activation, Convolution, Interpolation, Layer, NodeId, Padding, Role, Source, window_padding,
};

use super::feeds_dense_only;
use super::writer::{Writer, float, int, ints, text};
use crate::proto::AttributeProto;

/// Appends the operators of node `id`.
pub(super) fn write(writer: &mut Writer<'_>, id: NodeId) {
    let node = writer.graph.nodes[id].clone();
    let (name, source) = (&*node.name, node.inputs[0]);
    let flat = writer.value(source).1;
    let (mut output, mut is_flat) = match &node.layer {
        Layer::Conv2d { .. } | Layer::Depthwise { .. } => (convolution(writer, id), false),
        Layer::Dense { .. } => (dense(writer, id), true),
        Layer::MaxPool { size, stride, padding } => {
            let attributes = windows(writer, source, *size, *size, *stride, *padding);
            let input = writer.image(source);
            (writer.op("MaxPool", name, &[&input], attributes), false)
        }
        Layer::AvgPool { size, stride, padding } => {
            let mut attributes = windows(writer, source, *size, *size, *stride, *padding);
            attributes.push(int("count_include_pad", 0));
            let input = writer.image(source);
            (writer.op("AveragePool", name, &[&input], attributes), false)
        }
        Layer::GlobalAvgPool | Layer::GlobalMaxPool => {
            let max = node.layer == Layer::GlobalMaxPool;
            let input = writer.image(source);
            (
                writer.op(
                    if max { "GlobalMaxPool" } else { "GlobalAveragePool" },
                    name,
                    &[&input],
                    Vec::new(),
                ),
                false,
            )
        }
        Layer::BatchNorm { epsilon, momentum } => {
            let c = [node.output[2]];
            let roles = [Role::Gamma, Role::Beta, Role::MovingMean, Role::MovingVariance];
            let mut inputs = vec![writer.value(source).0];
            inputs.extend(roles.iter().filter_map(|&role| writer.own(&node, role, &c)));
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let attributes = vec![float("epsilon", *epsilon), float("momentum", *momentum)];
            (writer.op("BatchNormalization", name, &inputs, attributes), flat)
        }
        // Nothing is dropped at inference, and ONNX has no word for what is dropped in training.
        Layer::Activation | Layer::DropPath { .. } => (writer.value(source).0, flat),
        Layer::Dropout { rate } => {
            let ratio = writer.tensor(&format!("{name}.ratio"), &[], &[*rate]);
            let input = writer.value(source).0;
            (writer.op("Dropout", name, &[&input, &ratio], Vec::new()), flat)
        }
        Layer::Flatten => (flatten(writer, id), true),
        Layer::Add | Layer::Concat | Layer::Multiply => joined(writer, id),
        Layer::Scale { .. } => {
            let c = node.output[2];
            let shape = if flat { vec![c] } else { vec![c, 1, 1] };
            let input = writer.value(source).0;
            let gamma = writer.own(&node, Role::Gamma, &shape).expect("a scale has a gamma");
            let product = writer.op("Mul", name, &[&input, &gamma], Vec::new());
            match writer.own(&node, Role::Beta, &shape) {
                Some(beta) => {
                    (writer.op("Add", &format!("{name}/add"), &[&product, &beta], Vec::new()), flat)
                }
                None => (product, flat),
            }
        }
        Layer::LayerNorm { epsilon } => (layer_norm(writer, id, *epsilon), flat),
        Layer::Slice { first, channels } => {
            let numbers = [*first, first + channels, 1].map(|number| number as i64);
            let names = ["starts", "ends", "axes"];
            let mut inputs = vec![writer.value(source).0];
            for (what, number) in names.into_iter().zip(numbers) {
                inputs.push(writer.wholes(&format!("{name}.{what}"), &[number]));
            }
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            (writer.op("Slice", name, &inputs, Vec::new()), flat)
        }
        Layer::Shuffle { groups } => (shuffle(writer, id, *groups), false),
        Layer::Pad { before, after } => {
            let pads = [0, 0, before[0], before[1], 0, 0, after[0], after[1]].map(|side| side as i64);
            let (input, pads) = (writer.image(source), writer.wholes(&format!("{name}.pads"), &pads));
            (writer.op("Pad", name, &[&input, &pads], vec![text("mode", "constant")]), false)
        }
        Layer::Resize { method, .. } => {
            let bilinear = *method == Interpolation::Bilinear;
            let [h, w, _] = node.output;
            // Sizes need the batch's, which is open; scales are rounded to what gives the size again.
            let [from_h, from_w, _] = writer.graph.shape(source);
            let scale = |to: usize, from: usize| {
                let exact = to as f32 / from as f32;
                if (from as f32 * exact).floor() as usize == to { exact } else { exact.next_up() }
            };
            let scales = [1.0, 1.0, scale(h, from_h), scale(w, from_w)];
            let (input, scales) =
                (writer.image(source), writer.tensor(&format!("{name}.scales"), &[4], &scales));
            let place = if bilinear { "half_pixel" } else { "asymmetric" };
            let attributes = vec![
                text("mode", if bilinear { "linear" } else { "nearest" }),
                text("coordinate_transformation_mode", place),
                text("nearest_mode", "floor"),
            ];
            (writer.op("Resize", name, &[&input, "", &scales], attributes), false)
        }
    };
    if node.activation != Activation::Identity {
        let before = writer.flattened.get(&output).copied();
        let name = if node.layer == Layer::Activation {
            name.to_owned()
        } else {
            format!("{name}/{}", node.activation.name())
        };
        output = activation(writer, &name, &output, node.activation);
        if let Some(shape) = before {
            writer.flattened.insert(output.clone(), shape);
        }
    } else if matches!(node.layer, Layer::Dropout { .. })
        && let Some(&shape) = writer.flattened.get(&writer.value(source).0)
    {
        writer.flattened.insert(output.clone(), shape);
    }
    is_flat &= node.output[..2] == [1, 1];
    writer.outputs.push((output, is_flat));
}

/// `kernel_shape`, `strides` and `pads` of windows that span `span` over `source`.
fn windows(
    writer: &Writer<'_>,
    source: Source,
    size: [usize; 2],
    span: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
) -> Vec<AttributeProto> {
    let [h, w, _] = writer.graph.shape(source);
    let (before, out) = window_padding([h, w], span, stride, padding);
    let after = match padding {
        Padding::Explicit { after, .. } => after,
        Padding::Valid | Padding::Same => [0, 1].map(|axis| {
            ((out[axis] - 1) * stride[axis] + span[axis]).saturating_sub(before[axis] + [h, w][axis])
        }),
    };
    let pads = [before[0], before[1], after[0], after[1]];
    vec![ints("kernel_shape", &size), ints("strides", &stride), ints("pads", &pads)]
}

fn convolution(writer: &mut Writer<'_>, id: NodeId) -> String {
    let node = &writer.graph.nodes[id].clone();
    let conv = writer.graph.convolution(id).expect("a convolution");
    let Convolution { filters, kernel: [kh, kw], stride, padding, groups, dilation, .. } = conv;
    let (values, kernel_name) = writer.parameter(node, Role::Kernel).expect("a convolution has a kernel");
    let each = values.len() / (kh * kw * filters);
    let mut moved = vec![0.0; values.len()];
    for (from, &value) in values.iter().enumerate() {
        let (tap, channel, filter) = (from / (each * filters), from / filters % each, from % filters);
        moved[(filter * each + channel) * kh * kw + tap] = value;
    }
    let kernel = writer.tensor(kernel_name, &[filters, each, kh, kw], &moved);
    let mut inputs = vec![writer.image(node.inputs[0]), kernel];
    inputs.extend(writer.own(node, Role::Bias, &[filters]));
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let mut attributes = windows(writer, node.inputs[0], [kh, kw], conv.span(), stride, padding);
    attributes.extend([int("group", groups as i64), ints("dilations", &dilation)]);
    writer.op("Conv", &node.name, &inputs, attributes)
}

fn dense(writer: &mut Writer<'_>, id: NodeId) -> String {
    let node = &writer.graph.nodes[id].clone();
    let units = node.output[2];
    let input = writer.flat(node.inputs[0]);
    let (values, kernel_name) = writer.parameter(node, Role::Kernel).expect("a dense layer has a kernel");
    let mut rows = values.to_vec();
    if let Some(&[h, w, c]) = writer.flattened.get(&input) {
        for (row, to) in rows.chunks_exact_mut(units).enumerate() {
            let (channel, place) = (row / (h * w), row % (h * w));
            to.copy_from_slice(&values[(place * c + channel) * units..][..units]);
        }
    }
    let kernel = writer.tensor(kernel_name, &[rows.len() / units, units], &rows);
    let mut inputs = vec![input, kernel];
    inputs.extend(writer.own(node, Role::Bias, &[units]));
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    writer.op("Gemm", &node.name, &inputs, Vec::new())
}

fn flatten(writer: &mut Writer<'_>, id: NodeId) -> String {
    let node = &writer.graph.nodes[id].clone();
    let source = node.inputs[0];
    let [h, w, c] = writer.graph.shape(source);
    if [h, w] == [1, 1] {
        return writer.flat(source);
    }
    let mut input = writer.image(source);
    let channels_first = feeds_dense_only(writer.graph, id);
    if !channels_first {
        input = writer.op(
            "Transpose",
            &format!("{}/transpose", node.name),
            &[&input],
            vec![ints("perm", &[0, 2, 3, 1])],
        );
    }
    let output = writer.op("Flatten", &node.name, &[&input], vec![int("axis", 1)]);
    if channels_first {
        writer.flattened.insert(output.clone(), [h, w, c]);
    }
    output
}

/// A sum, concatenation or product: flat if all it reads is.
fn joined(writer: &mut Writer<'_>, id: NodeId) -> (String, bool) {
    let node = &writer.graph.nodes[id].clone();
    let flat = node.inputs.iter().all(|&source| writer.value(source).1);
    let inputs: Vec<String> = (node.inputs.iter())
        .map(|&source| if flat { writer.value(source).0 } else { writer.image(source) })
        .collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let output = match node.layer {
        Layer::Concat => writer.op("Concat", &node.name, &inputs, vec![int("axis", 1)]),
        Layer::Multiply => writer.op("Mul", &node.name, &inputs, Vec::new()),
        _ if inputs.len() == 2 => writer.op("Add", &node.name, &inputs, Vec::new()),
        _ => writer.op("Sum", &node.name, &inputs, Vec::new()),
    };
    (output, flat)
}

fn layer_norm(writer: &mut Writer<'_>, id: NodeId, epsilon: f32) -> String {
    let node = &writer.graph.nodes[id].clone();
    let (mut value, flat) = writer.value(node.inputs[0]);
    let c = [node.output[2]];
    let gamma = writer.own(node, Role::Gamma, &c).expect("a layer normalization has a gamma");
    let beta = writer.own(node, Role::Beta, &c).expect("a layer normalization has a beta");
    if !flat {
        value = writer.op(
            "Transpose",
            &format!("{}/last", node.name),
            &[&value],
            vec![ints("perm", &[0, 2, 3, 1])],
        );
    }
    let attributes = vec![int("axis", -1), float("epsilon", epsilon)];
    value = writer.op("LayerNormalization", &node.name, &[&value, &gamma, &beta], attributes);
    if !flat {
        value = writer.op(
            "Transpose",
            &format!("{}/first", node.name),
            &[&value],
            vec![ints("perm", &[0, 3, 1, 2])],
        );
    }
    value
}

fn shuffle(writer: &mut Writer<'_>, id: NodeId, groups: usize) -> String {
    let node = &writer.graph.nodes[id].clone();
    let [h, w, c] = node.output.map(|length| length as i64);
    let name = &node.name;
    let input = writer.image(node.inputs[0]);
    let apart = writer.wholes(&format!("{name}.apart"), &[0, groups as i64, c / groups as i64, h, w]);
    let together = writer.wholes(&format!("{name}.together"), &[0, c, h, w]);
    let value = writer.op("Reshape", &format!("{name}/apart"), &[&input, &apart], Vec::new());
    let value = writer.op("Transpose", name, &[&value], vec![ints("perm", &[0, 2, 1, 3, 4])]);
    writer.op("Reshape", &format!("{name}/together"), &[&value, &together], Vec::new())
}

fn activation(writer: &mut Writer<'_>, name: &str, input: &str, activation: Activation) -> String {
    let one = |writer: &mut Writer<'_>, op: &str, attributes| writer.op(op, name, &[input], attributes);
    match activation {
        Activation::Identity => input.to_owned(),
        Activation::Relu => one(writer, "Relu", Vec::new()),
        Activation::Relu6 => clip(writer, name, input, 0.0, 6.0),
        Activation::Clip(low, high) => clip(writer, name, input, low, high),
        Activation::LeakyRelu(slope) => one(writer, "LeakyRelu", vec![float("alpha", slope)]),
        Activation::Elu => one(writer, "Elu", vec![float("alpha", 1.0)]),
        Activation::Sigmoid => one(writer, "Sigmoid", Vec::new()),
        Activation::Tanh => one(writer, "Tanh", Vec::new()),
        Activation::Softplus => one(writer, "Softplus", Vec::new()),
        Activation::HardSwish => one(writer, "HardSwish", Vec::new()),
        Activation::HardSigmoid => {
            one(writer, "HardSigmoid", vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)])
        }
        Activation::Silu => {
            let gate = writer.op("Sigmoid", &format!("{name}/sigmoid"), &[input], Vec::new());
            writer.op("Mul", name, &[input, &gate], Vec::new())
        }
        Activation::Gelu => {
            let mut number = |what: &str, value: f32| writer.tensor(&format!("{name}.{what}"), &[], &[value]);
            let (root, half) = (number("root", std::f32::consts::SQRT_2), number("half", 0.5));
            let unit = number("one", 1.0);
            let value = writer.op("Div", &format!("{name}/div"), &[input, &root], Vec::new());
            let value = writer.op("Erf", &format!("{name}/erf"), &[&value], Vec::new());
            let value = writer.op("Add", &format!("{name}/add"), &[&value, &unit], Vec::new());
            let value = writer.op("Mul", &format!("{name}/mul"), &[input, &value], Vec::new());
            writer.op("Mul", name, &[&value, &half], Vec::new())
        }
    }
}

fn clip(writer: &mut Writer<'_>, name: &str, input: &str, low: f32, high: f32) -> String {
    let bounds = [("min", low), ("max", high)]
        .map(|(what, value)| writer.tensor(&format!("{name}.{what}"), &[], &[value]));
    writer.op("Clip", name, &[input, &bounds[0], &bounds[1]], Vec::new())
}
