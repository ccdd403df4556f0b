//! Filters on `f32` images `[h, w, c]`, values 0 to 255.

/// What stands beyond the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// `a a | a b c d | d d`: scipy's `nearest`, OpenCV's `BORDER_REPLICATE`.
    Clamp,
    /// `b a | a b c d | d c`: scipy's `reflect`.
    Reflect,
    /// `c b | a b c d | c b`: OpenCV's `BORDER_REFLECT_101`.
    Reflect101,
}

impl Edge {
    /// The place in `0..n` that stands at `i`.
    pub(super) fn place(self, i: isize, n: usize) -> usize {
        let n = n as isize;
        let place = match self {
            Self::Clamp => i.clamp(0, n - 1),
            Self::Reflect => {
                let i = i.rem_euclid(2 * n);
                i.min(2 * n - 1 - i)
            }
            Self::Reflect101 if n == 1 => 0,
            Self::Reflect101 => {
                let i = i.rem_euclid(2 * n - 2);
                i.min(2 * n - 2 - i)
            }
        };
        place as usize
    }
}

/// A Gaussian from its middle outwards, cut off at `truncate` deviations and normalised, as
/// `scipy.ndimage.gaussian_filter` has it: radius `int(truncate sigma + 0.5)`.
pub(super) fn gaussian(sigma: f32, truncate: f32) -> Vec<f32> {
    let sigma = f64::from(sigma);
    let radius = (f64::from(truncate) * sigma + 0.5) as usize;
    if radius == 0 {
        return vec![1.0];
    }
    let raw: Vec<f64> = (0..=radius).map(|t| (-0.5 * (t as f64 / sigma).powi(2)).exp()).collect();
    let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
    raw.iter().map(|value| (value / sum) as f32).collect()
}

/// Copies rows of `src` with `radius` more pixels at each end.
pub(super) fn pad_row(src: &[f32], c: usize, radius: usize, edge: Edge, out: &mut Vec<f32>) {
    let w = src.len() / c;
    out.clear();
    let beyond = |from: isize, to: isize, out: &mut Vec<f32>| {
        for x in from..to {
            out.extend_from_slice(&src[edge.place(x, w) * c..][..c]);
        }
    };
    beyond(-(radius as isize), 0, out);
    out.extend_from_slice(src);
    beyond(w as isize, (w + radius) as isize, out);
}

/// Filters along rows and columns with a symmetric kernel, given from its middle outwards.
pub(super) fn blur(
    plane: &mut [f32],
    [h, w, c]: [usize; 3],
    half: &[f32],
    edge: Edge,
    [row, between]: [&mut Vec<f32>; 2],
) {
    if half.len() == 1 {
        return;
    }
    let radius = half.len() - 1;
    between.resize(plane.len(), 0.0);
    for (src, dst) in plane.chunks_exact(w * c).zip(between.chunks_exact_mut(w * c)) {
        pad_row(src, c, radius, edge, row);
        for (dst, value) in dst.iter_mut().zip(&row[radius * c..]) {
            *dst = half[0] * value;
        }
        for (t, &weight) in half.iter().enumerate().skip(1) {
            add_pair(dst, &row[(radius - t) * c..], &row[(radius + t) * c..], weight);
        }
    }
    let length = w * c;
    let source = |y: isize| &between[edge.place(y, h) * length..][..length];
    for (y, dst) in plane.chunks_exact_mut(length).enumerate() {
        for (dst, value) in dst.iter_mut().zip(source(y as isize)) {
            *dst = half[0] * value;
        }
        for (t, &weight) in half.iter().enumerate().skip(1) {
            add_pair(dst, source(y as isize - t as isize), source(y as isize + t as isize), weight);
        }
    }
}

fn add_pair(dst: &mut [f32], before: &[f32], after: &[f32], weight: f32) {
    for ((dst, before), after) in dst.iter_mut().zip(before).zip(after) {
        *dst += weight * (before + after);
    }
}

/// `dst[i] += weight * src[i]`.
pub(super) fn add(dst: &mut [f32], src: &[f32], weight: f32) {
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst += weight * src;
    }
}

/// Bytes as numbers.
pub(super) fn to_floats(pixels: &[u8], out: &mut Vec<f32>) {
    out.clear();
    out.extend(pixels.iter().map(|&value| f32::from(value)));
}

/// To the nearest byte, clamped; half goes up.
pub(super) fn to_byte(value: f32) -> u8 {
    // `as` clamps at both ends
    (value + 0.5) as u8
}

/// Numbers as bytes.
pub(super) fn to_bytes(values: &[f32], out: &mut [u8]) {
    for (out, &value) in out.iter_mut().zip(values) {
        // through i32, which is one vector instruction where a clamped cast to u8 is not
        *out = ((value + 0.5).clamp(0.0, 255.0)) as i32 as u8;
    }
}

/// Grey level of red, green and blue, as OpenCV's `COLOR_RGB2GRAY`.
pub(super) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}
