//! One check for every gradient: central differences of the `f64` reference.

use super::reference::{Mode, forward_f64};
use super::run::Executor;
use crate::graph::{Graph, Weights};
use crate::random::{Purpose, Stream};

/// Largest allowed distance of a gradient from the difference quotient, relative to the largest of all gradients: what
/// `f32` sums of a few thousand terms of mixed sign lose, with room to spare. (Relative to all, since the gradient of a
/// bias or gamma right before a batch normalization is a difference of large numbers that is nearly or exactly 0.)
pub const GRADIENT_TOLERANCE: f64 = 2e-5;

/// Entries compared per parameter.
const ENTRIES: usize = 12;
/// Step of the difference quotient; its error is about step^2 and, in `f64`, 1e-16 / step.
const STEP: f64 = 1e-6;

/// A gradient that is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("gradient of {what}[{entry}]: expected {expected:e} within {bound:e}, found {found:e}")]
pub struct GradientError {
    /// The parameter, or `input`.
    pub what: String,
    /// Place in it.
    pub entry: usize,
    /// The difference quotient.
    pub expected: f64,
    /// What the executor gave.
    pub found: f64,
    /// The allowed distance.
    pub bound: f64,
}

/// Compares the weight and input gradients of `executor`, those that it was made to compute, with central differences.
///
/// The function differentiated is `sum over logits of r * logit` with fixed random `r`. A difference quotient that
/// changes with its step stands at a kink (a ReLU's zero, a tie of a max-pool) and is not compared. Returns how many
/// entries were compared.
///
/// # Errors
/// The first entry that is off by more than [`GRADIENT_TOLERANCE`], relative to the largest of all.
pub fn check_gradients(
    executor: &mut impl Executor,
    graph: &Graph,
    weights: &Weights,
    images: &[f32],
    mode: Mode,
) -> Result<usize, GradientError> {
    let n = images.len() / graph.input.iter().product::<usize>();
    let mut stream = Stream::new(1, Purpose::Test, 0, 0);
    let r: Vec<f32> = (0..n * graph.outputs()).map(|_| stream.uniform(-1.0, 1.0) as f32).collect();
    executor.forward(weights, images);
    let gradients = executor.backward(&r);

    let mut values: Vec<f64> = weights.values.iter().map(|&value| f64::from(value)).collect();
    let mut pixels: Vec<f64> = images.iter().map(|&pixel| f64::from(pixel)).collect();
    let objective = |values: &[f64], pixels: &[f64]| -> f64 {
        let logits = forward_f64(graph, values, pixels, mode).pop().expect("a graph has a node");
        logits.iter().zip(&r).map(|(logit, &r)| logit * f64::from(r)).sum()
    };

    let all = gradients.weights.iter().chain(gradients.input.iter().flat_map(|input| input.data()));
    let bound = GRADIENT_TOLERANCE * all.fold(1e-3, |largest: f64, &g| largest.max(f64::from(g).abs()));
    let mut compared = 0;
    let wanted = !gradients.weights.is_empty();
    for parameter in graph.parameters.iter().filter(|parameter| wanted && parameter.role.trained()) {
        let found = &gradients.weights[parameter.range()];
        compared += compare(&parameter.name, found, bound, &mut stream, |entry, shift| {
            let place = parameter.offset + entry;
            let before = values[place];
            values[place] = before + shift;
            let result = objective(&values, &pixels);
            values[place] = before;
            result
        })?;
    }
    if let Some(input) = &gradients.input {
        compared += compare("input", input.data(), bound, &mut stream, |entry, shift| {
            let before = pixels[entry];
            pixels[entry] = before + shift;
            let result = objective(&values, &pixels);
            pixels[entry] = before;
            result
        })?;
    }
    Ok(compared)
}

/// Compares some entries of one gradient; `shifted(entry, shift)` is the objective with that entry shifted.
fn compare(
    what: &str,
    found: &[f32],
    bound: f64,
    stream: &mut Stream,
    mut shifted: impl FnMut(usize, f64) -> f64,
) -> Result<usize, GradientError> {
    let mut compared = 0;
    for index in 0..ENTRIES.min(found.len()) {
        let entry = if found.len() <= ENTRIES { index } else { stream.below(found.len() as u64) as usize };
        let mut quotient = |step: f64| (shifted(entry, step) - shifted(entry, -step)) / (2.0 * step);
        let (expected, other) = (quotient(STEP), quotient(STEP * 3.0));
        if (expected - other).abs() > bound / 4.0 {
            continue;
        }
        compared += 1;
        let found = f64::from(found[entry]);
        let near = (found - expected).abs() <= bound;
        if !near {
            return Err(GradientError { what: what.to_owned(), entry, expected, found, bound });
        }
    }
    Ok(compared)
}
