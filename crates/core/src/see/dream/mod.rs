//! Feature visualisation: the image that excites a filter, a class or two filters at once most.
//!
//! *Idea*: gradient ascent on the image's spectrum; all images of a batch take a step together, each with an objective of
//! its own.
//! ```text
//! repeat steps times:
//!     image = sigmoid(colors(waves(spectrum)))                                      canvas
//!     value = preprocessing(move image a little, at random)                         shake
//!     ascend the objective by Adam in the spectrum                                  objective
//! ```
//!
//! *Departures*:
//! 1. The last activation is left out of the network and done here, so that a filter which is silent everywhere still gets the
//!    gradient of its loudest position (lucid redirects the gradients of all ReLUs).
//! 2. Adam's rate is 0.2 and falls to 0 by half a cosine. With lucid's 0.05 and as many steps, 67 of 126 filters of a first
//!    layer (28 x 28, grey) exceeded their largest value over 2,000 images, with 0.3 121 of 126.
//! 3. Gradients let through a silent last activation in the first half of the steps were tried and left out: at a rate of 0.15,
//!    114 instead of 108 of those filters exceeded it, but 2 instead of none were not excited at all (at 0.05, 5 instead of 1).
//!
//! A dead filter is one that ascent did not excite. With another seed or rate it may: of 224 filters about 10 are dead each time,
//! of which one or two change.
//!
//! *Reference*: Olah, Mordvintsev & Schubert 2017, "Feature Visualization", <https://distill.pub/2017/feature-visualization>;
//! Mordvintsev et al. 2018, "Differentiable Image Parameterizations". The loop and the first
//! spectrum's deviation of 0.01 are lucid's.

mod canvas;
mod objective;
mod shake;

pub(crate) use canvas::Canvas;
pub(crate) use objective::Heads;
pub use objective::{Largest, Objective, Place, Unit, largest};
pub use shake::Robustness;
pub(crate) use shake::Shake;

use seamripper_kernels::optimizer::{Adam, adam};
use seamripper_kernels::parallel;

use crate::random::{Purpose, Stream};
use crate::see::Model;

/// Decays of Adam's moments, and what is added to the root of the second: gradients of far layers are small.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-12;

/// How images are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Steps of gradient ascent.
    pub steps: usize,
    /// Adam's rate.
    pub rate: f64,
    /// Standard deviation of the first spectrum.
    pub deviation: f64,
    /// How much fewer high frequencies count: the scale of a frequency is `frequency^-decay`.
    pub decay: f64,
    /// How far images are moved at each step.
    pub robustness: Robustness,
    /// Names the random draws.
    pub seed: u64,
}

impl Options {
    /// For filters, with images `[h, w, c]`: 192 steps; moved by up to a fourteenth of the longer side, 5 degrees and 5 % of
    /// the size.
    pub fn of_size([h, w, _]: [usize; 3]) -> Self {
        let robustness = Robustness { jitter: h.max(w) as f64 / 14.0, degrees: 5.0, zoom: 0.05 };
        Self { steps: 192, rate: 0.2, deviation: 0.01, decay: 1.0, robustness, seed: 0 }
    }

    /// For classes, whose images are textures without a stronger hand: twice the movement, and large shapes before small.
    pub fn for_classes(size: [usize; 3]) -> Self {
        let mut options = Self::of_size(size);
        let Robustness { degrees, zoom, .. } = &mut options.robustness;
        (*degrees, *zoom) = (10.0, 0.1);
        Self { steps: 256, rate: 0.1, decay: 1.5, ..options }
    }
}

/// What gradient ascent found.
#[derive(Clone, Debug, PartialEq)]
pub struct Dream {
    /// `[h, w, c]`; `None` if nothing was found that excites: the objective has no gradient or is still 0 at the end. That
    /// filter is dead.
    pub pixels: Option<Vec<u8>>,
    /// The objective's value on these pixels, unmoved; 0 without them.
    pub value: f32,
    /// What the caller knows as the largest value in a data set.
    pub largest: Option<f32>,
}

