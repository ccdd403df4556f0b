//! The page with data in it.
//!
//! *Idea*: data stand in `<script>` elements of types that no browser runs, where the page has its marker.
//! ```text
//! document:  JSON, with every `<` written as \u003c, so that no text can end the element
//! blobs:     raw deflate, then base64
//! ```
//! *Exactness*: text is text: a name like `</script><script>` comes out of the page as it went in (tests here and in a browser).

use std::io::Write;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderStringWriter;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use thiserror::Error;

use crate::schema::Report;
use crate::tiles::Tiles;

/// Where data belong in the page.
const MARKER: &str = "<!--data-->";

/// What the page's policy says of connections, and what it says if pictures are served beside it.
const ALONE: &str = "connect-src 'none'";
const SERVED: &str = "connect-src 'self'";

/// Bytes beside the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What the page asks for.
    pub name: &'static str,
    /// As they are.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// Bytes under a name.
    pub fn new(name: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, bytes }
    }
}

/// A report, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembled {
    /// The document.
    pub report: Report,
    /// What lies beside it in the file.
    pub blobs: Vec<Blob>,
    /// Pictures that are served beside the file; none unless that was asked for.
    pub tiles: Tiles,
}

/// The program was built without the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("report: expected the page inside this program, found that it was built without")]
pub struct Missing;

impl Missing {
    /// The commands that build it.
    pub fn hint(self) -> String {
        "`cargo run -p xtask -- web` builds the page (it needs node and npm), then build seamripper again"
            .to_owned()
    }
}

/// Whether the page can run the model.
pub fn has_engine() -> bool {
    crate::ENGINE.is_some()
}

/// The page with this report in it.
///
/// # Errors
/// If the program was built without the page.
pub fn page(assembled: &Assembled) -> Result<String, Missing> {
    with_page(crate::PAGE.ok_or(Missing)?, crate::ENGINE, assembled)
}

/// [`page`], with a page that is given.
///
/// # Errors
/// If it has no place for data.
pub fn with_page(page: &str, engine: Option<&[u8]>, assembled: &Assembled) -> Result<String, Missing> {
    let (before, after) = page.split_once(MARKER).ok_or(Missing)?;
    let served = assembled.report.pictures.as_ref().is_some_and(|pictures| pictures.tile.is_some());
    let mut html = match served {
        true => before.replace(ALONE, SERVED),
        false => before.to_owned(),
    };
    let document = serde_json::to_string(&assembled.report).expect("plain data has a JSON form");
    html += "<script type=\"application/json\" id=\"report\">";
    html += &document.replace('<', "\\u003c");
    html += "</script>\n";
    let blobs = assembled.blobs.iter().map(|blob| (blob.name, &blob.bytes[..]));
    let has_model = assembled.blobs.iter().any(|blob| blob.name == "model");
    for (name, bytes) in blobs.chain(engine.filter(|_| has_model).map(|engine| ("engine", engine))) {
        html += &format!("<script type=\"application/octet-stream\" id=\"blob-{name}\">");
        html += &packed(bytes);
        html += "</script>\n";
    }
    html += after;
    Ok(html)
}

/// Deflated and in base64.
fn packed(bytes: &[u8]) -> String {
    let text = EncoderStringWriter::new(&STANDARD);
    let mut encoder = DeflateEncoder::new(text, Compression::new(7));
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything").into_inner()
}

/// What [`packed`] made of bytes, undone; for tests.
#[cfg(test)]
pub(crate) fn unpacked(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    use std::io::Read;
    let mut bytes = Vec::new();
    let deflated = STANDARD.decode(text).expect("base64");
    flate2::read::DeflateDecoder::new(&deflated[..]).read_to_end(&mut bytes).expect("deflate");
    bytes
}
