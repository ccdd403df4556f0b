//! The plain-loop twins of [`crate::depthwise`].

use crate::depthwise::{Filters, Shape, Start};

/// Calls `visit(place in the input, place in the output, tap)`, channel 0 each, for every tap inside the input, and
/// `visit(None, place in the output, 0)` before the taps of each output.
fn for_each(shape: &Shape, mut visit: impl FnMut(Option<usize>, usize, usize)) {
    let Shape { images, input: [h, w], from, kernel: [kh, kw], stride, before, output, to, .. } = *shape;
    for image in 0..images {
        for row in 0..output[0] {
            for column in 0..output[1] {
                let out = to.start + image * to.image + row * to.row + column * to.column;
                visit(None, out, 0);
                for tap in 0..kh * kw {
                    let y = (row * stride[0] + tap / kw) as isize - before[0];
                    let x = (column * stride[1] + tap % kw) as isize - before[1];
                    if (0..h as isize).contains(&y) && (0..w as isize).contains(&x) {
                        let (y, x) = (y as usize, x as usize);
                        let place = from.start + image * from.image + y * from.row + x * from.column;
                        visit(Some(place), out, tap);
                    }
                }
            }
        }
    }
}

/// Twin of [`crate::depthwise::depthwise`].
pub fn depthwise(shape: &Shape, x: &[f32], filters: Filters<'_>, out: &mut [f32]) {
    let c = shape.channels;
    for_each(shape, |place, to, tap| {
        for channel in 0..c {
            let sum = &mut out[to + channel];
            match (place, filters.start) {
                (Some(place), _) => *sum += x[place + channel] * filters.weights[tap * c + channel],
                (None, Start::Zero) => *sum = 0.0,
                (None, Start::Bias(bias)) => *sum = bias[channel],
                (None, Start::Output) => {}
            }
        }
    });
    for_each(shape, |place, to, _| {
        for sum in &mut out[to..to + c] {
            if filters.relu && place.is_none() && *sum <= 0.0 {
                *sum = 0.0;
            }
        }
    });
}

/// Twin of [`crate::depthwise::depthwise_gradient`].
pub fn depthwise_gradient(shape: &Shape, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
    let c = shape.channels;
    for_each(shape, |place, to, tap| {
        for channel in 0..c {
            match place {
                None => db[channel] += dy[to + channel],
                Some(place) => dw[tap * c + channel] += x[place + channel] * dy[to + channel],
            }
        }
    });
}
