//! `seamripper import`: an ONNX file, or a recipe with the weights of PyTorch or Keras, becomes a model of ours, with class names and
//! preprocessing.

mod weights;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use seamripper_core::digits::thousands;
use seamripper_core::graph::{ChannelOrder, Filter, Fit, ModelFile, Preprocessing, to_safetensors};
use seamripper_data::whole_file;
use seamripper_onnx::with_metadata;
use serde::Serialize;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print, tell};
use crate::model_source::read_file;
use crate::onnx_file::{Found, Read, Said, UNPREPARED, Unsaid, read};

/// Name and version of the document of `--json`.
const SCHEMA: &str = "seamripper.import/1";

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// An ONNX file of an image classifier (opset 7 to 21), or with --recipe weights: a state dict of PyTorch (.pt, .pth,
    /// .safetensors) or a file of Keras (.keras, .weights.h5, .h5)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write the model; as .onnx, a copy of an ONNX file with class names and preprocessing in it
    #[arg(long, value_name = "FILE.safetensors|FILE.onnx")]
    out: PathBuf,
    /// A text file with the name of a class on each line, in the order of the outputs
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// Rows and columns of an image, where the file leaves them open
    #[arg(long, value_name = "HxW", value_parser = size)]
    size: Option<[usize; 2]>,
    /// Factor of pixels 0 to 255 before mean and std [default: 1/255]
    #[arg(long, value_name = "NUMBER")]
    scale: Option<f32>,
    /// Subtracted, one a channel or one for all: --mean 0.485,0.456,0.406
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_hyphen_values = true)]
    mean: Vec<f32>,
    /// Divided by, one a channel or one for all: --std 0.229,0.224,0.225
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    std: Vec<f32>,
    /// The network that the weights in FILE are of
    #[arg(long, value_name = "RECIPE.toml")]
    recipe: Option<PathBuf>,
    /// Which layer is which, where names, shapes and order do not tell: TOML with lines "LAYER OF FILE" = "LAYER OF RECIPE"
    #[arg(long, value_name = "FILE.toml", requires = "recipe")]
    map: Option<PathBuf>,
    /// Layers of FILE to leave out, with all that are in them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "recipe")]
    skip: Vec<String>,
    /// Which state dict of a PyTorch checkpoint that has several
    #[arg(long, value_name = "KEY", requires = "recipe")]
    key: Option<String>,
    /// The model reads blue first, as those of OpenCV and Caffe; mean and std are then of blue, green, red
    #[arg(long)]
    bgr: bool,
    /// The model reads black for white
    #[arg(long)]
    inverted: bool,
    /// How the proportions of its pictures were changed [default: that of the images' source]
    #[arg(long, value_name = "FIT", value_parser = PossibleValuesParser::new(Fit::NAMES))]
    fit: Option<String>,
    /// How their size was changed [default: that of the images' source]
    #[arg(long, value_name = "FILTER", value_parser = PossibleValuesParser::new(Filter::NAMES))]
    resize: Option<String>,
}

/// `224` or `224x320`
fn size(text: &str) -> Result<[usize; 2], String> {
    let (h, w) = text.split_once('x').unwrap_or((text, text));
    let number = |text: &str| text.parse().ok().filter(|&size: &usize| size > 0);
    number(h).zip(number(w)).map(Into::into).ok_or_else(|| "expected HxW, as in 224x224".to_owned())
}

/// Endings of files with weights and no layers.
const WEIGHTS: [&str; 6] = ["pt", "pth", "safetensors", "keras", "h5", "hdf5"];

