//! Spatter: water that brightens where it lies, mud that covers.
//!
//! Drops are where blurred normal numbers pass a threshold.
//!
//! | | a level `x` becomes |
//! |---|---|
//! | water (severities 1 to 3) | `x + m color`, `m` = drops times their relief, largest value scaled to `strength` |
//! | mud (4 and 5, and all of MNIST-C) | `(1 - m) x + m color`, `m` = drops blurred, under 0.8 removed |
//!
//! The relief of water: distance to the drops' edges (Canny), cut off at 20 pixels, mean of 3x3, equalised, a filter that
//! lights it from a corner, mean of 3x3.
//!
//! *Departures*: 1. Where the size scales the blur, the deviation of the numbers is scaled with it, because their spread after
//! the blur, `deviation / (2 sqrt(pi) sigma)`, decides how much is covered; lengths are never less than half the published
//! ones, because drops of less than a pixel are noise. 2. The distance is the chamfer one of OpenCV's
//! 5x5 mask without the knight's moves. 3. Grey images take the grey level of the color.

use super::canny::Canny;
use super::noise::Normals;
use super::plane::{self, Edge, luma};
use super::tables::{Set, Tables};
use crate::random::Stream;

/// Pale turquoise, and brown.
const WATER: [f32; 3] = [175.0, 238.0, 238.0];
const MUD: [f32; 3] = [63.0, 42.0, 20.0];

/// Numbers of spatter.
#[derive(Clone, Debug)]
pub(super) struct Spatter {
    mean: f32,
    deviation: f32,
    half: Vec<f32>,
    threshold: f32,
    strength: f32,
    /// Blur of mud; `None` is water.
    mud: Option<Vec<f32>>,
    color: [f32; 3],
}

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    canny: Canny,
    maps: [Vec<f32>; 4],
}

impl Spatter {
    pub(super) fn new(tables: Tables, severity: u8, channels: usize) -> Self {
        let cifar = [
            (0.62, 0.1, 0.7, 0.7, 0.5, false),
            (0.65, 0.1, 0.8, 0.7, 0.5, false),
            (0.65, 0.3, 1.0, 0.69, 0.5, false),
            (0.65, 0.1, 0.7, 0.69, 0.6, true),
            (0.65, 0.1, 0.5, 0.68, 0.6, true),
        ];
        let imagenet = [
            (0.65, 0.3, 4.0, 0.69, 0.6, false),
            (0.65, 0.3, 3.0, 0.68, 0.6, false),
            (0.65, 0.3, 2.0, 0.68, 0.5, false),
            (0.65, 0.3, 1.0, 0.65, 1.5, true),
            (0.67, 0.4, 1.0, 0.65, 1.5, true),
        ];
        let (mean, deviation, sigma, threshold, strength, mud) = tables.pick(severity, cifar, imagenet);
        let mnist = tables.set == Set::Mnist;
        let factor = tables.factor.max(0.5);
        let mud = (mud || mnist).then(|| plane::gaussian(strength * factor, 4.0));
        let color = if mud.is_some() { MUD } else { WATER };
        let grey = if mnist { MUD[0] } else { luma(color) };
        Self {
            mean,
            deviation: deviation * factor,
            half: plane::gaussian(sigma * factor, 4.0),
            threshold,
            strength,
            mud,
            color: if channels == 3 { color } else { [grey; 3] },
        }
    }

