//! How a layer of a file becomes the parameters of a node.

use seamripper_core::graph::{Graph, Layer, NodeId, Parameter, Role};

use crate::array::Array;
use crate::channels::{Orders, permutation};
use crate::layer::{Origin, Part, StoredLayer};

/// A node that has parameters.
pub(crate) struct Wanted<'g> {
    pub node: NodeId,
    pub name: String,
    /// Whether the name is the kind and a number, as of a layer that was given none.
    pub is_numbered: bool,
    /// Index in the graph's parameters, and what each is.
    parts: Vec<(usize, Part, &'g Parameter)>,
    /// Input channels, of a layer with a filter for each.
    depthwise: Option<usize>,
    /// Whether what it normalizes or scales can do without gamma and beta.
    norm: bool,
    /// The number in the file of each channel it reads, and of each it gives if it works on each alone.
    channels: Option<Vec<usize>>,
}

/// What tells layers of one shape from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(Vec<(Part, Vec<usize>)>, Option<usize>);

/// One parameter's values.
pub(crate) struct Placement<'s, 'a> {
    pub parameter: usize,
    /// `None` stands for the value that changes nothing.
    pub array: Option<&'s Array<'a>>,
    /// Which axis of the array, filled up to four, each of the parameter's four is; `None` if they are the same.
    axes: Option<[usize; 4]>,
    /// For each row (of a kernel) or value the one of the file.
    channels: Option<&'s [usize]>,
}

impl<'g> Wanted<'g> {
    /// Node `node` of `graph`, if it has parameters; `orders` are those of the file's channels.
    pub(crate) fn of(graph: &'g Graph, node: NodeId, orders: Option<&Orders>) -> Option<Self> {
        let own = &graph.nodes[node];
        if own.parameters.is_empty() {
            return None;
        }
        let part = |role: Role| match role {
            Role::Kernel => Part::Kernel,
            Role::Bias => Part::Bias,
            Role::Gamma => Part::Gamma,
            Role::Beta => Part::Beta,
            Role::MovingMean => Part::Mean,
            Role::MovingVariance => Part::Variance,
        };
        let parts = own.parameters.iter().map(|&index| {
            let parameter = &graph.parameters[index];
            (index, part(parameter.role), parameter)
        });
        let [.., channels] = graph.shape(own.inputs[0]);
        let depthwise =
            graph.convolution(node).filter(|conv| conv.groups == channels && channels > 1).map(|_| channels);
        Some(Self {
            node,
            name: own.name.clone(),
            is_numbered: own
                .name
                .strip_prefix(own.kind())
                .is_some_and(|count| count.parse::<usize>().is_ok()),
            parts: parts.collect(),
            depthwise,
            norm: matches!(own.layer, Layer::BatchNorm { .. } | Layer::LayerNorm { .. }),
            channels: orders.and_then(|orders| permutation(orders.get(own.inputs[0]))),
        })
    }

    pub(crate) fn key(&self) -> Key {
        Key(
            self.parts.iter().map(|(_, part, parameter)| (*part, parameter.shape.clone())).collect(),
            self.depthwise,
        )
    }

    /// What becomes of the arrays of `layer`; `None` if it is another layer.
    pub(crate) fn fit<'s, 'a>(
        &'s self,
        layer: &'s StoredLayer<'a>,
        origin: Origin,
    ) -> Option<Vec<Placement<'s, 'a>>> {
        if layer.parts.iter().any(|(part, _)| self.parts.iter().all(|(_, own, _)| own != part)) {
            return None;
        }
        let twice = layer.parts.len() > self.parts.len();
        let mut placements = Vec::with_capacity(self.parts.len());
        for &(index, part, parameter) in &self.parts {
            let array = layer.part(part);
            let axes = match array {
                // A normalization without a factor or an offset has them all the same here, and they change nothing.
                None if self.norm && matches!(part, Part::Gamma | Part::Beta) => None,
                None => return None,
                Some(array) if part == Part::Kernel => self.axes(&array.shape, &parameter.shape, origin)?,
                Some(array) => {
                    let flat = array.shape.iter().filter(|&&length| length > 1).count() <= 1;
                    (flat && array.len() == parameter.len()).then_some(None)?
                }
            };
            // A bias belongs to what a layer gives, everything else to what it reads.
            let channels = self.channels.as_deref().filter(|_| part != Part::Bias);
            placements.push(Placement { parameter: index, array, axes, channels });
        }
        (!twice).then_some(placements)
    }

