//! The same image seen in several ways, for predictions averaged over them: test-time augmentation (`train::over_views`).
//!
//! *Idea*: a label that does not change under a mirror or a shift should not change the prediction either; the mean of the
//! probabilities of all views is less noisy than one of them. Nothing is drawn: the views are always the same.

use super::steps::{crop, flip};
use crate::sample::ImageSet;

/// One way to see an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct View {
    /// Mirrored left and right.
    pub mirrored: bool,
    /// Shifted by so many pixels down and to the right, zeros where the image ends.
    pub shift: [isize; 2],
}

/// The views of a choice, the image as it is first: with `mirrored` its mirror image, with `shifted` each of them moved by a pixel to the
/// four sides. 1, 2, 5 or 10 of them.
pub fn views(mirrored: bool, shifted: bool) -> Vec<View> {
    let mirrors: &[bool] = if mirrored { &[false, true] } else { &[false] };
    let shifts: &[[isize; 2]] = if shifted { &[[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]] } else { &[[0, 0]] };
    let all = mirrors.iter().flat_map(|&mirrored| shifts.iter().map(move |&shift| View { mirrored, shift }));
    all.collect()
}

impl View {
    /// The images seen so.
    pub fn of(self, set: ImageSet) -> ImageSet {
        if self == Self::default() {
            return set;
        }
        let size = set.size();
        let mut moved = vec![0; size.iter().product()];
        set.map_pixels(|mut pixels| {
            for image in pixels.chunks_exact_mut(moved.len()) {
                if self.mirrored {
                    flip(size, image);
                }
                let [down, right] = self.shift;
                crop(size, [-down, -right], image, &mut moved);
                image.copy_from_slice(&moved);
            }
            pixels
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Ids;

    fn set(images: Vec<[u8; 6]>) -> ImageSet {
        let count = images.len();
        let ids = Ids::Rows { prefix: "image".into(), rows: (0..count as u32).collect() };
        let classes: Vec<String> = ["a".to_owned(), "b".to_owned()].into();
        ImageSet::new([2, 3, 1], images.concat(), vec![0; count], classes.into(), ids)
    }

    #[test]
    fn mirrored_then_shifted() {
        let images = set(vec![[1, 2, 3, 4, 5, 6]]);
        let seen = |mirrored, shift| View { mirrored, shift }.of(images.clone()).pixels().to_vec();
        assert_eq!(seen(false, [0, 0]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(seen(true, [0, 0]), [3, 2, 1, 6, 5, 4]);
        assert_eq!(seen(false, [1, 0]), [0, 0, 0, 1, 2, 3]);
        assert_eq!(seen(false, [0, 1]), [0, 1, 2, 0, 4, 5]);
        assert_eq!(seen(true, [-1, 0]), [6, 5, 4, 0, 0, 0]);
        assert_eq!(
            [(false, false), (true, false), (false, true), (true, true)].map(|(m, s)| views(m, s).len()),
            [1, 2, 5, 10]
        );
    }
}
