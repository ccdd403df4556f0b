//! A model that answers at once: one image forward and back, or many images forward.

use seamripper_core::engine::{Engine, Wants};
use seamripper_core::graph::{ModelFile, ModelFileError, NodeId, Weights, from_safetensors};
use seamripper_core::see::saliency::{Cam, CamRule, Target, default_cam_layer, resized};
use seamripper_core::see::{FilterLayer, Model, Window, filter_layers, window};
use seamripper_core::tensor::argmax;
use seamripper_kernels::{Instructions, softmax};

use crate::alter::{Alterations, Altered};
use crate::silence::{Silence, Silenced};

/// Images of a forward pass of many.
const BATCH: usize = 64;

/// A model with everything compiled.
#[derive(Debug)]
pub struct Live {
    isa: Instructions,
    file: ModelFile,
    layers: Vec<FilterLayer>,
    silences: Vec<Option<Silence>>,
    silenced: Silenced,
    /// The weights in use, zeros for what is switched off.
    weights: Weights,
    /// One image, forward and back, every layer kept.
    single: Cam,
    /// Many images, forward only.
    many: Engine,
    altered: Altered,
    /// What the first layer read last.
    values: Vec<f32>,
    probs: Vec<f32>,
    target: usize,
}

impl Live {
    /// The model in the bytes of `model.safetensors`.
    ///
    /// # Errors
    /// If the bytes are not a model.
    pub fn new(bytes: &[u8], isa: Instructions) -> Result<Self, ModelFileError> {
        let file = from_safetensors(bytes)?;
        let layers = filter_layers(&file.graph);
        let silences = layers.iter().map(|layer| Silence::of(&file.graph, layer)).collect();
        let weights = file.weights.clone();
        let (single, many) = compiled(&model(isa, &file, &weights));
        Ok(Self {
            isa,
            layers,
            silences,
            silenced: Silenced::new(),
            weights,
            single,
            many,
            altered: Altered::default(),
            values: Vec::new(),
            probs: Vec::new(),
            target: 0,
            file,
        })
    }

    /// What was read from the file.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// Its layers with filters.
    pub fn layers(&self) -> &[FilterLayer] {
        &self.layers
    }

    /// Whether the filters of `layer` can be switched off.
    pub fn can_silence(&self, layer: usize) -> bool {
        self.silences.get(layer).is_some_and(Option::is_some)
    }