/// Runs the verb.
pub fn run(verb: &Import, global: &Global) -> Outcome {
    let out = &verb.out;
    let ending = out.extension().and_then(|extension| extension.to_str());
    let as_onnx = ending == Some("onnx") && verb.recipe.is_none();
    if !as_onnx && ending != Some("safetensors") {
        let expected = if verb.recipe.is_some() { "a .safetensors" } else { "a .safetensors or .onnx" };
        return Err(Stop::problem(
            format!("out {}: expected {expected} file, found another ending", out.display()),
            None,
        ));
    }
    let classes = verb.classes.as_deref().map(class_names).transpose()?;
    let said = verb.scale.is_some() || !verb.mean.is_empty() || !verb.std.is_empty();
    let preprocessing = said.then(|| {
        let or =
            |values: &Vec<f32>, default: f32| if values.is_empty() { vec![default] } else { values.clone() };
        Said { scale: verb.scale.unwrap_or(1.0 / 255.0), mean: or(&verb.mean, 0.0), std: or(&verb.std, 1.0) }
    });
    let unsaid = Unsaid { size: verb.size, classes, preprocessing };
    let (mut found, table) = model(verb, unsaid.clone(), global)?;
    let stated = found.preprocessing_mut();
    if verb.bgr {
        stated.channels = ChannelOrder::Bgr;
    }
    stated.inverted |= verb.inverted;
    stated.fit = verb.fit.as_deref().map(Fit::named).or(stated.fit);
    stated.resize = verb.resize.as_deref().map(Filter::named).or(stated.resize);
    let channels = found.input()[2];
    if let Some(fault) = found.preprocessing().fault(channels) {
        return Err(Stop::problem(format!("preprocessing: {fault}"), None));
    }
    let bytes = match &found {
        found if as_onnx => named_copy(verb, &unsaid, found)?,
        Found::Readable(read) => {
            to_safetensors(&read.model).map_err(|error| Stop::problem(&error, error.hint()))?
        }
        Found::Blackbox(file) => {
            let hint = "`--out NAME.onnx` in place of .safetensors: a copy with class names and preprocessing in it, which \
                        `eval`, `audit` and `see` run as it is";
            return Err(Stop::problem(file.refusal("import"), Some(hint.to_owned())));
        }
    };
    whole_file::write_bytes(out, &bytes).map_err(|error| Stop::problem(&error, error.hint()))?;
    let imported = Imported::of(&found);
    let text = if global.json {
        json(out, &imported, table.as_ref())?
    } else {
        table.map(|table| table.text()).unwrap_or_default() + &text(out, &imported)
    };
    if !global.json {
        found.tell_notes();
        if imported.notes.iter().any(|note| note.contains(UNPREPARED)) {
            tell(format_args!(
                "`seamripper doctor --model {} --data SOURCE --write` finds out how, from labelled images",
                out.display()
            ));
        }
        tell(format_args!(
            "`seamripper eval {0} --data SOURCE` and `seamripper see {0} --data SOURCE` look at it",
            out.display()
        ));
    }
    print(|stdout| stdout.write_all(text.as_bytes()))
}

/// The model, and where its weights are from if they were another program's.
fn model(verb: &Import, unsaid: Unsaid, global: &Global) -> Result<(Found, Option<weights::Table>), Stop> {
    let file = verb.file.display();
    let ending = verb.file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match &verb.recipe {
        Some(_) if ending == "onnx" => Err(Stop::problem(
            format!(
                "file {file}: expected weights for the recipe, found an .onnx file, which has its own layers"
            ),
            Some("leave out --recipe".to_owned()),
        )),
        Some(_) if verb.size.is_some() => Err(Stop::problem(
            "--size: expected it with an .onnx file only, found --recipe, which says the size of an image",
            Some("change `input` in the recipe".to_owned()),
        )),
        Some(recipe) => {
            let weights::Filled { read, table } = weights::fill(verb, recipe, unsaid)?;
            Ok((Found::Readable(read), Some(table)))
        }
        None if ending == "onnx" => Ok((read(&verb.file, &unsaid, global.thread_count())?, None)),
        None if WEIGHTS.contains(&ending) => Err(Stop::problem(
            format!(
                "file {file}: expected an .onnx file, found weights, which do not say how layers connect"
            ),
            Some("give the network with --recipe RECIPE.toml, or export the model as ONNX".to_owned()),
        )),
        None => Err(Stop::problem(
            format!("file {file}: expected an .onnx file, or weights and --recipe, found another ending"),
            Some(
                "export it first: torch.onnx.export(model, images, \"model.onnx\"), or Keras' model.export"
                    .to_owned(),
            ),
        )),
    }
}

