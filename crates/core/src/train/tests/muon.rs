//! Muon against PyTorch's steps, and where it is used.

use super::super::muon::{orthogonal, shape};
use super::super::optimizer::{Moments, Update};
use super::*;
use crate::graph::{Builder, Layer, LayerSpec, Padding, Role};
use crate::recipe::{Optimizer, TrainOptions};

/// Of the longest way of a weight: single precision through five iterations, whose polynomial is steep.
const CLOSE: f64 = 1e-4;
/// PyTorch iterates in bf16.
const ROUGH: f64 = 0.02;

#[derive(serde::Deserialize)]
struct Golden {
    rate: f64,
    decay: f64,
    momentum: f64,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    shape: [usize; 2],
    nesterov: bool,
    start: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    torch: Vec<f64>,
    exact: Vec<f64>,
}

/// `rows` inputs to `columns` units, and a last layer, of which nothing is said here.
fn two_layers([rows, columns]: [usize; 2]) -> Graph {
    let dense = |units| LayerSpec::new(Layer::Dense { units, bias: false });
    Builder::with_layers([1, 1, rows], vec![dense(columns), dense(1)]).build().expect("layers that fit")
}

#[test]
fn steps_are_those_of_pytorch() {
    let text = include_str!("../../../tests/golden/torch-muon/muon.json");
    let Golden { rate, decay, momentum, cases } = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 6);
    for Case { shape, nesterov, start, gradients, torch, exact } in cases {
        let graph = two_layers(shape);
        let optimizer = Optimizer::Muon { momentum, nesterov };
        let options = TrainOptions { optimizer, weight_decay: decay, ..TrainOptions::default() };
        let whole = |own: &[f32]| [own, &vec![0.0; shape[1]]].concat();
        let mut weights = whole(&start);
        let mut moments = Moments::new(&options, weights.len());
        for (step, gradient) in (1..).zip(&gradients) {
            let update = Update { isa: isa(), graph: &graph, options: &options, frozen: 0 };
            update.step((rate, step), &whole(gradient), &mut weights, &mut moments);
        }
        let far = |other: &[f64]| {
            let each = other.iter().zip(&weights).map(|(theirs, &ours)| (theirs - f64::from(ours)).abs());
            each.fold(0.0, f64::max)
        };
        let way = exact.iter().zip(&start).map(|(e, &s)| (e - f64::from(s)).abs()).fold(0.0, f64::max);
        assert!(far(&exact) < CLOSE * way, "{shape:?}, nesterov {nesterov}: {} of {way}", far(&exact));
        assert!(far(&torch) < ROUGH * way, "{shape:?}, nesterov {nesterov}: {} of {way}", far(&torch));
    }
}

#[test]
fn singular_values_come_near_one() {
    let mut stream = Stream::new(3, Purpose::Test, 4, 0);
    for [rows, columns] in [[40, 24], [24, 40], [300, 33], [1, 7], [7, 1]] {
        let matrix: Vec<f32> = (0..rows * columns).map(|_| stream.normal() as f32).collect();
        let x = orthogonal(isa(), &matrix, [rows, columns]);
        let (m, n) = (rows.min(columns), rows.max(columns));
        let at = |short: usize, long: usize| {
            f64::from(if rows <= columns { x[short * columns + long] } else { x[long * columns + short] })
        };
        // The trace of the gram matrix is the sum of the squares of the singular values.
        let squares: f64 = (0..m).map(|i| (0..n).map(|j| at(i, j).powi(2)).sum::<f64>()).sum();
        assert!((0.45..1.3).contains(&(squares / m as f64)), "{rows} x {columns}: {}", squares / m as f64);
        // Every row of a matrix with singular values in 0.68..1.13 has a length in that range.
        for i in 0..m {
            let length = (0..n).map(|j| at(i, j).powi(2)).sum::<f64>().sqrt();
            assert!((0.6..1.3).contains(&length), "{rows} x {columns}, {i}: {length}");
        }
    }
    assert!(orthogonal(isa(), &[0.0; 12], [3, 4]).iter().all(|&x| x == 0.0), "no direction");
}

