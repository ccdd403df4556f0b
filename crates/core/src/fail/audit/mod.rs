//! The whole audit: every search of this room on one table, as one ranked list of findings with what they rest on.
//!
//! *Idea*:
//! ```text
//! subject  = a table of predictions, and what else is there: images, the model as a closure, training images, …
//! wants    = which kinds of finding, the seed, options
//! document = findings of all sections, ranked; the sections; what was left out and what could not be done
//! ```
//! Each section has a file with its part of the document. No section changes another one's result, so an audit of some kinds
//! says about them what the whole one says.
//!
//! *Exactness*: every draw is named by the seed ([`crate::random`]), so the same subject and wants give the same document,
//! whatever the number of threads.

use crate::fail::finding::Audit;
use crate::fail::label_errors::LabelErrors;

pub mod abstention;
pub mod bias;
pub mod calibration;
pub mod document;
pub mod drift;
pub mod duplicates;
pub mod label_errors;
pub mod losses;
pub mod preprocessing;
pub mod robustness;
mod run;
pub mod slices;
mod subject;
#[cfg(test)]
mod tests;
mod wants;

pub use document::{Document, Excluded, NotRun};
pub use subject::{Against, Predict, Subject, Training};
pub use wants::{ALL, Stage, Wants, changes};

/// Classes with fewer images are named in [`Document::excluded`]: their intervals are wide.
pub const FEW_IMAGES: u64 = 30;

/// An audit.
#[derive(Clone, Debug, PartialEq)]
pub struct Audited {
    /// `audit.json`.
    pub document: Document,
    /// Every label that was judged, for `relabel.csv`; of [`Subject::out_of_fold`] if that is there, else of the audited table.
    pub label_errors: Option<LabelErrors>,
}

/// Audits `subject`. `progress` is told what is being done.
///
/// # Panics
/// If the table has no row, or something of the subject is not of its images or classes: readers check their input.
pub fn audit(subject: Subject<'_>, wants: &Wants, progress: &mut dyn FnMut(Stage)) -> Audited {
    let mut run = run::Run::new(subject, wants, progress);
    run.few_images();
    run.bias();
    run.measure();
    run.slices();
    run.calibration();
    run.label_errors();
    run.duplicates();
    run.drift();
    run.preprocessing();
    run.robustness();
    run.finish()
}
