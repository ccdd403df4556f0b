//! The products behind a response.

use serde::{Deserialize, Serialize};

use crate::see::{Region, Window};

/// What one response of a convolution is made of: position, patch, products, sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowSeen {
    /// What the image is called.
    pub id: String,
    /// The convolution.
    pub layer: String,
    /// The filter.
    pub filter: usize,
    /// Row in the layer's output.
    pub row: usize,
    /// Column in the layer's output.
    pub column: usize,
    /// Rows of the image that the response can depend on: the first, and the one behind the last.
    pub rows: [usize; 2],
    /// The same for columns.
    pub columns: [usize; 2],
    /// Row and column of the window's corner in the layer's input; negative in the padding.
    pub corner: [isize; 2],
    /// `[kh, kw, c]`, `c` the channels that the filter reads.
    pub shape: [usize; 3],
    /// The first of those channels.
    pub channel: usize,
    /// `[kh kw c]`: what the window holds.
    pub input: Vec<f32>,
    /// `[kh kw c]`: what it is multiplied with.
    pub weights: Vec<f32>,
    /// `[kh kw c]`: the products.
    pub products: Vec<f32>,
    /// Added to their sum.
    pub bias: f32,
    /// Products and bias.
    pub sum: f32,
    /// What the next layer reads: the sum after batch normalization and activation.
    pub response: f32,
}

impl WindowSeen {
    /// `window` of `filter` at `[row, column]` of `layer`, which depends on `field` of the image called `id`.
    pub fn of(
        [id, layer]: [&str; 2],
        filter: usize,
        [row, column]: [usize; 2],
        field: &Region,
        window: Window,
        response: f32,
    ) -> Self {
        let Window { corner, shape, channel, input, weights, products, bias, sum } = window;
        Self {
            id: id.to_owned(),
            layer: layer.to_owned(),
            filter,
            row,
            column,
            rows: [field.rows.start, field.rows.end],
            columns: [field.columns.start, field.columns.end],
            corner,
            shape,
            channel,
            input,
            weights,
            products,
            bias,
            sum,
            response,
        }
    }
}
