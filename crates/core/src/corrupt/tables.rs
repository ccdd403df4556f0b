//! The numbers of the five severities, as they stand in the published code.
//!
//! `CIFAR` is `ImageNet-C/create_c/make_cifar_c.py`, `IMAGENET` `make_imagenet_c.py` (and the package
//! `imagecorruptions` 1.1.2, where that replaced ImageMagick), `MNIST` the `corruptions.py` of `google-research/mnist-c`,
//! whose tables are those of ImageNet-C used on 28 pixels as they are.

use super::names::Suite;

/// Which numbers hold for a suite and a size, and what lengths in pixels are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tables {
    pub(super) set: Set,
    /// Of lengths in pixels.
    pub(super) factor: f32,
}

/// Where numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Cifar,
    Imagenet,
    Mnist,
}

/// Images with a shorter side below this have the numbers of CIFAR-10-C.
const SMALL: usize = 64;

impl Tables {
    pub(super) fn new(suite: Suite, [h, w, _]: [usize; 3]) -> Self {
        let side = h.min(w) as f32;
        match suite {
            Suite::Mnist => Self { set: Set::Mnist, factor: side / 28.0 },
            Suite::Common if h.min(w) < SMALL => Self { set: Set::Cifar, factor: (side / 32.0).max(1.0) },
            Suite::Common => Self { set: Set::Imagenet, factor: side / 224.0 },
        }
    }

    /// One of two tables; MNIST-C has that of ImageNet-C.
    pub(super) fn pick<T: Copy>(self, severity: u8, cifar: [T; 5], imagenet: [T; 5]) -> T {
        let table = if self.set == Set::Cifar { cifar } else { imagenet };
        table[usize::from(severity) - 1]
    }

    /// A length of whole pixels, at least 1.
    pub(super) fn whole(self, length: f32) -> usize {
        (length * self.factor).round().max(1.0) as usize
    }
}
