//! The arrays of a file, whatever program wrote it: its content says which.

use std::io::Read;

use zip::{CompressionMethod, ZipArchive};

use crate::error::WeightsError;
use crate::layer::Stored;
use crate::{keras, tensors, torch};

/// No entry of an archive is unpacked to more than this many times its packed size: what deflate can reach.
pub(crate) const DEFLATE_MOST: u64 = 1032;

/// The layers in the bytes of a PyTorch state dict (`.pt`, `.pth`, `.safetensors`) or of a Keras file (`.keras`, `.weights.h5`,
/// `.h5`). `key` names the state dict in a checkpoint that holds several.
///
/// # Errors
/// If the format is not one of these, is damaged, or holds what is not weights.
pub fn read<'a>(bytes: &'a [u8], key: Option<&str>) -> Result<Stored<'a>, WeightsError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return zipped(bytes, key);
    }
    if hdf5_pure::is_hdf5_bytes(bytes) {
        return keras::read(bytes.to_vec(), None);
    }
    if bytes.starts_with(&[0x80, 0x02]) {
        return Err(WeightsError::OldTorch);
    }
    // A safetensors file begins with the length of its header, which is JSON.
    if bytes.get(8) == Some(&b'{') {
        return tensors::read(bytes);
    }
    let found = match bytes {
        [] => "an empty file".to_owned(),
        _ => format!("a file that begins with {:02x?}", &bytes[..bytes.len().min(8)]),
    };
    Err(WeightsError::Format { found })
}

fn zipped<'a>(bytes: &'a [u8], key: Option<&str>) -> Result<Stored<'a>, WeightsError> {
    let archive = Archive::open(bytes)?;
    if archive.entries.iter().any(|entry| entry.name.ends_with("constants.pkl")) {
        return Err(WeightsError::TorchScript);
    }
    if let Some(pickle) = archive.entries.iter().find(|entry| entry.name.ends_with("data.pkl")) {
        let folder = pickle.name.trim_end_matches("data.pkl").to_owned();
        return torch::read(&archive, &folder, key);
    }
    if let Some(weights) = archive.get("model.weights.h5") {
        let config = archive.get("config.json").map(|entry| archive.unpacked(entry)).transpose()?;
        return keras::read(archive.unpacked(weights)?, config.as_deref());
    }
    let names: Vec<_> = archive.entries.iter().take(5).map(|entry| entry.name.as_str()).collect();
    let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Err(WeightsError::Format { found: format!("an archive with {found}") })
}

/// A zip archive in memory.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    pub(crate) entries: Vec<Entry>,
}

/// Where an entry is.
pub(crate) struct Entry {
    pub(crate) name: String,
    index: usize,
    /// First byte and length, if it is stored as it is.
    stored: Option<(usize, usize)>,
    packed: u64,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        let damaged =
            |error: zip::result::ZipError| WeightsError::broken("zip archive", "a whole one", error);
        let mut zip = ZipArchive::new(std::io::Cursor::new(bytes)).map_err(damaged)?;
        let mut entries = Vec::new();
        for index in 0..zip.len() {
            let file = zip.by_index_raw(index).map_err(damaged)?;
            let name = file.name().map_err(damaged)?.into_owned();
            let range = file.data_start().zip(Some(file.compressed_size()));
            let stored = (file.compression() == CompressionMethod::Stored
                && file.size() == file.compressed_size())
            .then_some(range)
            .flatten()
            .and_then(|(start, length)| Some((usize::try_from(start).ok()?, usize::try_from(length).ok()?)));
            entries.push(Entry { name, index, stored, packed: file.compressed_size() });
        }
        Ok(Self { bytes, entries })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The bytes of an entry that is stored as it is.
    pub(crate) fn stored(&self, entry: &Entry) -> Result<&'a [u8], WeightsError> {
        let within = entry.stored.and_then(|(start, length)| self.bytes.get(start..)?.get(..length));
        within.ok_or_else(|| WeightsError::Broken {
            what: format!("archive entry {}", entry.name),
            expected: "bytes stored as they are, within the file".to_owned(),
            found: "packed ones, or a place beyond the end".to_owned(),
        })
    }

    /// The bytes of an entry, unpacked.
    fn unpacked(&self, entry: &Entry) -> Result<Vec<u8>, WeightsError> {
        if entry.stored.is_some() {
            return self.stored(entry).map(<[u8]>::to_vec);
        }
        let what = || format!("archive entry {}", entry.name);
        let damaged =
            |error: &dyn std::fmt::Display| WeightsError::broken(what(), "an unpackable one", error);
        let mut zip = ZipArchive::new(std::io::Cursor::new(self.bytes)).map_err(|error| damaged(&error))?;
        let file = zip.by_index(entry.index).map_err(|error| damaged(&error))?;
        let most = entry.packed.min(self.bytes.len() as u64).saturating_mul(DEFLATE_MOST);
        let mut unpacked = Vec::new();
        file.take(most).read_to_end(&mut unpacked).map_err(|error| damaged(&error))?;
        Ok(unpacked)
    }
}
