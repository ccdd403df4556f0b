//! Snow, frost and fog.
//!
//! | corruption | a level `x`, 0 to 255, becomes |
//! |---|---|
//! | snow | `b x + (1 - b) max(x, 1.5 grey + 127.5) + flakes + flakes turned by 180 degrees` |
//! | frost | `a x + b ice`, `ice` a random part of a picture |
//! | fog | `(x + 255 a fractal) m / (m + 255 a)`, `m` the largest level of the image |
//!
//! Flakes are normal numbers, enlarged, those under a threshold removed, blurred along a line between -135 and -45
//! degrees.
//!
//! *Departures*: 1. The six photographs of frost are not ours to ship: the picture is made from fractals
//! ([`super::texture::Ice`]), bluish on colour images, mirrored and turned at random; so numbers of `frost` compare
//! with each other and not with published ones. 2. The fractal of fog has the next power of two to the image's size, as in
//! `make_cifar_c.py`; the code of ImageNet-C and MNIST-C cuts the corner of one of 256. 3. Only flakes that
//! are seen are drawn.

use super::blur::Motion;
use super::noise::Normals;
use super::plane::luma;
use super::tables::Tables;
use super::texture::{Ice, plasma};
use super::zoom::Zoom;
use crate::random::Stream;

/// Numbers of snow.
#[derive(Clone, Debug)]
pub(super) struct Snow {
    mean: f32,
    deviation: f32,
    zoom: Zoom,
    threshold: f32,
    motion: Motion,
    kept: f32,
}

impl Snow {
    pub(super) fn new(tables: Tables, severity: u8, size: [usize; 3]) -> Self {
        let cifar = [
            [0.1, 0.2, 1.0, 0.6, 8.0, 3.0, 0.95],
            [0.1, 0.2, 1.0, 0.5, 10.0, 4.0, 0.9],
            [0.15, 0.3, 1.75, 0.55, 10.0, 4.0, 0.9],
            [0.25, 0.3, 2.25, 0.6, 12.0, 6.0, 0.85],
            [0.3, 0.3, 1.25, 0.65, 14.0, 12.0, 0.8],
        ];
        let imagenet = [
            [0.1, 0.3, 3.0, 0.5, 10.0, 4.0, 0.8],
            [0.2, 0.3, 2.0, 0.5, 12.0, 4.0, 0.7],
            [0.55, 0.3, 4.0, 0.9, 12.0, 8.0, 0.7],
            [0.55, 0.3, 4.5, 0.85, 12.0, 8.0, 0.65],
            [0.55, 0.3, 2.5, 0.85, 12.0, 12.0, 0.55],
        ];
        let [mean, deviation, zoom, threshold, radius, sigma, kept] = tables.pick(severity, cifar, imagenet);
        Self {
            mean,
            deviation,
            zoom: Zoom::new(size, f64::from((zoom * tables.factor).max(1.0))),
            threshold,
            motion: Motion::along(radius * tables.factor, sigma * tables.factor),
            kept,
        }
    }

    pub(super) fn apply(
        &self,
        plane: &mut [f32],
        [h, w, c]: [usize; 3],
        stream: &mut Stream,
        [drawn, layer, narrow]: [&mut Vec<f32>; 3],
    ) {
        let [top, bottom, left, right] = self.zoom.region();
        drawn.clear();
        drawn.resize(h * w, 0.0);
        for y in top..bottom {
            let row = &mut drawn[y * w + left..y * w + right];
            Normals::get()
                .for_each(row.len(), stream, |x, normal| row[x] = self.mean + self.deviation * normal);
        }
        layer.clear();
        layer.resize(h * w, 0.0);
        self.zoom.add(drawn, layer, 1, narrow);
        for value in layer.iter_mut() {
            *value = if *value < self.threshold { 0.0 } else { 255.0 * value.clamp(0.0, 1.0) };
        }
        let degrees = stream.uniform(-135.0, -45.0);
        self.motion.apply(layer, drawn, [h, w, 1], degrees, narrow);
        let flakes = drawn.iter().zip(drawn.iter().rev()).map(|(flake, turned)| flake + turned);
        for (pixel, flakes) in plane.chunks_exact_mut(c).zip(flakes) {
            let grey = if c == 3 { luma([pixel[0], pixel[1], pixel[2]]) } else { pixel[0] };
            let pale = grey * 1.5 + 127.5;
            for value in pixel {
                *value = self.kept * *value + (1.0 - self.kept) * value.max(pale) + flakes;
            }
        }
    }
}

/// Numbers of frost, and its picture.
#[derive(Clone, Debug)]
pub(super) struct Frost {
    kept: f32,
    added: f32,
    ice: &'static Ice,
}

/// Red, green and blue of ice whose grey level is 1: the mean color of the published photographs.
const TINT: [f32; 3] = [0.9, 1.04, 1.1];

impl Frost {
    pub(super) fn new(tables: Tables, severity: u8, [h, w, _]: [usize; 3]) -> Self {
        let cifar = [(1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)];
        let imagenet = [(1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)];
        let (kept, added) = tables.pick(severity, cifar, imagenet);
        Self { kept, added, ice: Ice::get(h.max(w)) }
    }

    pub(super) fn apply(&self, plane: &mut [f32], [_, w, c]: [usize; 3], stream: &mut Stream) {
        let side = self.ice.side;
        let bits = stream.bits();
        // `side` is a power of two; all 64 bits are used, so that a browser draws what a 64-bit machine draws
        let [from_y, from_x] = [bits >> 3, bits >> 33].map(|bits| (bits % side as u64) as usize);
        // one of the eight ways a square can lie: steps along the picture for a row and a column
        let toward = |bit: usize| if bits >> bit & 1 == 0 { 1 } else { side - 1 };
        let (down, along) = (toward(0), toward(1));
        for (y, row) in plane.chunks_exact_mut(w * c).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(c).enumerate() {
                let [i, j] = [from_y + y * down, from_x + x * along].map(|place| place & (side - 1));
                let place = if bits >> 2 & 1 == 0 { i * side + j } else { j * side + i };
                let ice = self.added * self.ice.levels[place];
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let tint = if c == 3 { TINT[channel] } else { 1.0 };
                    *value = self.kept * *value + tint * ice;
                }
            }
        }
    }
}

/// Numbers of fog: how much, and how fast its details fade.
pub(super) fn fog_strength(tables: Tables, severity: u8) -> [f32; 2] {
    let cifar = [[0.2, 3.0], [0.5, 3.0], [0.75, 2.5], [1.0, 2.0], [1.5, 1.75]];
    let imagenet = [[1.5, 2.0], [2.0, 2.0], [2.5, 1.7], [2.5, 1.5], [3.0, 1.4]];
    tables.pick(severity, cifar, imagenet)
}

/// fog.
pub(super) fn fog(
    [amount, decay]: [f32; 2],
    plane: &mut [f32],
    [h, w, c]: [usize; 3],
    stream: &mut Stream,
    map: &mut Vec<f32>,
) {
    let side = h.max(w).max(2).next_power_of_two();
    plasma(side, decay, stream, map);
    let largest = plane.iter().copied().fold(0.0, f32::max);
    let scale = largest / (largest + 255.0 * amount);
    let density = 255.0 * amount;
    for (row, map) in plane.chunks_exact_mut(w * c).zip(map.chunks_exact(side)) {
        for (pixel, map) in row.chunks_exact_mut(c).zip(map) {
            for value in pixel {
                *value = (*value + density * map) * scale;
            }
        }
    }
}
