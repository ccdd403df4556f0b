//! What is known of a model that is run and not read: what goes in and out, and which operators it has.

use std::fmt::Write as _;

use seamripper_blackbox::Batch;
use seamripper_core::digits::thousands;
use seamripper_core::graph::Preprocessing;
use seamripper_onnx::OnnxError;
use serde::Serialize;

use crate::blackbox_file::BlackboxFile;
use crate::import::classes_in_words;

/// The `black_box` of the JSON document.
#[derive(Debug, Serialize)]
pub struct Known<'a> {
    /// `[h, w, c]`
    input: [usize; 3],
    /// As the file wants images.
    layout: &'static str,
    /// Images at a time, at most.
    batch: usize,
    /// Whether it takes no fewer.
    fixed: bool,
    classes: &'a [String],
    /// What the file gives.
    output: &'static str,
    preprocessing: &'a Preprocessing,
    operators: Vec<Operator<'a>>,
    /// Why there are no layers.
    unread: Vec<Unread<'a>>,
}

#[derive(Debug, Serialize)]
struct Operator<'a> {
    operator: &'a str,
    nodes: usize,
}

#[derive(Debug, Serialize)]
struct Unread<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    reason: String,
}

impl<'a> Known<'a> {
    pub fn of(file: &'a BlackboxFile) -> Self {
        let described = file.model.described();
        let (batch, fixed) = match file.model.batch() {
            Batch::Exactly(batch) => (batch, true),
            Batch::UpTo(batch) => (batch, false),
        };
        let operator = |(operator, nodes): &'a (String, usize)| Operator { operator, nodes: *nodes };
        let unread = match &file.why {
            OnnxError::Unsupported(operators) => operators
                .iter()
                .map(|one| Unread {
                    operator: Some(&one.op),
                    node: Some(&one.node),
                    reason: one.reason.clone(),
                })
                .collect(),
            other => vec![Unread { operator: None, node: None, reason: other.to_string() }],
        };
        Self {
            input: described.input,
            layout: if described.channels_last { "nhwc" } else { "nchw" },
            batch,
            fixed,
            classes: file.model.classes(),
            output: if file.model.gives_probabilities() { "probabilities" } else { "logits" },
            preprocessing: file.model.preprocessing(),
            operators: described.operators.iter().map(operator).collect(),
            unread,
        }
    }

    /// Lines for the terminal.
    pub fn text(&self, parameters: usize) -> String {
        let Self { input: [h, w, c], classes, preprocessing, .. } = self;
        let axes =
            if self.layout == "nhwc" { format!("[n, {h}, {w}, {c}]") } else { format!("[n, {c}, {h}, {w}]") };
        let at_a_time = if self.fixed { self.batch.to_string() } else { format!("up to {}", self.batch) };
        let channels = if *c == 1 { "channel" } else { "channels" };
        let operators: Vec<_> =
            self.operators.iter().map(|one| format!("{} {}", one.operator, one.nodes)).collect();
        let rows = [
            ("images", format!("{h} x {w}, {c} {channels}, in the file {axes}; {at_a_time} at a time")),
            ("prepared", preprocessing.to_string()),
            ("classes", classes_in_words(classes)),
            ("output", self.output.to_owned()),
            ("parameters", thousands(parameters as u64)),
            ("operators", wrapped(&operators)),
        ];
        let mut text = "a black box: it is run by rten, and its layers are not read\n".to_owned();
        for (name, value) in rows {
            let _ = writeln!(text, "  {name:10}  {value}"); // a String takes everything
        }
        text += "not read\n";
        for Unread { operator, node, reason } in &self.unread {
            let what = match (operator, node) {
                (Some(operator), Some(node)) => format!("{operator} {node}: "),
                _ => String::new(),
            };
            let _ = writeln!(text, "  {what}{reason}");
        }
        text
    }
}

/// Words with commas, on lines of a terminal's width below the value of a row.
fn wrapped(words: &[String]) -> String {
    /// Characters of a line.
    const WIDE: usize = 72;
    let mut text = String::new();
    let mut wide = 0;
    for (index, word) in words.iter().enumerate() {
        let word = if index + 1 < words.len() { format!("{word}, ") } else { word.clone() };
        if wide > 0 && wide + word.trim_end().chars().count() > WIDE {
            text = text.trim_end().to_owned() + "\n" + &" ".repeat(14);
            wide = 0;
        }
        wide += word.chars().count();
        text += &word;
    }
    text
}
