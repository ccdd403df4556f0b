//! An array of `f32` that begins on a cache line, so that whole vectors never cross one.
//!
//! A vector of 64 bytes that begins anywhere else is two accesses. Measured gain with AVX-512: see `bench/results.md`.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;
/// Values of one, less one: so many may come before the first that begins a line.
const SPARE: usize = LINE / size_of::<f32>() - 1;

/// Values beginning on a cache line; otherwise as `Vec<f32>`.
///
/// A large one takes no memory where nothing was written yet: the system gives zeros page by page. (An allocation that is
/// asked to begin on a line is filled with zeros at once.)
#[derive(Default)]
pub struct Aligned {
    /// Zeros, the values, zeros.
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        if length == 0 {
            return Self::default();
        }
        let values = vec![0.0_f32; length + SPARE];
        let start = values.as_ptr().align_offset(LINE);
        Self { values, start, length }
    }

    /// Makes it `length` long; what is new is 0. Allocates only if it was never as long.
    pub fn resize(&mut self, length: usize) {
        let old = self.length;
        if self.start + length > self.values.len() {
            let mut longer = Self::zeros(length);
            longer[..old].copy_from_slice(self);
            *self = longer;
        } else {
            self.length = length;
            if length > old {
                self[old..].fill(0.0);
            }
        }
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        Self::from(&self[..])
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &self.values[self.start..][..self.length]
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.length]
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
        let on_a_line = |array: &Aligned| array.is_empty() || (array.as_ptr() as usize).is_multiple_of(64);
        for length in [0, 1, 15, 16, 17, 1000] {
            let mut array = Aligned::zeros(length);
            assert_eq!(array.len(), length);
            assert!(on_a_line(&array) && on_a_line(&array.clone()));
            array.fill(3.0);
            array.resize(length / 2);
            array.resize(length + 5);
            assert!(on_a_line(&array));
            assert_eq!(array.clone()[..], array[..]);
            assert!(array[..length / 2].iter().all(|&x| x == 3.0));
            assert!(array[length / 2..].iter().all(|&x| x == 0.0), "what was cut off does not come back");
        }
        assert_eq!(&Aligned::from(&[1.0, 2.0][..])[..], [1.0, 2.0]);
    }
}
