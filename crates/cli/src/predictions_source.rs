//! Tables of predictions for the verbs that take `--predictions FILE`.

use std::path::Path;

use seamripper_core::predictions::Predictions;

use crate::diag::Stop;

/// Reads a table of predictions; a problem with it is the user's to mend, exit code 2.
pub fn read(file: &Path) -> Result<Predictions, Stop> {
    Err(Stop::problem(
        format!("predictions {}: expected a reader for tables, found none in this build", file.display()),
        None,
    ))
}