/// The iterations as they are written, of all of `x` `[n, m]`, `n` at least `m`.
fn plain_iterations(x: &[f32], [n, m]: [usize; 2]) -> Vec<f64> {
    let product = |a: &[f64], b: &[f64], [rows, inner, columns]: [usize; 3]| -> Vec<f64> {
        let at =
            |i: usize| (0..inner).map(|j| a[i / columns * inner + j] * b[j * columns + i % columns]).sum();
        (0..rows * columns).map(at).collect()
    };
    let norm = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let mut x: Vec<f64> = x.iter().map(|&x| f64::from(x) / norm).collect();
    for _ in 0..5 {
        let across: Vec<f64> = (0..m * n).map(|i| x[i % n * m + i / n]).collect();
        let gram = product(&across, &x, [m, n, m]);
        let square = product(&gram, &gram, [m, m, m]);
        let identity = (0..m * m).map(|i| f64::from(u8::from(i % (m + 1) == 0)));
        let factor: Vec<f64> = identity
            .zip(gram.iter().zip(&square))
            .map(|(one, (gram, square))| 3.4445 * one - 4.775 * gram + 2.0315 * square)
            .collect();
        x = product(&x, &factor, [n, m, m]);
    }
    x
}

/// The gram matrix has the squares of singular values, so small ones have few digits there.
#[test]
fn directions_of_any_length_come_out_as_from_plain_iterations() {
    let mut stream = Stream::new(3, Purpose::Test, 5, 0);
    for ([n, m], smallest) in [([90, 40], 1.0), ([90, 40], 1e-2), ([90, 40], 1e-6), ([40, 40], 1e-4)] {
        let length = |column: usize| f64::powf(smallest, column as f64 / (m - 1) as f64);
        let mix: Vec<f64> = (0..m * m).map(|_| stream.normal()).collect();
        let own: Vec<f64> = (0..n * m).map(|i| stream.normal() * length(i % m)).collect();
        let mixed = |i: usize| (0..m).map(|j| own[i / m * m + j] * mix[j * m + i % m]).sum::<f64>() as f32;
        let matrix: Vec<f32> = (0..n * m).map(mixed).collect();
        let exact = plain_iterations(&matrix, [n, m]);
        let far = orthogonal(isa(), &matrix, [n, m])
            .iter()
            .zip(&exact)
            .map(|(&ours, exact)| (f64::from(ours) - exact).abs())
            .fold(0.0, f64::max);
        assert!(far < 1e-3, "{n} x {m}, {smallest}: {far}");
    }
}

#[test]
fn hidden_kernels_are_stepped_so_and_nothing_else() {
    let conv = |filters, groups| Layer::Conv2d {
        filters,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Same,
        bias: true,
        groups,
        dilation: [1, 1],
    };
    let depthwise = Layer::Depthwise {
        multiplier: 1,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Same,
        bias: false,
    };
    let layers = [
        conv(4, 1),
        conv(4, 2),
        depthwise,
        Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 },
        Layer::Flatten,
        Layer::Dense { units: 5, bias: true },
        Layer::Activation,
        Layer::Dense { units: 3, bias: true },
    ];
    let graph = Builder::with_layers([6, 6, 2], layers.map(LayerSpec::new).to_vec()).build().unwrap();
    let mut found = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        for &index in &node.parameters {
            let parameter = &graph.parameters[index];
            if let Some(shape) = shape(&graph, id, parameter) {
                assert_eq!(parameter.role, Role::Kernel);
                found.push((node.name.as_str(), shape));
            }
        }
    }
    assert_eq!(found, [("conv1", [18, 4]), ("dense1", [144, 5])]);
}

#[test]
fn a_run_with_muon_learns_and_goes_on_to_the_same_bits() {
    let train = images(200, 5);
    let recipe = recipe("", "optimizer = \"muon\"\nweight_decay = 0.01");
    let whole = run(&recipe, &train, None, None);
    let [first, last] = [&whole.reports[0], whole.reports.last().unwrap()];
    assert!(last.train_loss < 0.7 * first.train_loss, "{} to {}", first.train_loss, last.train_loss);
    let again = run(&recipe, &train, None, Some(whole.states[6].clone()));
    assert_eq!(again.last(), whole.last());
}
