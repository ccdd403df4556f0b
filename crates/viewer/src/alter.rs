//! What can be done to an image in the page, in the order in which it is done.

use seamripper_core::corrupt::{Change, Prepared, Scratch};
use seamripper_kernels::warp::{Image, ImageMut, Matrix, Warp, compose, rotation_matrix_2d};
use serde::Deserialize;

/// Numbers of the sliders; the defaults change nothing. First the image is turned, enlarged and shifted in one warp about its
/// center, then its light changed, then blurred, then noise is added, then pixels are erased.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alterations {
    /// Degrees, counter-clockwise positive.
    pub rotate: f64,
    /// Factor.
    pub scale: f64,
    /// Pixels to the right.
    pub right: f64,
    /// Pixels down.
    pub down: f64,
    /// Degrees: `x += tan(degrees) (y - h / 2)`.
    pub shear: f64,
    /// Share of the full range that is added.
    pub brightness: f64,
    /// Factor to the mean.
    pub contrast: f64,
    /// Standard deviation in pixels.
    pub blur: f64,
    /// Standard deviation, a share of the full range.
    pub noise: f64,
    /// Share of the image's area that a black square covers.
    pub occlude: f64,
    /// `[row, column]` of pixels that are erased by hand.
    pub erased: Vec<[usize; 2]>,
    /// Names the draws of noise and square.
    pub seed: u64,
}

impl Default for Alterations {
    fn default() -> Self {
        Self {
            rotate: 0.0,
            scale: 1.0,
            right: 0.0,
            down: 0.0,
            shear: 0.0,
            brightness: 0.0,
            contrast: 1.0,
            blur: 0.0,
            noise: 0.0,
            occlude: 0.0,
            erased: Vec::new(),
            seed: 0,
        }
    }
}

impl Alterations {
    /// Where a pixel of the image is drawn in one of size `[h, w, c]`: about `(w / 2, h / 2)`, as in recipes and audits. Without
    /// shift and shear it is [`rotation_matrix_2d`] to the last bit.
    pub fn dst_from_src(&self, [h, w, _]: [usize; 3]) -> Matrix {
        let center = [w as f64 / 2.0, h as f64 / 2.0];
        let turned = rotation_matrix_2d(center, self.rotate, self.scale);
        let slope = self.shear.to_radians().tan();
        let sheared = match self.shear {
            0.0 => turned,
            _ => compose(&[[1.0, slope, -slope * center[1]], [0.0, 1.0, 0.0]], &turned),
        };
        match [self.right, self.down] {
            [0.0, 0.0] => sheared,
            [right, down] => compose(&[[1.0, 0.0, right], [0.0, 1.0, down]], &sheared),
        }
    }

    /// The changes after the warp.
    fn changes(&self) -> [Change; 5] {
        [
            Change::Brightness(self.brightness),
            Change::Contrast(self.contrast),
            Change::Blur(self.blur),
            Change::Noise(self.noise),
            Change::Occlude(self.occlude),
        ]
    }

    /// What is wrong with the numbers, all of it.
    pub fn problems(&self) -> Vec<String> {
        let warp = [
            Change::Rotate(self.rotate),
            Change::Scale(self.scale),
            Change::ShiftRight(self.right),
            Change::ShiftDown(self.down),
            Change::Shear(self.shear),
        ];
        warp.iter().chain(&self.changes()).filter_map(Change::problem).collect()
    }

    fn moves(&self) -> bool {
        [self.rotate, self.right, self.down, self.shear] != [0.0; 4] || self.scale != 1.0
    }
}

/// Alters images of one size, and keeps its memory.
#[derive(Debug, Default)]
pub struct Altered {
    warp: Warp,
    scratch: Scratch,
    pixels: Vec<u8>,
    other: Vec<u8>,
}

impl Altered {
    /// `image` `[h, w, c]` after `alterations`.
    ///
    /// # Panics
    /// If [`Alterations::problems`] finds one, or `image` is not as long as `size` says.
    pub fn of(&mut self, image: &[u8], size: [usize; 3], alterations: &Alterations) -> &[u8] {
        self.pixels.resize(image.len(), 0);
        self.other.resize(image.len(), 0);
        match alterations.moves() {
            true => {
                let to = ImageMut { size, pixels: &mut self.pixels };
                self.warp.affine(Image { size, pixels: image }, to, &alterations.dst_from_src(size), 0);
            }
            false => self.pixels.copy_from_slice(image),
        }
        for change in alterations.changes().iter().filter(|change| change.parameter() != change.neutral()) {
            let prepared = Prepared::new(change, size);
            prepared.image(&self.pixels, 0, alterations.seed, &mut self.scratch, &mut self.other);
            std::mem::swap(&mut self.pixels, &mut self.other);
        }
        let [h, w, c] = size;
        for &[row, column] in alterations.erased.iter().filter(|[row, column]| *row < h && *column < w) {
            self.pixels[(row * w + column) * c..][..c].fill(0);
        }
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seamripper_core::corrupt::corrupt;
    use seamripper_core::sample::{Ids, ImageSet};

    const SIZE: [usize; 3] = [9, 11, 1];

    fn image() -> Vec<u8> {
        (0..99u32).map(|i| (i * 37 % 256) as u8).collect()
    }

    fn set() -> ImageSet {
        let ids = Ids::Rows { prefix: "a".into(), rows: vec![0] };
        ImageSet::new(SIZE, image(), vec![0], vec!["x".to_owned()].into(), ids)
    }

    #[test]
    fn one_number_is_the_change_of_an_audit() {
        let defaults = Alterations::default;
        let pairs = [
            (Alterations { rotate: 33.0, ..defaults() }, Change::Rotate(33.0)),
            (Alterations { scale: 1.3, ..defaults() }, Change::Scale(1.3)),
            (Alterations { right: -2.5, ..defaults() }, Change::ShiftRight(-2.5)),
            (Alterations { down: 1.0, ..defaults() }, Change::ShiftDown(1.0)),
            (Alterations { shear: 12.0, ..defaults() }, Change::Shear(12.0)),
            (Alterations { brightness: 0.2, ..defaults() }, Change::Brightness(0.2)),
            (Alterations { contrast: 0.4, ..defaults() }, Change::Contrast(0.4)),
            (Alterations { blur: 1.1, ..defaults() }, Change::Blur(1.1)),
            (Alterations { noise: 0.1, ..defaults() }, Change::Noise(0.1)),
            (Alterations { occlude: 0.2, ..defaults() }, Change::Occlude(0.2)),
        ];
        for (alterations, change) in pairs {
            let expected = corrupt(&set(), &change, 0);
            assert_eq!(
                *Altered::default().of(&image(), SIZE, &alterations),
                *expected.pixels(),
                "{change:?}"
            );
            assert_ne!(*expected.pixels(), image()[..], "{change:?}");
        }
    }

    #[test]
    fn defaults_change_nothing_and_erasing_stays_inside() {
        assert_eq!(Altered::default().of(&image(), SIZE, &Alterations::default()), image());
        let alterations = Alterations { erased: vec![[1, 2], [9, 0], [0, 11]], ..Alterations::default() };
        let mut expected = image();
        expected[11 + 2] = 0;
        assert_eq!(Altered::default().of(&image(), SIZE, &alterations), expected);
    }

    #[test]
    fn all_problems_are_named() {
        let wrong = Alterations { scale: 0.0, noise: f64::NAN, occlude: 2.0, ..Alterations::default() };
        let problems = wrong.problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "scale: expected a factor above 0, found 0");
    }
}
