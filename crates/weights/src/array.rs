//! An array of a file: a name, a shape, and values that become `f32` when somebody wants them.

use half::{bf16, f16};

/// What the values of an array are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32 bits.
    Float32,
    /// 64 bits; rounded to `f32`.
    Float64,
    /// 16 bits of IEEE 754.
    Float16,
    /// The upper 16 bits of a `f32`.
    BFloat16,
    /// Anything else, by the name the file's format has for it: no weights.
    Other(&'static str),
}

impl Element {
    /// As PyTorch and NumPy call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Float16 => "float16",
            Self::BFloat16 => "bfloat16",
            Self::Other(name) => name,
        }
    }

    /// Bytes of a value; `None` if it is no weight.
    pub(crate) fn size(self) -> Option<usize> {
        match self {
            Self::Float16 | Self::BFloat16 => Some(2),
            Self::Float32 => Some(4),
            Self::Float64 => Some(8),
            Self::Other(_) => None,
        }
    }

    /// The value in little-endian bytes, [`Element::size`] of them.
    pub(crate) fn value(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::Float32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Self::Float64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            (Self::Float16, &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
            (Self::BFloat16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
            _ => unreachable!("an element has as many bytes as it says"),
        }
    }
}

/// One array of a file.
#[derive(Clone, Debug)]
pub struct Array<'a> {
    /// Its name in the file.
    pub name: String,
    /// Its shape in the file.
    pub shape: Vec<usize>,
    /// What its values are stored as.
    pub element: Element,
    data: Data<'a>,
}

#[derive(Clone, Debug)]
enum Data<'a> {
    /// Value `(i, j, …)` is at `first + i strides[0] + j strides[1] + …`, counted in values.
    Strided { bytes: &'a [u8], first: usize, strides: Vec<usize> },
    /// In row-major order.
    Values(Vec<f32>),
    /// There, but no numbers that can be weights.
    Unread,
}

impl<'a> Array<'a> {
    /// Values in row-major order, which the file's reader has made already.
    pub(crate) fn of(name: String, shape: Vec<usize>, element: Element, values: Vec<f32>) -> Self {
        debug_assert_eq!(product(&shape), Some(values.len()), "{name}");
        Self { name, shape, element, data: Data::Values(values) }
    }

    /// An array that is listed and not read.
    pub(crate) fn unread(name: String, shape: Vec<usize>, element: Element) -> Self {
        Self { name, shape, element, data: Data::Unread }
    }

    /// An array in the bytes of a file, little-endian.
    ///
    /// # Errors
    /// What is expected and what is found, if it reaches beyond the bytes, or has more values than they do.
    pub(crate) fn strided(
        name: String,
        shape: Vec<usize>,
        element: Element,
        bytes: &'a [u8],
        first: usize,
        strides: Vec<usize>,
    ) -> Result<Self, (String, String)> {
        let Some(size) = element.size() else { return Ok(Self::unread(name, shape, element)) };
        let there = bytes.len() / size;
        let count = product(&shape);
        let last = shape.iter().zip(&strides).try_fold(first, |sum, (&length, &stride)| {
            sum.checked_add(length.saturating_sub(1).checked_mul(stride)?)
        });
        let fits = shape.len() == strides.len()
            && count.is_some_and(|count| count <= there)
            && (count == Some(0) || last.is_some_and(|last| last < there));
        if !fits {
            let found = format!("shape {shape:?} with strides {strides:?} from {first} on");
            return Err((format!("a part of the {there} values of its storage"), found));
        }
        Ok(Self { name, shape, element, data: Data::Strided { bytes, first, strides } })
    }

    /// Whether its values can be weights.
    pub fn is_float(&self) -> bool {
        !matches!(self.data, Data::Unread)
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        product(&self.shape).unwrap_or(usize::MAX)
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its values in row-major order; none if [`Array::is_float`] is false.
    pub fn values(&self) -> Vec<f32> {
        let (bytes, first, strides) = match &self.data {
            Data::Unread => return Vec::new(),
            Data::Values(values) => return values.clone(),
            Data::Strided { bytes, first, strides } => (bytes, *first, strides),
        };
        let Some(size) = self.element.size().filter(|_| !self.is_empty()) else { return Vec::new() };
        if *strides == row_major(&self.shape) {
            let part = &bytes[first * size..][..self.len() * size];
            return part.chunks_exact(size).map(|bytes| self.element.value(bytes)).collect();
        }
        let mut values = Vec::with_capacity(self.len());
        let mut index = vec![0; self.shape.len()];
        loop {
            let place = index.iter().zip(strides).fold(first, |sum, (&i, &stride)| sum + i * stride);
            values.push(self.element.value(&bytes[place * size..][..size]));
            // The next index in row-major order.
            let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < self.shape[axis]) else {
                return values;
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }
}

/// Number of values; `None` if no `usize` holds it.
pub(crate) fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length))
}

/// Strides of an array in row-major order.
pub(crate) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
        values.into_iter().flat_map(f32::to_le_bytes).collect()
    }

    #[test]
    fn strides_are_followed() {
        let bytes = bytes((0..6u8).map(f32::from));
        let transposed =
            Array::strided("x".into(), vec![3, 2], Element::Float32, &bytes, 0, vec![1, 3]).unwrap();
        assert_eq!(transposed.values(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let part = Array::strided("x".into(), vec![2], Element::Float32, &bytes, 1, vec![4]).unwrap();
        assert_eq!(part.values(), [1.0, 5.0]);
        let scalar = Array::strided("x".into(), vec![], Element::Float32, &bytes, 2, vec![]).unwrap();
        assert_eq!(scalar.values(), [2.0]);
        let none = Array::strided("x".into(), vec![0, 7], Element::Float32, &bytes, 0, vec![7, 1]).unwrap();
        assert!(none.values().is_empty());
    }

    #[test]
    fn nothing_beyond_the_storage_is_read() {
        let bytes = bytes((0..6u8).map(f32::from));
        let fits = |shape: &[usize], first, strides: &[usize]| {
            Array::strided("x".into(), shape.to_vec(), Element::Float32, &bytes, first, strides.to_vec())
                .is_ok()
        };
        assert!(fits(&[3, 2], 0, &[2, 1]));
        assert!(!fits(&[3, 2], 1, &[2, 1]));
        assert!(!fits(&[3, 2], 0, &[1 << 62, 1 << 62]));
        assert!(!fits(&[7], 0, &[0])); // an expanded array is larger than what it is made of
        assert!(!fits(&[usize::MAX, usize::MAX], 0, &[0, 0]));
        assert!(!fits(&[2], 0, &[]));
    }

    #[test]
    fn every_float_becomes_f32() {
        let half = f16::from_f32(1.5).to_le_bytes();
        let brain = bf16::from_f32(-2.25).to_le_bytes();
        let double = 0.125f64.to_le_bytes();
        for (element, bytes, value) in [
            (Element::Float16, &half[..], 1.5),
            (Element::BFloat16, &brain[..], -2.25),
            (Element::Float64, &double[..], 0.125),
        ] {
            let array = Array::strided("x".into(), vec![1], element, bytes, 0, vec![1]).unwrap();
            assert_eq!(array.values(), [value], "{}", element.name());
        }
    }
}
