//! Integrated gradients, with as many steps as completeness asks for.
//!
//! *Idea*: the map is `(x - b) · ∫ d target / d x at b + t (x - b) dt`, `t` from 0 to 1, and its sum must be `f(x) - f(b)`
//! (completeness). The interval is cut into pieces, each with the gradient at its middle. A network of ReLUs and max-pools is
//! piecewise linear, so within a piece without a kink this is exact, and how far the gradient at the middle is from explaining
//! `f(end) - f(begin)` of its own piece says how bad a piece is. The worst pieces are cut in three until what all pieces leave
//! unexplained is at most [`COMPLETENESS`] of `|f(x) - f(b)|`:
//! ```text
//! error(piece) = f(end) - f(begin) - (end - begin) g(middle) · (x - b)
//! repeat: cut the pieces of largest |error|; the middle third keeps its gradient
//! ```
//! *Exactness*: with [`Steps::Fixed`] it is Captum's `riemann_middle` within 1e-4 (golden file `captum`).
//!
//! *Reference*: Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks", equations 1 and 3.

use super::{Gradient, Target};

/// The completeness error to reach, as a share of `|f(x) - f(baseline)|`.
pub const COMPLETENESS: f64 = 0.01;

/// Gradients that are computed at most for one image.
pub const MOST_STEPS: usize = 512;

/// Pieces to begin with.
const FIRST: usize = 32;

/// How many gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// As many as completeness asks for, at most [`MOST_STEPS`].
    Adaptive,
    /// That many, at the middles of equal pieces.
    Fixed(usize),
}

/// An integrated-gradients map and how complete it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Integrated {
    /// `[h, w, c]`
    pub map: Vec<f32>,
    /// Gradients that were computed.
    pub steps: usize,
    /// `f(x) - f(baseline)`.
    pub difference: f64,
    /// Sum of the map less `difference`.
    pub error: f64,
}

impl Integrated {
    /// The error as a share of the difference.
    pub fn relative_error(&self) -> f64 {
        self.error.abs() / self.difference.abs().max(f64::MIN_POSITIVE)
    }

    /// Whether the error is at most [`COMPLETENESS`] of the difference.
    pub fn is_complete(&self) -> bool {
        self.error.abs() <= COMPLETENESS * self.difference.abs()
    }
}

/// A part of the way from baseline to image.
struct Piece {
    begin: f64,
    end: f64,
    /// The target's value at both.
    values: [f64; 2],
    /// `d target / d x` at the middle, `[h, w, c]`.
    gradient: Vec<f32>,
    /// What the gradient leaves unexplained.
    error: f64,
}

/// The map of `image` `[h, w, c]` from `baseline` `[h, w, c]`.
///
/// # Panics
/// If image and baseline have different lengths, or no step is asked for.
pub fn integrated_gradients(
    gradient: &mut Gradient,
    image: &[f32],
    baseline: &[f32],
    target: Target,
    steps: Steps,
) -> Integrated {
    assert_eq!(image.len(), baseline.len(), "baseline");
    let way: Vec<f32> = image.iter().zip(baseline).map(|(x, b)| x - b).collect();
    let mut path = Path { gradient, baseline, way, target, steps: 0 };
    let pieces = match steps {
        Steps::Fixed(count) => path.equal(count, false),
        Steps::Adaptive => path.adaptive(),
    };
    let mut map = vec![0.0_f64; image.len()];
    for Piece { begin, end, gradient, .. } in &pieces {
        let weight = end - begin;
        map.iter_mut().zip(gradient).for_each(|(sum, &g)| *sum += weight * f64::from(g));
    }
    map.iter_mut().zip(&path.way).for_each(|(sum, &d)| *sum *= f64::from(d));
    let difference = pieces[pieces.len() - 1].values[1] - pieces[0].values[0];
    Integrated {
        error: map.iter().sum::<f64>() - difference,
        map: map.into_iter().map(|value| value as f32).collect(),
        steps: path.steps,
        difference,
    }
}

struct Path<'a> {
    gradient: &'a mut Gradient,
    baseline: &'a [f32],
    way: Vec<f32>,
    target: Target,
    steps: usize,
}

