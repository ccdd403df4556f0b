//! The arrays of a file as layers: what belongs to one layer, and which of its parts each array is.

use crate::array::Array;

/// Which program's layouts and names a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Kernels `[out, in / groups, kh, kw]` and `[out, in]`; what is flattened has channels first.
    Torch {
        /// Whether the file has the layers in the order of the model; else they are in the natural order of their names.
        ordered: bool,
    },
    /// Kernels `[kh, kw, in / groups, out]`, `[kh, kw, in, multiplier]` and `[in, out]`; channels last.
    Keras {
        /// Likewise.
        ordered: bool,
    },
}

impl Origin {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Torch { .. } => "PyTorch",
            Self::Keras { .. } => "Keras",
        }
    }

    /// Whether layers are in the order of the model.
    pub fn ordered(self) -> bool {
        let (Self::Torch { ordered } | Self::Keras { ordered }) = self;
        ordered
    }
}

/// What a file of weights holds.
#[derive(Clone, Debug)]
pub struct Stored<'a> {
    /// Who wrote it.
    pub origin: Origin,
    /// Its layers, in the model's order or the names'.
    pub(crate) layers: Vec<StoredLayer<'a>>,
    /// Names and shapes of what are no weights: counters, states of optimizers and random generators.
    pub(crate) other: Vec<(String, Vec<usize>)>,
    /// Sentences on how it was read.
    pub(crate) notes: Vec<String>,
}

/// A layer of a file.
#[derive(Clone, Debug)]
pub(crate) struct StoredLayer<'a> {
    /// Dots between its parts: `layer1.0.conv1`.
    pub name: String,
    /// What order goes by where the file has none of its own: as `name`, or the place in a Keras file.
    pub path: String,
    /// The number its normalization adds to the variance, if the file says.
    pub epsilon: Option<f32>,
    pub parts: Vec<(Part, Array<'a>)>,
}

/// What an array is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Kernel,
    Bias,
    Gamma,
    Beta,
    Mean,
    Variance,
    /// Nothing a graph has.
    Unknown,
}

impl<'a> StoredLayer<'a> {
    pub(crate) fn new(name: String, parts: Vec<(Part, Array<'a>)>) -> Self {
        Self { path: name.clone(), name, epsilon: None, parts }
    }

    pub(crate) fn part(&self, part: Part) -> Option<&Array<'a>> {
        self.parts.iter().find(|(own, _)| *own == part).map(|(_, array)| array)
    }

    /// Whether it is what a user calls `name`; `short` is its own without what all begin with.
    pub(crate) fn is_called(&self, name: &str, short: &str) -> bool {
        [self.name.as_str(), self.path.as_str(), short].contains(&name)
    }

    /// Its name, and its place in the file where that is called otherwise.
    pub(crate) fn shown(&self) -> String {
        if self.path == self.name { self.name.clone() } else { format!("{} ({})", self.name, self.path) }
    }

    /// `weight [8, 3, 3, 3], bias [8]`
    pub(crate) fn shapes(&self) -> String {
        let shape = |(_, array): &(Part, Array<'_>)| {
            let last = array.name.rsplit(['.', '/']).next().unwrap_or(&array.name);
            format!("{last} {:?}", array.shape)
        };
        self.parts.iter().map(shape).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Stored<'a> {
    /// PyTorch's arrays: what stands before the last dot of a name is the layer.
    pub(crate) fn of_torch(arrays: Vec<Array<'a>>, origin: Origin) -> Self {
        let mut stored = Self { origin, layers: Vec::new(), other: Vec::new(), notes: Vec::new() };
        let mut places = std::collections::HashMap::<String, usize>::new();
        for array in arrays {
            if !array.is_float() {
                stored.other.push((array.name, array.shape));
                continue;
            }
            let (layer, last) = array.name.rsplit_once('.').unwrap_or(("", &array.name));
            let flat = array.shape.len() < 2;
            let part = match last {
                "weight" if flat => Part::Gamma,
                "weight" => Part::Kernel,
                "gamma" => Part::Gamma,
                "bias" | "beta" => Part::Bias,
                "running_mean" => Part::Mean,
                "running_var" => Part::Variance,
                _ => Part::Unknown,
            };
            // A parameter of a module's own, such as a factor for each channel, is a layer by itself.
            let alone = part == Part::Unknown;
            let name = if alone { array.name.clone() } else { layer.to_owned() };
            let part = if alone { Part::Gamma } else { part };
            let place = *places.entry(name.clone()).or_insert_with(|| {
                stored.layers.push(StoredLayer::new(name, Vec::new()));
                stored.layers.len() - 1
            });
            stored.layers[place].parts.push((part, array));
        }
        for layer in &mut stored.layers {
            if layer.part(Part::Kernel).is_none() {
                for (part, _) in layer.parts.iter_mut().filter(|(part, _)| *part == Part::Bias) {
                    *part = Part::Beta;
                }
            }
        }
        stored
    }
}
