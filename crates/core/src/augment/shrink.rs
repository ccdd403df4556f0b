//! Smaller copies of images for the first epochs of a run.
//!
//! *Idea*: rows, then columns, each a weighted mean under a triangle as wide as the factor, cut at the border: what Pillow's `BILINEAR`
//! does, without its rounding to whole values.
//! ```text
//! center of output i = (i + 0.5) in / out;   weight of input j ~ max(0, 1 - |j + 0.5 - center| out / in)
//! ```

/// Makes images of one size smaller.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrink {
    from: [usize; 3],
    rows: Vec<Window>,
    columns: Vec<Window>,
}

/// The weights of one output along an axis, from its first input on; they sum to 1.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    first: usize,
    weights: Vec<f32>,
}

impl Shrink {
    /// From `[h, w, c]` to `[h, w]`, neither of which is larger.
    pub fn new(from: [usize; 3], to: [usize; 2]) -> Self {
        assert!(to[0] <= from[0] && to[1] <= from[1] && to[0] > 0 && to[1] > 0, "{to:?} of {from:?}");
        Self { from, rows: windows(from[0], to[0]), columns: windows(from[1], to[1]) }
    }

    /// `[h, w, c]` of what comes out.
    pub fn size(&self) -> [usize; 3] {
        [self.rows.len(), self.columns.len(), self.from[2]]
    }

    /// One `image` `[h, w, c]`, smaller, into `out`; `between` is memory.
    pub fn apply(&self, image: &[f32], between: &mut Vec<f32>, out: &mut [f32]) {
        let ([_, w, c], row) = (self.from, self.from[1] * self.from[2]);
        between.clear();
        between.resize(self.rows.len() * row, 0.0);
        for (window, out) in self.rows.iter().zip(between.chunks_exact_mut(row)) {
            for (values, &weight) in image.chunks_exact(row).skip(window.first).zip(&window.weights) {
                out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
            }
        }
        out.fill(0.0);
        for (values, out) in between.chunks_exact(w * c).zip(out.chunks_exact_mut(self.columns.len() * c)) {
            for (window, out) in self.columns.iter().zip(out.chunks_exact_mut(c)) {
                for (pixel, &weight) in values.chunks_exact(c).skip(window.first).zip(&window.weights) {
                    out.iter_mut().zip(pixel).for_each(|(out, value)| *out += weight * value);
                }
            }
        }
    }
}

fn windows(from: usize, to: usize) -> Vec<Window> {
    let factor = from as f64 / to as f64;
    let window = |at: usize| {
        let center = (at as f64 + 0.5) * factor;
        let weight = |j: usize| (1.0 - (j as f64 + 0.5 - center).abs() / factor).max(0.0);
        let first = (0..from).find(|&j| weight(j) > 0.0).unwrap_or(0);
        let weights: Vec<f64> = (first..from).map(weight).take_while(|&weight| weight > 0.0).collect();
        let sum: f64 = weights.iter().sum();
        Window { first, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
    };
    (0..to).map(window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(from: [usize; 3], to: [usize; 2], image: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; to[0] * to[1] * from[2]];
        Shrink::new(from, to).apply(image, &mut Vec::new(), &mut out);
        out
    }

    #[test]
    fn halves_are_pillows_triangles() {
        // Pillow 12: Image.fromarray(x).resize((2, 1), BILINEAR) of mode F
        let out = shrunk([1, 4, 1], [1, 2], &[1.0, 2.0, 3.0, 10.0]);
        let expected = [12.0 / 7.0, 41.0 / 7.0];
        assert!(out.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn a_plain_image_stays_plain_and_channels_apart() {
        let image: Vec<f32> = (0..7 * 9).flat_map(|_| [0.25, 0.5, 1.0]).collect();
        for to in [[7, 9], [5, 4], [1, 1]] {
            for pixel in shrunk([7, 9, 3], to, &image).chunks_exact(3) {
                assert!(pixel.iter().zip([0.25, 0.5, 1.0]).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6));
            }
        }
    }

    #[test]
    fn its_own_size_changes_nothing() {
        let image: Vec<f32> = (0..24).map(|x| x as f32).collect();
        assert_eq!(shrunk([4, 6, 1], [4, 6], &image), image);
    }
}
