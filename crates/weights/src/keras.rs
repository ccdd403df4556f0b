//! Keras' files: `.keras`, `.weights.h5`, and the `.h5` of Keras 2.
//!
//! ```text
//! .weights.h5, and model.weights.h5 in a .keras archive (Keras 3):
//!     layers/conv2d_1/vars/0, 1, …     groups are called after classes and counted; the attribute `name` of `vars` is the layer's
//!     layers/sequential/layers/…       a model in the model
//! .h5 (Keras 2, and Keras 3 when asked for it; `model_weights/` around it if the model is there too):
//!     attribute layer_names, in order; of each group weight_names, paths of datasets: conv2d/kernel:0
//! ```
//! A `.keras` archive has the model's configuration besides ([`crate::keras_config`]); it says the order of the layers, and which of its
//! four arrays a batch normalization lacks.

use std::collections::HashMap;

use hdf5_pure::Group;

use crate::array::Array;
use crate::error::{Mismatch, WeightsError};
use crate::hdf5::{DEPTH_MOST, Hdf5, damaged, text, texts};
use crate::keras_config::{Config, Described};
use crate::layer::{Origin, Part, Stored, StoredLayer};

/// Reads HDF5 bytes; `config` is the JSON beside them.
pub(crate) fn read(bytes: Vec<u8>, config: Option<&[u8]>) -> Result<Stored<'static>, WeightsError> {
    let mut file = Hdf5::open(bytes)?;
    let root = file.root();
    let model = root
        .groups()
        .map_err(|error| damaged("HDF5 groups", error))?
        .iter()
        .any(|name| name == "model_weights");
    let top = if model {
        root.group("model_weights").map_err(|error| damaged("model_weights", error))?
    } else {
        root
    };
    if let Some(names) = texts(&top, "layer_names")? {
        return named(&mut file, &top, &names);
    }
    let config = config.map(Config::read).transpose()?;
    let mut walk = Walk {
        left: file.groups_most(),
        file,
        config: config.as_ref(),
        layers: Vec::new(),
        other: Vec::new(),
        problems: Vec::new(),
    };
    walk.group(&top, "", 0)?;
    let Walk { mut layers, other, problems, .. } = walk;
    if !problems.is_empty() {
        return Err(WeightsError::Mismatches(problems));
    }
    let ordered = match &config {
        Some(config) => layers.iter().all(|layer| config.place(&layer.path).is_some()),
        None => false,
    };
    match config.filter(|_| ordered) {
        Some(config) => layers.sort_by_key(|layer| config.place(&layer.path)),
        None => layers.sort_by(|a, b| natord::compare(&a.path, &b.path).then_with(|| a.path.cmp(&b.path))),
    }
    Ok(Stored { origin: Origin::Keras { ordered }, layers: split(layers), other, notes: Vec::new() })
}

/// The layout with lists of names.
fn named(file: &mut Hdf5, top: &Group, names: &[String]) -> Result<Stored<'static>, WeightsError> {
    let mut stored = Stored {
        origin: Origin::Keras { ordered: true },
        layers: Vec::new(),
        other: Vec::new(),
        notes: Vec::new(),
    };
    let mut places = HashMap::<String, usize>::new();
    for name in names {
        let group = top.group(name).map_err(|error| damaged(&format!("group {name}"), error))?;
        for weight in texts(&group, "weight_names")?.unwrap_or_default() {
            let dataset = group
                .dataset(&weight)
                .map_err(|error| damaged(&format!("dataset {name}/{weight}"), error))?;
            let array = file.array(weight.clone(), &dataset)?;
            if !array.is_float() {
                stored.other.push((array.name, array.shape));
                continue;
            }
            let plain = weight.split(':').next().unwrap_or(&weight);
            let (path, last) = plain.rsplit_once('/').unwrap_or((name, plain));
            let part = match last {
                "kernel" | "depthwise_kernel" | "pointwise_kernel" => Part::Kernel,
                "bias" => Part::Bias,
                "gamma" => Part::Gamma,
                "beta" => Part::Beta,
                "moving_mean" => Part::Mean,
                "moving_variance" => Part::Variance,
                _ => Part::Unknown,
            };
            let path = path.replace('/', ".");
            let place = *places.entry(path.clone()).or_insert_with(|| {
                stored.layers.push(StoredLayer::new(path, Vec::new()));
                stored.layers.len() - 1
            });
            stored.layers[place].parts.push((part, array));
        }
    }
    stored.layers = split(stored.layers);
    Ok(stored)
}

/// The layout with numbers.
struct Walk<'c> {
    file: Hdf5,
    config: Option<&'c Config>,
    /// Groups that may still come.
    left: usize,
    layers: Vec<StoredLayer<'static>>,
    other: Vec<(String, Vec<usize>)>,
    problems: Vec<Mismatch>,
}

