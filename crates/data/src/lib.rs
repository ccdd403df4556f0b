//! Files to samples, and samples to files.
//!
//! [`source::open`] turns what a user types (`fashion-mnist`, `idx:PATH`) into a [`source::Dataset`] whose every byte
//! was checked; [`audit`] says what is wrong with it before the first epoch; [`split`] holds images out of training;
//! [`predictions_file`] reads and writes tables of predictions; [`image_columns`] what is known about images;
//! [`relabel`] tables of suspect labels; [`whole_file`] writes a file wholly or not at all.
//!
//! *Rules of every loader here*: it never panics on input, never allocates what a header claims before the claim was
//! compared with what the file can hold, never skips a row uncounted, and says in its errors which file, what was
//! expected and what was found.
#![forbid(unsafe_code)]

pub mod audit;
pub mod checksum;
mod download;
mod error;
pub mod idx;
pub mod image_columns;
pub mod named;
pub mod options;
pub mod payload;
pub mod predictions_file;
pub mod relabel;
pub mod source;
pub mod split;
pub mod whole_file;

pub use error::{Error, RowProblems};

/// What the functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;
