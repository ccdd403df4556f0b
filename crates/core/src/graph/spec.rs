//! One layer as asked for, before its place in a graph is known.

use serde::{Deserialize, Serialize};

use super::{Activation, Layer};

/// The name of the image among the sources a layer can read; no layer may be called so.
pub const INPUT: &str = "input";

/// A layer of the list that [`super::Builder`] makes a graph of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSpec {
    /// Its name; by default its kind and the count of that kind so far: `conv1`, `conv2`.
    pub name: Option<String>,
    /// What it computes.
    pub layer: Layer,
    /// Applied to the layer's result.
    pub activation: Activation,
    /// What it reads: an earlier layer's name or [`INPUT`]; by default the layer before.
    pub from: Option<String>,
    /// What [`Layer::Add`] adds to that, named in the same way; of no other layer.
    pub with: Option<String>,
}

impl LayerSpec {
    /// A layer that reads the one before it, without an activation.
    pub fn new(layer: Layer) -> Self {
        Self { name: None, layer, activation: Activation::Identity, from: None, with: None }
    }

    /// A residual connection: the layer before plus the one called `with`.
    pub fn add(with: impl Into<String>) -> Self {
        Self { with: Some(with.into()), ..Self::new(Layer::Add) }
    }

    /// The same, called `name`.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same, followed by `activation`.
    pub fn activated(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The same, reading the layer called `from`.
    pub fn reading(self, from: impl Into<String>) -> Self {
        Self { from: Some(from.into()), ..self }
    }
}

impl From<Layer> for LayerSpec {
    fn from(layer: Layer) -> Self {
        Self::new(layer)
    }
}