impl Walk<'_> {
    fn group(&mut self, group: &Group, path: &str, depth: usize) -> Result<(), WeightsError> {
        if depth > DEPTH_MOST || self.left == 0 {
            return Err(WeightsError::Broken {
                what: format!("group {path}"),
                expected: "the groups of a model".to_owned(),
                found: "more, or deeper ones".to_owned(),
            });
        }
        self.left -= 1;
        let failed = |error| damaged(&format!("group {path}"), error);
        for (name, inner) in group.iter_groups().map_err(failed)? {
            let inner_path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            if name == "vars" {
                self.layer(&inner, path)?;
            } else {
                self.group(&inner, &inner_path, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The arrays of a layer, by their numbers.
    fn layer(&mut self, vars: &Group, path: &str) -> Result<(), WeightsError> {
        let datasets = vars.iter_datasets().map_err(|error| damaged(&format!("group {path}/vars"), error))?;
        let mut arrays = Vec::new();
        for (number, dataset) in datasets {
            let array = self.file.array(format!("{path}/vars/{number}"), &dataset)?;
            let state = path.split('/').any(|part| part == "optimizer" || part.contains("seed_generator"));
            if array.is_float() && !state {
                arrays.push((number, array));
            } else {
                self.other.push((array.name, array.shape));
            }
        }
        if arrays.is_empty() {
            return Ok(());
        }
        arrays.sort_by(|a, b| natord::compare(&a.0, &b.0));
        let arrays = arrays.into_iter().map(|(_, array)| array).collect();
        let last = path.rsplit('/').next().unwrap_or(path);
        let described = self.config.and_then(|config| config.of(path));
        let name = text(vars, "name").or_else(|| described.map(|described| described.name.clone()));
        match parts(last, arrays, described) {
            Ok(parts) => self.layers.push(StoredLayer {
                name: name.unwrap_or_else(|| last.to_owned()),
                path: path.to_owned(),
                epsilon: described.and_then(|described| described.epsilon),
                parts,
            }),
            Err(found) => self.problems.push(Mismatch::Array {
                name: path.to_owned(),
                expected: "four arrays of a batch normalization, or two, or the .keras file, which says what is missing"
                    .to_owned(),
                found,
            }),
        }
        Ok(())
    }
}

/// Which part each of a layer's arrays is, by class where it is known and else by shape.
fn parts(
    group: &str,
    arrays: Vec<Array<'static>>,
    described: Option<&Described>,
) -> Result<Vec<(Part, Array<'static>)>, String> {
    const NORM: [Part; 4] = [Part::Gamma, Part::Beta, Part::Mean, Part::Variance];
    let class = group.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    let flat = arrays.iter().all(|array| array.shape.len() == 1);
    let kinds = match (class, arrays.len(), flat) {
        ("batch_normalization", count, _) => match (described, count) {
            (_, 4) => NORM.to_vec(),
            (_, 2) => NORM[2..].to_vec(),
            (Some(described), 3) => {
                [Some(Part::Gamma).filter(|_| described.scale), Some(Part::Beta).filter(|_| described.center)]
                    .into_iter()
                    .flatten()
                    .chain([Part::Mean, Part::Variance])
                    .collect()
            }
            _ => return Err(format!("{count}")),
        },
        ("layer_normalization", 1, true) if described.is_some_and(|described| !described.scale) => {
            vec![Part::Beta]
        }
        (_, 4, true) => NORM.to_vec(),
        (_, _, true) => vec![Part::Gamma, Part::Beta],
        _ => (arrays.iter())
            .map(|array| if array.shape.len() < 2 { Part::Bias } else { Part::Kernel })
            .collect(),
    };
    let kinds = kinds.into_iter().chain(std::iter::repeat(Part::Unknown));
    Ok(kinds.zip(arrays).collect())
}

/// A separable convolution is two layers: one for each channel, and one across them, which has the bias.
fn split(layers: Vec<StoredLayer<'static>>) -> Vec<StoredLayer<'static>> {
    let mut result = Vec::with_capacity(layers.len());
    for layer in layers {
        let kernels = layer.parts.iter().filter(|(part, _)| *part == Part::Kernel).count();
        if kernels != 2 {
            result.push(layer);
            continue;
        }
        let StoredLayer { name, path, epsilon, mut parts } = layer;
        let first = parts.iter().position(|(part, _)| *part == Part::Kernel).expect("it has two");
        let depthwise = vec![parts.remove(first)];
        let named = |what: &str, parts| StoredLayer {
            name: format!("{name}.{what}"),
            path: format!("{path}.{what}"),
            epsilon,
            parts,
        };
        result.extend([named("depthwise", depthwise), named("pointwise", parts)]);
    }
    result
}
