//! One HTML file of a run: what was found, the images behind every number, and the model, alive.
//!
//! *Idea*: the page is a program that was bundled when this crate was built. A report is that page with data in it.
//! ```text
//! Inputs (documents, table, images, model; each may be missing)  --assemble-->  Report + blobs  --html-->  one file
//! ```
//! The page reads nothing else: its Content-Security-Policy forbids every connection.

mod assemble;
mod findings;
mod html;
mod neighbors;
mod schema;
#[cfg(test)]
mod tests;
mod tiles;

pub use assemble::{Inputs, MOST_PICTURE_BYTES, MOST_PICTURES, Pictures, assemble};
pub use html::{Assembled, Blob, Missing, has_engine, page, with_page};
pub use neighbors::{EACH, MOST_NEIGHBOR_BYTES, MOST_NEIGHBORED, Neighbors};
pub use schema::{Compared, PictureInfo, Report, RowInfo, SCHEMA};
pub use tiles::{TILE, Tiles};

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
