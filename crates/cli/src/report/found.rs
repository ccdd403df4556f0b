//! What `audit` and `see` found, if it is of the model and images, or of the table, that a report is about.

use std::path::{Path, PathBuf};

use seamripper_core::fail::finding;
use seamripper_core::graph::ModelFile;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::see::document;
use serde_json::Value;

use super::Report;
use super::parts::document as read_document;
use crate::diag::Stop;
use crate::digest;
use crate::runnable::Runnable;

/// A verb whose findings a report shows.
struct Verb {
    name: &'static str,
    /// The option that names its folder.
    option: &'static str,
    schema: &'static str,
    /// What is missing without it.
    about: &'static str,
}

const AUDIT: Verb = Verb {
    name: "audit",
    option: "--audit",
    schema: finding::SCHEMA,
    about: "what an audit finds: slices, robustness, labels, duplicates",
};
const SEE: Verb =
    Verb { name: "see", option: "--see", schema: document::SCHEMA, about: "what its filters see" };

/// `audit.json` and `see.json`. What is not there, or is of something else, is told in `missing`; if it was asked for by name, that is
/// an error. Those of a run that do not say what they are of are its own.
pub fn read(
    verb: &Report,
    table: Option<&Predictions>,
    subject: Option<(&Runnable, &ImageSet)>,
    file: Option<&ModelFile>,
    missing: &mut Vec<[String; 2]>,
) -> Result<(Option<Value>, Option<Value>), Stop> {
    let of_model = subject.map(|(model, images)| digest::of_model(model, images));
    // Predictions made elsewhere are not what an audit of the model was about.
    let audited = match &verb.predictions {
        Some(_) => table.map(digest::of_table),
        None => of_model.clone(),
    };
    let run = verb.run();
    let own = run.filter(|_| verb.predictions.is_none());
    let wanted = Wanted { verb, kind: &AUDIT, asked: verb.audit.as_deref(), own, digest: audited };
    let audit = if table.is_some() || verb.audit.is_some() { wanted.read(missing)? } else { None };
    let own = run.map(|run| run.join("see"));
    let wanted =
        Wanted { verb, kind: &SEE, asked: verb.see.as_deref(), own: own.as_deref(), digest: of_model };
    let see = if file.is_some() || verb.see.is_some() { wanted.read(missing)? } else { None };
    Ok((audit, see))
}

/// A document that a report would show.
struct Wanted<'a> {
    verb: &'a Report,
    kind: &'a Verb,
    /// The folder that was asked for.
    asked: Option<&'a Path>,
    /// Where a run has its own.
    own: Option<&'a Path>,
    /// What the report is about, if that could be read.
    digest: Option<String>,
}

impl Wanted<'_> {
    fn read(&self, missing: &mut Vec<[String; 2]>) -> Result<Option<Value>, Stop> {
        let file = self.file();
        let Some(document) = read_document::<Value>(&file, self.kind.schema)? else {
            if self.asked.is_some() {
                let problem = format!("{} {}: expected a file, found none", self.kind.option, file.display());
                return Err(Stop::problem(problem, Some(format!("`{}` writes it", self.command()))));
            }
            missing.push([self.kind.about.to_owned(), self.command()]);
            return Ok(None);
        };
        if self.is_of_this(&document) {
            return Ok(Some(document));
        }
        let other = format!("{} is of another model or of other images", file.display());
        if self.asked.is_some() {
            let problem = format!(
                "{} {}: expected what was found of this model and these images, found that of others",
                self.kind.option,
                file.display()
            );
            return Err(Stop::problem(problem, Some(format!("`{}` makes it", self.command()))));
        }
        missing.push([format!("{} ({other})", self.kind.about), self.command()]);
        Ok(None)
    }

    fn file(&self) -> PathBuf {
        let folder = self.asked.or(self.own).unwrap_or(Path::new(self.kind.name));
        folder.join(format!("{}.json", self.kind.name))
    }

    fn is_of_this(&self, document: &Value) -> bool {
        let text = |key: &str| document[key].as_str().filter(|text| !text.is_empty());
        // Before `made_by` was written, the subject of `see.json` had that in it.
        let subject = text("subject").filter(|_| self.kind.name != SEE.name || text("made_by").is_some());
        match (subject, &self.digest) {
            (Some(found), Some(expected)) => found == expected,
            // It cannot be told: one that was asked for, or is in the run folder, is believed.
            _ => self.asked.is_some() || self.own.is_some(),
        }
    }

    /// The command that makes it.
    fn command(&self) -> String {
        let Report { model, predictions, data, split, .. } = self.verb;
        let shown = |path: &Path| path.display().to_string();
        // `audit` takes a table in place of a model, and `see` takes none.
        let table = predictions.as_deref().filter(|_| self.kind.name == AUDIT.name);
        let model = model.as_deref().filter(|_| table.is_none());
        let mut words = vec!["seamripper".to_owned(), self.kind.name.to_owned()];
        words.extend(model.map(shown));
        let options = [
            ("--predictions", table.map(shown)),
            ("--data", data.clone()),
            ("--split", split.map(|split| Split::from(split).name().to_owned())),
            ("--out", self.asked.map(shown)),
        ];
        for (option, value) in options {
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        }
        words.join(" ")
    }
}
