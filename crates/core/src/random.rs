//! Random numbers addressed by what they are for, so that no draw depends on the order of the others.
//!
//! *Idea*: a stream is named by `(seed, purpose, a, b)`, for instance `(seed, Augment, epoch, image)`. Streams with
//! different names are independent ChaCha8 key streams. Nothing carries state from one epoch to the next: resuming a
//! run, or changing the number of threads, cannot change a draw.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream is for; the first half of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights; `a` = index of the parameter.
    Init = 1,
    /// Order of the training images; `a` = epoch.
    Shuffle = 2,
    /// Train/validation split; `a` = class.
    Split = 3,
    /// Copies made once, before training; `a` = transform, `b` = image.
    Expand = 4,
    /// Transforms redrawn each epoch; `a` = epoch, `b` = position in the epoch.
    Online = 5,
    /// Dropout masks; `a` = training step, `b` = layer and the image's place in the batch.
    Dropout = 6,
    /// Bootstrap resamples; `a` = which statistic.
    Bootstrap = 7,
    /// Mixing of images within a batch; `a` = epoch, `b` = batch.
    Mixup = 8,
    /// Tests and synthetic data.
    Test = 9,
    /// Noise on images whose gradients are averaged.
    Smooth = 10,
    /// Random masks over images.
    Rise = 11,
    /// Weights out of order, for the sanity check of saliency; `a` = parameter.
    Sanity = 12,
    /// Random orders of pixels to compare a map with; `a` = which order.
    PixelOrder = 13,
    /// First images of feature visualisation; `a` = layer, `b` = filter.
    Dream = 14,
    /// Noise on images whose maps are averaged, for the smooth sanity check; `a` = image, `b` = copy.
    SanityNoise = 15,
    /// Halves to look for slices and to confirm them; `a` = class.
    Slices = 20,
    /// First centers of clusters; `a` = attempt.
    Clusters = 21,
    /// Corruptions; `a` = change, `b` = image.
    Corrupt = 22,
    /// Folds of the training images; `a` = class.
    Folds = 40,
    /// Rectangles of images put into others, and whether a batch gets them or is blended; `a` = epoch, `b` = batch.
    Cutmix = 41,
    /// Order of the images of a class that is drawn as often as the others; `a` = epoch, `b` = class.
    Balance = 42,
    /// Which images are changed if not all are; `a` = class.
    AuditSample = 23,
    /// Images to find spurious features on and to confirm them; `a` = what is drawn, `b` = image or class.
    Spurious = 30,
    /// What a selftest plants; `a` = plant, `b` = class or number.
    Plant = 31,
    /// Drawn shapes; `a` = image.
    Shapes = 32,
    /// Settings of a sweep; `a` = attempt, `b` = key.
    Sweep = 70,
    /// Images to find a preprocessing on and to confirm it; `a` = class.
    Doctor = 50,
}

/// A named stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream named `(seed, purpose, a, b)`.
    pub fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (slot, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, on a grid of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `[low, high)`; `low` if the range is empty.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n` without bias (Lemire 2019, "Fast Random Integer Generation in an Interval", algorithm 5).
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a draw from an empty range");
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box & Muller 1958; one of the pair is used).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Fisher–Yates shuffle.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_name() {
        let draw = |a, b| Stream::new(7, Purpose::Test, a, b).bits();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(2, 1));
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut stream = Stream::new(0, Purpose::Test, 0, 0);
        let n = 100_000;
        let (mut mean, mut square, mut normal, mut normal_square) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..n {
            let u = stream.unit();
            let z = stream.normal();
            mean += u / f64::from(n);
            square += u * u / f64::from(n);
            normal += z / f64::from(n);
            normal_square += z * z / f64::from(n);
        }
        // four standard errors: sd(u) = 0.289, sd(u^2) = 0.298, sd(z) = 1, sd(z^2) = 1.414
        assert!((mean - 0.5).abs() < 0.0037, "{mean}");
        assert!((square - 1.0 / 3.0).abs() < 0.0038, "{square}");
        assert!(normal.abs() < 0.0127, "{normal}");
        assert!((normal_square - 1.0).abs() < 0.018, "{normal_square}");
    }

    #[test]
    fn shuffle_is_a_permutation_that_moves_things() {
        let mut items: Vec<u32> = (0..100).collect();
        Stream::new(3, Purpose::Test, 0, 0).shuffle(&mut items);
        let mut sorted = items.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_ne!(items, sorted);
    }
}
