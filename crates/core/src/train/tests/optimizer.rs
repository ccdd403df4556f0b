//! Update rules against plain loops in `f64`.

use super::super::Moments;
use super::super::optimizer::{Update, clip};
use super::{graph, images, isa, recipe, run};
use crate::graph::{Graph, Role};
use crate::random::{Purpose, Stream};
use crate::recipe::{EpsilonForm, Optimizer, TrainOptions};

const STEPS: u64 = 20;
const RATE: f64 = 0.01;

/// Of the way a weight has gone. `1 - beta2` is taken in `f32`, which alone is 1.3e-5 of the second moment.
const BOUND: f64 = 2e-5;

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Test, 2, 0);
    (0..count).map(|_| stream.uniform(-1.0, 1.0) as f32).collect()
}

fn options(optimizer: Optimizer, weight_decay: f64) -> TrainOptions {
    TrainOptions { optimizer, weight_decay, ..TrainOptions::default() }
}

/// Weights after [`STEPS`] steps with gradients of noise.
fn stepped(graph: &Graph, options: &TrainOptions) -> Vec<f32> {
    let mut weights = noise(0, graph.parameter_count());
    let mut moments = Moments::new(options, weights.len());
    for step in 1..=STEPS {
        let gradient = noise(step, weights.len());
        Update { isa: isa(), graph, options, frozen: 0 }.step(
            (RATE, step),
            &gradient,
            &mut weights,
            &mut moments,
        );
    }
    weights
}

/// The same by `rule(weight, gradient, first moment, second moment, step)` on one value after the other.
fn stepped_f64(graph: &Graph, decay: f64, rule: impl Fn(&mut f64, f64, &mut f64, &mut f64, i32)) -> Vec<f64> {
    let mut weights: Vec<f64> = noise(0, graph.parameter_count()).into_iter().map(f64::from).collect();
    let gradients: Vec<Vec<f32>> = (1..=STEPS).map(|step| noise(step, weights.len())).collect();
    for parameter in &graph.parameters {
        for place in parameter.range().filter(|_| parameter.role.trained()) {
            let (mut first, mut second) = (0.0, 0.0);
            for (step, gradient) in (1..).zip(&gradients) {
                if parameter.role == Role::Kernel {
                    weights[place] -= RATE * decay * weights[place];
                }
                rule(&mut weights[place], f64::from(gradient[place]), &mut first, &mut second, step);
            }
        }
    }
    weights
}

/// The largest difference, as a share of the farthest that any weight has gone.
fn difference(graph: &Graph, found: &[f32], expected: &[f64]) -> f64 {
    let start = noise(0, graph.parameter_count());
    let most = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).fold(0.0, f64::max);
    let way = most(&mut expected.iter().zip(&start).map(|(e, &s)| e - f64::from(s)));
    most(&mut expected.iter().zip(found).map(|(e, &f)| e - f64::from(f))) / way
}

fn adam_rule(form: EpsilonForm, epsilon: f64) -> impl Fn(&mut f64, f64, &mut f64, &mut f64, i32) {
    move |weight, gradient, m, v, step| {
        *m = 0.9 * *m + 0.1 * gradient;
        *v = 0.999 * *v + 0.001 * gradient * gradient;
        let (correct_m, correct_v) = (1.0 - 0.9_f64.powi(step), 1.0 - 0.999_f64.powi(step));
        *weight -= match form {
            EpsilonForm::Corrected => RATE * (*m / correct_m) / ((*v / correct_v).sqrt() + epsilon),
            EpsilonForm::Keras => RATE * correct_v.sqrt() / correct_m * *m / (v.sqrt() + epsilon),
        };
    }
}

#[test]
fn adam_is_the_papers_in_both_forms() {
    let graph = graph(&recipe("", ""));
    // large enough for the place of epsilon to matter
    let epsilon = 0.01;
    for (form, other) in
        [(EpsilonForm::Corrected, EpsilonForm::Keras), (EpsilonForm::Keras, EpsilonForm::Corrected)]
    {
        let adam = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon, epsilon_form: form };
        for decay in [0.0, 0.3] {
            let found = stepped(&graph, &options(adam.clone(), decay));
            let same = difference(&graph, &found, &stepped_f64(&graph, decay, adam_rule(form, epsilon)));
            assert!(same < BOUND, "{form:?}, decay {decay}: {same}");
            let different =
                difference(&graph, &found, &stepped_f64(&graph, decay, adam_rule(other, epsilon)));
            assert!(different > 100.0 * BOUND, "the forms cannot be told apart: {different}");
        }
    }
}

