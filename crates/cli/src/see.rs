//! `seamripper see`: what every filter sees, what it is needed for, and which pixels a prediction rests on.

mod asked;
mod dreams;
mod earlier;
mod explain;
mod filters;
mod layout;
mod maps;
mod named_filter;
mod nearest;
mod pictures;
mod predicting;
mod sheets;
mod text;
mod windows;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use seamripper_core::graph::ModelFile;
use seamripper_core::see::Model;
use seamripper_core::see::document::Document;
use seamripper_data::whole_file;
use seamripper_sheets::Canvas;

use crate::args::Global;
use crate::blackbox_file::BlackboxFile;
use crate::diag::{Outcome, Stop, print};
use crate::digest;
use crate::eval::SplitName;
use crate::report::{AtEnd, Given, Report};
use crate::runnable::Runnable;
use crate::stages::Stages;
use crate::subject::Subject;
use crate::train::{instructions, threads};
use asked::Asked;

/// Arguments of `see`.
#[derive(Debug, Args)]
pub struct See {
    /// A run folder or a model file
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// Images to look at: ids as in predictions.parquet, or picture files [default: none, the whole split is looked at]
    #[arg(long, value_name = "ID|FILE", num_args = 1..)]
    pub image: Vec<String>,
    /// Shrink or enlarge picture files to the model's size, and say so
    #[arg(long, requires = "image")]
    pub fit: bool,
    /// Saliency methods, with commas [default: all]
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    pub method: Vec<String>,
    /// Layer of the sheets, and of class activation maps [default: all layers; the last with 7 x 7 places]
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// Class that is explained [default: the predicted one]
    #[arg(long, value_name = "CLASS", requires = "image")]
    pub target: Option<String>,
    /// Class that it is explained against [default: none]
    #[arg(long, value_name = "CLASS", requires = "image")]
    pub against: Option<String>,
    /// A response of a convolution to take apart: the patch, the products, their sum [default place: where it responds most]
    #[arg(long, value_name = "LAYER:FILTER[@ROW,COLUMN]", num_args = 1.., requires = "image")]
    pub window: Vec<String>,
    /// Two filters to make an image for that excites both [default: of the last convolution, the two that prefer each class most]
    #[arg(long, value_name = "LAYER:A,B", num_args = 1.., conflicts_with = "image")]
    pub pair: Vec<String>,
    /// Parts to do, with commas [default: all]
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',', conflicts_with = "image")]
    pub only: Vec<Part>,
    /// Images to look at [default: the data of the run]
    #[arg(long, value_name = "SOURCE")]
    pub data: Option<String>,
    /// Part of the data to look at [default: test]
    #[arg(long, value_enum, value_name = "SPLIT")]
    pub split: Option<SplitName>,
    /// Folder for the sheets and see.json [default: see in the run folder, or see here]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub at_end: AtEnd,
}

/// A part of looking at a whole split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Weights, exemplars, activation rates, dead and duplicate filters
    Filters,
    /// What each filter and layer is needed for
    Ablation,
    /// Which pixels each layer depends on, and how much
    Fields,
    /// How well a linear classifier does on each layer
    Probes,
    /// The image that excites each filter, class and pair of filters most
    Dreams,
    /// What saliency methods are worth on this model
    Trust,
    /// Where the images lie in the last layer
    Map,
}