impl Dream {
    /// Whether no image was found that excites.
    pub fn is_dead(&self) -> bool {
        self.pixels.is_none()
    }

    /// The value as a share of the largest in the data set, if that is above 0.
    pub fn share(&self) -> Option<f32> {
        self.largest.filter(|&largest| largest > 0.0).map(|largest| self.value / largest)
    }
}

/// One image for each of `objectives`. `largest` has their largest values in a data set ([`largest`](fn@largest)), or is empty.
/// Calls `progress(steps done, steps in all)`, a step being that of one image. The same bytes for any number of threads.
///
/// # Panics
/// If an objective names no node or channel of the graph, or `largest` is neither empty nor as long as `objectives`.
pub fn dream(
    model: &Model<'_>,
    objectives: &[Objective],
    largest: &[f32],
    options: &Options,
    mut progress: impl FnMut(usize, usize),
) -> Vec<Dream> {
    assert!(largest.is_empty() || largest.len() == objectives.len(), "a largest value for each objective");
    for unit in objectives.iter().flat_map(|objective| &objective.units) {
        assert!(unit.channel < model.graph.nodes[unit.node].output[2], "a channel of its node: {unit:?}");
    }
    let all = objectives.len() * options.steps;
    let mut dreams = Vec::with_capacity(objectives.len());
    let mut heads = Heads::new(model, objectives, true);
    let canvas = Canvas::new(model.isa, model.graph.input, options.decay);
    for objectives in objectives.chunks(heads.batch()) {
        let mut ascent = Ascent::new(model, &canvas, objectives, *options);
        for step in 0..options.steps {
            ascent.step(&mut heads, step);
            progress(dreams.len() * options.steps + (step + 1) * objectives.len(), all);
        }
        dreams.extend(ascent.finish(&mut heads));
    }
    for (dream, &largest) in dreams.iter_mut().zip(largest) {
        dream.largest = Some(largest);
    }
    dreams
}

/// One image on its way.
#[derive(Debug)]
pub(crate) struct Sketch {
    /// `[c, h, w]`, and Adam's moments of it.
    pub(crate) spectrum: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    stream: Stream,
    pub(crate) shake: Shake,
    /// `[h, w, c]`, in `[0, 1]`.
    image: Vec<f32>,
    /// Whether there ever was a gradient.
    excitable: bool,
}

/// A batch of images on their way.
#[derive(Debug)]
pub(crate) struct Ascent<'a> {
    model: &'a Model<'a>,
    canvas: &'a Canvas,
    objectives: &'a [Objective],
    options: Options,
    pub(crate) sketches: Vec<Sketch>,
    /// What the first layer reads, `[n, h, w, c]`, and its gradient.
    values: Vec<f32>,
    gradients: Vec<f32>,
}

impl<'a> Ascent<'a> {
    pub(crate) fn new(
        model: &'a Model<'a>,
        canvas: &'a Canvas,
        objectives: &'a [Objective],
        options: Options,
    ) -> Self {
        let length = canvas.len();
        let sketch = |objective: &Objective| {
            let name = objective.units.first().map_or((0, 0), |unit| (unit.node as u64, unit.channel as u64));
            let mut stream = Stream::new(options.seed, Purpose::Dream, name.0, name.1);
            let spectrum = (0..length).map(|_| (options.deviation * stream.normal()) as f32).collect();
            let [h, w, _] = model.graph.input;
            let shake = Shake::draw(&mut stream, options.robustness, [h, w]);
            let zeros = || vec![0.0; length];
            let (first, second, image) = (zeros(), zeros(), zeros());
            Sketch { spectrum, first, second, stream, shake, image, excitable: false }
        };
        let values = vec![0.0; objectives.len() * length];
        Self {
            model,
            canvas,
            objectives,
            options,
            sketches: objectives.iter().map(sketch).collect(),
            gradients: values.clone(),
            values,
        }
    }