impl Path<'_> {
    /// Gradients and target's values at places of the way.
    fn at(&mut self, places: &[f64]) -> (Vec<f32>, Vec<f64>) {
        let mut points = Vec::with_capacity(places.len() * self.way.len());
        for &place in places {
            points.extend(self.baseline.iter().zip(&self.way).map(|(b, d)| b + place as f32 * d));
        }
        let gradients = self.gradient.of(&points, &vec![self.target; places.len()]);
        let logits = self.gradient.logits();
        let classes = logits.len() / places.len();
        let values = logits.chunks_exact(classes).map(|row| f64::from(self.target.of(row))).collect();
        (gradients, values)
    }

    /// Equal pieces. Only with `edges` is the target known between them; without, every piece claims to be exact.
    fn equal(&mut self, count: usize, edges: bool) -> Vec<Piece> {
        assert!(count > 0, "at least one step");
        let edge = |index: usize| index as f64 / count as f64;
        let middles = (0..count).map(|index| (index as f64 + 0.5) / count as f64);
        let between = if edges { 1..count } else { 0..0 };
        let places: Vec<f64> = middles.chain([0.0, 1.0]).chain(between.map(edge)).collect();
        let (gradients, values) = self.at(&places);
        self.steps += count;
        let value = |index: usize| match index {
            0 => values[count],
            _ if index == count => values[count + 1],
            _ => values.get(count + 1 + index).copied().unwrap_or(f64::NAN),
        };
        let length = self.way.len();
        (0..count)
            .map(|index| {
                let gradient = gradients[index * length..][..length].to_vec();
                self.piece([edge(index), edge(index + 1)], [value(index), value(index + 1)], gradient)
            })
            .collect()
    }

    fn piece(&self, [begin, end]: [f64; 2], values: [f64; 2], gradient: Vec<f32>) -> Piece {
        let slope: f64 = gradient.iter().zip(&self.way).map(|(&g, &d)| f64::from(g) * f64::from(d)).sum();
        let error = values[1] - values[0] - (end - begin) * slope;
        Piece { begin, end, values, gradient, error }
    }

    fn adaptive(&mut self) -> Vec<Piece> {
        let mut pieces = self.equal(FIRST, true);
        let wanted = COMPLETENESS * (pieces[FIRST - 1].values[1] - pieces[0].values[0]).abs();
        loop {
            let left_over: f64 = pieces.iter().map(|piece| piece.error).sum();
            // Two new gradients and two new values a cut; as many as the engine takes at once.
            let most = (self.gradient.batch() / 4).min((MOST_STEPS - self.steps) / 2);
            if left_over.abs() <= wanted || most == 0 {
                return pieces;
            }
            let mut order: Vec<usize> = (0..pieces.len()).collect();
            order.sort_by(|&a, &b| pieces[b].error.abs().total_cmp(&pieces[a].error.abs()).then(a.cmp(&b)));
            let mut cut: Vec<usize> = order.into_iter().take(most).collect();
            cut.sort_unstable();
            self.cut(&mut pieces, &cut);
        }
    }

    /// Replaces each of the pieces at `places` (ascending) by its three thirds.
    fn cut(&mut self, pieces: &mut Vec<Piece>, places: &[usize]) {
        let thirds = |piece: &Piece| {
            let third = (piece.end - piece.begin) / 3.0;
            [piece.begin + third, piece.begin + 2.0 * third]
        };
        let wanted: Vec<f64> = places
            .iter()
            .flat_map(|&place| {
                let Piece { begin, end, .. } = pieces[place];
                let [first, second] = thirds(&pieces[place]);
                [first, second, (begin + first) / 2.0, (second + end) / 2.0]
            })
            .collect();
        let (gradients, values) = self.at(&wanted);
        self.steps += 2 * places.len();
        let length = self.way.len();
        let mut whole = std::mem::take(pieces).into_iter().enumerate().collect::<Vec<_>>();
        let mut next = 0;
        for (index, piece) in whole.drain(..) {
            if places.get(next) != Some(&index) {
                pieces.push(piece);
                continue;
            }
            let [first, second] = thirds(&piece);
            let Piece { begin, end, values: [low, high], gradient, .. } = piece;
            let [at_first, at_second] = [values[4 * next], values[4 * next + 1]];
            let side = |row: usize| gradients[(4 * next + row) * length..][..length].to_vec();
            pieces.push(self.piece([begin, first], [low, at_first], side(2)));
            pieces.push(self.piece([first, second], [at_first, at_second], gradient));
            pieces.push(self.piece([second, end], [at_second, high], side(3)));
            next += 1;
        }
    }
}
