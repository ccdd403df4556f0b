//! Where images lie in the last layer.

use seamripper_sheets::{Canvas, Color, Weight};

/// Side of the drawing, and its margin.
const SIDE: usize = 900;
const MARGIN: usize = 40;
/// Side of the square in a class's color beside its name.
const SWATCH: usize = 8;

/// Colors that differ with any color vision (Okabe & Ito 2008), and two greys; classes beyond them begin again, and the names in the
/// middle of the classes tell them apart.
const COLORS: [Color; 10] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
    [0, 0, 0],
    [150, 150, 150],
    [120, 80, 20],
];

/// An image on the map.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Where it lies.
    pub at: [f32; 2],
    /// Its class.
    pub label: usize,
    /// Whether the model calls it something else.
    pub wrong: bool,
}

/// A dot an image, a cross where the model is wrong, and the name of each class in its middle.
pub fn map(title: &str, note: &str, classes: &[String], points: &[Point]) -> Canvas {
    let mut canvas = Canvas::new(SIDE + 2 * MARGIN, SIDE + 2 * MARGIN + 50);
    canvas.text([16, 16], title, Weight::Title, [20; 3]);
    canvas.text([16, 40], note, Weight::Plain, [90; 3]);
    let range = |axis: usize| {
        let values = points.iter().map(|point| point.at[axis]);
        values.fold([f32::MAX, f32::MIN], |[low, high], value| [low.min(value), high.max(value)])
    };
    let ranges = [range(0), range(1)];
    let span = ranges.iter().map(|[low, high]| high - low).fold(1e-9, f32::max);
    let place = |at: [f32; 2]| -> [usize; 2] {
        std::array::from_fn(|axis| {
            let from = (at[axis] - ranges[axis][0]) / span;
            let used = (ranges[axis][1] - ranges[axis][0]) / span;
            let shift = if axis == 0 { 0 } else { 50 };
            MARGIN + shift + ((from + (1.0 - used) / 2.0).clamp(0.0, 1.0) * SIDE as f32) as usize
        })
    };
    for point in points.iter().filter(|point| !point.wrong) {
        let [x, y] = place(point.at);
        canvas.fill([x.saturating_sub(2), y.saturating_sub(2)], [4, 4], COLORS[point.label % COLORS.len()]);
    }
    for point in points.iter().filter(|point| point.wrong) {
        let [x, y] = place(point.at);
        let color = COLORS[point.label % COLORS.len()];
        for step in 0..9 {
            canvas.fill([(x + step).saturating_sub(4), (y + step).saturating_sub(4)], [2, 2], color);
            canvas.fill([(x + step).saturating_sub(4), (y + 4).saturating_sub(step)], [2, 2], color);
        }
    }
    // Names that stand already: corner and size. One that would lie on another goes below it.
    let mut named: Vec<[usize; 3]> = Vec::new();
    for (class, name) in classes.iter().enumerate() {
        let of_class = || points.iter().filter(|point| point.label == class).map(|point| point.at);
        let middle: [f32; 2] = std::array::from_fn(|axis| {
            let mut values: Vec<f32> = of_class().map(|at| at[axis]).collect();
            values.sort_by(f32::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f32::NAN)
        });
        if middle[0].is_nan() {
            continue;
        }
        let ([x, mut y], width) = (place(middle), SWATCH + 4 + Weight::Bold.width(name));
        let x = x.saturating_sub(width / 2).min(SIDE + 2 * MARGIN - width.min(SIDE));
        named.sort_unstable_by_key(|&[_, y, _]| y);
        for &[left, top, wide] in &named {
            if top.abs_diff(y) < 15 && x < left + wide + 4 && left < x + width + 4 {
                y = top + 15;
            }
        }
        named.push([x, y, width]);
        canvas.fill([x.saturating_sub(2), y.saturating_sub(7)], [width + 4, 15], [255; 3]);
        canvas.fill([x, y.saturating_sub(SWATCH / 2)], [SWATCH; 2], COLORS[class % COLORS.len()]);
        canvas.text([x + SWATCH + 4, y.saturating_sub(6)], name, Weight::Bold, [20; 3]);
    }
    canvas
}
