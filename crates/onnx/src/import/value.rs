//! What a name of an ONNX graph stands for.

use std::rc::Rc;

use seamripper_core::graph::Source;

use crate::axes::{Axes, Axis};
use crate::constant::Constant;

/// The output of a layer, and what its dimensions are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Image {
    /// The layer, by its place in the list so far.
    pub(super) source: Source,
    /// `[h, w, c]`
    pub(super) shape: [usize; 3],
    pub(super) axes: Axes,
}

/// A value on the way to something that is a layer when it is complete.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Partial {
    /// `mean(x)` over channels.
    Mean(Image),
    /// `x - mean(x)`
    Centered(Image),
    /// `(x - mean(x))^2`
    Square(Image),
    /// The mean of that.
    Variance(Image),
    /// `variance + epsilon`
    Shifted(Image, f32),
    /// `sqrt(variance + epsilon)`
    Deviation(Image, f32),
    /// `erf(x / sqrt 2)`
    Erf(Image),
    /// `1 + erf(x / sqrt 2)`
    OneMore(Image),
    /// `(1 + erf(x / sqrt 2)) / 2`
    Cdf(Image),
    /// `x (1 + erf(x / sqrt 2))`
    TwiceGelu(Image),
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Known numbers.
    Constant(Rc<Constant>),
    /// What a layer computes.
    Image(Image),
    /// A part of a layer.
    Partial(Partial),
    /// The output of a node that is not supported, or follows one.
    Unknown,
}

impl Image {
    /// The dimension that channels lie in.
    pub(super) fn channel_dimension(&self) -> Option<usize> {
        let all = 0..self.axes.rank();
        let mut holding =
            all.filter(|&index| self.axes.dimension(index).iter().any(|atom| atom.axis == Axis::C));
        match (holding.next(), holding.next(), self.shape[2]) {
            (Some(index), None, _) => Some(index),
            // A single channel leaves no trace; where rows and columns are, it is the dimension left.
            (None, _, 1) if self.axes.rank() == 4 => {
                let nhwc = Axes::of(&[Axis::N, Axis::H, Axis::W, Axis::C], self.shape);
                Some(if self.axes == nhwc && !self.axes.is_nchw(self.shape) { 3 } else { 1 })
            }
            (None, _, 1) if self.axes.rank() == 2 => Some(1),
            _ => None,
        }
    }

    /// As `[n, c, h, w]`; an error with what it is.
    pub(super) fn nchw(&self) -> Result<(), String> {
        if self.axes.is_nchw(self.shape) {
            return Ok(());
        }
        Err(format!("expected dimensions [n, c, h, w], found {}", self.dimensions()))
    }

    /// The dimensions in words: `[n, h, w, c]`, `[n, c h w]`.
    pub(super) fn dimensions(&self) -> String {
        let word = |axis: Axis| match axis {
            Axis::N => "n",
            Axis::H => "h",
            Axis::W => "w",
            Axis::C => "c",
        };
        let dimension = |index: usize| match self.axes.dimension(index) {
            [] => "1".to_owned(),
            atoms => atoms.iter().map(|atom| word(atom.axis)).collect::<Vec<_>>().join(" "),
        };
        format!("[{}]", (0..self.axes.rank()).map(dimension).collect::<Vec<_>>().join(", "))
    }
}
