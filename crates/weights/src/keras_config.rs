//! `config.json` of a `.keras` archive: which layers there are, in order, and what their arrays do not say.
//!
//! *Idea*: weights are in groups that are called after the class of a layer and counted within their model, so the same walk over
//! the configuration gives the path of each: `layers/conv2d`, `layers/conv2d_1`, `layers/sequential/layers/dense`.

use std::collections::HashMap;

use serde::Deserialize;

use crate::error::WeightsError;

/// Models in models are followed to this depth.
const DEPTH_MOST: usize = 16;

/// The layers of a model, by the path of their weights.
#[derive(Debug, Default)]
pub(crate) struct Config {
    layers: HashMap<String, Described>,
}

/// What a configuration says of a layer.
#[derive(Debug)]
pub(crate) struct Described {
    pub name: String,
    pub epsilon: Option<f32>,
    /// Whether a normalization has a gamma.
    pub scale: bool,
    /// Whether it has a beta.
    pub center: bool,
    place: usize,
}

#[derive(Deserialize)]
struct Object {
    class_name: Option<String>,
    config: Option<Settings>,
}

#[derive(Deserialize)]
struct Settings {
    name: Option<String>,
    layers: Option<Vec<Object>>,
    epsilon: Option<f32>,
    scale: Option<serde_json::Value>,
    center: Option<serde_json::Value>,
}

impl Config {
    /// Reads the JSON.
    pub(crate) fn read(json: &[u8]) -> Result<Self, WeightsError> {
        let object: Object = serde_json::from_slice(json)
            .map_err(|error| WeightsError::broken("config.json", "the configuration of a model", error))?;
        let mut config = Self::default();
        config.layers_of(&object, "layers", 0);
        Ok(config)
    }

    fn layers_of(&mut self, model: &Object, folder: &str, depth: usize) {
        let layers =
            model.config.as_ref().and_then(|settings| settings.layers.as_deref()).unwrap_or_default();
        if depth > DEPTH_MOST {
            return;
        }
        let mut counts = HashMap::<String, usize>::new();
        for layer in layers {
            let group = snake_case(layer.class_name.as_deref().unwrap_or_default());
            let count = counts.entry(group.clone()).or_default();
            let path = match *count {
                0 => format!("{folder}/{group}"),
                count => format!("{folder}/{group}_{count}"),
            };
            *count += 1;
            let Some(settings) = &layer.config else { continue };
            let is = |value: &Option<serde_json::Value>| value.as_ref().and_then(serde_json::Value::as_bool);
            let described = Described {
                name: settings.name.clone().unwrap_or_default(),
                epsilon: settings.epsilon,
                scale: is(&settings.scale).unwrap_or(true),
                center: is(&settings.center).unwrap_or(true),
                place: self.layers.len(),
            };
            self.layers.insert(path.clone(), described);
            self.layers_of(layer, &format!("{path}/layers"), depth + 1);
        }
    }

    /// The layer whose weights are at `path`.
    pub(crate) fn of(&self, path: &str) -> Option<&Described> {
        self.layers.get(path)
    }

    /// Where it stands in the model.
    pub(crate) fn place(&self, path: &str) -> Option<usize> {
        self.of(path).map(|described| described.place)
    }
}

/// `BatchNormalization` to `batch_normalization`, `Conv2D` to `conv2d`: a word begins where a capital letter stands before a small one or
/// behind one (`to_snake_case` of Keras).
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::with_capacity(class.len() + 4);
    for (index, &letter) in letters.iter().enumerate() {
        let small = |c: Option<&char>| c.is_some_and(|c| c.is_ascii_lowercase());
        let before = index.checked_sub(1).map(|before| &letters[before]);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|&c| c != '_')
            && (small(letters.get(index + 1)) || small(before));
        if begins {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn classes_are_groups_as_keras_calls_them() {
        for (class, group) in [
            ("Conv2D", "conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("SeparableConv2D", "separable_conv2d"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("Dense", "dense"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("InputLayer", "input_layer"),
        ] {
            assert_eq!(snake_case(class), group);
        }
    }
}