/// The bytes of the file with what was said put into its metadata.
fn named_copy(verb: &Import, unsaid: &Unsaid, found: &Found) -> Result<Vec<u8>, Stop> {
    let bytes = read_file(&verb.file)?;
    let outside = match found {
        Found::Blackbox(file) => &file.model.described().files[..],
        Found::Readable(_) => &[],
    };
    let folder = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    if !outside.is_empty() && folder(&verb.out) != folder(&verb.file) {
        let message = format!(
            "out {}: expected the folder of {}, whose weights lie in {} beside it, found another",
            verb.out.display(),
            verb.file.display(),
            outside.join(", ")
        );
        return Err(Stop::problem(message, None));
    }
    let said = unsaid.preprocessing.is_some()
        || verb.bgr
        || verb.inverted
        || verb.fit.is_some()
        || verb.resize.is_some();
    let preprocessing = said.then(|| found.preprocessing());
    Ok(with_metadata(&bytes, unsaid.classes.as_deref(), preprocessing, unsaid.size))
}

/// What is told of an imported model.
struct Imported<'a> {
    /// `[h, w, c]`
    input: [usize; 3],
    /// `None` of a black box.
    layers: Option<usize>,
    parameters: usize,
    classes: &'a [String],
    preprocessing: &'a Preprocessing,
    notes: Vec<String>,
}

impl<'a> Imported<'a> {
    fn of(found: &'a Found) -> Self {
        match found {
            Found::Readable(Read { model: ModelFile { graph, classes, preprocessing, .. }, notes }) => Self {
                input: graph.input,
                layers: Some(graph.nodes.len()),
                parameters: graph.parameter_count(),
                classes,
                preprocessing,
                notes: notes.clone(),
            },
            Found::Blackbox(file) => Self {
                input: file.model.described().input,
                layers: None,
                parameters: file.model.described().parameters,
                classes: file.model.classes(),
                preprocessing: file.model.preprocessing(),
                notes: [file.note()].into_iter().chain(file.model.notes().iter().cloned()).collect(),
            },
        }
    }
}

/// A name a line; the last line may be empty.
fn class_names(file: &Path) -> Result<Vec<String>, Stop> {
    let bytes = std::fs::read(file).map_err(|error| {
        Stop::problem(format!("classes {}: expected a readable file, found: {error}", file.display()), None)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Stop::problem(
            format!("classes {}: expected UTF-8 text, found another byte at {place}", file.display()),
            None,
        )
    })?;
    Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    out: String,
    /// `[h, w, c]`
    input: [usize; 3],
    /// `null` of a black box.
    layers: Option<usize>,
    parameters: usize,
    classes: &'a [String],
    preprocessing: &'a Preprocessing,
    notes: &'a [String],
    /// Of weights for a recipe: where each parameter is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Vec<weights::RowDocument<'a>>>,
    /// Likewise: arrays of the file that were not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<Vec<&'a str>>,
}

fn json(out: &Path, imported: &Imported<'_>, table: Option<&weights::Table>) -> Result<String, Stop> {
    let Imported { input, layers, parameters, classes, preprocessing, notes } = imported;
    let document = Document {
        schema: SCHEMA,
        out: out.display().to_string(),
        input: *input,
        layers: *layers,
        parameters: *parameters,
        classes,
        preprocessing,
        notes,
        weights: table.map(weights::Table::rows),
        left_out: table.map(weights::Table::left_out),
    };
    let mut text = serde_json::to_string(&document)
        .map_err(|error| Stop::problem(format!("JSON of the import: {error}"), None))?;
    text.push('\n');
    Ok(text)
}

/// `10 (T-shirt/top to Ankle boot)`
pub fn classes_in_words(classes: &[String]) -> String {
    match classes {
        [first, .., last] => format!("{} ({first} to {last})", classes.len()),
        classes => classes.join(", "),
    }
}

fn text(out: &Path, imported: &Imported<'_>) -> String {
    let [h, w, c] = imported.input;
    let mut text = String::new();
    let _ = writeln!(text, "{}", out.display()); // a String takes everything
    let rows = [
        ("layers", imported.layers.map_or("not read".to_owned(), |layers| layers.to_string())),
        ("parameters", thousands(imported.parameters as u64)),
        ("images", format!("{h} x {w}, {c} channel{}", if c == 1 { "" } else { "s" })),
        ("prepared", imported.preprocessing.to_string()),
        ("classes", classes_in_words(imported.classes)),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:10}  {value}");
    }
    text
}
