//! Which training images a model takes for like a given one.
//!
//! *Idea*: images are compared by what the last dense layer reads, the penultimate features.
//! ```text
//! |q - t|^2 = |q|^2 + |t|^2 - 2 q t          one matrix product for a block of q and a block of t
//! ```
//! *Exactness*: the product decides only which images are candidates: all whose distance may, within [`sum_bound`], be among
//! the `k` smallest. Their distances are then summed anew in `f64`, so neighbours and their order are those of plain loops.

use seamripper_kernels::element::F32;
use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::panels::{Panels, Run};
use seamripper_kernels::{Instructions, SLACK, parallel, sum_bound};

use super::Model;
use crate::engine::{Engine, Wants};
use crate::graph::{Layer, Source};
use crate::sample::ImageSet;

/// Images at a time.
const BATCH: usize = 256;

/// Images whose neighbours are looked for together.
const QUERIES: usize = 16;

/// Penultimate features of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    d: usize,
    /// `[n, d]`, with slack behind.
    values: Vec<f32>,
}

impl Features {
    /// Wraps `[n, d]` values.
    ///
    /// # Panics
    /// If there are no whole rows.
    pub fn new(d: usize, mut values: Vec<f32>) -> Self {
        assert!(d > 0 && values.len().is_multiple_of(d), "rows of {d} features");
        values.resize(values.len() + SLACK, 0.0);
        Self { d, values }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        (self.values.len() - SLACK) / self.d
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of features of an image.
    pub fn width(&self) -> usize {
        self.d
    }

    /// The features of image `index`, `[d]`.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.d..][..self.d]
    }

    /// All features, `[n, d]`.
    pub fn values(&self) -> &[f32] {
        &self.values[..self.len() * self.d]
    }

    /// Those of the images at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self::new(self.d, indices.iter().flat_map(|&index| self.row(index)).copied().collect())
    }
}

/// What the last dense layer reads, for every image; the model's output if there is no dense layer. `progress` is told how
/// many images are done.
///
/// # Panics
/// If the images do not have the graph's input size.
pub fn penultimate(model: &Model<'_>, set: &ImageSet, mut progress: impl FnMut(usize)) -> Features {
    let graph = model.graph;
    assert_eq!(set.size(), graph.input, "image size");
    let dense = graph.nodes.iter().rposition(|node| matches!(node.layer, Layer::Dense { .. }));
    let source = match dense {
        Some(dense) => graph.nodes[dense].inputs[0],
        None => Source::Node(graph.nodes.len() - 1),
    };
    let batch = BATCH.min(set.len()).max(1);
    let mut engine = match source {
        Source::Input => None,
        Source::Node(node) => {
            let head = graph.head(node);
            let mut engine = Engine::new(&head.graph, model.isa, batch, Wants::INFERENCE);
            engine.load(&head.weights(graph, model.weights));
            Some(engine)
        }
    };
    let d = graph.shape(source).iter().product();
    let mut values = Vec::with_capacity(set.len() * d + SLACK);
    for pixels in set.chunks(batch) {
        let input = model.values(&pixels);
        match &mut engine {
            Some(engine) => {
                engine.run_forward(&input);
                let begin = values.len();
                values.resize(begin + engine.images() * d, 0.0);
                engine.copy_logits(&mut values[begin..]);
            }
            None => values.extend(input),
        }
        progress(values.len() / d);
    }
    Features::new(d, values)
}

/// An image near another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Its index among the features that were searched.
    pub index: usize,
    /// Squared Euclidean distance.
    pub squared_distance: f64,
}

/// The `k` images of `among` nearest to each image of `of`, nearest first; of equally near ones the first. An image that is
/// in both is its own nearest.
///
/// # Panics
/// If the features are not of one width.
pub fn nearest_images(isa: Instructions, of: &Features, among: &Features, k: usize) -> Vec<Vec<Neighbor>> {
    let d = among.d;
    assert_eq!(of.d, d, "features of one width");
    let k = k.min(among.len());
    let mut found = vec![Vec::new(); of.len()];
    if k == 0 {
        return found;
    }
    let squares = |features: &Features| -> Vec<f32> {
        features.values().chunks_exact(d).map(|row| row.iter().map(|x| x * x).sum()).collect()
    };
    let (of_squares, among_squares) = (squares(of), squares(among));
    let largest = among_squares.iter().copied().fold(0.0, f32::max);
    // -2 t, a column an image.
    let mut columns = vec![0.0; d * among.len()];
    for (image, row) in among.values().chunks_exact(d).enumerate() {
        for (feature, value) in row.iter().enumerate() {
            columns[feature * among.len() + image] = -2.0 * value;
        }
    }
    let mut panels: Panels<F32> = Panels::new(isa);
    panels.pack(&columns, among.len(), d);
    let runs = [Run { start: 0, count: d as u32 }];
    parallel::for_each_chunk(&mut found, QUERIES, |first, found| {
        let n = among.len();
        let starts = |width: usize| (0..found.len()).map(|query| (query * width) as u32).collect::<Vec<_>>();
        let mut products = vec![0.0; found.len() * n];
        let product = Gemm {
            a: &of.values[first * d..],
            rows: &starts(d),
            runs: &runs,
            b: &panels,
            bias: Some(&among_squares),
            relu: false,
            out: &mut products,
            out_rows: &starts(n),
            accumulate: false,
        };
        gemm(isa, product);
        for ((query, found), products) in found.iter_mut().enumerate().zip(products.chunks_exact(n)) {
            let query = first + query;
            // |t|^2 and 2 q t, by Cauchy and Schwarz; each is off by the bound once.
            let magnitude = largest + 2.0 * (largest * of_squares[query]).sqrt();
            let error = 2.0 * sum_bound(d + 1, magnitude);
            let limit = kth_smallest(products, k) + 2.0 * error;
            let exact = |(index, _): (usize, &f32)| {
                let pairs = of.row(query).iter().zip(among.row(index));
                let squared_distance = pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
                Neighbor { index, squared_distance }
            };
            *found =
                products.iter().enumerate().filter(|(_, product)| **product <= limit).map(exact).collect();
            found.sort_by(|a, b| {
                a.squared_distance.total_cmp(&b.squared_distance).then(a.index.cmp(&b.index))
            });
            found.truncate(k);
        }
    });
    found
}

/// The `k`th smallest value.
fn kth_smallest(values: &[f32], k: usize) -> f32 {
    let mut smallest: Vec<f32> = values[..k].to_vec();
    smallest.sort_by(f32::total_cmp);
    for &value in &values[k..] {
        if value < smallest[k - 1] {
            let at = smallest.partition_point(|&other| other <= value);
            smallest.pop();
            smallest.insert(at, value);
        }
    }
    smallest[k - 1]
}
