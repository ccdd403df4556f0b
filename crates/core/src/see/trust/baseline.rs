//! What stands where pixels are taken from an image.
//!
//! A blank image is far from what a model has learned, and a prediction may fall because of that and not because of the pixels; a blurred
//! one keeps the image's large shapes and shades. What a map is worth should not hang on the choice, so both are measured
//! (Sturmfels, Lundberg & Lee 2020, "Visualizing the Impact of Feature Attribution Baselines").

/// What stands where pixels are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// A blank image: the baseline of [`crate::see::saliency::Options`].
    Blank,
    /// The image itself, [`blurred`].
    Blurred,
}

impl Baseline {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Blank, Self::Blurred];

    /// The baseline `[h, w, c]` of `image` `[h, w, c]`, `blank` being the blank one.
    pub fn of(self, image: &[f32], blank: &[f32], size: [usize; 3]) -> Vec<f32> {
        match self {
            Self::Blank => blank.to_vec(),
            Self::Blurred => blurred(image, size),
        }
    }
}

/// Standard deviations of [`blurred`] in a side.
const SIDE: f64 = 7.0;

/// `image` `[h, w, c]` blurred by a Gaussian whose standard deviation is a seventh of the longer side; pixels outside repeat the border.
pub fn blurred(image: &[f32], [h, w, c]: [usize; 3]) -> Vec<f32> {
    let deviation = h.max(w) as f64 / SIDE;
    let reach = (3.0 * deviation).ceil() as isize;
    let bell: Vec<f64> = (-reach..=reach).map(|at| (-(at as f64 / deviation).powi(2) / 2.0).exp()).collect();
    let total: f64 = bell.iter().sum();
    let along = |values: &[f64], length: usize, stride: usize, at: usize| -> f64 {
        let place = (at / stride % length) as isize;
        let first = at - place as usize * stride;
        let near = (-reach..=reach).map(|off| (place + off).clamp(0, length as isize - 1) as usize);
        near.zip(&bell).map(|(place, weight)| weight * values[first + place * stride]).sum::<f64>() / total
    };
    let values: Vec<f64> = image.iter().map(|&value| f64::from(value)).collect();
    let rows: Vec<f64> = (0..values.len()).map(|at| along(&values, w, c, at)).collect();
    (0..rows.len()).map(|at| along(&rows, h, w * c, at) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_what_is_even_and_spreads_what_is_not() {
        let even = blurred(&[0.25; 14 * 7 * 3], [14, 7, 3]);
        assert!(even.iter().all(|value| (value - 0.25).abs() < 1e-6));
        let mut point = vec![0.0; 29 * 29];
        point[14 * 29 + 14] = 1.0;
        let spread = blurred(&point, [29, 29, 1]);
        let deviation = 29.0_f64 / 7.0;
        let expected = |row: f64, column: f64| {
            (-((row - 14.0).powi(2) + (column - 14.0).powi(2)) / (2.0 * deviation.powi(2))).exp()
                / (std::f64::consts::TAU * deviation.powi(2))
        };
        for (at, &value) in spread.iter().enumerate() {
            let expected = expected((at / 29) as f64, (at % 29) as f64);
            // The bell is cut at three deviations, which hold 99.7 % each way.
            assert!((f64::from(value) - expected).abs() < 1e-4, "{at}: {value}, {expected}");
        }
    }

    #[test]
    fn channels_are_apart() {
        let image: Vec<f32> = (0..8 * 8 * 3).map(|at| if at % 3 == 1 { 1.0 } else { 0.0 }).collect();
        let made = blurred(&image, [8, 8, 3]);
        assert!(made.iter().zip(&image).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
