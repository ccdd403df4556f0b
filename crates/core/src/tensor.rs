//! A dense `f32` array with a run-time shape, last axis contiguous.

/// Values in row-major order; `data.len()` is the product of `shape`.
///
/// Axes: activations `[n, h, w, c]`, conv weights `[kh, kw, in_c, out_c]`, dense weights `[in, out]`, logits `[n, k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// Wraps `data`.
    ///
    /// # Panics
    /// If `data` does not have exactly as many values as `shape` asks for.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        let shape = shape.into();
        assert_eq!(shape.iter().product::<usize>(), data.len(), "tensor of shape {shape:?}");
        Self { shape, data }
    }

    /// All zeros.
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let data = vec![0.0; shape.iter().product()];
        Self { shape, data }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The values, row-major, to write.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values, row-major, without the shape.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}

/// The place of the largest value of a row, the first of equals, as `argmax` in numpy; 0 of an empty row.
pub fn argmax<T: PartialOrd>(row: &[T]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}