    /// The objectives of the moved images; their gradients are then in `self.gradients`.
    pub(crate) fn forward(&mut self, heads: &mut Heads) -> Vec<f32> {
        let (canvas, preprocessing, size) = (self.canvas, self.model.preprocessing, self.model.graph.input);
        let mut pairs: Vec<_> =
            self.sketches.iter_mut().zip(self.values.chunks_exact_mut(canvas.len())).collect();
        parallel::for_each(&mut pairs, |_, (sketch, values)| {
            canvas.draw(&sketch.spectrum, &mut sketch.image);
            sketch.shake.apply(&sketch.image, size, values);
            for pixel in values.chunks_exact_mut(size[2]) {
                if preprocessing.swaps() {
                    pixel.reverse();
                }
                let constants = preprocessing.mean.iter().zip(&preprocessing.std);
                for (value, (mean, std)) in pixel.iter_mut().zip(constants) {
                    let light = if preprocessing.inverted { 1.0 - *value } else { *value };
                    *value = (light * (255.0 * preprocessing.scale) - mean) / std;
                }
            }
        });
        heads.run(&self.values, self.objectives, Some(&mut self.gradients))
    }

    /// Takes the gradients of the last `forward` back to image `index`'s spectrum and gives them to `with`.
    pub(crate) fn backward(&mut self, with: impl Fn(&mut Sketch, &[f32]) + Sync) {
        let (canvas, preprocessing, size) = (self.canvas, self.model.preprocessing, self.model.graph.input);
        let mut pairs: Vec<_> =
            self.sketches.iter_mut().zip(self.gradients.chunks_exact_mut(canvas.len())).collect();
        parallel::for_each(&mut pairs, |_, (sketch, gradient)| {
            let slope = 255.0 * preprocessing.scale * if preprocessing.inverted { -1.0 } else { 1.0 };
            for pixel in gradient.chunks_exact_mut(size[2]) {
                for (value, std) in pixel.iter_mut().zip(&preprocessing.std) {
                    *value *= slope / std;
                }
                if preprocessing.swaps() {
                    pixel.reverse();
                }
            }
            let mut of_image = vec![0.0; canvas.len()];
            sketch.shake.gradient(gradient, size, &mut of_image);
            canvas.gradient(&sketch.image, &of_image, gradient);
            with(sketch, gradient);
        });
    }

    fn step(&mut self, heads: &mut Heads, step: usize) {
        let Options { steps, rate, robustness, .. } = self.options;
        let ([h, w, _], isa) = (self.model.graph.input, self.model.isa);
        // Half a cosine to 0: the last steps settle.
        let rate = rate * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
        let [beta1, beta2] = BETAS;
        let taken = step as i32 + 1;
        let constants = Adam {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            // Upwards.
            step: (-rate / (1.0 - beta1.powi(taken))) as f32,
            root_scale: (1.0 / (1.0 - beta2.powi(taken)).sqrt()) as f32,
            epsilon: EPSILON,
        };
        self.forward(heads);
        self.backward(|sketch, gradient| {
            sketch.excitable |= gradient.iter().any(|&g| g != 0.0);
            let Sketch { spectrum, first, second, .. } = &mut *sketch;
            adam(isa, constants, 0.0, gradient, spectrum, first, second);
            sketch.shake = Shake::draw(&mut sketch.stream, robustness, [h, w]);
        });
    }

    fn finish(mut self, heads: &mut Heads) -> Vec<Dream> {
        let canvas = self.canvas;
        parallel::for_each(&mut self.sketches, |_, sketch| canvas.draw(&sketch.spectrum, &mut sketch.image));
        let pixels: Vec<Vec<u8>> = (self.sketches.iter())
            .map(|sketch| sketch.image.iter().map(|&x| (255.0 * x).round() as u8).collect())
            .collect();
        let values = self.model.values(&pixels.concat());
        let reached = heads.run(&values, self.objectives, None);
        let finished = self.sketches.iter().zip(pixels).zip(reached);
        finished
            .map(|((sketch, pixels), value)| {
                let live = sketch.excitable && value != 0.0;
                let (pixels, value) = if live { (Some(pixels), value) } else { (None, 0.0) };
                Dream { pixels, value, largest: None }
            })
            .collect()
    }
}
