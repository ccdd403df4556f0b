//! Forward passes of the recipe `seed`, one image at a time, as plain functions of a WebAssembly module.
//!
//! `prepare()`, then write the weights at `weights()`, call `load()`, write an image at `image()`, call `forward()`, and read ten
//! logits at `logits()`; all are `f32`. Addresses hold until the module ends.

use std::cell::RefCell;

use seamripper_core::engine::{Engine, Wants};
use seamripper_core::graph::Weights;
use seamripper_core::recipe::{Initializer, Recipe};
use seamripper_kernels::Instructions;

struct Model {
    engine: Engine,
    weights: Weights,
    image: Vec<f32>,
    logits: Vec<f32>,
}

thread_local! {
    static MODEL: RefCell<Option<Model>> = const { RefCell::new(None) };
}

fn with<R>(run: impl FnOnce(&mut Model) -> R) -> R {
    MODEL.with_borrow_mut(|model| run(model.as_mut().expect("prepare() comes first")))
}

/// Compiles the network.
#[unsafe(no_mangle)]
pub extern "C" fn prepare() {
    let recipe =
        Recipe::from_toml(include_str!("../../../../recipes/seed.toml"), "seed.toml").expect("a recipe");
    let graph = recipe.graph().expect("layers that fit");
    let isa = Instructions::detect().expect("an instruction set");
    let model = Model {
        engine: Engine::new(&graph, isa, 1, Wants::INFERENCE),
        weights: Weights::initial(&graph, Initializer::GlorotUniform, 0),
        image: vec![0.0; graph.input.iter().product()],
        logits: vec![0.0; graph.outputs()],
    };
    MODEL.set(Some(model));
}

/// Whether the kernels are those of simd128.
#[unsafe(no_mangle)]
pub extern "C" fn is_simd() -> bool {
    Instructions::detect().is_ok_and(|isa| isa.name() == "simd128")
}

/// Address of 45,770 weights.
#[unsafe(no_mangle)]
pub extern "C" fn weights() -> *mut f32 {
    with(|model| model.weights.values.as_mut_ptr())
}

/// Address of 784 pixels.
#[unsafe(no_mangle)]
pub extern "C" fn image() -> *mut f32 {
    with(|model| model.image.as_mut_ptr())
}

/// Address of 10 logits.
#[unsafe(no_mangle)]
pub extern "C" fn logits() -> *const f32 {
    with(|model| model.logits.as_ptr())
}

/// Packs the weights that were written.
#[unsafe(no_mangle)]
pub extern "C" fn load() {
    with(|model| model.engine.load(&model.weights));
}

/// One forward pass, with the weights loaded last.
#[unsafe(no_mangle)]
pub extern "C" fn forward() {
    with(|model| {
        model.engine.run_forward(&model.image);
        model.engine.copy_logits(&mut model.logits);
    });
}
