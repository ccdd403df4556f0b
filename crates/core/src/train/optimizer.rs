//! The optimizer's state and its step on a whole model.

use std::ops::Range;

use seamripper_kernels::optimizer::{Adam, Sgd, adam, sgd};
use seamripper_kernels::{Instructions, elementwise, parallel};

use super::muon;
use crate::graph::{Graph, Parameter, Role};
use crate::recipe::{EpsilonForm, Optimizer, TrainOptions};

/// What an optimizer remembers, laid out as the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Adam's first moment, the velocity of gradient descent, or Muon's momentum.
    pub first: Vec<f32>,
    /// Adam's second moment; empty for gradient descent.
    pub second: Vec<f32>,
}

impl Moments {
    pub(super) fn new(options: &TrainOptions, parameters: usize) -> Self {
        let second = if matches!(options.optimizer, Optimizer::Sgd { .. }) { 0 } else { parameters };
        Self { first: vec![0.0; parameters], second: vec![0.0; second] }
    }
}

/// The optimizer of a run.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) isa: Instructions,
    pub(super) graph: &'a Graph,
    pub(super) options: &'a TrainOptions,
    /// Nodes, the first ones, whose weights stay as they are.
    pub(super) frozen: usize,
}

impl Update<'_> {
    /// Changes `weights` by one step; `step` counts from 1.
    pub(super) fn step(
        &self,
        (rate, step): (f64, u64),
        gradient: &[f32],
        weights: &mut [f32],
        moments: &mut Moments,
    ) {
        let mut directions = Vec::new();
        for (node, parameter) in self.trained() {
            let range = parameter.range();
            let decay = match parameter.role {
                Role::Kernel => (rate * self.options.weight_decay) as f32,
                _ => 0.0,
            };
            let (gradient, weights) = (&gradient[range.clone()], &mut weights[range.clone()]);
            let first = &mut moments.first[range.clone()];
            let mut by_adam = |betas, epsilon, epsilon_form| {
                let constants = adam_at((rate, step), betas, epsilon, epsilon_form);
                adam(
                    self.isa,
                    constants,
                    decay,
                    gradient,
                    weights,
                    first,
                    &mut moments.second[range.clone()],
                );
            };
            match self.options.optimizer {
                Optimizer::Adam { beta1, beta2, epsilon, epsilon_form } => {
                    by_adam((beta1, beta2), epsilon, epsilon_form);
                }
                Optimizer::Sgd { momentum, nesterov } => {
                    let constants = Sgd { rate: rate as f32, momentum: momentum as f32, nesterov };
                    sgd(self.isa, constants, decay, gradient, weights, first);
                }
                Optimizer::Muon { momentum, nesterov } => match muon::shape(self.graph, node, parameter) {
                    Some(shape) => directions.push(Direction {
                        shape,
                        range,
                        decay,
                        values: muon::momentum((momentum, nesterov), gradient, first),
                    }),
                    None => by_adam(Optimizer::BETAS, Optimizer::EPSILON, EpsilonForm::Corrected),
                },
            }
        }
        parallel::for_each(&mut directions, |_, Direction { shape, values, .. }| {
            *values = muon::orthogonal(self.isa, values, *shape);
        });
        for Direction { shape, range, decay, values } in directions {
            let scale = (rate * muon::factor(shape)) as f32;
            for (w, x) in weights[range].iter_mut().zip(values) {
                *w = (*w - decay * *w) - scale * x;
            }
        }
    }

    /// The parameters that change, each with its node.
    fn trained(&self) -> impl Iterator<Item = (usize, &Parameter)> {
        let nodes = self.graph.nodes.iter().enumerate().skip(self.frozen);
        let parameters = nodes.flat_map(move |(id, node)| {
            node.parameters.iter().map(move |&index| (id, &self.graph.parameters[index]))
        });
        parameters.filter(|(_, parameter)| parameter.role.trained())
    }
}

/// A matrix and the step it is to take.
struct Direction {
    shape: [usize; 2],
    /// Its values' place among the weights.
    range: Range<usize>,
    decay: f32,
    values: Vec<f32>,
}

/// Adam's constants at a step, counted from 1.
fn adam_at(
    (rate, step): (f64, u64),
    (beta1, beta2): (f64, f64),
    epsilon: f64,
    epsilon_form: EpsilonForm,
) -> Adam {
    let step = i32::try_from(step).unwrap_or(i32::MAX);
    let (correction1, correction2) = (1.0 - beta1.powi(step), 1.0 - beta2.powi(step));
    let (step, root_scale) = match epsilon_form {
        EpsilonForm::Corrected => (rate / correction1, 1.0 / correction2.sqrt()),
        EpsilonForm::Keras => (rate * correction2.sqrt() / correction1, 1.0),
    };
    Adam {
        beta1: beta1 as f32,
        beta2: beta2 as f32,
        step: step as f32,
        root_scale: root_scale as f32,
        epsilon: epsilon as f32,
    }
}

/// Scales `gradient` down to the global norm `longest` if it is longer (Pascanu et al. 2013, algorithm 1).
pub(super) fn clip(isa: Instructions, longest: f64, gradient: &mut [f32]) {
    let norm = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
    if norm > longest {
        elementwise::scale(isa, (longest / norm) as f32, gradient);
    }
}