    /// Which axes of a kernel of the file its own are; `None` if it does not fit.
    #[allow(clippy::option_option, reason = "fits or not, and if it does, moved or not")]
    fn axes(&self, found: &[usize], own: &[usize], origin: Origin) -> Option<Option<[usize; 4]>> {
        let own = four(own, Origin::Keras { ordered: true })?;
        let found = four(found, origin)?;
        match origin {
            Origin::Torch { .. } => {
                let [out, each, h, w] = found;
                ([h, w, each, out] == own).then_some(Some([2, 3, 1, 0]))
            }
            Origin::Keras { .. } => {
                let [h, w, channels, multiplier] = found;
                let apart = self.depthwise == Some(channels) && [h, w, 1, channels * multiplier] == own;
                (found == own || apart).then_some(None)
            }
        }
    }

    /// Its parts as the file would have them: `weight [8, 3, 3, 3], bias [8]`.
    pub(crate) fn shapes(&self, origin: Origin) -> String {
        let norm = self.parts.iter().any(|(_, part, _)| *part == Part::Gamma);
        let shape = |(_, part, parameter): &(usize, Part, &Parameter)| match origin {
            Origin::Torch { .. } => {
                let name = match part {
                    Part::Kernel | Part::Gamma => "weight",
                    Part::Bias | Part::Beta | Part::Unknown => "bias",
                    Part::Mean => "running_mean",
                    Part::Variance => "running_var",
                };
                let shape = match parameter.shape[..] {
                    [h, w, each, out] => vec![out, each, h, w],
                    [rows, out] => vec![out, rows],
                    _ => parameter.shape.clone(),
                };
                format!("{name} {shape:?}")
            }
            Origin::Keras { .. } => {
                let name = parameter.role.name();
                match (self.depthwise, &parameter.shape[..]) {
                    (Some(channels), &[h, w, 1, out]) if !norm => {
                        format!("{name} {:?}", [h, w, channels, out / channels])
                    }
                    _ => format!("{name} {:?}", parameter.shape),
                }
            }
        };
        self.parts.iter().map(shape).collect::<Vec<_>>().join(", ")
    }
}

/// A kernel's shape with four axes: a dense one has one row and one column.
fn four(shape: &[usize], origin: Origin) -> Option<[usize; 4]> {
    match (shape, origin) {
        (&[a, b, c, d], _) => Some([a, b, c, d]),
        (&[out, rows], Origin::Torch { .. }) => Some([out, rows, 1, 1]),
        (&[rows, out], Origin::Keras { .. }) => Some([1, 1, rows, out]),
        _ => None,
    }
}

impl Placement<'_, '_> {
    /// The parameter's values, in its shape's row-major order.
    pub(crate) fn values(&self, parameter: &Parameter) -> Vec<f32> {
        let Some(array) = self.array else { return vec![parameter.role.neutral(); parameter.len()] };
        let mut values = array.values();
        if let Some(axes) = self.axes {
            let from = four(&array.shape, Origin::Torch { ordered: true }).expect("a kernel that fits");
            values = transposed(&values, from, axes);
        }
        let Some(channels) = self.channels else { return values };
        // A kernel has a row for each channel, and what is no kernel a value.
        let row =
            if parameter.role == Role::Kernel { parameter.shape.last().copied().unwrap_or(1) } else { 1 };
        let taps = values.chunks_exact(channels.len() * row);
        taps.flat_map(|tap| channels.iter().flat_map(move |&from| &tap[from * row..][..row]))
            .copied()
            .collect()
    }

    /// What is done with the values, in words.
    pub(crate) fn change(&self) -> String {
        let Some(array) = self.array else { return "not in the file".to_owned() };
        let moved = match (self.axes, array.shape.len()) {
            (None, _) => "",
            (Some(_), 4) => "OIHW to HWIO",
            (Some(_), _) => "transposed",
        };
        let permuted = if self.channels.is_some() { "flattened channels last" } else { "" };
        [moved, permuted].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// Axis `i` of the result is axis `axes[i]` of `values`.
fn transposed(values: &[f32], shape: [usize; 4], axes: [usize; 4]) -> Vec<f32> {
    let strides = crate::array::row_major(&shape);
    let [a, b, c, d] = axes.map(|axis| (shape[axis], strides[axis]));
    let mut result = Vec::with_capacity(values.len());
    for i in 0..a.0 {
        for j in 0..b.0 {
            for k in 0..c.0 {
                result.extend((0..d.0).map(|l| values[i * a.1 + j * b.1 + k * c.1 + l * d.1]));
            }
        }
    }
    result
}
