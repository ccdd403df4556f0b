//! The layers of a file as the parameters of a graph.
//!
//! *Idea*
//! ```text
//! which layer of the graph is each of the file's?   (matching)
//!     what the user says; else the same name; else the only one of its shape; else the order of those of one shape
//! how does each array become its parameter?          (fit)
//!     axes in our order, flattened channels in our order
//! everything that does not agree is one error; else every array has a row of a table that says where it went, and why
//! ```

mod fit;
mod matching;

use std::collections::BTreeMap;

use seamripper_core::graph::{Graph, Layer, NodeId, Parameter, Weights};

use crate::array::Array;
use crate::channels::Orders;
use crate::error::{Mismatch, WeightsError};
use crate::layer::{Origin, Stored, StoredLayer};

use fit::{Placement, Wanted};
use matching::{Match, Matching};

/// What the user says about names.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// From layers of the file to layers of the graph.
    pub map: BTreeMap<String, String>,
    /// Layers of the file to leave out, with all that are in them.
    pub skip: Vec<String>,
}

impl Choices {
    /// Reads a map: TOML with a line for each layer, `"features.0" = "conv1"`.
    ///
    /// # Errors
    /// What TOML's reader says.
    pub fn read_map(&mut self, text: &str) -> Result<(), String> {
        self.map = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Ok(())
    }
}

/// How it was known which layer is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The user's map says so.
    Map,
    /// The names are the same.
    Name,
    /// No other layer has its shape.
    Shape,
    /// Layers of one shape, in their order.
    Order,
}

impl How {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Name => "name",
            Self::Shape => "shape",
            Self::Order => "order",
        }
    }
}

/// Where a parameter's values came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name, shape and type of the file's array; `None` if the file has none, and the layer does nothing with the
    /// value it has instead.
    pub array: Option<(String, Vec<usize>, &'static str)>,
    /// The layer it is of, as the file calls it.
    pub layer: String,
    /// The graph's parameter.
    pub parameter: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How the layer was found.
    pub how: How,
    /// What was done with the values; empty if nothing.
    pub change: String,
}

/// An array of the file that is in no layer of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// Its name.
    pub array: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether the user said so; else it is no weight.
    pub skipped: bool,
}

/// A graph's weights from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// All of them.
    pub weights: Weights,
    /// A row a parameter, in the graph's order.
    pub rows: Vec<Row>,
    /// What was not used.
    pub left_out: Vec<LeftOut>,
    /// Sentences on what was assumed.
    pub notes: Vec<String>,
}

/// Weights for `graph` from what [`crate::read`] has found.
///
/// # Errors
/// [`WeightsError::Mismatches`] with everything that does not agree.
pub fn assign(graph: &Graph, stored: &Stored<'_>, choices: &Choices) -> Result<Assigned, WeightsError> {
    let torch = matches!(stored.origin, Origin::Torch { .. });
    let orders = torch.then(|| Orders::channels_first(graph));
    let wanted: Vec<Wanted<'_>> =
        (0..graph.nodes.len()).filter_map(|node| Wanted::of(graph, node, orders.as_ref())).collect();
    let Matching { matches, skipped, mut problems } = matching::matching(&wanted, stored, choices);
    for &node in orders.iter().flat_map(|orders| &orders.broken) {
        problems.push(Mismatch::Flattened { layer: graph.nodes[node].name.clone() });
    }
    let epsilons = matches.iter().filter_map(|found| {
        let epsilon = epsilon(graph, wanted[found.wanted].node)?;
        let expected = stored.layers[found.stored].epsilon?;
        let same = (expected - epsilon).abs() <= 1e-6 * expected.abs();
        (!same).then(|| Mismatch::Epsilon {
            layer: wanted[found.wanted].name.clone(),
            expected,
            found: epsilon,
        })
    });
    problems.extend(epsilons);
    if !problems.is_empty() {
        return Err(WeightsError::Mismatches(problems));
    }
    let mut values = vec![0.0; graph.parameter_count()];
    let mut rows = Vec::with_capacity(graph.parameters.len());
    for found in &matches {
        let (wanted, layer) = (&wanted[found.wanted], &stored.layers[found.stored]);
        for placement in wanted.fit(layer, stored.origin).expect("a match fits") {
            let parameter = &graph.parameters[placement.parameter];
            values[parameter.range()].copy_from_slice(&placement.values(parameter));
            rows.push((placement.parameter, row(&placement, parameter, layer, found.how)));
        }
    }
    rows.sort_by_key(|(parameter, _)| *parameter);
    let mut notes = stored.notes.clone();
    notes.extend(order_note(&wanted, stored, &matches));
    notes.extend(epsilon_note(graph, &wanted, stored, &matches));
    let other = stored.other.iter().map(|(array, shape)| LeftOut {
        array: array.clone(),
        shape: shape.clone(),
        skipped: false,
    });
    let arrays = skipped.iter().flat_map(|&layer| &stored.layers[layer].parts);
    let skipped = arrays.map(|(_, Array { name, shape, .. })| LeftOut {
        array: name.clone(),
        shape: shape.clone(),
        skipped: true,
    });
    Ok(Assigned {
        weights: Weights { values },
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        left_out: skipped.chain(other).collect(),
        notes,
    })
}

fn row(placement: &Placement<'_, '_>, parameter: &Parameter, layer: &StoredLayer<'_>, how: How) -> Row {
    let array = placement.array.map(|array| (array.name.clone(), array.shape.clone(), array.element.name()));
    Row {
        array,
        layer: layer.name.clone(),
        parameter: parameter.name.clone(),
        shape: parameter.shape.clone(),
        how,
        change: placement.change(),
    }
}

fn epsilon(graph: &Graph, node: NodeId) -> Option<f32> {
    match graph.nodes[node].layer {
        Layer::BatchNorm { epsilon, .. } | Layer::LayerNorm { epsilon } => Some(epsilon),
        _ => None,
    }
}

fn order_note(wanted: &[Wanted<'_>], stored: &Stored<'_>, matches: &[Match]) -> Option<String> {
    let by_order: Vec<_> = matches.iter().filter(|found| found.how == How::Order).collect();
    let names = |shown: &[&Match]| {
        let names: Vec<_> = shown.iter().map(|found| wanted[found.wanted].name.as_str()).collect();
        names.join(", ")
    };
    let order = if stored.origin.ordered() {
        "the order of the file"
    } else {
        "the natural order of the file's names"
    };
    (!by_order.is_empty())
        .then(|| format!("layers of one shape are told apart by {order}: {}", names(&by_order)))
}

/// Two programs have two defaults, and most files do not say which number was meant.
fn epsilon_note(
    graph: &Graph,
    wanted: &[Wanted<'_>],
    stored: &Stored<'_>,
    matches: &[Match],
) -> Option<String> {
    let usual = if matches!(stored.origin, Origin::Torch { .. }) { 1e-5 } else { 1e-3 };
    let unlike: Vec<_> = matches
        .iter()
        .filter(|found| stored.layers[found.stored].epsilon.is_none())
        .filter(|found| epsilon(graph, wanted[found.wanted].node).is_some_and(|epsilon| epsilon != usual))
        .map(|found| wanted[found.wanted].name.as_str())
        .collect();
    let program = stored.origin.program();
    (!unlike.is_empty()).then(|| {
        format!(
            "the file does not say the epsilon of normalizations; {program}'s default is {usual}, the recipe has another for {}",
            unlike.join(", ")
        )
    })
}
