//! What `train` prints at the end.

use std::io::Write;

use seamripper_core::digits::thousands;
use seamripper_data::predictions_file::OUT_OF_FOLD;

use super::fit::Ended;
use super::folder::RunFolder;
use super::profile::Measured;
use super::run::Trained;
use crate::args::Global;
use crate::diag::{Outcome, print};
use crate::eval_text::{Style, print_report};

/// Prints the report and the profile, if there are any, and the run folder. After Ctrl-C there is the profile at most.
pub fn print_trained(trained: &Trained, run: &RunFolder, global: &Global) -> Outcome {
    let Trained { evaluation, out_of_fold, epochs, profile, ended } = trained;
    if !matches!(ended, Ended::Done) && profile.is_none() {
        return Ok(());
    }
    let folder = run.path().display();
    print(|out| {
        if global.json {
            let mut document = serde_json::json!({
                "schema": "seamripper.train/1",
                "run": folder.to_string(),
                "epochs": epochs,
                "eval": evaluation,
            });
            if let Some(evaluation) = out_of_fold {
                document["out_of_fold"] = serde_json::json!(evaluation);
            }
            if let Some(profile) = profile {
                document["profile"] = profile.as_ref().map(Measured::json).into();
            }
            return writeln!(out, "{document}");
        }
        if let Some(evaluation) = evaluation {
            print_report(evaluation, out, Style::for_stdout())?;
            writeln!(out)?;
        }
        match profile {
            Some(Some(measured)) => {
                measured.print(out)?;
                writeln!(out)?;
            }
            Some(None) => writeln!(out, "no step was taken, so there is no profile\n")?,
            None => {}
        }
        if let Some(evaluation) = out_of_fold {
            writeln!(
                out,
                "out of fold: accuracy {:.2} % on {} training images, each predicted by a model that has not seen it: \
                 {folder}/{OUT_OF_FOLD}\n",
                100.0 * evaluation.accuracy,
                thousands(evaluation.n),
            )?;
        }
        writeln!(out, "run folder: {folder}")
    })
}
