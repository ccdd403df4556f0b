//! What was seen, as the document `see.json`.

mod field;
mod layout;
mod pair;
mod window;

use serde::{Deserialize, Serialize};

use super::dream::Dream;
use super::saliency::{Explanation, Method, Note};
use super::trust::{Judged, Verdict};
use super::{Ablation, Change, Contribution, Exemplar, LayerSurvey, Probe, Survey};
use crate::graph::Graph;

pub use field::Field;
pub use layout::{Layout, Place};
pub use pair::Pair;
pub use window::WindowSeen;

/// The version of the document.
pub const SCHEMA: &str = "seamripper.see/1";

/// Values of all dreams together that the document holds, at most; sheets have them in any case.
pub const DREAM_VALUES_MOST: usize = 4_000_000;

/// Everything that was seen of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// A digest of the model and of the images it was looked at with.
    pub subject: String,
    /// Version of the program and instruction set, which also decide what is found; empty in documents of older versions, whose
    /// `subject` has them in it.
    #[serde(default)]
    pub made_by: String,
    /// Class names, in the order of every `[k]`.
    pub classes: Vec<String>,
    /// Images that filters were looked at with.
    pub images: usize,
    /// One a layer with filters.
    pub layers: Vec<Layer>,
    /// How well a linear classifier does on each layer's responses.
    pub probes: Vec<ProbeResult>,
    /// Two filters of a layer and the image that excites both most.
    pub pairs: Vec<Pair>,
    /// Where images lie before the last layer.
    pub map: Option<Layout>,
    /// What saliency methods are worth on this model.
    pub trust: Option<Judged>,
    /// What `trust` was made with; on the same subject the same options give the same.
    pub trust_options: Option<String>,
    /// One an image and method.
    pub saliency: Vec<Map>,
    /// One an image: which filters speak for what is explained.
    pub contributions: Vec<Speaks>,
    /// One an image: the training images most like it.
    pub nearest: Vec<Nearest>,
    /// One an image and response asked for: the products behind it.
    pub windows: Vec<WindowSeen>,
    /// The image that excites each filter and class most; empty if all together have more than [`DREAM_VALUES_MOST`] values.
    #[serde(default)]
    pub dreams: Vec<Dreamt>,
}

impl Document {
    /// Nothing was looked at yet.
    pub fn new(classes: &[String]) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            subject: String::new(),
            made_by: String::new(),
            classes: classes.to_vec(),
            images: 0,
            layers: Vec::new(),
            probes: Vec::new(),
            pairs: Vec::new(),
            map: None,
            trust: None,
            trust_options: None,
            saliency: Vec::new(),
            contributions: Vec::new(),
            nearest: Vec::new(),
            windows: Vec::new(),
            dreams: Vec::new(),
        }
    }

    /// Adds what a survey found, and what ablations of the same model did: responses replaced by zero, and by their means.
    pub fn add_survey(&mut self, graph: &Graph, survey: &Survey, ablations: Option<[&Ablation; 2]>) {
        self.images = survey.images;
        let layer = |(index, surveyed): (usize, &LayerSurvey)| {
            let whole = |which: usize| {
                ablations.map(|both| Effect::of(&both[which].layers[index].whole, both[which]))
            };
            let of_filter = |filter: usize| {
                [0, 1].map(|which| {
                    ablations.map(|both| Effect::of(&both[which].layers[index].filters[filter], both[which]))
                })
            };
            Layer {
                name: surveyed.layer.name.clone(),
                kind: graph.nodes[surveyed.layer.node].layer.kind(Default::default()).to_owned(),
                output: surveyed.layer.output,
                filters: (0..surveyed.filters.len())
                    .map(|filter| Filter::of(surveyed, filter, of_filter(filter)))
                    .collect(),
                ablation: whole(0),
                mean_ablation: whole(1),
                field: None,
            }
        };
        self.layers = survey.layers.iter().enumerate().map(layer).collect();
    }

    /// Whether it was made of the same model and images by the same program.
    pub fn is_like(&self, other: &Self) -> bool {
        self.subject == other.subject && self.made_by == other.made_by
    }

    /// With what `earlier` found of the whole split, if it looked at the same model and images: a look at single images does not make it
    /// untrue.
    #[must_use]
    pub fn keeping(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier.filter(|earlier| earlier.is_like(&self)) {
            let Self { images, layers, probes, pairs, map, dreams, .. } = earlier;
            (self.images, self.layers, self.probes) = (images, layers, probes);
            (self.pairs, self.map, self.dreams) = (pairs, map, dreams);
        }
        self
    }

    /// Adds the receptive fields of the layers, one a layer, in their order.
    pub fn add_fields(&mut self, fields: Vec<Field>) {
        for (layer, field) in self.layers.iter_mut().zip(fields) {
            layer.field = Some(field);
        }
    }

    /// Adds the images that excite the filters of `layer`, or the classes (`None`), most.
    pub fn add_dreams(&mut self, layer: Option<&str>, dreams: &[Dream]) {
        let dreamt = |(index, dream): (usize, &Dream)| Dreamt {
            layer: layer.map(str::to_owned),
            index,
            pixels: dream.pixels.clone(),
        };
        self.dreams.extend(dreams.iter().enumerate().map(dreamt));
        let values: usize = self.dreams.iter().flat_map(|dream| &dream.pixels).map(Vec::len).sum();
        if values > DREAM_VALUES_MOST {
            self.dreams.clear();
        }
    }

    /// Adds the results of probes.
    pub fn add_probes(&mut self, probes: &[Probe]) {
        self.probes = probes
            .iter()
            .map(|probe| ProbeResult {
                layer: probe.layer.as_ref().map(|layer| layer.name.clone()),
                features: probe.features.iter().product(),
                accuracy: probe.accuracy(),
                n: probe.images,
            })
            .collect();
    }
}

