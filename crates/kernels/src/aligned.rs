//! An array of `f32` that begins on a cache line, so that whole vectors never cross one.
//!
//! A vector of 64 bytes that begins anywhere else is two accesses. Measured gain with AVX-512: see `bench/results.md`.

use std::ops::{Deref, DerefMut};

/// A cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Values beginning on a cache line; otherwise as `Vec<f32>`.
#[derive(Clone, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

impl Aligned {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        Self { lines: vec![Line::default(); length.div_ceil(16)], length }
    }

    /// Makes it `length` long; what is new is 0. Allocates only if it was never as long.
    pub fn resize(&mut self, length: usize) {
        let old = self.length;
        self.lines.resize(length.div_ceil(16), Line::default());
        self.length = length;
        if length > old {
            self[old..].fill(0.0);
        }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        // SAFETY: a line is 16 values without padding (`repr(C)`, 64 bytes), and there are lines for `length` values.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

impl From<&[f32]> for Aligned {
    fn from(values: &[f32]) -> Self {
        let mut array = Self::zeros(values.len());
        array.copy_from_slice(values);
        array
    }
}

impl std::fmt::Debug for Aligned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self[..].fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_on_a_cache_line_and_is_as_long_as_asked() {
        for length in [0, 1, 15, 16, 17, 1000] {
            let mut array = Aligned::zeros(length);
            assert_eq!(array.len(), length);
            assert_eq!(array.as_ptr() as usize % 64, 0);
            array.fill(3.0);
            array.resize(length / 2);
            array.resize(length + 5);
            assert!(array[..length / 2].iter().all(|&x| x == 3.0));
            assert!(array[length / 2..].iter().all(|&x| x == 0.0), "what was cut off does not come back");
        }
        assert_eq!(&Aligned::from(&[1.0, 2.0][..])[..], [1.0, 2.0]);
    }
}
