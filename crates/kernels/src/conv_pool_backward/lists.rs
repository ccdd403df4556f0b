//! Which positions are alive, listed by filter and by position.

use super::Forward;
use crate::conv_pool::{Shape, WINNER_ROW};

/// A live window of a filter: where the winner's taps begin in `x`, and the gradient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfFilter {
    pub(super) corner: u32,
    pub(super) gradient: f32,
}

/// A live filter at a position of the convolution, and the gradient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AtPosition {
    pub(super) filter: u32,
    pub(super) gradient: f32,
}

/// Memory that [`super::conv_pool_backward`] uses, kept from call to call.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// `[filters, capacity]`, as many as `filter_counts` says.
    of_filter: Vec<OfFilter>,
    filter_counts: Vec<u32>,
    capacity: usize,
    /// `[positions, filters]`, as many as `position_counts` says; a window has its `pool * pool` positions side by side.
    at_position: Vec<AtPosition>,
    position_counts: Vec<u32>,
    corners: Vec<u32>,
    pub(super) patches: Vec<f32>,
}

impl Scratch {
    /// The live windows of each filter.
    #[inline(always)]
    pub(super) fn filters(&self) -> impl Iterator<Item = &[OfFilter]> {
        let counts = self.filter_counts.iter();
        counts
            .zip(self.of_filter.chunks_exact(self.capacity.max(1)))
            .map(|(&count, live)| &live[..count as usize])
    }

    /// Each position's corner in `x` and its live filters.
    #[inline(always)]
    pub(super) fn positions(&self) -> impl Iterator<Item = (u32, &[AtPosition])> {
        let filters = self.filter_counts.len().max(1);
        (self.corners.iter().zip(&self.position_counts))
            .zip(self.at_position.chunks_exact(filters))
            .map(|((&corner, &count), live)| (corner, &live[..count as usize]))
    }

    /// Lists what is alive in `images`, and sums the bias gradient, unless `db` is empty.
    ///
    /// # Panics
    /// If a winner lies outside of its window.
    pub(super) fn collect(
        &mut self,
        shape: &Shape,
        forward: &Forward<'_>,
        images: std::ops::Range<usize>,
        db: &mut [f32],
        by_position: bool,
    ) {
        let [oh, ow] = shape.out_size;
        let [_, w, c] = shape.input;
        let (filters, pool) = (shape.filters, shape.pool);
        self.capacity = images.len() * oh * ow;
        if self.of_filter.len() < filters * self.capacity {
            self.of_filter.resize(filters * self.capacity, OfFilter::default());
        }
        self.filter_counts.clear();
        self.filter_counts.resize(filters, 0);
        let positions = self.capacity * pool * pool;
        self.position_counts.clear();
        self.corners.clear();
        if by_position {
            self.position_counts.resize(positions, 0);
            if self.at_position.len() < positions * filters {
                self.at_position.resize(positions * filters, AtPosition::default());
            }
        }
        // By winner: its offset from the window's corner and its position in the window. A winner outside of the window
        // finds `u32::MAX`, which is caught here and not in an unchecked loop later.
        let mut inside = [(u32::MAX, 0); WINNER_ROW * 3];
        for (place, index) in (0..pool * pool).map(|place| (place, place / pool * WINNER_ROW + place % pool))
        {
            inside[index] = (((place / pool * w + place % pool) * c) as u32, place as u32);
        }
        let mut window = 0;
        for image in images {
            for (row, column) in (0..oh * ow).map(|index| (index / ow, index % ow)) {
                let corner = (image * shape.input_len() + (row * w + column) * pool * c) as u32;
                let start = image * shape.output_len() + (row * shape.out_width + column) * filters;
                let out = &forward.out[start..][..filters];
                let winner = &forward.winner[start..][..filters];
                let gradient = &forward.out_gradient[start..][..filters];
                let counts = &mut self.filter_counts[..filters];
                let mut worst = 0;
                for (filter, live) in self.of_filter.chunks_exact_mut(self.capacity).take(filters).enumerate()
                {
                    // Written always, counted only if live: no branch to mispredict.
                    let (offset, _) = inside[usize::from(winner[filter]) % inside.len()];
                    let alive = !forward.relu || out[filter] > 0.0;
                    worst = worst.max(if alive { offset } else { 0 });
                    live[counts[filter] as usize] =
                        OfFilter { corner: corner.wrapping_add(offset), gradient: gradient[filter] };
                    counts[filter] += u32::from(alive);
                }
                for (filter, db) in db.iter_mut().enumerate() {
                    *db += if !forward.relu || out[filter] > 0.0 { gradient[filter] } else { 0.0 };
                }
                assert!(worst != u32::MAX, "a winner outside of its window");
                if by_position {
                    let first = window * pool * pool;
                    for place in 0..pool * pool {
                        self.corners.push(corner + ((place / pool * w + place % pool) * c) as u32);
                    }
                    let counts = &mut self.position_counts[first..][..pool * pool];
                    let lists = &mut self.at_position[first * filters..][..pool * pool * filters];
                    for filter in 0..filters {
                        let (_, place) = inside[usize::from(winner[filter]) % inside.len()];
                        let count = &mut counts[place as usize];
                        let entry = AtPosition { filter: filter as u32, gradient: gradient[filter] };
                        lists[place as usize * filters + *count as usize] = entry;
                        *count += u32::from(!forward.relu || out[filter] > 0.0);
                    }
                }
                window += 1;
            }
        }
    }
}
