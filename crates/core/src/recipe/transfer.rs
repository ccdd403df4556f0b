//! `[model] from`: training goes on from another model, in whole or in part.
//!
//! *Idea*: what the recipe leaves open is filled in from the model, and the recipe is then like any other:
//! ```text
//! cut     = the model's last dense layer, or if it has none its last convolution
//! layers  = what the cut layer reads, and all that needs
//! head    = the recipe's, or [global_avg_pool, unless flat;] dense with an output for each class
//! weights = of `layers` the model's, by name; of `head` drawn
//! ```
//! A recipe with `from` that has `input` and `layers` as well, as the `recipe.toml` of a run does, is filled in already: then each of
//! these layers must have its weights in the model.

use thiserror::Error;

use super::{ModelOptions, Recipe};
use crate::graph::{Builder, Graph, GraphError, Layer, LayerSpec, NodeId, Parameter, Source};
use crate::nearest::nearest;
use crate::problems::{self, Problem};

/// What of the layers that come from a model stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Freeze {
    /// Nothing: all is trained.
    #[default]
    Nothing,
    /// All of it: the head alone is trained.
    AllButHead,
    /// The layer of this name and all before it in the list.
    UpTo(String),
}

impl Freeze {
    /// The recipe's words for [`Freeze::AllButHead`].
    pub const ALL_BUT_HEAD: &'static str = "all but the head";
}

/// `from`, `head` and `freeze` of `[model]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// Path of the model: a file or a run folder.
    pub from: String,
    /// What takes the place of the model's last layers; empty as long as it is to be one dense layer.
    pub head: Vec<LayerSpec>,
    /// What is not trained.
    pub freeze: Freeze,
}

/// Why a recipe and the model it begins with do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransferError {
    /// The model has nothing that a head could take the place of.
    #[error(
        "expected a model with layers before its last dense layer or convolution, which the head takes the place of, found none"
    )]
    NoCut,
    /// The number of classes is not known, and so not that of the head's outputs.
    #[error(
        "expected a head, as its outputs follow from the images alone and there are none here, found none"
    )]
    NoClasses,
    /// The head does not fit behind the model.
    #[error("{}", problems::message(.0))]
    Head(Vec<Problem>),
    /// No layer of this name.
    #[error("expected the name of a layer before the head, found `{name}`")]
    Freeze {
        /// As the recipe has it.
        name: String,
        /// The nearest there is.
        nearest: Option<String>,
        /// The last layer before the head.
        last: String,
    },
    /// Nothing is left to train.
    #[error("expected a head with weights to train, found none and everything before it frozen")]
    NothingToTrain,
    /// Layers of the recipe that the model does not have.
    #[error("expected the weights of every layer in [model] layers, found {}", .0.join("; "))]
    Weights(Vec<String>),
}

impl TransferError {
    /// The key it is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NoCut | Self::Weights(_) => "from",
            Self::NoClasses | Self::Head(_) | Self::NothingToTrain => "head",
            Self::Freeze { .. } => "freeze",
        }
    }

    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoCut => "see its layers with `seamripper model MODEL`".to_owned(),
            Self::NoClasses => "for instance head = [\"dense 10\"]".to_owned(),
            Self::Head(problems) => return problems::hint(problems),
            Self::Freeze { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::Freeze { last, .. } => {
                format!("the last layer before the head is `{last}`; `seamripper model MODEL` lists all")
            }
            Self::NothingToTrain => "end the head with a dense layer, or set freeze = false".to_owned(),
            Self::Weights(_) => {
                "the model was changed, or the layers were: leave `input` and `layers` out to take them from the model"
                    .to_owned()
            }
        })
    }
}

impl ModelOptions {
    /// Whether the layers are known; if not, [`Recipe::fill_in`] takes them from the model named by `from`.
    pub fn filled_in(&self) -> bool {
        self.transfer.is_none() || !self.layers.is_empty()
    }

    /// All layers, those of the head last.
    pub fn all_layers(&self) -> Vec<LayerSpec> {
        let head = self.transfer.iter().flat_map(|transfer| &transfer.head);
        self.layers.iter().chain(head).cloned().collect()
    }

    /// How many layers, from the first on, are not trained.
    pub fn frozen(&self) -> usize {
        match self.transfer.as_ref().map_or(&Freeze::Nothing, |transfer| &transfer.freeze) {
            Freeze::Nothing => 0,
            Freeze::AllButHead => self.layers.len(),
            Freeze::UpTo(name) => self.place(name).map_or(0, |place| place + 1),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.name.as_deref() == Some(name))
    }
}

impl Recipe {
    /// Takes what `[model]` leaves open from `model`, for images of so many `classes`; nothing if there is no `from`.
    ///
    /// # Errors
    /// If they do not fit together; the recipe is then as it was.
    pub fn fill_in(&mut self, model: &Graph, classes: Option<usize>) -> Result<(), TransferError> {
        if self.model.transfer.is_none() {
            return Ok(());
        }
        let mut options = self.model.clone();
        if !options.filled_in() {
            let layers = cut(model).map_or_else(Vec::new, |cut| kept(model, cut));
            if layers.is_empty() {
                return Err(TransferError::NoCut);
            }
            (options.input, options.layers) = (model.input, layers);
        }
        let graph = headed(&mut options, classes)?;
        check_freeze(&options, &graph)?;
        check_weights(&options, &graph, model)?;
        self.model = options;
        Ok(())
    }
}

