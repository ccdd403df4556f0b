//! What is inside a file, gzipped or not, read as a bounded stream.
//!
//! *Idea*: gzip is recognized by its first two bytes, never by the name. A payload knows its [`Payload::room`]: the
//! most bytes the file can unpack to. Whoever reads a header compares its claim with the room before allocating, and
//! even then memory grows with what arrives, not with what was claimed. Everything read is hashed on the way.
//!
//! *Reference*: RFC 1952 (gzip); deflate shrinks at most 1032 : 1 (zlib's technical details,
//! <https://zlib.net/zlib_tech.html>).

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::checksum::HashingReader;
use crate::{Error, Result};

/// The most bytes one byte of a deflate stream can stand for.
const DEFLATE_MOST: u64 = 1032;
/// Memory is reserved up to this size before any of it is seen to be needed.
const RESERVE_MOST: u64 = 64 << 20;
/// How far the surplus behind a payload is read to count it.
const SURPLUS_MOST: u64 = 1 << 20;

/// The unpacked bytes of one file.
pub struct Payload<'a> {
    path: PathBuf,
    file_bytes: u64,
    packed: bool,
    taken: u64,
    stream: HashingReader<Box<dyn Read + 'a>>,
}

impl Payload<'static> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened or is no file.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        Self::new(path, metadata.len(), file)
    }
}

impl<'a> Payload<'a> {
    /// A payload of `bytes` in memory; `path` is what its errors call it.
    ///
    /// # Errors
    /// None that memory can give; the signature is that of reading.
    pub fn of_bytes(path: &Path, bytes: &'a [u8]) -> Result<Self> {
        Self::new(path, bytes.len() as u64, bytes)
    }

    fn new(path: &Path, file_bytes: u64, mut raw: impl Read + 'a) -> Result<Self> {
        let mut start = Vec::with_capacity(2);
        raw.by_ref().take(2).read_to_end(&mut start).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let packed = start == [0x1f, 0x8b];
        let whole = Cursor::new(start).chain(raw);
        let stream: Box<dyn Read + 'a> = if packed {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { path: path.to_owned(), file_bytes, packed, taken: 0, stream: HashingReader::new(stream) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The most bytes that can still come: the rest of a plain file, 1032 times the size of a packed one.
    pub fn room(&self) -> u64 {
        let all = if self.packed { self.file_bytes.saturating_mul(DEFLATE_MOST) } else { self.file_bytes };
        all.saturating_sub(self.taken)
    }

    /// Why there is no more room than that, for error messages.
    pub fn room_reason(&self) -> String {
        let packed = if self.packed { "gzipped " } else { "" };
        format!("what a {packed}file of {} bytes can hold", self.file_bytes)
    }

    /// The next `count` bytes, called `what` in errors. The caller has compared `count` with [`Self::room`].
    ///
    /// # Errors
    /// [`Error::Malformed`] if the payload ends before, or the gzip stream is cut off or damaged; [`Error::Io`].
    pub fn take(&mut self, count: u64, what: &str) -> Result<Vec<u8>> {
        let reserve = count.min(self.room()).min(RESERVE_MOST);
        let mut bytes = Vec::with_capacity(reserve as usize);
        let outcome = self.stream.append(count, &mut bytes);
        let found = bytes.len() as u64;
        self.taken += found;
        outcome.map_err(|error| self.failure(error))?;
        if found < count {
            return Err(self.malformed(
                what,
                format!("{count} bytes"),
                format!("{found} bytes: the file is too short"),
            ));
        }
        Ok(bytes)
    }

    /// Makes sure that nothing follows (and that gzip's own checksum is right), and gives the SHA-256 of all.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there are more bytes, or the gzip stream is cut off or damaged; [`Error::Io`].
    pub fn finish(mut self) -> Result<String> {
        let mut surplus = 0;
        let mut buffer = [0; 4096];
        while surplus < SURPLUS_MOST {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => surplus += n as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(error)),
            }
        }
        if surplus == 0 {
            return Ok(self.stream.finish());
        }
        let at_least = if surplus < SURPLUS_MOST { "" } else { "at least " };
        let found = format!("{at_least}{} bytes", self.taken + surplus);
        Err(self.malformed("payload", format!("{} bytes", self.taken), found))
    }

    /// An [`Error::Malformed`] of this file.
    pub fn malformed(&self, what: impl Into<String>, expected: String, found: String) -> Error {
        Error::Malformed { what: what.into(), path: self.path.clone(), expected, found, hint: None }
    }

    fn failure(&self, error: io::Error) -> Error {
        let found = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the end of the file: it is truncated, or no gzip to its end".to_owned()
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => format!("damage ({error})"),
            _ => return Error::Io { action: "read", path: self.path.clone(), source: error },
        };
        let expected = format!("more data after {} unpacked bytes", self.taken);
        let mut problem = self.malformed("gzip stream", expected, found);
        if let Error::Malformed { hint, .. } = &mut problem {
            *hint = Some("copy or download the file again".into());
        }
        problem
    }
}

#[cfg(test)]
mod tests;
