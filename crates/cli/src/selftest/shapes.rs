//! Drawn shapes: images to plant failures in where no data set is at hand.
//!
//! *Idea*: one of ten shapes, light on dark, with a size, place, tilt, thickness and brightness of its own, and noise. Its edge
//! is a distance, so that any place between pixels is drawn smoothly:
//! ```text
//! pixel = background + (light - background) * clamp(1/2 - distance(shape, pixel), 0, 1) + noise
//! ```
//! Small, dark or tilted ones are taken for others, as in real data.

use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_kernels::parallel;

/// Pixels of a side.
pub const SIDE: usize = 28;

/// The shapes; images of neighbours in pairs are alike.
pub const SHAPES: [&str; 10] =
    ["disc", "ring", "square", "frame", "triangle", "wedge", "bar", "pole", "plus", "cross"];

/// How one image is drawn; lengths in pixels.
struct Drawing {
    center: [f64; 2],
    radius: f64,
    /// Of what is a line.
    thickness: f64,
    /// Radians.
    tilt: f64,
    background: f64,
    light: f64,
}

impl Drawing {
    fn draw(stream: &mut Stream) -> Self {
        let radius = stream.uniform(5.0, 10.0);
        let room = (SIDE as f64 / 2.0 - radius).max(0.0) * 0.7;
        let middle = (SIDE as f64 - 1.0) / 2.0;
        let background = stream.uniform(0.0, 40.0);
        Self {
            center: [(); 2].map(|()| middle + stream.uniform(-room, room)),
            radius,
            thickness: stream.uniform(1.6, 3.5).min(0.55 * radius),
            tilt: 0.12 * stream.normal(),
            background,
            light: background + stream.uniform(60.0, 210.0),
        }
    }

    /// Signed distance of a place from the edge of a shape, inside negative.
    fn distance(&self, shape: usize, y: f64, x: f64) -> f64 {
        let (sin, cos) = self.tilt.sin_cos();
        let (dx, dy) = (x - self.center[1], y - self.center[0]);
        let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
        let r = self.radius;
        let half = self.thickness / 2.0;
        let boxed = |u: f64, v: f64, w: f64, h: f64| (u.abs() - w).max(v.abs() - h);
        let hollow = |distance: f64| (distance + half).abs() - half;
        let pointing = |v: f64| (v - 0.7 * r).max((2.0 * u.abs() - v - r) / 5_f64.sqrt());
        let plus = |u: f64, v: f64| boxed(u, v, r, half).min(boxed(u, v, half, r));
        let diagonal = std::f64::consts::FRAC_1_SQRT_2;
        match SHAPES[shape] {
            "disc" => u.hypot(v) - r,
            "ring" => hollow(u.hypot(v) - r),
            "square" => boxed(u, v, 0.85 * r, 0.85 * r),
            "frame" => hollow(boxed(u, v, 0.85 * r, 0.85 * r)),
            "triangle" => pointing(v),
            "wedge" => pointing(-v),
            "bar" => boxed(u, v, r, self.thickness),
            "pole" => boxed(u, v, self.thickness, r),
            "plus" => plus(u, v),
            _ => plus(diagonal * (u + v), diagonal * (v - u)),
        }
    }
}

/// `n` images, the shapes in turns.
pub fn draw(n: usize, seed: u64) -> ImageSet {
    let mut pixels = vec![0; n * SIDE * SIDE];
    parallel::for_each_chunk(&mut pixels, SIDE * SIDE, |first, image| {
        let index = first / (SIDE * SIDE);
        let mut stream = Stream::new(seed, Purpose::Shapes, index as u64, 0);
        let drawing = Drawing::draw(&mut stream);
        for (place, pixel) in image.iter_mut().enumerate() {
            let (y, x) = ((place / SIDE) as f64, (place % SIDE) as f64);
            let cover = (0.5 - drawing.distance(index % SHAPES.len(), y, x)).clamp(0.0, 1.0);
            let value = drawing.background + (drawing.light - drawing.background) * cover;
            *pixel = (value + 8.0 * stream.normal()).round().clamp(0.0, 255.0) as u8;
        }
    });
    let labels = (0..n).map(|index| (index % SHAPES.len()) as u32).collect();
    let ids = Ids::Rows { prefix: "shape".into(), rows: (0..n as u32).collect() };
    ImageSet::new([SIDE, SIDE, 1], pixels, labels, SHAPES.map(str::to_owned).to_vec().into(), ids)
}