    pub(super) fn apply(
        &self,
        plane: &mut [f32],
        [h, w, c]: [usize; 3],
        stream: &mut Stream,
        memory: &mut Memory,
    ) {
        let [liquid, mask, row, between] = &mut memory.maps;
        liquid.resize(h * w, 0.0);
        Normals::get().for_each(h * w, stream, |i, normal| liquid[i] = self.mean + self.deviation * normal);
        plane::blur(liquid, [h, w, 1], &self.half, Edge::Clamp, [row, between]);
        if let Some(half) = &self.mud {
            mask.clear();
            mask.extend(liquid.iter().map(|&value| if value > self.threshold { 1.0 } else { 0.0 }));
            plane::blur(mask, [h, w, 1], half, Edge::Clamp, [row, between]);
            for (pixel, &mask) in plane.chunks_exact_mut(c).zip(mask.iter()).filter(|(_, mask)| **mask >= 0.8)
            {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = (1.0 - mask) * *value + mask * self.color[channel.min(2)];
                }
            }
            return;
        }
        for value in liquid.iter_mut() {
            *value = if *value < self.threshold { 0.0 } else { (255.0 * value.clamp(0.0, 1.0)).floor() };
        }
        memory.canny.edges(liquid, [h, w], [50.0, 150.0], mask);
        relief(mask, [h, w], [row, between]);
        let mut largest = 0.0_f32;
        for (liquid, relief) in liquid.iter_mut().zip(mask.iter()) {
            *liquid *= relief;
            largest = largest.max(*liquid);
        }
        if largest == 0.0 {
            return;
        }
        let scale = self.strength / largest;
        for (pixel, &wet) in plane.chunks_exact_mut(c).zip(liquid.iter()).filter(|(_, wet)| **wet > 0.0) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value += wet * scale * self.color[channel.min(2)];
            }
        }
    }
}

/// From edges (1) to the relief of water, 0 to 255.
fn relief(map: &mut [f32], [h, w]: [usize; 2], [row, between]: [&mut Vec<f32>; 2]) {
    distance(map, [h, w]);
    let third = [1.0 / 3.0; 2];
    plane::blur(map, [h, w, 1], &third, Edge::Reflect101, [row, between]);
    equalize(map);
    // the filter [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
    between.clear();
    between.extend_from_slice(map);
    let source = &*between;
    for y in 0..h {
        let rows = [-1, 0, 1].map(|dy| &source[Edge::Reflect101.place(y as isize + dy, h) * w..][..w]);
        for x in 0..w {
            let columns = [-1, 0, 1].map(|dx| Edge::Reflect101.place(x as isize + dx, w));
            let at = |dy: usize, dx: usize| rows[dy][columns[dx]];
            let lit = at(1, 1) + at(1, 2) + at(2, 1) + 2.0 * at(2, 2) - 2.0 * at(0, 0) - at(0, 1) - at(1, 0);
            map[y * w + x] = lit.clamp(0.0, 255.0);
        }
    }
    plane::blur(map, [h, w, 1], &third, Edge::Reflect101, [row, between]);
}

/// From edges (1) to the distance to the nearest, at most 20: two passes of steps 1 and 1.4.
fn distance(map: &mut [f32], [h, w]: [usize; 2]) {
    const FAR: f32 = 20.0;
    map.iter_mut().for_each(|value| *value = if *value > 0.0 { 0.0 } else { FAR });
    let pass = |map: &mut [f32], turned: bool| {
        let i = |y: usize, x: usize| if turned { h * w - 1 - (y * w + x) } else { y * w + x };
        for y in 0..h {
            for x in 0..w {
                let mut nearest = map[i(y, x)];
                if x > 0 {
                    nearest = nearest.min(map[i(y, x - 1)] + 1.0);
                }
                if y > 0 {
                    nearest = nearest.min(map[i(y - 1, x)] + 1.0);
                    if x > 0 {
                        nearest = nearest.min(map[i(y - 1, x - 1)] + 1.4);
                    }
                    if x + 1 < w {
                        nearest = nearest.min(map[i(y - 1, x + 1)] + 1.4);
                    }
                }
                map[i(y, x)] = nearest;
            }
        }
    };
    pass(map, false);
    pass(map, true);
}

/// `cv2.equalizeHist`: levels spread so that each is as frequent.
fn equalize(map: &mut [f32]) {
    let mut counts = [0_u32; 256];
    map.iter().for_each(|&value| counts[value as u8 as usize] += 1);
    let first = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let rest = map.len() as u32 - counts[first];
    if rest == 0 {
        return;
    }
    let mut below = 0;
    let levels: [f32; 256] = std::array::from_fn(|level| {
        if level > first {
            below += counts[level];
        }
        (255.0 * below as f32 / rest as f32).round()
    });
    map.iter_mut().for_each(|value| *value = levels[*value as u8 as usize]);
}