/// The layer that the head takes the place of.
fn cut(model: &Graph) -> Option<NodeId> {
    let is_dense = |id: &NodeId| matches!(model.nodes[*id].layer, Layer::Dense { .. });
    let is_conv = |id: &NodeId| model.convolution(*id).is_some();
    let last = (0..model.nodes.len()).rev().find(is_dense);
    last.or_else(|| (0..model.nodes.len()).rev().find(is_conv))
}

/// The layers that `cut` depends on.
fn kept(model: &Graph, cut: NodeId) -> Vec<LayerSpec> {
    match model.nodes[cut].inputs[0] {
        Source::Input => Vec::new(),
        Source::Node(id) => model.head(id).graph.layers(),
    }
}

/// Gives `options` their head, with the names of all layers, and the graph of all of them.
fn headed(options: &mut ModelOptions, classes: Option<usize>) -> Result<Graph, TransferError> {
    let (input, layers, count) = (options.input, options.layers.clone(), options.layers.len());
    let Some(transfer) = &mut options.transfer else { unreachable!("asked for recipes with a `from` only") };
    if transfer.head.is_empty() {
        let units = classes.ok_or(TransferError::NoClasses)?;
        let kept = Builder::with_layers(input, layers.clone()).build().map_err(|error| refused(&error))?;
        if kept.nodes[count - 1].output[..2] != [1, 1] {
            transfer.head.push(Layer::GlobalAvgPool.into());
        }
        transfer.head.push(Layer::Dense { units, bias: true }.into());
    }
    let all = layers.into_iter().chain(transfer.head.iter().cloned()).collect();
    let graph = Builder::with_layers(input, all).build().map_err(|error| refused(&error))?;
    let last = graph.nodes.last().expect("the head has a layer");
    if last.output[..2] != [1, 1] {
        let message = format!(
            "layer {}: expected the last layer to give one value a class, [1, 1, k], found {:?}",
            last.name, last.output
        );
        let hint = Some("end with \"flatten\" and \"dense 10\", or with a global pooling".to_owned());
        return Err(TransferError::Head(vec![Problem { message, hint }]));
    }
    let mut named = graph.layers();
    transfer.head = named.split_off(count);
    options.layers = named;
    Ok(graph)
}

fn refused(error: &GraphError) -> TransferError {
    TransferError::Head(error.list())
}

fn check_freeze(options: &ModelOptions, graph: &Graph) -> Result<(), TransferError> {
    let freeze = options.transfer.as_ref().map(|transfer| &transfer.freeze);
    if let Some(Freeze::UpTo(name)) = freeze
        && options.place(name).is_none()
    {
        let names = || options.layers.iter().filter_map(|layer| layer.name.as_deref());
        return Err(TransferError::Freeze {
            name: name.clone(),
            nearest: nearest(name, names().chain([Freeze::ALL_BUT_HEAD])).map(str::to_owned),
            last: names().next_back().unwrap_or_default().to_owned(),
        });
    }
    let trained = graph.nodes[options.frozen()..].iter().any(|node| !node.parameters.is_empty());
    if trained { Ok(()) } else { Err(TransferError::NothingToTrain) }
}

fn check_weights(options: &ModelOptions, graph: &Graph, model: &Graph) -> Result<(), TransferError> {
    let missing: Vec<String> = kept_parameters(options, graph)
        .filter_map(|parameter| match of_name(model, &parameter.name) {
            None => Some(format!("no {} {:?}", parameter.name, parameter.shape)),
            Some(own) if own.shape != parameter.shape => {
                Some(format!("{} {:?} in place of {:?}", own.name, own.shape, parameter.shape))
            }
            Some(_) => None,
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(TransferError::Weights(missing)) }
}

/// The parameters of the layers before the head.
fn kept_parameters<'a>(options: &ModelOptions, graph: &'a Graph) -> impl Iterator<Item = &'a Parameter> {
    let nodes = &graph.nodes[..options.layers.len()];
    nodes.iter().flat_map(|node| &node.parameters).map(|&index| &graph.parameters[index])
}

fn of_name<'a>(model: &'a Graph, name: &str) -> Option<&'a Parameter> {
    model.parameters.iter().find(|parameter| parameter.name == name)
}

impl Recipe {
    /// The places in [`crate::graph::Weights`] of each parameter that comes from `model`: in this recipe's `graph`, and in the model.
    ///
    /// # Panics
    /// If the recipe was not [filled in](Self::fill_in) from the model.
    pub fn taken<'a>(
        &'a self,
        graph: &'a Graph,
        model: &'a Graph,
    ) -> impl Iterator<Item = [&'a Parameter; 2]> {
        kept_parameters(&self.model, graph)
            .map(|own| [own, of_name(model, &own.name).expect("a parameter that was looked for before")])
    }
}
