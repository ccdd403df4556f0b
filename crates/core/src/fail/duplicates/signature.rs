//! A short signature of a part of an image, the same whatever its brightness and contrast: low frequencies of a crop.
//!
//! *Idea*: two images that are shifted against each other by up to 2 pixels along each axis have equal crops. With the crops of the
//! one at offsets [`OFFSETS_KEPT`] and of the other at [`OFFSETS_ASKED`] (along each axis) every such shift has its pair of
//! offsets, since their differences are -2, -1, 0, 1, 2.
//! ```text
//! crop      = pixels less their mean, divided by their norm          [h - 3, w - 3]
//! signature = its discrete cosine transform at the SIDE x SIDE lowest frequencies without the first
//! ```
//! The distance of two signatures is at most that of the crops, and that is `sqrt(2 - 2 correlation)`. Noise is spread over all
//! frequencies and so is almost gone.
//!
//! *Reference*: low frequencies as a perceptual hash: Zauner (2010), "Implementation and Benchmarking of Perceptual Image
//! Hash Functions", section 3.2.

/// Offsets at which signatures are kept.
pub const OFFSETS_KEPT: [usize; 2] = [1, 2];
/// Offsets at which they are asked for.
pub const OFFSETS_ASKED: [usize; 3] = [0, 1, 3];
/// All offsets.
pub const OFFSETS: usize = 4;
/// Frequencies along each axis.
const SIDE: usize = 6;
/// Length of a signature.
pub const LENGTH: usize = SIDE * SIDE - 1;
/// Crops whose pixels have a smaller standard deviation (of 255) have no signature: any two of them would be alike.
const LEAST_DEVIATION: f32 = 2.0;

/// Low frequencies of a crop.
pub type Signature = [f32; LENGTH];

/// Signatures of all crops of an image, at `[y][x]`.
pub type OfImage = [[Option<Signature>; OFFSETS]; OFFSETS];

/// Makes signatures of images of one size.
#[derive(Debug)]
pub struct Signer {
    h: usize,
    w: usize,
    /// `[SIDE, h - 3]` and `[SIDE, w - 3]`, orthonormal cosines.
    along_y: Vec<f32>,
    along_x: Vec<f32>,
}

impl Signer {
    /// For images of `h` rows and `w` columns; `None` if they are too small to be shifted and compared.
    pub fn new(h: usize, w: usize) -> Option<Self> {
        let fits = h.min(w) >= SIDE + OFFSETS - 1;
        let cosines = |length: usize| length.checked_sub(OFFSETS - 1).map_or_else(Vec::new, cosines);
        fits.then(|| Self { h, w, along_y: cosines(h), along_x: cosines(w) })
    }

    /// Signatures of a grey image.
    pub fn sign(&self, grey: &[u8]) -> OfImage {
        let (crop_h, crop_w) = (self.h - OFFSETS + 1, self.w - OFFSETS + 1);
        let mut image: OfImage = Default::default();
        let mut rows = vec![[0.0_f32; SIDE]; self.h];
        let mut sums = vec![[0.0_f32; 2]; self.h];
        for x in 0..OFFSETS {
            for (y, row) in grey.chunks_exact(self.w).enumerate() {
                let row = &row[x..][..crop_w];
                for (slot, cosines) in rows[y].iter_mut().zip(self.along_x.chunks_exact(crop_w)) {
                    *slot = cosines.iter().zip(row).map(|(cosine, &pixel)| cosine * f32::from(pixel)).sum();
                }
                let (sum, square) = row.iter().fold((0_u32, 0_u32), |(sum, square), &pixel| {
                    (sum + u32::from(pixel), square + u32::from(pixel) * u32::from(pixel))
                });
                sums[y] = [sum as f32, square as f32];
            }
            for y in 0..OFFSETS {
                image[y][x] = self.crop(&rows[y..][..crop_h], &sums[y..][..crop_h]);
            }
        }
        image
    }

    /// The signature of the crop whose rows have these frequencies, sums and sums of squares.
    fn crop(&self, rows: &[[f32; SIDE]], sums: &[[f32; 2]]) -> Option<Signature> {
        let n = (rows.len() * (self.w - OFFSETS + 1)) as f64;
        let [sum, square] = [0, 1].map(|moment| sums.iter().map(|row| f64::from(row[moment])).sum::<f64>());
        let energy = square - sum * sum / n;
        if energy < n * f64::from(LEAST_DEVIATION).powi(2) {
            return None;
        }
        let mut signature = [0.0; LENGTH];
        let mut low = [[0.0_f32; SIDE]; SIDE];
        for (frequencies, cosines) in low.iter_mut().zip(self.along_y.chunks_exact(rows.len())) {
            for (cosine, row) in cosines.iter().zip(rows) {
                frequencies.iter_mut().zip(row).for_each(|(sum, value)| *sum += cosine * value);
            }
        }
        let scale = 1.0 / energy.sqrt() as f32;
        let values = low.as_flattened()[1..].iter().map(|value| value * scale);
        signature.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
        Some(signature)
    }
}

/// `[SIDE, length]`, the first rows of the orthonormal transform (Ahmed, Natarajan & Rao 1974, IEEE Trans. Comput. 23:90).
fn cosines(length: usize) -> Vec<f32> {
    let n = length as f64;
    let at = |frequency: usize, position: usize| {
        let scale = if frequency == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
        (scale * (std::f64::consts::PI * frequency as f64 * (position as f64 + 0.5) / n).cos()) as f32
    };
    (0..SIDE).flat_map(|frequency| (0..length).map(move |position| at(frequency, position))).collect()
}

/// The signature of the mirrored crop, left to right: odd frequencies along x change their sign.
pub fn mirrored(signature: &Signature) -> Signature {
    let mut mirrored = *signature;
    for (index, value) in mirrored.iter_mut().enumerate() {
        if (index + 1) % SIDE % 2 == 1 {
            *value = -*value;
        }
    }
    mirrored
}

/// Squared distance of two signatures, or some number above `limit` if it is.
pub fn squared_distance(a: &Signature, b: &Signature, limit: f32) -> f32 {
    let mut sum = 0.0;
    for (a, b) in a.chunks(12).zip(b.chunks(12)) {
        sum += a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        if sum > limit {
            break;
        }
    }
    sum
}
