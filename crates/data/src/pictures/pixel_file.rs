//! Decoded pictures that do not fit into memory: one after the other in a file, which has no name and goes away with the program.
//!
//! *Idea*: a picture is decoded once. What is read often stays in the system's cache of the disk, as much of it as there is memory
//! to spare, so a data set that fits there is read about as fast as from memory, and one that does not is read from the disk.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use seamripper_core::sample::PixelStore;

use crate::{Error, Result};

/// All pixels, where they are kept.
#[derive(Debug)]
pub(super) enum Kept {
    Memory(Vec<u8>),
    File(PixelFile),
}

/// Pixels of many pictures of one size, as they come.
#[derive(Debug)]
pub(super) enum Gathered {
    Memory(Vec<u8>),
    File { file: BufWriter<File>, folder: PathBuf },
}

impl Gathered {
    /// For up to `most` bytes: in memory, or in a file in `folder` if they are more than `memory`.
    pub(super) fn new(most: usize, memory: usize, folder: &Path) -> Result<Self> {
        if most <= memory {
            return Ok(Self::Memory(Vec::new()));
        }
        let failed =
            |source| Error::Io { action: "create a file for pixels in", path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let file = BufWriter::new(tempfile::tempfile_in(folder).map_err(failed)?);
        Ok(Self::File { file, folder: folder.to_owned() })
    }

    pub(super) fn push(&mut self, pixels: &[u8]) -> Result<()> {
        match self {
            Self::Memory(all) => {
                all.extend_from_slice(pixels);
                Ok(())
            }
            Self::File { file, folder } => file.write_all(pixels).map_err(|source| written(folder, source)),
        }
    }

    /// What was gathered, of pictures of `length` bytes.
    pub(super) fn finish(self, length: usize) -> Result<Kept> {
        match self {
            Self::Memory(pixels) => Ok(Kept::Memory(pixels)),
            Self::File { file, folder } => {
                let file = file.into_inner().map_err(|error| written(&folder, error.into_error()))?;
                Ok(Kept::File(PixelFile { file, length }))
            }
        }
    }
}

fn written(folder: &Path, source: io::Error) -> Error {
    Error::Io { action: "write a file for pixels in", path: folder.to_owned(), source }
}

/// A file of pictures of one size.
#[derive(Debug)]
pub(super) struct PixelFile {
    file: File,
    length: usize,
}

impl PixelStore for PixelFile {
    fn read(&self, index: usize, pixels: &mut [u8]) {
        let place = index as u64 * self.length as u64;
        if let Err(error) = read_at(&self.file, pixels, place) {
            panic!("pixels of image {index}, byte {place} of their file, could be read before: {error}");
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, place)
}

#[cfg(windows)]
fn read_at(file: &File, mut into: &mut [u8], mut place: u64) -> io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, place)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => (into, place) = (&mut into[read..], place + read as u64),
        }
    }
    Ok(())
}
