//! The color of an image: how much there is, and which.

/// How a hue is said of an image, by its index; the last is that of images without one.
pub const HUES: [&str; 7] = ["red", "yellow", "green", "cyan", "blue", "magenta", "without a hue"];

/// Mean saturation below which a hue is not named.
const NO_HUE: f64 = 0.05;

/// The color of an image.
#[derive(Clone, Copy, Debug)]
pub struct Color {
    /// Hasler & Süsstrunk's M3: 0 is grey, above 0.4 (109 / 255) "extremely colorful".
    pub colorfulness: f64,
    /// Length of the mean color's part without grey, in \[0, 1\].
    pub saturation: f64,
    /// Index into [`HUES`].
    pub hue: u32,
}

impl Default for Color {
    fn default() -> Self {
        Self { colorfulness: 0.0, saturation: 0.0, hue: HUES.len() as u32 - 1 }
    }
}

impl Color {
    /// Of red, green and blue pixels.
    pub fn of(pixels: &[u8]) -> Self {
        let n = (pixels.len() / 3).max(1) as f64;
        let (mut sums, mut squares) = ([0.0; 2], [0.0; 2]);
        for pixel in pixels.chunks_exact(3) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|value| f64::from(value) / 255.0);
            // opponent colors: red against green, yellow against blue
            for (axis, value) in [r - g, 0.5 * (r + g) - b].into_iter().enumerate() {
                sums[axis] += value;
                squares[axis] += value * value;
            }
        }
        let means = sums.map(|sum| sum / n);
        let variance: f64 =
            squares.iter().zip(means).map(|(square, mean)| (square / n - mean * mean).max(0.0)).sum();
        let colorfulness = variance.sqrt() + 0.3 * means[0].hypot(means[1]);
        let [x, y] = plane(means);
        let saturation = x.hypot(y).min(1.0);
        let degrees = y.atan2(x).to_degrees().rem_euclid(360.0);
        let sector = ((degrees + 30.0) / 60.0) as u32 % 6;
        Self {
            colorfulness,
            saturation,
            hue: if saturation < NO_HUE { HUES.len() as u32 - 1 } else { sector },
        }
    }
}

/// From the opponent colors to the plane where red is at 0°, green at 120° and blue at 240°.
fn plane([red_green, yellow_blue]: [f64; 2]) -> [f64; 2] {
    // α = r - (g + b) / 2 and β = √3 / 2 (g - b), with g - b = yellow_blue - red_green / 2
    let green_blue = yellow_blue - 0.5 * red_green;
    [red_green + 0.5 * green_blue, 3.0_f64.sqrt() / 2.0 * green_blue]
}
