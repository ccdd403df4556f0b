//! Zeros around an image.

/// Zeros around an image: `[h, w, c]` inside `[bordered_h, bordered_w, c]`, `before` rows and columns from its corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Border {
    pub(in crate::engine) input: [usize; 3],
    pub(in crate::engine) bordered: [usize; 2],
    pub(in crate::engine) before: [usize; 2],
}

impl Border {
    /// Whether there is no border.
    pub(in crate::engine) fn is_none(&self) -> bool {
        self.bordered == [self.input[0], self.input[1]]
    }

    /// Calls `visit(offset in the image, offset in the bordered image, count)` for every row of the image.
    fn rows(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [h, w, c] = self.input;
        for row in 0..h {
            visit(row * w * c, ((row + self.before[0]) * self.bordered[1] + self.before[1]) * c, w * c);
        }
    }

    /// Values of an image, and of a bordered one.
    pub(in crate::engine) fn lengths(&self) -> (usize, usize) {
        (self.input.iter().product(), self.bordered[0] * self.bordered[1] * self.input[2])
    }

    /// Copies images into bordered ones, whose border is left as it is (zero).
    pub(in crate::engine) fn copy_in(&self, images: &[f32], bordered: &mut [f32]) {
        let (length, bordered_length) = self.lengths();
        for (image, bordered) in images.chunks_exact(length).zip(bordered.chunks_exact_mut(bordered_length)) {
            self.rows(|from, to, count| bordered[to..][..count].copy_from_slice(&image[from..][..count]));
        }
    }

    /// Copies, or adds, the inside of bordered images to images.
    pub(in crate::engine) fn copy_out(&self, bordered: &[f32], images: &mut [f32], accumulate: bool) {
        let (length, bordered_length) = self.lengths();
        for (image, bordered) in images.chunks_exact_mut(length).zip(bordered.chunks_exact(bordered_length)) {
            self.rows(|to, from, count| {
                let (to, from) = (&mut image[to..][..count], &bordered[from..][..count]);
                if !accumulate {
                    to.copy_from_slice(from);
                    return;
                }
                for (to, from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            });
        }
    }
}

/// Offsets `(image, row, column)` of the top-left corners of a grid of windows.
pub(super) fn grid(
    images: usize,
    length: usize,
    size: [usize; 2],
    stride: [usize; 2],
    width: usize,
    c: usize,
) -> Vec<u32> {
    let mut offsets = Vec::with_capacity(images * size[0] * size[1]);
    for image in 0..images {
        for row in 0..size[0] {
            for column in 0..size[1] {
                offsets.push((image * length + (row * stride[0] * width + column * stride[1]) * c) as u32);
            }
        }
    }
    offsets
}
