//! Transforms redrawn for every image in every epoch.

use super::{
    AugmentError, Scratch, Stage, Transform, check::check, cutmix::Cut, mixup::Mix, noise, steps::Steps,
};
use crate::{
    random::{Purpose, Stream},
    sample::ImageSet,
};

/// A checked list of transforms; shared by all threads, each with a [`Scratch`] of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Online {
    steps: Steps,
    deviation: f64,
    mixup: Option<f64>,
    cutmix: Option<f64>,
}

impl Online {
    /// For images of `size` = `[h, w, c]`.
    ///
    /// # Errors
    /// Every wrong value of `transforms`.
    pub fn new(transforms: &[Transform], size: [usize; 3]) -> Result<Self, AugmentError> {
        check(Stage::Online, transforms, size)?;
        let mixup = transforms.iter().find_map(|transform| match transform {
            Transform::Mixup(alpha) => Some(*alpha),
            _ => None,
        });
        let cutmix = transforms.iter().find_map(|transform| match transform {
            Transform::Cutmix(alpha) => Some(*alpha),
            _ => None,
        });
        Ok(Self {
            steps: Steps::new(transforms, size),
            deviation: noise::deviation(transforms),
            mixup,
            cutmix,
        })
    }

    /// Whether [`mix`](Self::mix) changes anything, and labels have to be `[n, k]`.
    pub fn mixes(&self) -> bool {
        self.mixup.is_some() || self.cutmix.is_some()
    }

    /// Writes image `index` of `set`, changed, to `out`, `[h, w, c]` in `0..=1`; without transforms exactly
    /// `value / 255`. Draws are named `(seed, Online, epoch, position)`; `position` is the image's place in the epoch.
    ///
    /// # Panics
    /// If the images of `set` or `out` do not have the size that was checked.
    #[expect(
        clippy::too_many_arguments,
        reason = "three numbers name the draw, and every caller has them apart"
    )]
    pub fn image(
        &self,
        set: &ImageSet,
        index: usize,
        seed: u64,
        epoch: u64,
        position: u64,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        assert_eq!(set.size(), self.steps.size(), "size of the images");
        assert_eq!(
            out.len(),
            self.steps.size().iter().product::<usize>(),
            "values of an image {:?}",
            set.size()
        );
        let mut stream = Stream::new(seed, Purpose::Online, epoch, position);
        let image = set.image(index);
        let pixels = self.steps.apply(&image, &mut stream, scratch);
        noise::to_units(pixels, self.deviation, &mut stream, out);
    }

    /// Blends the `n` images of `batch` `[n, h, w, c]` in pairs, and their `targets` `[n, k]` alike; nothing without a
    /// mixup or cutmix in the list. With both, a batch gets either. Draws are named `(seed, Mixup, epoch, batch_index)` and
    /// `(seed, Cutmix, epoch, batch_index)`.
    ///
    /// # Panics
    /// If `batch` or `targets` cannot be shared out among `n`.
    pub fn mix(
        &self,
        batch: &mut [f32],
        targets: &mut [f32],
        n: usize,
        seed: u64,
        epoch: u64,
        batch_index: u64,
    ) {
        if n == 0 || !self.mixes() {
            return;
        }
        assert_eq!([batch.len() % n, targets.len() % n], [0; 2], "values of a batch of {n}");
        let size = self.steps.size();
        let mut stream = Stream::new(seed, Purpose::Cutmix, epoch, batch_index);
        if let Some(alpha) = self.cutmix.filter(|_| self.mixup.is_none() || stream.unit() < 0.5) {
            return Cut::draw(n, size, alpha, &mut stream).apply(size, batch, targets);
        }
        let Some(alpha) = self.mixup else { return };
        let mix = Mix::draw(n, alpha, &mut Stream::new(seed, Purpose::Mixup, epoch, batch_index));
        mix.blend(batch);
        mix.blend(targets);
    }
}
