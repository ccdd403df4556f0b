//! Several models as one: the mean of their logits.
//!
//! *Idea*: networks that began with other random numbers err on other images, so that together they are right more often than each alone.
//! The members stand side by side in one graph, each reading the image, and two layers at the end take the mean: an ensemble is a model
//! like any other, and whoever can run, show or export a model can do so with it.
//!
//! *Reference*: Lakshminarayanan, Pritzel & Blundell 2017, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles".
//! They take the mean of probabilities. That of logits is the geometric mean of probabilities, scaled to a sum of 1, and needs no
//! softmax inside the graph.

use thiserror::Error;

use super::{Builder, GraphError, INPUT, Layer, LayerSpec, ModelFile, Weights};

/// Why models make no ensemble.
#[derive(Debug, Error)]
pub enum EnsembleError {
    /// A member has another input, other classes or another preprocessing than the first.
    #[error(
        "expected models that read the same images and know the same classes, found that number {member} differs from the first"
    )]
    Differs {
        /// Counted from 1.
        member: usize,
    },
    /// Side by side they are no graph that can be run.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl ModelFile {
    /// One model whose logits are the mean of those of `members`. Layers are called `1/conv1`, `2/conv1`, …, and at the end `sum` and
    /// `mean`. One member alone stays as it is.
    ///
    /// # Errors
    /// [`EnsembleError`].
    ///
    /// # Panics
    /// If there are no members.
    pub fn ensemble(members: &[Self]) -> Result<Self, EnsembleError> {
        let (first, others) = members.split_first().expect("an ensemble of no models");
        let same = |other: &Self| {
            other.graph.input == first.graph.input
                && other.classes == first.classes
                && other.preprocessing == first.preprocessing
        };
        if let Some(differs) = others.iter().position(|other| !same(other)) {
            return Err(EnsembleError::Differs { member: differs + 2 });
        }
        if others.is_empty() {
            return Ok(first.clone());
        }
        let mut layers = Vec::new();
        let mut ends = Vec::new();
        for (member, number) in members.iter().zip(1..) {
            let renamed = |name: String| if name == INPUT { name } else { format!("{number}/{name}") };
            layers.extend(member.graph.explicit().into_iter().map(|layer| LayerSpec {
                name: layer.name.map(renamed),
                from: layer.from.map(renamed),
                with: layer.with.into_iter().map(renamed).collect(),
                ..layer
            }));
            ends.extend(layers.last().and_then(|layer: &LayerSpec| layer.name.clone()));
        }
        let last = ends.pop().expect("a graph has layers");
        layers.push(LayerSpec { with: ends, ..LayerSpec::new(Layer::Add).named("sum").reading(last) });
        layers.push(LayerSpec::new(Layer::Scale { bias: false }).named("mean"));
        let graph = Builder::with_layers(first.graph.input, layers).build()?;
        // Parameters are in the order of the layers: those of the members, and a factor for each class.
        let mut values: Vec<f32> =
            members.iter().flat_map(|member| &member.weights.values).copied().collect();
        values.resize(graph.parameter_count(), 1.0 / members.len() as f32);
        Ok(Self { graph, weights: Weights { values }, ..first.clone() })
    }
}
