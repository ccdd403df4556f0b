//! Numbers that are known when a model is read: weights, and shapes that are computed from shapes.
//!
//! *Safety of reading*: the product of a tensor's dimensions is compared with the values that are there before anything is
//! allocated for it.

use half::{bf16, f16};

use crate::error::TensorFault;
use crate::proto::{EXTERNAL, TensorProto, data_type};

/// Most values a constant may be given by an operator that makes large ones of small ones (`Expand`, `ConstantOfShape`).
pub(crate) const MADE_AT_MOST: usize = 1 << 24;

/// Whole or real numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    /// Floating point of any width, as `f32`.
    Real(Vec<f32>),
    /// Integers and truth values.
    Whole(Vec<i64>),
}

/// A tensor of known values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// Reads the file that holds a tensor's values: its bytes, by the name that the model has for it.
pub type External<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

impl Constant {
    pub(crate) fn whole(values: Vec<i64>) -> Self {
        Self { shape: vec![values.len()], values: Values::Whole(values) }
    }

    pub(crate) fn scalar(value: f32) -> Self {
        Self { shape: Vec::new(), values: Values::Real(vec![value]) }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Real(values) => values.len(),
            Values::Whole(values) => values.len(),
        }
    }

    /// The values as real numbers.
    pub(crate) fn reals(&self) -> Vec<f32> {
        match &self.values {
            Values::Real(values) => values.clone(),
            Values::Whole(values) => values.iter().map(|&value| value as f32).collect(),
        }
    }

    /// The values as whole numbers; `None` if they are not.
    pub(crate) fn wholes(&self) -> Option<Vec<i64>> {
        match &self.values {
            Values::Whole(values) => Some(values.clone()),
            Values::Real(values) => values
                .iter()
                .map(|&value| (value.fract() == 0.0 && value.abs() < 1e9).then_some(value as i64))
                .collect(),
        }
    }

    /// Its only value, or the one that all its values are.
    pub(crate) fn uniform(&self) -> Option<f32> {
        let values = self.reals();
        let first = *values.first()?;
        values.iter().all(|&value| value == first).then_some(first)
    }

    /// The tensor that `proto` describes; `name` is what errors call it.
    pub(crate) fn read(proto: &TensorProto, name: &str, external: External<'_>) -> Result<Self, TensorFault> {
        let fault = |expected: String, found: String| TensorFault { name: name.to_owned(), expected, found };
        let shape: Option<Vec<usize>> =
            proto.dims.iter().map(|&length| usize::try_from(length).ok()).collect();
        let count = shape.as_ref().and_then(|shape| shape.iter().try_fold(1_usize, |n, &x| n.checked_mul(x)));
        let (Some(shape), Some(count)) = (shape, count) else {
            return Err(fault("a shape".into(), format!("{:?}", proto.dims)));
        };
        let Some((width, kind)) = width(proto.data_type) else {
            let expected = "float, float16, bfloat16, double, an integer or bool".to_owned();
            return Err(fault(expected, format!("data type {}", proto.data_type)));
        };
        let elsewhere;
        let raw = if proto.data_location == EXTERNAL {
            elsewhere =
                outside(proto, external).map_err(|found| fault("values in another file".into(), found))?;
            Some(&elsewhere[..])
        } else {
            (!proto.raw_data.is_empty()).then_some(&proto.raw_data[..])
        };
        let expected = || format!("{count} values for {shape:?}");
        let values = match raw {
            Some(raw) if count.checked_mul(width) == Some(raw.len()) => from_bytes(raw, proto.data_type),
            Some(raw) => return Err(fault(expected(), format!("{} bytes of {kind}", raw.len()))),
            None => from_fields(proto),
        };
        let constant = Self { shape: shape.clone(), values };
        if constant.len() != count {
            return Err(fault(expected(), constant.len().to_string()));
        }
        Ok(constant)
    }
}

/// Bytes of a value, and what the type is called.
fn width(kind: i32) -> Option<(usize, &'static str)> {
    Some(match kind {
        data_type::FLOAT => (4, "float"),
        data_type::DOUBLE => (8, "double"),
        data_type::FLOAT16 => (2, "float16"),
        data_type::BFLOAT16 => (2, "bfloat16"),
        data_type::INT64 => (8, "int64"),
        data_type::INT32 => (4, "int32"),
        data_type::UINT8 => (1, "uint8"),
        data_type::INT8 => (1, "int8"),
        data_type::BOOL => (1, "bool"),
        _ => return None,
    })
}

fn from_bytes(raw: &[u8], kind: i32) -> Values {
    fn each<const WIDTH: usize, T>(raw: &[u8], value: impl Fn([u8; WIDTH]) -> T) -> Vec<T> {
        raw.as_chunks::<WIDTH>().0.iter().map(|&bytes| value(bytes)).collect()
    }
    match kind {
        data_type::FLOAT => Values::Real(each(raw, f32::from_le_bytes)),
        data_type::DOUBLE => Values::Real(each(raw, |bytes| f64::from_le_bytes(bytes) as f32)),
        data_type::FLOAT16 => Values::Real(each(raw, |bytes| f16::from_le_bytes(bytes).to_f32())),
        data_type::BFLOAT16 => Values::Real(each(raw, |bytes| bf16::from_le_bytes(bytes).to_f32())),
        data_type::INT64 => Values::Whole(each(raw, i64::from_le_bytes)),
        data_type::INT32 => Values::Whole(each(raw, |bytes| i64::from(i32::from_le_bytes(bytes)))),
        data_type::INT8 => Values::Whole(each(raw, |[byte]| i64::from(byte.cast_signed()))),
        _ => Values::Whole(each(raw, |[byte]| i64::from(byte))),
    }
}

/// Values in the typed fields; halves are the low bits of `int32_data`.
fn from_fields(proto: &TensorProto) -> Values {
    let low = |&bits: &i32| bits as u16;
    match proto.data_type {
        data_type::FLOAT => Values::Real(proto.float_data.clone()),
        data_type::DOUBLE => Values::Real(proto.double_data.iter().map(|&value| value as f32).collect()),
        data_type::FLOAT16 => {
            Values::Real(proto.int32_data.iter().map(|bits| f16::from_bits(low(bits)).to_f32()).collect())
        }
        data_type::BFLOAT16 => {
            Values::Real(proto.int32_data.iter().map(|bits| bf16::from_bits(low(bits)).to_f32()).collect())
        }
        data_type::INT64 => Values::Whole(proto.int64_data.clone()),
        _ => Values::Whole(proto.int32_data.iter().map(|&value| i64::from(value)).collect()),
    }
}

/// The bytes of a tensor whose values lie in another file.
fn outside(proto: &TensorProto, external: External<'_>) -> Result<Vec<u8>, String> {
    let entry =
        |key: &str| proto.external_data.iter().find(|entry| entry.key == key).map(|entry| &*entry.value);
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text.parse::<usize>().map(Some).map_err(|_| format!("{key} \"{text}\"")),
    };
    let location = entry("location").ok_or("no location")?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let bytes = external(location)?;
    let end = length.map_or(Some(bytes.len()), |length| offset.checked_add(length));
    let part = end.and_then(|end| bytes.get(offset..end));
    part.map(<[u8]>::to_vec).ok_or_else(|| {
        let length = length.map_or("its rest".to_owned(), |length| format!("{length} bytes"));
        format!("{length} from {offset} on of {location}, which has {}", bytes.len())
    })
}
