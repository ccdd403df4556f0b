//! `seamripper doctor`: which preprocessing, and which order of classes, was a model trained with?

mod document;
mod images;
mod outputs;
mod text;
#[cfg(test)]
mod trials;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use seamripper_core::digits::thousands;
use seamripper_core::fail::doctor::{Question, Sample, Verdict, examine, most_predicted};
use seamripper_core::graph::plausible::changes;
use seamripper_core::graph::{ModelFile, Preprocessing, to_safetensors};
use seamripper_core::sample::Split;
use seamripper_data::whole_file;
use seamripper_onnx::with_metadata;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print, tell};
use crate::eval::SplitName;
use crate::model_source::read_file;
use crate::stages::Stages;
use crate::subject::Opened;
use crate::train::{instructions, threads};
use document::Told;
use images::{Images, Ways};

/// Images looked at unless another number is asked for: of small images, and of those above [`SMALL`]. To choose takes many ways and few
/// images, to confirm a small difference takes many images and few ways.
const SAMPLES: [usize; 2] = [10_000, 600];
/// At most so many of them choose.
const CHOOSING: [usize; 2] = [2_000, 200];
/// Height times width of images that are predicted by the thousand a second.
const SMALL: usize = 64 * 64;
/// Fewer say nothing.
const FEWEST: usize = 20;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// A run folder or a model file
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// Labelled images [default: the data of the run]
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    /// Part of the data to look at [default: validation, if the run held images out, else train]
    #[arg(long, value_enum, value_name = "SPLIT")]
    split: Option<SplitName>,
    /// How many images: up to half of them and 2000 choose, the others confirm [default: 10000; 600, of which 200 choose, if they are
    /// larger than 64x64]
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Names the draw of the sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write what was found into this model file; without a name into MODEL itself. As .onnx, a copy of an ONNX file
    #[arg(long, value_name = "FILE.safetensors|FILE.onnx", num_args = 0..=1)]
    write: Option<Option<PathBuf>>,
}

/// Runs the verb.
pub fn run(verb: &Doctor, global: &Global) -> Outcome {
    let opened = Opened::read(&verb.model, verb.data.as_deref(), global)?;
    let target = verb.write.as_ref().map(|file| target(file.as_deref(), &opened)).transpose()?;
    let split = match verb.split {
        Some(split) => split.into(),
        None if opened.holds_out() => Split::Validation,
        None => Split::Train,
    };
    let all = opened.images(split)?;
    let (of_class, by) = outputs::outputs(all.classes(), opened.model.classes(), &verb.model)?;
    let [h, w, _] = all.size();
    let large = usize::from(h * w > SMALL);
    let most = verb.sample.unwrap_or(SAMPLES[large]);
    let drawn = Sample::draw(all.labels(), most, CHOOSING[large], verb.seed);
    let rows: Vec<usize> = drawn.choose.iter().chain(&drawn.confirm).copied().collect();
    if rows.len() < FEWEST {
        let (what, found) = match most < FEWEST {
            true => ("--sample".to_owned(), most),
            false => (format!("data {}, split {}", opened.source.source, split.name()), rows.len()),
        };
        return Err(Stop::problem(
            format!("{what}: expected at least {FEWEST} labelled images, found {found}"),
            Some("some thousands tell near preprocessings apart".to_owned()),
        ));
    }
    let set = all.select(&rows);
    let of = all.len();
    drop(all);
    let ways = Ways::of(&opened);
    let images = Images::read(&opened, &ways, &set, global)?;
    let labels: Vec<u32> = set.labels().iter().map(|&label| of_class[label as usize] as u32).collect();
    let choosing = drawn.choose.len();
    let sample = Sample { choose: (0..choosing).collect(), confirm: (choosing..rows.len()).collect() };
    let current = ways.sizes[0];
    let question = Question {
        labels: &labels,
        outputs: opened.model.classes().len(),
        forms: &ways.forms.iter().map(|form| changes(&ways.forms[0], form)).collect::<Vec<_>>(),
        pictures: &(ways.sizes.iter())
            .map(|size| usize::from(size.0 != current.0) + usize::from(size.1 != current.1))
            .collect::<Vec<_>>(),
        sample: &sample,
    };
    let (isa, threads) = (instructions()?, threads(global)?);
    let mut stages = Stages::new(global.quiet);
    let began = Instant::now();
    let diagnosis = threads.run(|| {
        stages.run("preprocessings", most_predicted(&question), |tell| {
            let mut done = 0;
            examine(&question, &mut |way, rows| {
                let probs = images.predict(isa, &opened.model, &ways, way, rows);
                done += rows.len();
                tell(done);
                probs
            })
        })
    });
    if !global.quiet {
        let seconds = began.elapsed().as_secs_f64();
        tell(format_args!(
            "{} preprocessings, {} images predicted in {seconds:.1} s: {} images/s",
            ways.forms.len() + ways.sizes.len() - 1,
            thousands(diagnosis.predicted as u64),
            thousands((diagnosis.predicted as f64 / seconds.max(1e-9)) as u64)
        ));
    }
    let straight: Vec<usize> = (0..opened.model.classes().len()).collect();
    let order = diagnosis.best.order.as_ref().unwrap_or(&straight);
    let classes = outputs::names(set.classes(), opened.model.classes(), by, order);
    let works = diagnosis.verdict != Verdict::Nothing;
    let changed = works && (diagnosis.verdict == Verdict::Other || classes != opened.model.classes());
    let written = match &target {
        Some(target) if changed => Some(target.display().to_string()),
        _ => None,
    };
    if let (Some(target), true) = (&target, changed) {
        let preprocessing = ways.preprocessing(diagnosis.best.way);
        write(target, &opened, &classes, preprocessing)?;
    }
    opened.model.check()?;
    let told = Told {
        model: &verb.model,
        source: &opened.source.source,
        split,
        of: of as u64,
        by,
        data_classes: set.classes(),
        old: opened.model.classes(),
        classes: changed.then_some(&classes[..]).filter(|classes| *classes != opened.model.classes()),
        ways: &ways,
        diagnosis: &diagnosis,
        written,
        run: opened.run.is_some(),
    };
    let text = if global.json { document::json(&told) } else { text::report(&told) };
    print(|out| out.write_all(text.as_bytes()))?;
    match (works, &target) {
        (false, Some(target)) => Err(Stop::failed(format!(
            "doctor: expected a preprocessing under which {} is better than chance, found none; {} is not written",
            verb.model,
            target.display()
        ))),
        _ => Ok(()),
    }
}

