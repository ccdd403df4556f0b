//! `events.out.tfevents`: the metrics of a run as TensorBoard reads them.
//!
//! *Idea*: a file of records, each behind its length and with checksums of both. The first says the version of the format, each
//! other one is an epoch with its numbers.
//!
//! ```text
//! record: length u64 | masked(crc(length)) u32 | an Event, `length` bytes | masked(crc(event)) u32      all little-endian
//! masked(crc) = (crc rotated right by 15) + 0xa282ead8, crc = CRC-32C
//! ```
//!
//! It is appended to and never replaced, because TensorBoard keeps it open while the run goes on. So a killed run may leave half a
//! record, or an epoch that the last checkpoint does not have. A run that goes on keeps what is whole and not beyond its
//! checkpoint, cuts off the rest, and writes what is missing from `metrics.jsonl`: every epoch stands there once.
//!
//! *Reference*: TensorFlow 2.21, `core/lib/io/record_writer.h` (records), `core/lib/hash/crc32c.h` (the mask),
//! `core/util/event.proto` and `core/framework/summary.proto` (field numbers).

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;
use seamripper_data::{Error, Result};

use super::metrics::{Epoch, Metrics};

#[cfg(test)]
mod tests;

/// TensorBoard looks for `tfevents` in the name.
pub const EVENTS: &str = "events.out.tfevents";
/// The version of the format, in the first record.
const VERSION: &str = "brain.Event:2";
const MASK: u32 = 0xa282_ead8;
/// Bytes of a record before its event, and after it.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// `tensorflow.Event`, as far as it is written here.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// `tensorflow.Summary.Value` with one number.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The file of a run in progress.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// Opens `path`, and makes it hold the epochs of `metrics`, each once.
    pub fn go_on(path: &Path, metrics: &Metrics) -> Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::Io { action: "read", path: path.to_owned(), source }),
        };
        let Kept { bytes, epochs } = kept(&bytes, metrics.epochs().len());
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let file = opened.and_then(|file| file.set_len(bytes as u64).map(|()| file));
        let file = file.map_err(|source| Error::Io { action: "write", path: path.to_owned(), source })?;
        let mut events = Self { path: path.to_owned(), file };
        if bytes == 0 {
            events.append(&Event { file_version: Some(VERSION.to_owned()), ..Event::default() })?;
        }
        for epoch in &metrics.epochs()[epochs..] {
            events.add(epoch)?;
        }
        Ok(events)
    }

    /// Appends an epoch.
    pub fn add(&mut self, epoch: &Epoch) -> Result<()> {
        let summary = Some(Summary { value: scalars(epoch) });
        self.append(&Event { step: epoch.epoch.cast_signed(), summary, ..Event::default() })
    }

    fn append(&mut self, event: &Event) -> Result<()> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let event = Event { wall_time: since.as_secs_f64(), ..event.clone() };
        let written = self.file.write_all(&record(&event.encode_to_vec()));
        written.map_err(|source| Error::Io { action: "write", path: self.path.clone(), source })
    }
}

/// The numbers of an epoch under their tags; what has no value is left out.
fn scalars(epoch: &Epoch) -> Vec<Scalar> {
    let whole = [
        ("train_loss", Some(epoch.train_loss)),
        ("validation_loss", epoch.validation_loss),
        ("validation_accuracy", epoch.validation_accuracy),
        ("rate", Some(epoch.rate)),
        ("images_per_second", Some(epoch.images_per_second)),
    ];
    let whole = whole.into_iter().map(|(tag, value)| (tag.to_owned(), value));
    let classes = epoch.classes.iter().flat_map(|class| {
        [(format!("recall/{}", class.name), class.recall), (format!("bias/{}", class.name), class.bias)]
    });
    let scalar = |(tag, value): (String, Option<f64>)| {
        Some(Scalar { tag, simple_value: Some(value? as f32) }) // the format has single precision
    };
    whole.chain(classes).filter_map(scalar).collect()
}

/// An event between its checksums.
fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let [of_length, of_event] = [&length[..], event].map(|bytes| masked(bytes).to_le_bytes());
    [&length[..], &of_length, event, &of_event].concat()
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

/// The event of the record that `bytes` begin with; `None` if it is not whole.
fn event(bytes: &[u8]) -> Option<&[u8]> {
    let (length, of_length) = bytes.get(..HEAD)?.split_at(8);
    if masked(length).to_le_bytes() != of_length {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (event, of_event) = bytes[HEAD..].get(..length.checked_add(TAIL)?)?.split_at(length);
    (masked(event).to_le_bytes() == of_event).then_some(event)
}

/// The beginning of a file that a run goes on with.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    bytes: usize,
    /// Epochs in it.
    epochs: usize,
}

/// The version and the first epochs, at most `most`, as far as the records are whole and one follows the other.
fn kept(file: &[u8], most: usize) -> Kept {
    let mut kept = Kept { bytes: 0, epochs: 0 };
    while let Some(bytes) = event(&file[kept.bytes..]) {
        let Ok(read) = Event::decode(bytes) else { break };
        if kept.bytes == 0 {
            if read.file_version.as_deref() != Some(VERSION) {
                break;
            }
        } else if kept.epochs == most || read.step != kept.epochs as i64 + 1 {
            break;
        } else {
            kept.epochs += 1;
        }
        kept.bytes += HEAD + bytes.len() + TAIL;
    }
    kept
}