#[test]
fn gradient_descent_is_keras() {
    let graph = graph(&recipe("", ""));
    for (momentum, nesterov) in [(0.0, false), (0.0, true), (0.9, false), (0.9, true)] {
        let found = stepped(&graph, &options(Optimizer::Sgd { momentum, nesterov }, 0.1));
        let expected = stepped_f64(&graph, 0.1, |weight, gradient, velocity, _, _| {
            *velocity = momentum * *velocity - RATE * gradient;
            *weight += if nesterov { momentum * *velocity - RATE * gradient } else { *velocity };
        });
        let same = difference(&graph, &found, &expected);
        assert!(same < BOUND, "momentum {momentum}, nesterov {nesterov}: {same}");
    }
}

#[test]
fn decay_touches_kernels_only() {
    let graph = graph(&recipe("", ""));
    for optimizer in [Optimizer::default(), Optimizer::Sgd { momentum: 0.9, nesterov: true }] {
        let options = options(optimizer, 0.5);
        let start = noise(0, graph.parameter_count());
        let (mut weights, still) = (start.clone(), vec![0.0; start.len()]);
        let mut moments = Moments::new(&options, start.len());
        Update { isa: isa(), graph: &graph, options: &options, frozen: 0 }.step(
            (RATE, 1),
            &still,
            &mut weights,
            &mut moments,
        );
        for parameter in &graph.parameters {
            for place in parameter.range() {
                let expected = match parameter.role {
                    Role::Kernel => start[place] - (RATE * 0.5) as f32 * start[place],
                    _ => start[place],
                };
                assert_eq!(weights[place], expected, "{}", parameter.name);
            }
        }
    }
}

#[test]
fn running_statistics_are_not_the_optimizers() {
    let graph = graph(&recipe("", ""));
    let (start, stepped) =
        (noise(0, graph.parameter_count()), stepped(&graph, &options(Optimizer::default(), 0.5)));
    for parameter in &graph.parameters {
        let moved = start[parameter.range()] != stepped[parameter.range()];
        assert_eq!(moved, parameter.role.trained(), "{}", parameter.name);
    }
}

#[test]
fn clipping_shortens_and_keeps_the_direction() {
    let norm = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    let long = noise(1, 1000);
    let mut clipped = long.clone();
    clip(isa(), 2.5, &mut clipped);
    assert!((norm(&clipped) - 2.5).abs() < 1e-6, "{}", norm(&clipped));
    let factor = clipped[0] / long[0];
    assert!(long.iter().zip(&clipped).all(|(l, c)| (c - factor * l).abs() <= 1e-7 * l.abs()));

    let mut short = long.clone();
    clip(isa(), norm(&long) * 1.0001, &mut short);
    assert_eq!(short, long);
    let mut zero = vec![0.0; 10];
    clip(isa(), 1.0, &mut zero);
    assert_eq!(zero, [0.0; 10]);
}

#[test]
fn a_run_clips_every_step() {
    let longest = 1e-3;
    let recipe = recipe("", &format!("optimizer = \"sgd\"\nclip_norm = {longest}"));
    let trained = graph(&recipe).parameters.into_iter().filter(|parameter| parameter.role.trained());
    let ranges: Vec<_> = trained.map(|parameter| parameter.range()).collect();
    let run = run(&recipe, &images(100, 0), None, None);
    for pair in run.states.windows(2) {
        let [before, after] = [&pair[0].weights.values, &pair[1].weights.values];
        let places = ranges.iter().cloned().flatten();
        let way = places.map(|place| f64::from(after[place] - before[place]).powi(2)).sum::<f64>().sqrt();
        // gradients of this network are far longer than 1e-3, so that every step is cut to it
        assert!((way - 0.01 * longest).abs() < 1e-2 * 0.01 * longest, "{way}");
    }
}