/// Where the model is to be written: the file that was named, or the model's own. An ONNX file stays as it is; a copy of it gets
/// what was found as metadata, or, if its layers could be read, it becomes a model of ours.
fn target(file: Option<&Path>, opened: &Opened) -> Result<PathBuf, Stop> {
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|extension| extension == ending);
    let own = Path::new(&opened.name);
    let (ours, onnx) = (opened.model.readable().is_some(), ends(own, "onnx"));
    let expected = match (ours, onnx) {
        (true, true) => "a .safetensors or .onnx",
        (true, false) => "a .safetensors",
        (false, _) => "an .onnx",
    };
    let fits = |path: &Path| (ours && ends(path, "safetensors")) || (onnx && ends(path, "onnx"));
    match file {
        Some(file) if fits(file) => Ok(file.to_owned()),
        Some(file) => Err(Stop::problem(
            format!("--write {}: expected {expected} file, found another ending", file.display()),
            None,
        )),
        None if own.is_dir() => Ok(own.join("model.safetensors")),
        None if ends(own, "safetensors") => Ok(own.to_owned()),
        None => Err(Stop::problem(
            format!("--write: expected {expected} file, found no name; {} is left as it is", opened.name),
            Some(format!("give it a name: --write repaired.{}", if ours { "safetensors" } else { "onnx" })),
        )),
    }
}

fn write(file: &Path, opened: &Opened, classes: &[String], preprocessing: Preprocessing) -> Outcome {
    let bytes = match opened.model.readable() {
        Some(model) if file.extension().is_some_and(|extension| extension == "safetensors") => {
            let ModelFile { graph, weights, .. } = model.clone();
            let model = ModelFile { graph, weights, classes: classes.to_vec(), preprocessing };
            to_safetensors(&model).map_err(|error| Stop::problem(&error, error.hint()))?
        }
        _ => {
            let [h, w, _] = opened.model.input();
            let bytes = read_file(Path::new(&opened.name))?;
            with_metadata(&bytes, Some(classes), Some(&preprocessing), Some([h, w]))
        }
    };
    whole_file::write_bytes(file, &bytes).map_err(|error| Stop::problem(&error, error.hint()))
}