/// A layer with filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// `conv`, `depthwise` or `dense`.
    pub kind: String,
    /// `[h, w, filters]` of its responses.
    pub output: [usize; 3],
    /// Its filters.
    pub filters: Vec<Filter>,
    /// What becomes of predictions when all its responses are 0.
    pub ablation: Option<Effect>,
    /// The same when each response is its filter's mean.
    pub mean_ablation: Option<Effect>,
    /// The pixels that its middle place depends on.
    pub field: Option<Field>,
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Its place in the layer, from 0.
    pub index: usize,
    /// Share of responses above 0.
    pub activation_rate: f64,
    /// Mean response.
    pub mean: f64,
    /// Largest response.
    pub max: f32,
    /// Whether it never changes.
    pub dead: bool,
    /// Filters of the layer that do the same.
    pub duplicates: Vec<usize>,
    /// `[k]`, -1 to 1; `null` where it cannot be said.
    pub selectivity: Vec<Option<f64>>,
    /// Where responses are largest, largest first, at most one an image.
    pub exemplars: Vec<Patch>,
    /// Images whose largest response is smallest.
    pub least: Vec<Patch>,
    /// What becomes of predictions when its response is 0.
    pub ablation: Option<Effect>,
    /// The same when it is its mean.
    pub mean_ablation: Option<Effect>,
}

impl Filter {
    fn of(surveyed: &LayerSurvey, index: usize, [ablation, mean_ablation]: [Option<Effect>; 2]) -> Self {
        let filter = &surveyed.filters[index];
        let duplicates = surveyed.duplicates.iter().filter_map(|pair| match index {
            _ if pair.first == index => Some(pair.second),
            _ if pair.second == index => Some(pair.first),
            _ => None,
        });
        Self {
            index,
            activation_rate: filter.rate,
            mean: filter.mean,
            max: filter.max,
            dead: filter.dead,
            duplicates: duplicates.collect(),
            selectivity: filter.selectivity.clone(),
            exemplars: filter.most.iter().map(Patch::of).collect(),
            least: filter.least.iter().map(Patch::of).collect(),
            ablation,
            mean_ablation,
        }
    }
}

/// Where in which image a response is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// What the image is called.
    pub id: String,
    /// Row in the layer's output.
    pub row: usize,
    /// Column in the layer's output.
    pub column: usize,
    /// The response.
    pub activation: f32,
}

impl Patch {
    fn of(exemplar: &Exemplar) -> Self {
        let Exemplar { ref id, row, column, activation, .. } = *exemplar;
        Self { id: id.clone(), row, column, activation }
    }
}

/// What becomes of predictions when a response is replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Change of accuracy.
    pub accuracy: f64,
    /// `[k]`, change of each class' recall; `null` for a class without images.
    pub recall: Vec<Option<f64>>,
    /// `[k]`, images of each class that become right.
    pub gained: Vec<usize>,
    /// `[k]`, images of each class that become wrong.
    pub lost: Vec<usize>,
}

impl Effect {
    fn of(change: &Change, ablation: &Ablation) -> Self {
        let images: usize = ablation.class_images.iter().sum();
        let recall = |class: usize| {
            let (gained, lost) = (change.gained[class] as f64, change.lost[class] as f64);
            let n = ablation.class_images[class];
            (n > 0).then(|| (gained - lost) / n as f64)
        };
        Self {
            accuracy: change.net() as f64 / images.max(1) as f64,
            recall: (0..ablation.class_images.len()).map(recall).collect(),
            gained: change.gained.clone(),
            lost: change.lost.clone(),
        }
    }
}

/// An image that excites a filter or class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dreamt {
    /// The filter's layer; `null` for a class.
    pub layer: Option<String>,
    /// The filter or class.
    pub index: usize,
    /// `[h, w, c]` of the model's input, row-major; `null` if nothing excites it.
    pub pixels: Option<Vec<u8>>,
}

