//! `train --seeds N`: the same recipe with N seeds, and how much its results differ.
//!
//! `NAME/seed-0`, `NAME/seed-1`, … are runs like any other. `NAME/seeds.json` holds the seeds from the beginning and the spread of
//! the results at the end; `NAME/recipe.toml` the recipe with the first seed; `NAME/ensemble` all models as one.

use std::fs;
use std::io::Write;
use std::path::Path;

use seamripper_core::fail::spread::{Band, ClassSpread, Spread};
use seamripper_core::fail::{Evaluation, spread};
use seamripper_core::graph::Graph;
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::ImageSet;
use seamripper_data::source::Dataset;
use seamripper_data::whole_file;
use serde::{Deserialize, Serialize};

use super::ensemble::ENSEMBLE;
use super::folder::{RunFolder, SEEDS};
use super::progress::Whole;
use super::run::Run;
use super::session::Session;
use super::side_by_side::side_by_side;
use crate::args::Global;
use crate::corrections::Corrections;
use crate::diag::{Outcome, Stop, print};
use crate::eval_text::{Style, accuracy, left, right, shortened, width};
use crate::foundation::Foundation;
use crate::kept_model::KeptModel;

/// Version of `seeds.json`.
const SCHEMA: &str = "seamripper.seeds/1";
/// Columns of a class name at most.
const NAME_MOST: usize = 24;

/// `seeds.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document {
    schema: String,
    run: String,
    /// In the order of the runs.
    pub seeds: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread: Option<Spread>,
    /// Of all models as one, on the test images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ensemble: Option<Evaluation>,
}

impl Document {
    /// Of `count` seeds from `first` on, without results yet.
    pub fn begin(folder: &RunFolder, first: u64, count: usize) -> Result<Self, Stop> {
        let Some(last) = first.checked_add(count as u64 - 1) else {
            return Err(Stop::problem(
                format!("--seeds {count}: expected seeds that fit, found {first} to begin with"),
                Some("begin lower with --seed".to_owned()),
            ));
        };
        Ok(Self {
            schema: SCHEMA.to_owned(),
            run: folder.path().display().to_string(),
            seeds: (first..=last).collect(),
            spread: None,
            ensemble: None,
        })
    }

    /// Of a folder of several runs; `None` if it is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, Stop> {
        let path = folder.join(SEEDS);
        if !path.is_file() {
            return Ok(None);
        }
        let problem = |found: String| {
            let message = format!("{}: expected a document of {SCHEMA}, found: {found}", path.display());
            Stop::problem(message, Some("the file is damaged: begin anew with another --out".to_owned()))
        };
        let bytes = fs::read(&path).map_err(|error| problem(error.to_string()))?;
        let document: Self = serde_json::from_slice(&bytes).map_err(|error| problem(error.to_string()))?;
        match document.schema == SCHEMA && !document.seeds.is_empty() {
            true => Ok(Some(document)),
            false => Err(problem(document.schema)),
        }
    }

    fn write(&self, folder: &RunFolder) -> Outcome {
        folder.write(SEEDS, (serde_json::to_string(self).expect("plain data") + "\n").as_bytes())
    }
}

/// Several runs of one recipe.
pub struct Seeds<'a> {
    /// What they share.
    pub session: &'a Session<'a>,
    /// The recipe with the first seed.
    pub recipe: &'a Recipe,
    /// Its network.
    pub graph: &'a Graph,
    /// The model that it goes on from.
    pub foundation: Option<&'a Foundation>,
    /// The model that it learns from besides.
    pub teacher: Option<&'a KeptModel>,
    /// The folder of their folders.
    pub folder: &'a RunFolder,
    /// Tables that were applied to the images.
    pub corrections: &'a Corrections,
    /// `environment.json`.
    pub environment: &'a str,
}

