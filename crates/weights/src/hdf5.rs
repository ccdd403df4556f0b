//! An HDF5 file in memory, read through a library and within bounds of our own.
//!
//! *Safety*: groups are walked to a depth, and no more of them than a file of its size has; the values of all datasets together may
//! be as many as the file's bytes (times what deflate reaches, if one is packed), so that datasets that share their bytes or
//! were never written cannot claim more.

use hdf5_pure::{AttrValue, DType, Dataset, Datatype, DatatypeByteOrder, File, Group};

use crate::array::{Array, Element, product};
use crate::error::WeightsError;
use crate::read::DEFLATE_MOST;

/// Deeper groups are refused; a model in a model has two levels each.
pub(crate) const DEPTH_MOST: usize = 32;

/// An open file.
pub(crate) struct Hdf5 {
    file: File,
    size: u64,
    /// Bytes of values so far.
    read: u64,
    packed: bool,
}

impl Hdf5 {
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self, WeightsError> {
        let size = bytes.len() as u64;
        let file = File::from_bytes(bytes).map_err(|error| damaged("HDF5 file", error))?;
        Ok(Self { file, size, read: 0, packed: false })
    }

    pub(crate) fn root(&self) -> Group {
        self.file.root()
    }

    /// Groups that are walked at most: none takes less than 40 bytes.
    pub(crate) fn groups_most(&self) -> usize {
        usize::try_from(self.size / 40).unwrap_or(usize::MAX)
    }

    /// The array in a dataset.
    pub(crate) fn array(&mut self, name: String, dataset: &Dataset) -> Result<Array<'static>, WeightsError> {
        let wrong = |expected: &str, found: String| WeightsError::Broken {
            what: format!("dataset {name}"),
            expected: expected.to_owned(),
            found,
        };
        let failed = |error: hdf5_pure::Error| wrong("readable values", error.to_string());
        let lengths = dataset.shape().map_err(failed)?;
        let shape: Option<Vec<usize>> = lengths.iter().map(|&length| usize::try_from(length).ok()).collect();
        let Some((shape, count)) =
            shape.and_then(|shape| Some((product(&shape)?, shape))).map(|(n, s)| (s, n))
        else {
            return Err(wrong("a shape in memory", format!("{lengths:?}")));
        };
        let dtype = dataset.dtype().map_err(failed)?;
        let element = match &dtype {
            DType::F32 => Element::Float32,
            DType::F64 => Element::Float64,
            DType::Other(other) => match **other {
                Datatype::FloatingPoint { size: 2, byte_order: DatatypeByteOrder::LittleEndian, .. } => {
                    Element::Float16
                }
                // HDF5 has no bfloat16; Keras writes two bytes of no type.
                Datatype::Opaque { size: 2, .. } => Element::BFloat16,
                _ => Element::Other("another type"),
            },
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Element::Other("whole numbers"),
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => Element::Other("whole numbers"),
            _ => Element::Other("another type"),
        };
        let Some(size) = element.size() else { return Ok(Array::unread(name, shape, element)) };
        self.packed |= !dataset.filters().is_empty();
        let most = if self.packed { self.size.saturating_mul(DEFLATE_MOST) } else { self.size };
        self.read = self.read.saturating_add((count as u64).saturating_mul(size as u64));
        if self.read > most {
            return Err(wrong(
                &format!("no more values than the file's {} bytes hold", self.size),
                format!("{shape:?}"),
            ));
        }
        let values: Vec<f32> = match element {
            Element::Float64 => {
                dataset.read_f64().map_err(failed)?.into_iter().map(|value| value as f32).collect()
            }
            Element::Float16 | Element::BFloat16 => {
                let bytes = dataset.read_raw().map_err(failed)?;
                bytes.chunks_exact(size).map(|bytes| element.value(bytes)).collect()
            }
            _ => dataset.read_f32().map_err(failed)?,
        };
        if values.len() != count {
            return Err(wrong(&format!("{count} values"), values.len().to_string()));
        }
        Ok(Array::of(name, shape, element, values))
    }
}

/// The texts of an attribute that holds a list of them; Keras cuts long ones into `name0`, `name1`, …
pub(crate) fn texts(group: &Group, name: &str) -> Result<Option<Vec<String>>, WeightsError> {
    let attributes = group.attrs().map_err(|error| damaged("attributes", error))?;
    let list = |name: &str| {
        attributes.get(name).map(|value| match value.as_strings() {
            Some(texts) => texts.to_vec(),
            None => value.as_str().map(str::to_owned).into_iter().collect(),
        })
    };
    if let Some(texts) = list(name) {
        return Ok(Some(texts));
    }
    let pieces: Vec<_> = (0..).map_while(|piece: usize| list(&format!("{name}{piece}"))).collect();
    Ok((!pieces.is_empty()).then(|| pieces.concat()))
}

/// The text of an attribute.
pub(crate) fn text(group: &Group, name: &str) -> Option<String> {
    group.attrs().ok()?.get(name).and_then(AttrValue::as_str).map(str::to_owned)
}

pub(crate) fn damaged(what: &str, error: hdf5_pure::Error) -> WeightsError {
    WeightsError::broken(what, "one that can be read", error)
}
