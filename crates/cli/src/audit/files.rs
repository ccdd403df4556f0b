//! What an audit writes: `audit.json`, and of suspect labels `relabel.csv` and `drop.csv`.

use std::path::PathBuf;

use seamripper_core::fail::audit::Audited;
use seamripper_data::relabel::Relabel;
use seamripper_data::whole_file;

use super::gathered::Gathered;
use super::{Audit, calibrated};
use crate::diag::Stop;

/// What was written.
pub struct Written {
    /// The folder.
    pub folder: PathBuf,
    /// Names of the files and what is in them.
    pub files: Vec<(&'static str, &'static str)>,
    /// `audit.json`, with a line end.
    pub document: String,
}

/// Writes the files of an audit.
pub fn write(verb: &Audit, gathered: &Gathered, audited: &Audited) -> Result<Written, Stop> {
    let folder = match (&verb.out, &gathered.run) {
        (Some(out), _) => out.clone(),
        (None, Some(run)) => run.clone(),
        (None, None) => PathBuf::from("audit"),
    };
    let problem = |error: seamripper_data::Error| Stop::problem(&error, error.hint());
    whole_file::create_folder(&folder).map_err(problem)?;
    let document = serde_json::to_string(&audited.document).expect("plain data has a JSON form") + "\n";
    whole_file::write_bytes(&folder.join("audit.json"), document.as_bytes()).map_err(problem)?;
    let mut files = vec![("audit.json", "findings and what they rest on")];
    if let Some(model) = gathered.model_file().filter(|_| verb.calibrate.is_some()) {
        let bytes = calibrated::model(model, &audited.document)?;
        whole_file::write_bytes(&folder.join(calibrated::NAME), &bytes).map_err(problem)?;
        files.push((calibrated::NAME, "the model with its temperature; every verb takes it as MODEL"));
    }
    if let Some(judged) = &audited.label_errors {
        let relabel = Relabel::of(gathered.out_of_fold.as_ref().unwrap_or(&gathered.predictions), judged);
        let write = |table: &Relabel, name: &str| table.write(&folder.join(name)).map_err(problem);
        write(&relabel, "relabel.csv")?;
        files.push(("relabel.csv", "every label, most suspect first, with the class it should be"));
        if judged.flagged > 0 {
            write(&relabel.flagged(), "drop.csv")?;
            files.push(("drop.csv", "the flagged ones"));
        }
    }
    Ok(Written { folder, files, document })
}
