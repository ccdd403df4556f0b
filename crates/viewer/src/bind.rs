//! What JavaScript sees. Numbers in typed arrays, everything else as JSON; a mistake of the caller is a thrown `Error`.

use seamripper_core::graph::Node;
use seamripper_kernels::Instructions;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

use crate::{Alterations, Live};

/// A model in a worker of the page.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Viewer {
    live: Live,
    /// The image that is looked at, before alterations.
    pixels: Vec<u8>,
}

/// A layer, for the page.
#[derive(Serialize)]
struct LayerInfo<'a> {
    name: &'a str,
    kind: &'a str,
    node: usize,
    output: [usize; 3],
    convolution: bool,
    switchable: bool,
}

/// What the page is told of the model.
#[derive(Serialize)]
struct Info<'a> {
    isa: &'a str,
    input: [usize; 3],
    classes: &'a [String],
    layers: Vec<LayerInfo<'a>>,
    map_layer: Option<String>,
    parameters: usize,
}

/// A sweep that is asked for.
#[derive(Deserialize)]
struct Sweep {
    alterations: Alterations,
    /// The field of `alterations` that is swept.
    along: String,
    values: Vec<f64>,
}

/// The products behind a response, for the page.
#[derive(Serialize)]
struct WindowInfo<'a> {
    corner: [isize; 2],
    shape: [usize; 3],
    input: &'a [f32],
    weights: &'a [f32],
    products: &'a [f32],
    bias: f32,
    sum: f32,
}

#[wasm_bindgen]
impl Viewer {
    /// The model in the bytes of `model.safetensors`.
    ///
    /// # Errors
    /// If the bytes are not a model.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Viewer, JsError> {
        let isa = Instructions::detect().map_err(|error| JsError::new(&error.to_string()))?;
        let live = Live::new(bytes, isa).map_err(|error| JsError::new(&error.to_string()))?;
        let pixels = vec![0; live.file().graph.input.iter().product()];
        Ok(Self { live, pixels })
    }

    /// JSON: instruction set, input, classes, layers with filters, parameters.
    pub fn info(&self) -> String {
        let file = self.live.file();
        let graph = &file.graph;
        let layers = self.live.layers().iter().enumerate().map(|(index, layer)| LayerInfo {
            name: &layer.name,
            kind: Node::kind(&graph.nodes[layer.node]),
            node: layer.response,
            output: layer.output,
            convolution: layer.is_convolution(graph),
            switchable: self.live.can_silence(index),
        });
        json(&Info {
            isa: self.live.isa(),
            input: graph.input,
            classes: &file.classes,
            layers: layers.collect(),
            map_layer: self.live.map_layer(),
            parameters: graph.parameter_count(),
        })
    }

    /// Chooses the image to look at, `[h, w, c]`.
    ///
    /// # Errors
    /// If it is not as long as the model's input.
    pub fn set_image(&mut self, pixels: &[u8]) -> Result<(), JsError> {
        if pixels.len() != self.pixels.len() {
            let [expected, found] = [self.pixels.len(), pixels.len()];
            return Err(JsError::new(&format!("image: expected {expected} values, found {found}")));
        }
        self.pixels.copy_from_slice(pixels);
        Ok(())
    }

    /// Runs the image after `alterations` (JSON), and back from class `target`; below 0, from the predicted class.
    ///
    /// # Errors
    /// If a number cannot be used.
    pub fn run(&mut self, alterations: &str, target: i32) -> Result<(), JsError> {
        let alterations = parse_alterations(alterations)?;
        self.live.run(&self.pixels, &alterations, usize::try_from(target).ok());
        Ok(())
    }

    /// The altered image, `[h, w, c]`.
    ///
    /// # Errors
    /// If a number cannot be used.
    pub fn altered(&mut self, alterations: &str) -> Result<Vec<u8>, JsError> {
        let alterations = parse_alterations(alterations)?;
        Ok(self.live.alter(&self.pixels, &alterations).to_vec())
    }

    /// `[k]`
    pub fn logits(&self) -> Vec<f32> {
        self.live.logits().to_vec()
    }

    /// `[k]`
    pub fn probs(&self) -> Vec<f32> {
        self.live.probs().to_vec()
    }

    /// The class that the map explains.
    pub fn target(&self) -> u32 {
        self.live.target() as u32
    }

    /// What a node gave, `[h, w, c]`; empty if there is no such node.
    pub fn response(&self, node: usize) -> Vec<f32> {
        self.live.response(node).map_or(Vec::new(), <[f32]>::to_vec)
    }

    /// Grad-CAM, `[h, w]` of the image; empty without a convolution.
    pub fn map(&self) -> Vec<f32> {
        self.live.map().unwrap_or_default()
    }

    /// JSON of the products behind a response, or `null`.
    pub fn window(&self, layer: usize, row: usize, column: usize, filter: usize) -> String {
        let found = self.live.window(layer, [row, column], filter);
        json(&found.as_ref().map(|window| WindowInfo {
            corner: window.corner,
            shape: window.shape,
            input: &window.input,
            weights: &window.weights,
            products: &window.products,
            bias: window.bias,
            sum: window.sum,
        }))
    }

    /// Probabilities `[n, k]` along one alteration: JSON of `alterations`, `along`, `values`.
    ///
    /// # Errors
    /// If a number or name cannot be used.
    pub fn sweep(&mut self, asked: &str) -> Result<Vec<f32>, JsError> {
        let Sweep { alterations, along, values } =
            serde_json::from_str(asked).map_err(|error| JsError::new(&error.to_string()))?;
        let mut each = Vec::with_capacity(values.len());
        for value in values {
            let mut changed = alterations.clone();
            let field = match along.as_str() {
                "rotate" => &mut changed.rotate,
                "scale" => &mut changed.scale,
                "right" => &mut changed.right,
                "down" => &mut changed.down,
                "shear" => &mut changed.shear,
                "brightness" => &mut changed.brightness,
                "contrast" => &mut changed.contrast,
                "blur" => &mut changed.blur,
                "noise" => &mut changed.noise,
                "occlude" => &mut changed.occlude,
                other => return Err(JsError::new(&format!("sweep: expected an alteration, found {other}"))),
            };
            *field = value;
            each.push(checked(changed)?);
        }
        Ok(self.live.sweep(&self.pixels, &each))
    }

    /// Switches filters off, pairs of layer and filter one after the other, and all others on.
    pub fn silence(&mut self, pairs: &[u32]) {
        let pairs = pairs.chunks_exact(2).map(|pair| (pair[0] as usize, pair[1] as usize));
        self.live.silence(pairs);
    }

    /// The predicted class of each of the images `[n, h, w, c]`.
    pub fn predict(&mut self, pixels: &[u8]) -> Vec<u32> {
        self.live.predict(pixels)
    }
}

fn parse_alterations(text: &str) -> Result<Alterations, JsError> {
    checked(serde_json::from_str(text).map_err(|error| JsError::new(&error.to_string()))?)
}

fn checked(alterations: Alterations) -> Result<Alterations, JsError> {
    match alterations.problems() {
        problems if problems.is_empty() => Ok(alterations),
        problems => Err(JsError::new(&problems.join("; "))),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data has a JSON form")
}
