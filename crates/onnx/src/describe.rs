//! What a file says of itself, for a model that is run without being read: its image, its operators, its names.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use seamripper_core::graph::Preprocessing;

use crate::error::OnnxError;
use crate::image::{Said, image_of};
use crate::import::Options;
use crate::metadata;
use crate::proto::{EXTERNAL, GraphProto, ModelProto, NodeProto, TensorProto, data_type};

/// A model as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Name of the image among the inputs.
    pub image: String,
    /// `[h, w, c]` of it.
    pub input: [usize; 3],
    /// Whether the file wants `[n, h, w, c]`, and not `[n, c, h, w]`.
    pub channels_last: bool,
    /// Images in a batch, if the file says how many.
    pub batch: Option<usize>,
    /// Name of the output that is taken for the logits or probabilities.
    pub output: String,
    /// Operators and how many nodes there are of each, most first, those in branches and loops too.
    pub operators: Vec<(String, usize)>,
    /// Numbers in the tensors of floating point.
    pub parameters: usize,
    /// From pixels to what the model reads.
    pub preprocessing: Preprocessing,
    /// Names of the files beside the model that hold its tensors.
    pub files: Vec<String>,
    /// Sentences on what was assumed.
    pub notes: Vec<String>,
    classes: Option<Vec<String>>,
}

impl Described {
    /// Names of the classes of a model with `outputs` of them, and what is to be said of them.
    ///
    /// # Errors
    /// If there are names, but not as many.
    pub fn classes(&self, outputs: usize) -> Result<(Vec<String>, Option<String>), OnnxError> {
        metadata::named(self.classes.clone(), outputs)
    }
}

/// What the file says of a model that may have any operators. Its nodes are counted and not looked at.
///
/// # Errors
/// If the bytes are no ONNX model, or its input is not one image of 32-bit floating point numbers.
pub fn describe(bytes: &[u8], options: &Options<'_>) -> Result<Described, OnnxError> {
    let model = ModelProto::decode(bytes)
        .map_err(|error| OnnxError::Broken { bytes: bytes.len(), reason: error.to_string() })?;
    let graph = model.graph.as_ref().ok_or(OnnxError::NoGraph)?;
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|tensor| &*tensor.name).collect();
    let inputs: Vec<_> = graph.input.iter().filter(|input| !constants.contains(&*input.name)).collect();
    let [input] = inputs[..] else {
        let names: Vec<_> = inputs.iter().map(|input| &*input.name).collect();
        let found = if names.is_empty() { "none".into() } else { format!("inputs {}", names.join(", ")) };
        return Err(OnnxError::Input { name: "of the model".into(), found });
    };
    let size = options.size.or_else(|| metadata::size(&model));
    let Said { shape, channels_last, batch } = image_of(input, size)?;
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    if let Some(other) = tensor.map(|tensor| tensor.elem_type).filter(|&kind| kind != data_type::FLOAT) {
        let found = format!("one of {}, where float is fed", type_name(other));
        return Err(OnnxError::Input { name: input.name.clone(), found });
    }
    let output = graph.output.first().map(|output| output.name.clone()).unwrap_or_default();
    let mut notes = Vec::new();
    if graph.output.len() > 1 {
        let others = graph.output.len() - 1;
        notes.push(format!("output {output} is taken for the logits; there are {others} more"));
    }
    let mut counted = Counted::default();
    counted.graph(graph);
    let mut operators: Vec<(String, usize)> = counted.operators.into_iter().collect();
    operators.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let given = options.preprocessing.clone();
    let (preprocessing, said) = metadata::preprocessing(&model, given, shape[2]);
    notes.extend(said);
    Ok(Described {
        image: input.name.clone(),
        input: shape,
        channels_last,
        batch: batch.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0),
        output,
        operators,
        parameters: counted.parameters,
        preprocessing,
        files: counted.files.into_iter().collect(),
        notes,
        classes: options.classes.clone().or_else(|| metadata::classes(&model)),
    })
}

#[derive(Default)]
struct Counted {
    operators: BTreeMap<String, usize>,
    parameters: usize,
    files: BTreeSet<String>,
}

impl Counted {
    fn graph(&mut self, graph: &GraphProto) {
        graph.initializer.iter().for_each(|tensor| self.tensor(tensor, true));
        graph.node.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &NodeProto) {
        let domain = Some(&*node.domain).filter(|domain| !["", "ai.onnx"].contains(domain));
        let name = domain.map_or(node.op_type.clone(), |domain| format!("{domain}.{}", node.op_type));
        *self.operators.entry(name).or_default() += 1;
        for attribute in &node.attribute {
            attribute.t.iter().for_each(|tensor| self.tensor(tensor, false));
            attribute.g.as_deref().into_iter().chain(&attribute.graphs).for_each(|graph| self.graph(graph));
        }
    }

    fn tensor(&mut self, tensor: &TensorProto, counts: bool) {
        let float = [data_type::FLOAT, data_type::FLOAT16, data_type::BFLOAT16, data_type::DOUBLE]
            .contains(&tensor.data_type);
        if counts && float {
            let numbers =
                tensor.dims.iter().try_fold(1_usize, |n, &x| n.checked_mul(usize::try_from(x).ok()?));
            self.parameters = self.parameters.saturating_add(numbers.unwrap_or(0));
        }
        if tensor.data_location == EXTERNAL {
            let location = tensor.external_data.iter().find(|entry| entry.key == "location");
            self.files.extend(location.map(|entry| entry.value.clone()));
        }
    }
}

/// What `onnx.proto` calls a type of elements.
fn type_name(kind: i32) -> String {
    match kind {
        data_type::UINT8 => "uint8".to_owned(),
        data_type::INT8 => "int8".to_owned(),
        data_type::INT32 => "int32".to_owned(),
        data_type::INT64 => "int64".to_owned(),
        data_type::BOOL => "bool".to_owned(),
        data_type::FLOAT16 => "float16".to_owned(),
        data_type::DOUBLE => "double".to_owned(),
        data_type::BFLOAT16 => "bfloat16".to_owned(),
        other => format!("data type {other}"),
    }
}