/// `n` pictures of any size, `[h, w, c]`: the drawing of [`draw`] stretched to it. Grey ones (`c` = 1) are of the shapes in turns. Those in
/// color (`c` = 3) are of every other shape, each once in red to orange and once in green, so that a class is a shape and a color, and
/// red for blue makes half of them look like nothing that is there.
#[cfg(test)]
pub fn pictures(n: usize, size: [usize; 3], seed: u64) -> ImageSet {
    let [h, w, c] = size;
    let length = h * w * c;
    let scale = [h as f64, w as f64].map(|side| side / SIDE as f64);
    let mut pixels = vec![0; n * length];
    parallel::for_each_chunk(&mut pixels, length, |first, image| {
        let index = first / length;
        let class = index % SHAPES.len();
        let mut stream = Stream::new(seed, Purpose::Shapes, index as u64, 0);
        let drawing = Drawing::draw(&mut stream);
        let red = class.is_multiple_of(2);
        let (most, least) = (stream.uniform(0.85, 1.0), stream.uniform(0.0, 0.35));
        let tint = match (c, red) {
            (1, _) => [1.0; 3],
            (_, true) => [most, stream.uniform(0.1, 0.7), least],
            (_, false) => [stream.uniform(0.1, 0.6), most, least],
        };
        let shape = if c == 1 { class } else { class / 2 * 2 };
        for (place, pixel) in image.chunks_exact_mut(c).enumerate() {
            let [y, x] = [place / w, place % w].map(|at| at as f64 + 0.5);
            let distance = drawing.distance(shape, y / scale[0] - 0.5, x / scale[1] - 0.5);
            let cover = (0.5 - distance * scale[0].min(scale[1])).clamp(0.0, 1.0);
            for (value, tint) in pixel.iter_mut().zip(tint) {
                let light = drawing.background + (drawing.light * tint - drawing.background) * cover;
                *value = (light + 8.0 * stream.normal()).round().clamp(0.0, 255.0) as u8;
            }
        }
    });
    let labels = (0..n).map(|index| (index % SHAPES.len()) as u32).collect();
    let ids = Ids::Rows { prefix: "shape".into(), rows: (0..n as u32).collect() };
    ImageSet::new(size, pixels, labels, SHAPES.map(str::to_owned).to_vec().into(), ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_its_images_and_every_shape_is_there() {
        let images = draw(40, 3);
        assert_eq!(images, draw(40, 3));
        assert_ne!(images, draw(40, 4));
        assert_eq!(images.labels()[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    }

    #[test]
    fn a_bar_lies_and_a_pole_stands() {
        let images = draw(400, 0);
        let spread = |image: &[u8]| {
            let total: f64 = image.iter().map(|&value| f64::from(value)).sum();
            let moment = |of: fn(usize) -> usize| {
                let mean =
                    image.iter().enumerate().map(|(i, &v)| of(i) as f64 * f64::from(v)).sum::<f64>() / total;
                image
                    .iter()
                    .enumerate()
                    .map(|(i, &v)| (of(i) as f64 - mean).powi(2) * f64::from(v))
                    .sum::<f64>()
            };
            moment(|i| i % SIDE) > moment(|i| i / SIDE)
        };
        let wide = |shape: usize| (0..400).filter(|i| i % 10 == shape && spread(&images.image(*i))).count();
        assert!(wide(6) >= 36, "{} bars of 40 are wider than high", wide(6));
        assert!(wide(7) <= 4, "{} poles of 40 are", wide(7));
    }
}