    /// The name of the instruction set it runs on.
    pub fn isa(&self) -> &'static str {
        self.isa.name()
    }

    /// Switches these filters off and all others on; those that cannot be, or are not there, stay on.
    pub fn silence(&mut self, silenced: impl IntoIterator<Item = (usize, usize)>) {
        let fits = |&(layer, filter): &(usize, usize)| {
            self.can_silence(layer) && filter < self.layers[layer].filters()
        };
        let silenced: Silenced = silenced.into_iter().filter(fits).collect();
        if silenced == self.silenced {
            return;
        }
        self.weights.values.copy_from_slice(&self.file.weights.values);
        for &(layer, filter) in &silenced {
            if let Some(silence) = &self.silences[layer] {
                silence.write(&self.file.graph, &mut self.weights, filter);
            }
        }
        (self.single, self.many) = compiled(&model(self.isa, &self.file, &self.weights));
        self.silenced = silenced;
    }

    /// `pixels` `[h, w, c]` after `alterations`.
    pub fn alter(&mut self, pixels: &[u8], alterations: &Alterations) -> &[u8] {
        self.altered.of(pixels, self.file.graph.input, alterations)
    }

    /// Runs the altered image forward, and back from `target`, or from the class it predicts.
    pub fn run(&mut self, pixels: &[u8], alterations: &Alterations, target: Option<usize>) {
        let altered = self.altered.of(pixels, self.file.graph.input, alterations);
        self.values.resize(altered.len(), 0.0);
        self.file.preprocessing.apply(altered, &mut self.values);
        let classes = self.file.graph.outputs();
        let wanted = target.filter(|&target| target < classes);
        // The class is seldom another than that of the frame before.
        self.target = wanted.unwrap_or(self.target.min(classes.saturating_sub(1)));
        self.single.run(&self.values, Target::Logit(self.target));
        let predicted = argmax(self.single.logits());
        if wanted.is_none() && predicted != self.target {
            self.target = predicted;
            self.single.run(&self.values, Target::Logit(predicted));
        }
        self.probs.resize(classes, 0.0);
        softmax::softmax(self.single.logits(), classes, &mut self.probs);
    }

    /// Logits `[k]` of the image run last.
    pub fn logits(&self) -> &[f32] {
        self.single.logits()
    }

    /// Its probabilities `[k]`.
    pub fn probs(&self) -> &[f32] {
        &self.probs
    }

    /// The class its map explains.
    pub fn target(&self) -> usize {
        self.target
    }

    /// What `node` gave for it, `[h, w, c]`.
    pub fn response(&self, node: NodeId) -> Option<&[f32]> {
        self.single.value(node)
    }

    /// Its Grad-CAM, `[h, w]` of the image; `None` if the model has no convolution.
    pub fn map(&self) -> Option<Vec<f32>> {
        let layer = default_cam_layer(&self.model())?;
        let ([h, w, _], [height, width, _]) = (layer.output, self.file.graph.input);
        let map = self.single.map(layer.response, layer.output, CamRule::GradCam);
        Some(resized(&map, [h, w], [height, width]))
    }

    /// The layer of [`Live::map`].
    pub fn map_layer(&self) -> Option<String> {
        default_cam_layer(&self.model()).map(|layer| layer.name)
    }

    /// The products behind one response of a convolution to the image run last; `None` if the layer is none, or there is no
    /// such place.
    pub fn window(&self, layer: usize, place: [usize; 2], filter: usize) -> Option<Window> {
        let at = self.layers.get(layer)?;
        let [h, w, filters] = self.file.graph.nodes[at.node].output;
        let inside = place[0] < h && place[1] < w && filter < filters;
        let ready = inside && at.is_convolution(&self.file.graph) && !self.values.is_empty();
        ready.then(|| window(&self.model(), &self.values, at.node, place, filter))
    }

    /// Probabilities `[n, k]` of the image after each of `alterations`, with what is switched off.
    pub fn sweep(&mut self, pixels: &[u8], alterations: &[Alterations]) -> Vec<f32> {
        let size = self.file.graph.input;
        let all: Vec<u8> =
            alterations.iter().flat_map(|each| self.altered.of(pixels, size, each).to_vec()).collect();
        self.probabilities(&all)
    }

    /// Probabilities `[n, k]` of images `[n, h, w, c]`, with what is switched off.
    pub fn probabilities(&mut self, pixels: &[u8]) -> Vec<f32> {
        let (length, classes) = (self.file.graph.input.iter().product::<usize>(), self.file.graph.outputs());
        let mut probs = vec![0.0; pixels.len() / length * classes];
        let mut values = Vec::new();
        let mut logits = Vec::new();
        for (pixels, probs) in pixels.chunks(BATCH * length).zip(probs.chunks_mut(BATCH * classes)) {
            values.resize(pixels.len(), 0.0);
            self.file.preprocessing.apply(pixels, &mut values);
            self.many.run_forward(&values);
            logits.resize(probs.len(), 0.0);
            self.many.copy_logits(&mut logits);
            softmax::softmax(&logits, classes, probs);
        }
        probs
    }

    /// The predicted class of each of the images `[n, h, w, c]`, with what is switched off.
    pub fn predict(&mut self, pixels: &[u8]) -> Vec<u32> {
        let classes = self.file.graph.outputs();
        self.probabilities(pixels).chunks_exact(classes).map(|row| argmax(row) as u32).collect()
    }

    fn model(&self) -> Model<'_> {
        model(self.isa, &self.file, &self.weights)
    }
}

fn model<'a>(isa: Instructions, file: &'a ModelFile, weights: &'a Weights) -> Model<'a> {
    Model { isa, graph: &file.graph, weights, preprocessing: &file.preprocessing }
}

fn compiled(model: &Model<'_>) -> (Cam, Engine) {
    (Cam::new(model), model.engine(BATCH, Wants::INFERENCE))
}
