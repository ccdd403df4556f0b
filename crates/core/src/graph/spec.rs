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
    /// What [`Layer::Add`], [`Layer::Concat`] and [`Layer::Multiply`] read besides, named in the same way; of no other layer.
    #[serde(with = "names")]
    pub with: Vec<String>,
}

impl LayerSpec {
    /// A layer that reads the one before it, without an activation.
    pub fn new(layer: Layer) -> Self {
        Self { name: None, layer, activation: Activation::Identity, from: None, with: Vec::new() }
    }

    /// A residual connection: the layer before plus the one called `with`.
    pub fn add(with: impl Into<String>) -> Self {
        Self { with: vec![with.into()], ..Self::new(Layer::Add) }
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

/// No name as `null` and one as a text, as files had them when no layer read more than two; several as a list.
mod names {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        Several(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(names: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        match names {
            [] => serializer.serialize_none(),
            [name] => serializer.serialize_str(name),
            names => names.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(match Option::<Written>::deserialize(deserializer)? {
            None => Vec::new(),
            Some(Written::One(name)) => vec![name],
            Some(Written::Several(names)) => names,
        })
    }
}
