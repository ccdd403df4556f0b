//! The sums behind a survey: of one image, and of all so far.

use super::{EXEMPLARS, Exemplar, FilterSurvey};
use crate::sample::Ids;

/// Filters whose sums are kept in registers together.
const LANES: usize = 8;

/// What the filters of a layer do on one image.
#[derive(Clone, Debug)]
pub(super) struct ImageTally {
    filters: Vec<Tally>,
}

/// What a filter does on one image.
#[derive(Clone, Copy, Debug)]
struct Tally {
    above: u64,
    sum: f64,
    squares: f64,
    min: f32,
    max: f32,
}

impl Tally {
    const NONE: Self = Self { above: 0, sum: 0.0, squares: 0.0, min: f32::INFINITY, max: f32::NEG_INFINITY };
}

impl ImageTally {
    pub(super) fn new(filters: usize) -> Self {
        Self { filters: vec![Tally::NONE; filters] }
    }

    /// Counts an image's responses, `[places, filters]`.
    pub(super) fn count(&mut self, response: &[f32]) {
        let filters = self.filters.len();
        for (block, tallies) in self.filters.chunks_mut(LANES).enumerate() {
            let first = block * LANES;
            if let Ok(tallies) = <&mut [Tally; LANES]>::try_from(&mut *tallies) {
                count_lanes(response, filters, first, tallies);
            } else {
                for (lane, tally) in tallies.iter_mut().enumerate() {
                    let mut one = [Tally::NONE];
                    count_lanes(response, filters, first + lane, &mut one);
                    *tally = one[0];
                }
            }
        }
    }
}

/// Counts the filters `first..first + N` of `filters`, side by side.
fn count_lanes<const N: usize>(response: &[f32], filters: usize, first: usize, tallies: &mut [Tally; N]) {
    let (mut above, mut sum, mut squares) = ([0_u32; N], [0.0_f64; N], [0.0_f64; N]);
    let (mut min, mut max) = ([f32::INFINITY; N], [f32::NEG_INFINITY; N]);
    for place in response.chunks_exact(filters) {
        let place: &[f32; N] = place[first..first + N].try_into().expect("N filters");
        for lane in 0..N {
            let value = place[lane];
            let wide = f64::from(value);
            above[lane] += u32::from(value > 0.0);
            sum[lane] += wide;
            squares[lane] += wide * wide;
            min[lane] = if value < min[lane] { value } else { min[lane] };
            max[lane] = if value > max[lane] { value } else { max[lane] };
        }
    }
    for lane in 0..N {
        tallies[lane] = Tally {
            above: above[lane].into(),
            sum: sum[lane],
            squares: squares[lane],
            min: min[lane],
            max: max[lane],
        };
    }
}

/// An image in a list of exemplars: its index, the place of the response, the response.
type Place = (usize, usize, f32);

/// What the filters of a layer do on all images so far.
#[derive(Clone, Debug)]
pub(super) struct LayerTally {
    output: [usize; 3],
    images: usize,
    totals: Vec<Tally>,
    /// Sums of the images' mean responses, `[k, filters]`.
    class_sums: Vec<f64>,
    most: Vec<Vec<Place>>,
    least: Vec<Vec<Place>>,
}

impl LayerTally {
    pub(super) fn new(output: [usize; 3], classes: usize) -> Self {
        let filters = output[2];
        Self {
            output,
            images: 0,
            totals: vec![Tally::NONE; filters],
            class_sums: vec![0.0; classes * filters],
            most: vec![Vec::new(); filters],
            least: vec![Vec::new(); filters],
        }
    }

    /// Adds image `index`; images come in their order.
    pub(super) fn add(&mut self, index: usize, class: usize, image: &ImageTally, response: &[f32]) {
        let [h, w, filters] = self.output;
        self.images += 1;
        let sums = &mut self.class_sums[class * filters..][..filters];
        for (filter, tally) in image.filters.iter().enumerate() {
            let total = &mut self.totals[filter];
            total.above += tally.above;
            total.sum += tally.sum;
            total.squares += tally.squares;
            total.min = total.min.min(tally.min);
            total.max = total.max.max(tally.max);
            sums[filter] += tally.sum / (h * w) as f64;
            let place = || {
                let at = |place: &[f32]| place[filter] == tally.max;
                (index, response.chunks_exact(filters).position(at).unwrap_or(0), tally.max)
            };
            keep(&mut self.most[filter], tally.max, |new, old| new > old, place);
            keep(&mut self.least[filter], tally.max, |new, old| new < old, place);
        }
    }

    /// What each filter did, `class_images` being the number of images of each class.
    pub(super) fn finish(&self, class_images: &[usize], ids: &Ids) -> Vec<FilterSurvey> {
        (0..self.totals.len()).map(|filter| self.filter(filter, class_images, ids)).collect()
    }

    fn filter(&self, filter: usize, class_images: &[usize], ids: &Ids) -> FilterSurvey {
        let [h, w, filters] = self.output;
        let responses = (self.images * h * w).max(1) as f64;
        let Tally { above, sum, squares, min, max } = self.totals[filter];
        let mean = sum / responses;
        let class_mean = |(class, &images): (usize, &usize)| {
            (images > 0).then(|| self.class_sums[class * filters + filter] / images as f64)
        };
        let class_means: Vec<_> = class_images.iter().enumerate().map(class_mean).collect();
        let exemplar = |&(index, place, activation): &Place| Exemplar {
            index,
            id: ids.id(index),
            row: place / w,
            column: place % w,
            activation,
        };
        FilterSurvey {
            rate: above as f64 / responses,
            mean,
            sd: (squares / responses - mean * mean).max(0.0).sqrt(),
            min,
            max,
            dead: min == max,
            selectivity: selectivity(&class_means, f64::from(min.min(0.0))),
            class_means,
            most: self.most[filter].iter().map(exemplar).collect(),
            least: self.least[filter].iter().map(exemplar).collect(),
        }
    }
}

/// Puts an image into a list in its order, behind equal ones, unless [`EXEMPLARS`] others are before it.
fn keep(list: &mut Vec<Place>, value: f32, before: impl Fn(f32, f32) -> bool, place: impl Fn() -> Place) {
    let last = list.last().filter(|_| list.len() == EXEMPLARS);
    if last.is_none_or(|&(.., last)| before(value, last)) {
        let at = list.iter().position(|&(.., old)| before(value, old)).unwrap_or(list.len());
        list.insert(at, place());
        list.truncate(EXEMPLARS);
    }
}

/// Selectivity of each class, from means measured above `floor`.
fn selectivity(class_means: &[Option<f64>], floor: f64) -> Vec<Option<f64>> {
    let known = class_means.iter().flatten().count();
    let total: f64 = class_means.iter().flatten().map(|mean| mean - floor).sum();
    let of = |mean: &Option<f64>| {
        let mean = (*mean)? - floor;
        let rest = (known > 1).then(|| ((total - mean) / (known - 1) as f64).max(0.0))?;
        Some(if mean + rest > 0.0 { (mean - rest) / (mean + rest) } else { 0.0 })
    };
    class_means.iter().map(of).collect()
}
