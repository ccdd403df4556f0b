//! The image with other numbers of rows and columns: each output pixel is a weighted mean of up to four input pixels.

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};
use crate::graph::Interpolation;

/// The two input rows (or columns) an output row is made of, and the weight of each.
type Ends = [(usize, f32); 2];

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Resize {
    input: [Input; 1],
    output: Slot,
    /// Columns and channels of the input.
    width: usize,
    channels: usize,
    rows: Vec<Ends>,
    columns: Vec<Ends>,
}

/// What output `index` of `to` is made of, of `from` pixels.
pub(in crate::engine) fn ends(
    index: usize,
    from: usize,
    to: usize,
    method: Interpolation,
) -> [(usize, f64); 2] {
    match method {
        Interpolation::Nearest => [(index * from / to, 1.0), (0, 0.0)],
        Interpolation::Bilinear => {
            let place = ((index as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
            let low = place.floor();
            let share = place - low;
            [(low as usize, 1.0 - share), ((low as usize + 1).min(from - 1), share)]
        }
    }
}

impl Resize {
    pub(in crate::engine) fn new(
        input: Input,
        output: Slot,
        [h, w, channels]: [usize; 3],
        [out_h, out_w]: [usize; 2],
        method: Interpolation,
    ) -> Self {
        let axis = |from: usize, to: usize| -> Vec<Ends> {
            (0..to).map(|index| ends(index, from, to, method).map(|(at, share)| (at, share as f32))).collect()
        };
        Self { input: [input], output, width: w, channels, rows: axis(h, out_h), columns: axis(w, out_w) }
    }

    fn out_length(&self) -> usize {
        self.rows.len() * self.columns.len() * self.channels
    }

    /// Calls `visit(output offset, input offset, weight)` for every pair of pixels with a weight.
    fn for_each(&self, mut visit: impl FnMut(usize, usize, f32)) {
        let mut to = 0;
        for row in &self.rows {
            for column in &self.columns {
                for &(y, down) in row.iter().filter(|end| end.1 != 0.0) {
                    for &(x, right) in column.iter().filter(|end| end.1 != 0.0) {
                        visit(to, (y * self.width + x) * self.channels, down * right);
                    }
                }
                to += self.channels;
            }
        }
    }
}

impl Op for Resize {
    fn forward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let (span, c) = (shard.span(self.out_length()), self.channels);
        let mut array = shard.take_value(self.output);
        let y = &mut array[span];
        y.fill(0.0);
        let x = &shard.value(input.slot)[shard.value_span(input.slot, input.length)];
        for (x, y) in x.chunks_exact(input.length).zip(y.chunks_exact_mut(self.out_length())) {
            self.for_each(|to, from, weight| {
                for (y, x) in y[to..][..c].iter_mut().zip(&x[from..][..c]) {
                    *y += weight * x;
                }
            });
        }
        shard.put_value(self.output, array);
    }

    fn backward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        if !input.gradient {
            return;
        }
        let c = self.channels;
        let mut array = shard.take_gradient(input.slot);
        let dx = &mut array[shard.span(input.length)];
        if !input.accumulate {
            dx.fill(0.0);
        }
        let dy = &shard.gradient(self.output)[shard.span(self.out_length())];
        for (dx, dy) in dx.chunks_exact_mut(input.length).zip(dy.chunks_exact(self.out_length())) {
            self.for_each(|from, to, weight| {
                for (dx, dy) in dx[to..][..c].iter_mut().zip(&dy[from..][..c]) {
                    *dx += weight * dy;
                }
            });
        }
        shard.put_gradient(input.slot, array);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