/// How well a linear classifier does on a layer's responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// The layer; `null` for the pixels.
    pub layer: Option<String>,
    /// Features it read.
    pub features: usize,
    /// Share of test images it predicts right.
    pub accuracy: f64,
    /// Test images.
    pub n: usize,
}

/// A saliency map of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// What the image is called.
    pub id: String,
    /// The method.
    pub method: Method,
    /// The class that is explained.
    pub target: String,
    /// The class it is explained against, if any.
    pub against: Option<String>,
    /// `[h][w]`
    pub map: Vec<Vec<f32>>,
    /// What the map is worth.
    pub badges: Badges,
}

impl Map {
    /// A map `[h, w]` of rows of `width` pixels.
    pub fn of(
        id: &str,
        method: Method,
        [target, against]: [Option<&str>; 2],
        explanation: &Explanation,
        width: usize,
        badges: Badges,
    ) -> Self {
        Self {
            id: id.to_owned(),
            method,
            target: target.unwrap_or_default().to_owned(),
            against: against.map(str::to_owned),
            map: explanation.map.chunks_exact(width.max(1)).map(<[f32]>::to_vec).collect(),
            badges,
        }
    }
}

/// Which filters speak for a class, or for a class against another, on one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speaks {
    /// What the image is called.
    pub id: String,
    /// The class that is spoken for.
    pub target: String,
    /// The class that it is spoken against, if any.
    pub against: Option<String>,
    /// One a layer with filters.
    pub layers: Vec<Contribution>,
}

/// The training images that the model finds most like an image, nearest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// What the image is called.
    pub id: String,
    /// The training images.
    pub neighbours: Vec<Neighbour>,
}

/// A training image near another image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// What it is called.
    pub id: String,
    /// Its label.
    pub class: String,
    /// Euclidean distance of what the last layer reads.
    pub distance: f64,
}

/// What a map is worth. Areas are of this map on this image; the sanity check is of the method on this model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Badges {
    /// Whether the method's maps change when what the model has learned is destroyed.
    pub sanity: Option<bool>,
    /// How alike the maps stay then; below 0.5 is a pass.
    pub sanity_score: Option<f64>,
    /// The same of maps averaged over noisy copies of their image.
    pub smooth_sanity: Option<bool>,
    /// How alike those stay.
    pub smooth_sanity_score: Option<f64>,
    /// Whether the map adds up to what it explains, within 1 %.
    pub completeness: Option<bool>,
    /// How far it does not.
    pub completeness_error: Option<f64>,
    /// Gradients that were computed for it.
    pub steps: Option<usize>,
    /// The layer it was made of.
    pub layer: Option<String>,
    /// Area under the class' probability while pixels are deleted; small is good.
    pub deletion: Option<f64>,
    /// The same for pixels in random order.
    pub deletion_random: Option<f64>,
    /// Area under the class' probability while pixels are inserted; large is good.
    pub insertion: Option<f64>,
    /// The same for pixels in random order.
    pub insertion_random: Option<f64>,
    /// As `deletion`, with the blurred image where pixels are not.
    pub deletion_blurred: Option<f64>,
    /// The same for pixels in random order.
    pub deletion_blurred_random: Option<f64>,
    /// As `insertion`, into the blurred image.
    pub insertion_blurred: Option<f64>,
    /// The same for pixels in random order.
    pub insertion_blurred_random: Option<f64>,
}

impl Badges {
    /// Adds areas `[deletion, insertion]` of the map and of random orders, with a blank baseline and with the blurred image.
    pub fn add_areas(&mut self, [blank, blurred]: [[f64; 2]; 2], [random, random_blurred]: [[f64; 2]; 2]) {
        (self.deletion, self.insertion) = (Some(blank[0]), Some(blank[1]));
        (self.deletion_random, self.insertion_random) = (Some(random[0]), Some(random[1]));
        (self.deletion_blurred, self.insertion_blurred) = (Some(blurred[0]), Some(blurred[1]));
        self.deletion_blurred_random = Some(random_blurred[0]);
        self.insertion_blurred_random = Some(random_blurred[1]);
    }

    /// What the explanation says of itself, and what is known of its method.
    pub fn of(note: Option<&Note>, verdict: Option<&Verdict>) -> Self {
        let mut badges = Self {
            sanity: verdict.and_then(|verdict| verdict.passes_sanity),
            sanity_score: verdict.and_then(|verdict| Some(verdict.sanity.as_ref()?.score)),
            smooth_sanity: verdict.and_then(|verdict| verdict.passes_smooth_sanity),
            smooth_sanity_score: verdict.and_then(|verdict| verdict.smooth_sanity),
            ..Self::default()
        };
        match note {
            Some(&Note::Completeness { steps, error, complete }) => {
                badges.completeness = Some(complete);
                badges.completeness_error = Some(error);
                badges.steps = Some(steps);
            }
            Some(Note::Layer { name, .. }) => badges.layer = Some(name.clone()),
            None => {}
        }
        badges
    }
}
