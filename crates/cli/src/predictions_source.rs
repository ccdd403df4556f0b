//! Tables of predictions for the verbs that take `--predictions FILE`.

use std::path::Path;

use seamripper_core::predictions::Predictions;
use seamripper_data::predictions_file;

use crate::diag::Stop;

/// Reads a table of predictions; a problem with it is the user's to mend, exit code 2.
pub fn read(file: &Path) -> Result<Predictions, Stop> {
    predictions_file::read(file).map_err(|error| Stop::problem(&error, error.hint()))
}