/// Runs the verb.
pub fn run(verb: &See, global: &Global) -> Outcome {
    let isa = instructions()?;
    // Probes are fitted on training images, and an image is compared with them.
    let training = verb.only.is_empty() || verb.only.contains(&Part::Probes);
    let subject =
        Subject::read(&verb.model, verb.data.as_deref(), verb.split.map(Into::into), training, global)?;
    let looked = match &subject.model {
        Runnable::Readable(file) => {
            let ModelFile { graph, weights, preprocessing, .. } = &**file;
            LookedAt::Layers(Model { isa, graph, weights, preprocessing })
        }
        Runnable::Blackbox(file) => LookedAt::Predictions(file),
    };
    let asked = match &looked {
        LookedAt::Layers(model) => Asked::of(verb, model, subject.model.classes())?,
        LookedAt::Predictions(file) => Asked::of_blackbox(verb, file)?,
    };
    let folder = match (&verb.out, &subject.run) {
        (Some(out), _) => out.clone(),
        (None, Some(run)) => run.join("see"),
        (None, None) => PathBuf::from("see"),
    };
    let mut document = Document::new(subject.model.classes());
    document.subject = digest::of_model(&subject.model, &subject.images);
    document.made_by = earlier::made_by(isa);
    let earlier = earlier::document(&folder, &document);
    let judged_before = earlier.as_ref().and_then(earlier::Judgement::of);
    let mut seen = Seen { folder, document, judged_before, reused: 0, sheets: Vec::new(), text: Vec::new() };
    let mut stages = Stages::new(global.quiet);
    threads(global)?.run(|| match &looked {
        LookedAt::Layers(model) if verb.image.is_empty() => {
            filters::look(model, &subject, &asked, &mut seen, &mut stages)
        }
        LookedAt::Layers(model) => explain::look(model, &subject, verb, &asked, &mut seen, &mut stages),
        LookedAt::Predictions(file) => predicting::look(file, &subject, verb, &asked, &mut seen, &mut stages),
    })?;
    let whole = match verb.image.is_empty() {
        true => seen.document.clone(),
        false => seen.document.clone().keeping(earlier),
    };
    let document = serde_json::to_string(&whole).expect("plain data has a JSON form") + "\n";
    seen.write("see.json", document.as_bytes())?;
    stages.finish();
    print(|out| {
        if global.json {
            return out.write_all(document.as_bytes());
        }
        text::print(&seen, &stages, out)
    })?;
    // A look at an image is quick, and would wait for the page.
    if verb.out.is_some() || !verb.image.is_empty() {
        return Ok(());
    }
    let report = Report {
        model: Some(PathBuf::from(&verb.model)),
        data: verb.data.clone(),
        split: verb.split,
        ..Report::default()
    };
    let given = || threads(global)?.run(|| Given::predicted(subject, isa));
    verb.at_end.write_of(&report, given, global)
}

/// What can be looked at.
enum LookedAt<'a> {
    /// A model with layers and weights.
    Layers(Model<'a>),
    /// One that only predicts.
    Predictions(&'a BlackboxFile),
}

/// What was seen so far.
struct Seen {
    folder: PathBuf,
    document: Document,
    /// What methods were found to be worth by an earlier look.
    judged_before: Option<earlier::Judgement>,
    /// How many methods are judged by that.
    reused: usize,
    /// Names of the sheets in the folder, and what is on each.
    sheets: Vec<(String, String)>,
    /// Sentences for the terminal.
    text: Vec<String>,
}

impl Seen {
    fn write(&self, name: &str, bytes: &[u8]) -> Outcome {
        let problem = |error: seamripper_data::Error| Stop::problem(&error, error.hint());
        whole_file::create_folder(&self.folder).map_err(problem)?;
        whole_file::write_bytes(&self.folder.join(name), bytes).map_err(problem)
    }

    /// Writes a sheet.
    fn sheet(&mut self, name: String, canvas: &Canvas, about: impl Into<String>) -> Outcome {
        let png = canvas.to_png().map_err(|error| {
            Stop::problem(format!("sheet {name}: expected a picture, found: {error}"), None)
        })?;
        self.write(&name, &png)?;
        self.sheets.push((name, about.into()));
        Ok(())
    }

    /// A file name of an id or a layer; ids with folders keep them, since pictures of several folders may be called alike.
    fn file_name(name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        name.trim_start_matches(['/', '.']).replace(['/', '\\'], "-").chars().map(plain).collect()
    }
}

/// Reads a picture file's bytes.
fn read_file(path: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(path).map_err(|error| {
        Stop::problem(format!("image {}: expected a readable file, found: {error}", path.display()), None)
    })
}
