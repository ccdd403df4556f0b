//! The report that verbs end with.

use std::path::Path;

use clap::Args;

use super::{Given, Made, Report, make};
use crate::args::Global;
use crate::diag::{Outcome, Stop, tell};

/// The option of verbs that end with a report.
#[derive(Clone, Copy, Debug, Args)]
pub struct AtEnd {
    /// Do not write report.html at the end
    #[arg(long)]
    pub no_report: bool,
}

impl AtEnd {
    /// Writes the report of `run` anew and says where it is. That there is none is said too, and is no error: what the verb was
    /// asked for is done.
    pub fn write(self, run: &Path, global: &Global) {
        self.end(&Report::of_run(run), None, global);
    }

    /// Writes the report of what a verb looked at: of a run in its folder, unless it was other images than its own; of a model file or a
    /// table from what `given` has read.
    pub fn write_of(
        self,
        report: &Report,
        given: impl FnOnce() -> Result<Given, Stop>,
        global: &Global,
    ) -> Outcome {
        match report.run() {
            _ if self.no_report => {}
            Some(run) if report.data.is_none() && report.split.is_none() => self.write(run, global),
            Some(_) => {}
            None => self.end(report, Some(given()?), global),
        }
        Ok(())
    }

    fn end(self, report: &Report, given: Option<Given>, global: &Global) {
        if self.no_report {
            return;
        }
        // What is read again was reported when it was read first.
        let quietly = Global { quiet: true, ..global.clone() };
        match make(report, given, &quietly) {
            Ok(Made::File { file, is_live, .. }) if !global.quiet => {
                let alive = if is_live { ", with the model alive in it" } else { "" };
                tell(format_args!("{}: all of it on one page{alive}", file.display()));
            }
            Ok(_) => {}
            Err(Stop::Problem { message, hint }) if !global.quiet => {
                tell(format_args!("note: no report was written: {message}"));
                if let Some(hint) = hint {
                    tell(format_args!("hint: {hint}"));
                }
            }
            Err(Stop::Failed(message)) if !global.quiet => {
                tell(format_args!("note: no report was written: {message}"));
            }
            Err(_) => {}
        }
    }
}