impl Seeds<'_> {
    /// Makes the runs that are not done, and prints how much they differ.
    pub fn train(&self, mut document: Document, data: &Dataset, global: &Global) -> Outcome {
        let Self { session, folder, .. } = *self;
        let (images, test) = (&data.train, data.test.as_ref());
        whole_file::create_folder(folder.path()).map_err(|error| Stop::problem(&error, error.hint()))?;
        session.progress.say(format_args!(
            "run folder {}, {} seeds",
            folder.path().display(),
            document.seeds.len()
        ));
        self.corrections.keep(folder.path())?;
        KeptModel::keep_all(
            [self.foundation.map(|foundation| &foundation.kept), self.teacher],
            folder.path(),
        )?;
        document.write(folder)?;
        folder.write("recipe.toml", self.recipe.to_toml().as_bytes())?;
        folder.write("environment.json", self.environment.as_bytes())?;

        let each = self.steps(images);
        let whole = Whole::begin(each * document.seeds.len() as u64);
        let outcome = side_by_side(session, document.seeds.len(), session.threads.count(), |number| {
            self.one(document.seeds[number], images, test, &whole, each)
        });
        let evaluations = match outcome {
            Ok(evaluations) => evaluations,
            Err(Stop::Interrupted) => {
                session
                    .progress
                    .say(format_args!("interrupted; `{}` goes on from these very steps", folder.go_on()));
                return Err(Stop::Interrupted);
            }
            Err(problem) => return Err(problem),
        };
        let evaluations: Option<Vec<Evaluation>> = evaluations.into_iter().collect();
        document.spread = evaluations.as_deref().map(spread::of);
        document.ensemble = self.ensemble(&document.seeds, test)?;
        document.write(folder)?;
        print(|out| {
            if global.json {
                return writeln!(out, "{}", serde_json::to_string(&document).expect("plain data"));
            }
            match &document.spread {
                Some(spread) => table(spread, &document.seeds, out, Style::for_stdout())?,
                None => writeln!(
                    out,
                    "there are no validation and no test images, so there is nothing to report"
                )?,
            }
            if let Some(ensemble) = &document.ensemble {
                let (place, accuracy) = (folder.part(ENSEMBLE), accuracy(ensemble));
                let place = place.path().display();
                writeln!(out, "All as one model, the mean of their logits ({place}): {accuracy}.")?;
            }
            writeln!(out, "\nrun folder: {}", folder.path().display())
        })
    }

    /// Steps of one run.
    fn steps(&self, images: &ImageSet) -> u64 {
        let Recipe { data, augment, train, .. } = self.recipe;
        let trained = ((1.0 - data.validation) * images.len() as f64) as usize * (1 + augment.expand.len());
        (trained.div_ceil(train.batch) * train.epochs) as u64
    }

    fn one(
        &self,
        seed: u64,
        images: &ImageSet,
        test: Option<&ImageSet>,
        whole: &Whole,
        steps: u64,
    ) -> Result<Option<Evaluation>, Stop> {
        let folder = self.folder.seed(seed);
        if folder.finished() {
            whole.skip(steps);
            return evaluation(&folder);
        }
        let mut recipe = self.recipe.clone();
        recipe.train.seed = seed;
        let run = Run {
            session: self.session,
            recipe: &recipe,
            graph: self.graph,
            foundation: self.foundation,
            teacher: self.teacher,
            folder: &folder,
            corrections: self.corrections,
            environment: self.environment,
            title: &format!("seed {seed}"),
            film: false,
            profile: false,
        };
        let trained = run.train(images.clone(), test, Some(whole))?;
        trained.ended.done().map(|()| trained.evaluation)
    }
}

/// What a finished run says of itself.
pub fn evaluation(folder: &RunFolder) -> Result<Option<Evaluation>, Stop> {
    let path = folder.path().join("eval.json");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("{}: expected a readable file, found: {error}", path.display());
            return Err(Stop::problem(message, None));
        }
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let message = format!("{}: expected the report of a run, found: {error}", path.display());
        Stop::problem(message, Some(format!("remove {} to make it again", folder.path().display())))
    })
}

/// Classes worst first, accuracy last.
fn table(spread: &Spread, seeds: &[u64], out: &mut impl Write, style: Style) -> std::io::Result<()> {
    let names: Vec<String> = spread.classes.iter().map(|class| shortened(&class.name, NAME_MOST)).collect();
    let columns = names.iter().map(|name| width(name)).max().unwrap_or(0).max("class".len());
    let runs = seeds.len();
    let head = format!(
        "{}  {}  {}  {}  {}  {}",
        left("class", columns),
        right("recall %", 13),
        right("lowest–highest", 15),
        right("bias", 13),
        right("lowest–highest", 15),
        "flagged in"
    );
    writeln!(out, "{}", style.title(head))?;
    for class in spread.worst_first() {
        let ClassSpread { recall, bias, flagged, .. } = &spread.classes[class];
        let line = format!(
            "{}  {}  {}  {}  {}  {}",
            left(&names[class], columns),
            right(&mean(recall.as_ref(), 100.0, 1), 13),
            right(&range(recall.as_ref(), 100.0, 1), 15),
            right(&mean(bias.as_ref(), 1.0, 3), 13),
            right(&range(bias.as_ref(), 1.0, 2), 15),
            if *flagged == 0 { "–".to_owned() } else { format!("{flagged} of {runs}") },
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    let accuracy = Some(&spread.accuracy);
    writeln!(
        out,
        "\nAccuracy {} % ({}), mean ± sd over {runs} seeds, {} images each.",
        mean(accuracy, 100.0, 2),
        range(accuracy, 100.0, 2),
        seamripper_core::digits::thousands(spread.n)
    )
}

fn mean(band: Option<&Band>, unit: f64, decimals: usize) -> String {
    match band {
        None => "–".to_owned(),
        Some(Band { mean, sd: Some(sd), .. }) => {
            format!("{:.decimals$} ± {:.decimals$}", unit * mean, unit * sd)
        }
        Some(Band { mean, .. }) => format!("{:.decimals$}", unit * mean),
    }
}

fn range(band: Option<&Band>, unit: f64, decimals: usize) -> String {
    band.map_or_else(
        || "–".to_owned(),
        |Band { lowest, highest, .. }| format!("{:.decimals$}–{:.decimals$}", unit * lowest, unit * highest),
    )
}
