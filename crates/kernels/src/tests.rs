//! The same laws for every instruction set this CPU has: each kernel against its scalar twin.

mod depthwise;
mod winograd;

use proptest::prelude::*;

use crate::conv_pool::{Reads, Shape, conv_pool};
use crate::conv_pool_backward::{Forward, Scratch, Taps, conv_pool_backward};
use crate::conv_rows::{self, Rows};
use crate::element::{Bf16, F32, from_bf16, round_to_bf16};
use crate::elementwise::{Function, activate, activate_backward};
use crate::gemm::{Gemm, gemm};
use crate::gemm_gradient::{GemmGradient, gemm_gradient};
use crate::norm::{self, Factors};
use crate::panels::{Panels, Run, runs};
use crate::{Instructions, SLACK, scalar, sum_bound};

/// Values in [-1, 1) that are not round numbers, from a small generator (Steele et al. 2014, SplitMix64).
fn noise(seed: u64, count: usize) -> Vec<f32> {
    (0..count as u64)
        .map(|index| {
            let mut z = (seed << 32).wrapping_add(index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// What is wrong with `found`, if a value is further than `bound` from `expected`.
fn difference(found: &[f32], expected: &[f32], bound: f32) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} values instead of {}", found.len(), expected.len()));
    }
    found.iter().zip(expected).enumerate().find_map(|(index, (&found, &expected))| {
        let near = (found - expected).abs() <= bound;
        (!near).then(|| format!("value {index} is {found:e}, expected {expected:e} within {bound:e}"))
    })
}

#[test]
fn difference_finds_differences() {
    assert_eq!(difference(&[1.0, 2.0], &[1.0, 2.0], 0.0), None);
    assert!(difference(&[1.0, 2.1], &[1.0, 2.0], 0.05).is_some());
    assert!(difference(&[f32::NAN], &[0.0], 1.0).is_some());
    assert!(difference(&[0.0], &[0.0, 0.0], 1.0).is_some());
}

#[test]
fn this_machine_tests_at_least_one_vector_instruction_set() {
    let names: Vec<_> = Instructions::available().iter().map(|isa| isa.name()).collect();
    println!("instruction sets under test: {}", names.join(", "));
    assert_eq!(names.last(), Some(&"scalar"));
    if cfg!(target_arch = "aarch64") {
        assert!(names.contains(&"neon"));
    }
}

#[test]
fn an_unknown_instruction_set_is_an_error_that_lists_what_is_there() {
    let error = Instructions::named("avx3").unwrap_err().to_string();
    assert!(
        error.starts_with("SEAMRIPPER_ISA: expected one of ") && error.ends_with("found \"avx3\""),
        "{error}"
    );
}

fn shapes() -> impl Strategy<Value = (Shape, usize, bool)> {
    (
        // The square kernels are those of the narrow gradient.
        (
            prop::sample::select(vec![[1_usize, 1], [2, 2], [3, 3], [5, 5], [1, 3], [3, 1], [2, 5], [7, 7]]),
            2_usize..=3,
            1_usize..=3,
            1_usize..=3,
        ),
        (
            prop::sample::select(vec![1_usize, 2, 3, 5, 8, 17]),
            prop::sample::select(vec![1_usize, 7, 8, 16, 19, 33, 40]),
        ),
        (0_usize..3, 0_usize..3, 1_usize..=5, any::<bool>()),
    )
        .prop_map(|(([kh, kw], pool, oh, ow), (c, filters), (extra_h, extra_w, images, relu))| {
            let input = [oh * pool + kh - 1 + extra_h, ow * pool + kw - 1 + extra_w, c];
            let (out_width, out_height) = (ow + extra_w / 2, oh + extra_h / 2);
            let shape =
                Shape { input, kernel: [kh, kw], pool, filters, out_size: [oh, ow], out_width, out_height };
            (shape, images, relu)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn gemm_equals_its_twin(
        m in 1_usize..40, n in 1_usize..70, k in 0_usize..50, accumulate: bool, bias: bool, relu: bool,
    ) {
        let a = noise(1, m + 3 * k + 1);
        let rows: Vec<u32> = (0..m as u32).rev().collect();
        // Runs of 1, 2, 3, 4, 5, 6 … with gaps between them, then what is left.
        let mut runs = Vec::new();
        let mut left = k as u32;
        while left > 0 {
            let count = left.min(runs.len() as u32 + 1);
            let start = runs.last().map_or(0, |run: &Run| run.start + run.count + 2);
            runs.push(Run { start, count });
            left -= count;
        }
        let b = noise(2, k * n);
        let bias = bias.then(|| noise(3, n));
        let out_rows: Vec<u32> = (0..m as u32).map(|m| m * (n as u32 + 1)).collect();
        let start = noise(4, m * (n + 1));
        let mut expected = start.clone();
        if k == 0 {
            // A twin without steps cannot tell how many columns there are.
            for m in 0..m {
                for j in 0..n {
                    let sum = bias.as_ref().map_or(0.0, |bias| bias[j]);
                    let out = &mut expected[m * (n + 1) + j];
                    let sum = if accumulate { *out + sum } else { sum };
                    *out = if relu && sum <= 0.0 { 0.0 } else { sum };
                }
            }
        } else {
            let from = (&rows[..], &runs[..]);
            scalar::gemm(&a, from, &b, (bias.as_deref(), relu), &mut expected, (&out_rows, accumulate));
        }
        for isa in Instructions::available() {
            let mut panels = Panels::<F32>::new(isa);
            panels.pack(&b, n, k.min(1));
            let mut out = start.clone();
            gemm(isa, Gemm {
                a: &a, rows: &rows, runs: &runs, b: &panels, bias: bias.as_deref(), relu, out: &mut out,
                out_rows: &out_rows, accumulate,
            });
            let wrong = difference(&out, &expected, sum_bound(k + 2, k as f32 + 2.0));
            prop_assert!(wrong.is_none(), "{}: {}", isa.name(), wrong.unwrap());
        }
    }

    #[test]
    fn gemm_gradient_equals_its_twin(
        positions in 0_usize..150, filters in 1_usize..70, runs in 1_u32..4, length in 1_u32..40,
    ) {
        let runs: Vec<Run> = (0..runs).map(|run| Run { start: run * (length + 3), count: length }).collect();
        let taps: usize = runs.iter().map(|run| run.count as usize).sum();
        let x = noise(1, 2 * positions + 3 * (length as usize + 3));
        let mut dy = noise(2, positions * (filters + 1));
        dy.resize(dy.len() + SLACK, f32::MAX);
        let corners: Vec<u32> = (0..positions as u32).map(|position| 2 * position).collect();
        let rows: Vec<u32> = (0..positions as u32).map(|position| position * (filters as u32 + 1)).collect();
        let sum = || GemmGradient { x: &x, corners: &corners, runs: &runs, dy: &dy, rows: &rows, filters };
        let start = noise(3, taps * filters);
        let mut expected = start.clone();
        scalar::gemm_gradient(&sum(), &mut expected);
        for isa in Instructions::available() {
            let mut dw = start.clone();
            gemm_gradient(isa, sum(), &mut dw);
            let wrong = difference(&dw, &expected, sum_bound(positions + 2, positions as f32 + 1.0));
            prop_assert!(wrong.is_none(), "{}: {}", isa.name(), wrong.unwrap());
        }
    }

    #[test]
    fn convolutions_by_rows_equal_the_twins_of_products(
        (kernel_rows, oh, ow, c) in (1_usize..4, 1_usize..6, 1_usize..37, 1_usize..14),
        filters in 1_usize..17, images in 1_usize..3, relu: bool, accumulate: bool, bias: bool,
    ) {
        let (h, w) = (oh + kernel_rows - 1 + images % 2, ow + 2 + images % 2);
        let (out_h, out_w) = (oh + 1, ow + 1);
        let rows = Rows {
            input: [h, w, c], kernel_rows, out_size: [oh, ow], out_memory: [out_h, out_w], filters,
        };
        let x = noise(1, images * h * w * c);
        let (kernel, bias) = (noise(2, kernel_rows * 3 * c * filters), bias.then(|| noise(3, filters)));
        let start = noise(4, images * out_h * out_w * filters);
        let place = |size: usize, width: usize, channels: usize| -> Vec<u32> {
            let at = |image: usize, row: usize, column: usize| image * size + (row * width + column) * channels;
            (0..images * oh * ow).map(|i| at(i / (oh * ow), i / ow % oh, i % ow) as u32).collect()
        };
        let (corners, out_rows) = (place(h * w * c, w, c), place(out_h * out_w * filters, out_w, filters));
        let runs = runs(kernel_rows, 3 * c, w * c);
        let mut expected = start.clone();
        let from = (&corners[..], &runs[..]);
        scalar::gemm(&x, from, &kernel, (bias.as_deref(), relu), &mut expected, (&out_rows, accumulate));
        let mut dy = start.clone();
        dy.resize(dy.len() + SLACK, f32::MAX);
        let mut dw_expected = kernel.clone();
        let sum = GemmGradient { x: &x, corners: &corners, runs: &runs, dy: &dy, rows: &out_rows, filters };
        scalar::gemm_gradient(&sum, &mut dw_expected);
        for isa in Instructions::available().into_iter().filter(|isa| filters <= isa.lanes()) {
            let (mut reordered, mut weights) = (Vec::new(), Panels::<F32>::new(isa));
            rows.reorder(&kernel, &mut reordered);
            weights.pack(&reordered, filters, 1);
            let reads = conv_rows::Reads { x: &x, weights: &weights, bias: bias.as_deref(), relu, accumulate };
            let mut out = start.clone();
            conv_rows::conv_rows(isa, &rows, images, reads, &mut out);
            let terms = kernel_rows * 3 * c + 2;
            let wrong = difference(&out, &expected, sum_bound(terms, terms as f32));
            prop_assert!(wrong.is_none(), "{}: {}", isa.name(), wrong.unwrap());
            let mut dw = kernel.clone();
            conv_rows::conv_rows_gradient(isa, &rows, images, (&x, &dy), &mut dw);
            let terms = corners.len() + 2;
            let wrong = difference(&dw, &dw_expected, sum_bound(terms, terms as f32));
            prop_assert!(wrong.is_none(), "{} gradient: {}", isa.name(), wrong.unwrap());
        }
    }

    #[test]
    fn products_of_bf16_are_those_of_rounded_numbers((shape, images, relu) in shapes()) {
        let taps = shape.kernel[0] * shape.kernel[1] * shape.input[2];
        let rounded = |values: &[f32]| -> Vec<u16> { values.iter().map(|&x| round_to_bf16(x)).collect() };
        let widened = |values: &[u16]| -> Vec<f32> { values.iter().map(|&x| from_bf16(x)).collect() };
        let mut x = rounded(&noise(1, images * shape.input_len()));
        let weights = widened(&rounded(&noise(2, taps * shape.filters)));
        let bias = noise(3, shape.filters);
        let outputs = images * shape.output_len();
        let (mut expected, mut winner) = (vec![7.0; outputs], vec![9; outputs]);
        scalar::conv_pool(&shape, &widened(&x), &weights, &bias, relu, &mut expected, &mut winner);
        x.resize(x.len() + SLACK, 0);
        let (runs, windows) = (shape.runs(), shape.windows(images));
        let positions: Vec<u32> = windows.iter().map(|window| window.corner).collect();
        let out_rows: Vec<u32> = (0..positions.len()).map(|m| (m * shape.filters) as u32).collect();
        let mut products = vec![0.0; positions.len() * shape.filters];
        let x32 = widened(&x);
        scalar::gemm(&x32, (&positions, &runs), &weights, (None, relu), &mut products, (&out_rows, false));
        let bound = sum_bound(taps + 1, taps as f32 + 1.0);
        for isa in Instructions::available() {
            let mut panels = Panels::<Bf16>::new(isa);
            panels.pack(&weights, shape.filters, shape.kernel[1] * shape.input[2]);
            let mut out = vec![7.0; outputs];
            let reads = Reads { x: &x, runs: &runs, windows: &windows, weights: &panels, bias: &bias, relu };
            conv_pool(isa, &shape, reads, &mut out, &mut []);
            let wrong = difference(&out, &expected, bound);
            prop_assert!(wrong.is_none(), "{}: {}", isa.name(), wrong.unwrap());
            let mut out = vec![0.0; products.len()];
            gemm(isa, Gemm {
                a: &x, rows: &positions, runs: &runs, b: &panels, bias: None, relu, out: &mut out,
                out_rows: &out_rows, accumulate: false,
            });
            let wrong = difference(&out, &products, bound);
            prop_assert!(wrong.is_none(), "{} gemm: {}", isa.name(), wrong.unwrap());
        }
    }

    #[test]
    fn norm_kernels_equal_their_twins_bit_for_bit(
        positions in 1_usize..12, c in 1_usize..40, relu: bool, accumulate: bool,
    ) {
        let n = positions * c;
        let (x, y, dy, start) = (noise(1, n), noise(2, n), noise(3, n), noise(4, n));
        let (a, b, d, e) = (noise(5, c), noise(6, c), noise(7, c), noise(8, c));
        let factors = Factors { gradient: &a, distance: &b, mean: &d, constant: &e };
        let run = |isa: Option<Instructions>| {
            let (mut mean, mut deviation) = (vec![0.0; c], vec![0.0; c]);
            let (mut scaled, mut masked, mut dx) = (vec![0.0; n], dy.clone(), start.clone());
            let (mut sum, mut product) = (e.clone(), d.clone());
            let out = relu.then_some(&y[..]);
            let sums = (&mut sum[..], &mut product[..]);
            match isa {
                Some(isa) => {
                    norm::moments(isa, &x, &mut mean, &mut deviation);
                    norm::scale_shift(isa, &x, &a, &b, relu, &mut scaled);
                    norm::gradient_sums(isa, (&x, &d), out, &mut masked, sums);
                    norm::normalize_backward(isa, &x, &dy, factors, &mut dx, accumulate);
                }
                None => {
                    scalar::norm::moments(&x, &mut mean, &mut deviation);
                    scalar::norm::scale_shift(&x, &a, &b, relu, &mut scaled);
                    scalar::norm::gradient_sums((&x, &d), out, &mut masked, sums);
                    scalar::norm::normalize_backward(&x, &dy, factors, &mut dx, accumulate);
                }
            }
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            [mean, deviation, scaled, masked, dx, sum, product].map(bits)
        };
        let expected = run(None);
        for isa in Instructions::available() {
            prop_assert!(run(Some(isa)) == expected, "{}", isa.name());
        }
    }

    #[test]
    fn conv_pool_and_its_gradient_equal_their_twins((shape, images, relu) in shapes()) {
        let taps = shape.kernel[0] * shape.kernel[1] * shape.input[2];
        let mut x = noise(1, images * shape.input_len());
        x.resize(x.len() + SLACK, f32::MAX);
        let weights = noise(2, taps * shape.filters);
        let bias = noise(3, shape.filters);
        let outputs = images * shape.output_len();
        let (mut expected, mut expected_winner) = (vec![7.0; outputs], vec![9; outputs]);
        scalar::conv_pool(&shape, &x, &weights, &bias, relu, &mut expected, &mut expected_winner);
        let bound = sum_bound(taps + 1, taps as f32 + 1.0);

        let dy = noise(4, outputs);
        // The twin's own winners: two sums within the bound of each other may be won differently, both rightly.
        let forward = Forward { x: &x, out: &expected, winner: &expected_winner, out_gradient: &dy, relu };
        let (mut dw, mut db, mut dx) = (vec![0.5; weights.len()], vec![0.25; bias.len()], vec![0.125; x.len()]);
        scalar::conv_pool_backward(&shape, forward, &weights, &mut dw, &mut db, &mut dx);
        let live = images * shape.out_size[0] * shape.out_size[1];

        for isa in Instructions::available() {
            let mut panels = Panels::<F32>::new(isa);
            panels.pack(&weights, shape.filters, shape.kernel[1] * shape.input[2]);
            let (mut out, mut winner) = (vec![7.0; outputs], vec![9; outputs]);
            let (runs, windows) = (shape.runs(), shape.windows(images));
            let reads = Reads { x: &x, runs: &runs, windows: &windows, weights: &panels, bias: &bias, relu };
            conv_pool(isa, &shape, reads, &mut out, &mut winner);
            let wrong = difference(&out, &expected, bound);
            prop_assert!(wrong.is_none(), "{} forward: {}", isa.name(), wrong.unwrap());
            let other = winner.iter().zip(&expected_winner).filter(|(a, b)| a != b).count();
            prop_assert!(other * 50 <= winner.len(), "{}: {other} of {} winners differ", isa.name(), winner.len());

            for with_dx in [true, false] {
            let layout = Taps::new(isa, &shape, with_dx);
            let mut transposed = vec![0.0; layout.len()];
            layout.transpose(&weights, &mut transposed);
            let mut dw_taps = vec![0.0; layout.len()];
            let mut db_found = vec![0.25; bias.len()];
            let mut dx_found = if with_dx { vec![0.125; x.len()] } else { Vec::new() };
            conv_pool_backward(
                isa, &shape, &layout, forward, &transposed, &mut Scratch::default(),
                (&mut dw_taps, &mut db_found, &mut dx_found),
            );
            let mut dw_found = vec![0.5; weights.len()];
            layout.add_back(&dw_taps, &mut dw_found);
            let sums = sum_bound(live + 1, live as f32 + 1.0);
            let hits = taps * shape.filters;
            for (name, found, expected, bound) in [
                ("dw", &dw_found, &dw, sums),
                ("db", &db_found, &db, sums),
                ("dx", &dx_found, &dx, sum_bound(hits + 1, hits as f32 + 1.0)),
            ] {
                if found.is_empty() && name == "dx" {
                    continue;
                }
                let wrong = difference(&found[..expected.len().min(found.len())], expected, bound);
                prop_assert!(wrong.is_none(), "{} {name}: {}", isa.name(), wrong.unwrap());
            }
            }
        }
    }
}

const FUNCTIONS: [Function; 13] = [
    Function::Identity,
    Function::Relu,
    Function::Relu6,
    Function::LeakyRelu(0.3),
    Function::Elu,
    Function::Gelu,
    Function::Silu,
    Function::Sigmoid,
    Function::Tanh,
    Function::Softplus,
    Function::HardSwish,
    Function::HardSigmoid,
    Function::Clip(-0.5, 1.5),
];

#[test]
fn element_wise_kernels_equal_the_plain_loop_bit_for_bit() {
    let x: Vec<f32> =
        noise(1, 1001).into_iter().enumerate().map(|(i, x)| x * [1.0, 10.0, 100.0][i % 3]).collect();
    let dy = noise(2, x.len());
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    for function in FUNCTIONS {
        let value: Vec<f32> = x.iter().map(|&x| function.value(x)).collect();
        let gradient: Vec<f32> = x.iter().zip(&dy).map(|(&x, &dy)| dy * function.derivative(x)).collect();
        for isa in Instructions::available() {
            let mut out = vec![0.0; x.len()];
            activate(isa, function, &x, &mut out);
            assert_eq!(bits(&out), bits(&value), "{function:?} on {}", isa.name());
            activate_backward(isa, function, &x, &dy, &mut out, false);
            assert_eq!(bits(&out), bits(&gradient), "derivative of {function:?} on {}", isa.name());
        }
    }
}

#[test]
fn derivatives_are_those_of_the_functions() {
    for function in FUNCTIONS {
        for step in -70..70 {
            let x = step as f32 * 0.1 + 0.05;
            let h = 1e-2;
            let slope =
                (f64::from(function.value(x + h)) - f64::from(function.value(x - h))) / (2.0 * f64::from(h));
            let error = (slope - f64::from(function.derivative(x))).abs();
            assert!(error < 2e-4, "{function:?}'({x}) is off by {error:e}");
        }
    }
}

#[test]
fn layer_norms_equal_their_twin_bit_for_bit_and_normalize() {
    use crate::layer_norm::{Parameters, layer_norm, layer_norm_backward};
    for c in [1, 3, 16, 33, 96] {
        let positions = 5;
        let [x, dy] = [1, 2].map(|seed| noise(seed, positions * c));
        let [gamma, beta] = [3, 4].map(|seed| noise(seed, c));
        let parameters = Parameters { gamma: &gamma, beta: &beta, epsilon: 1e-3 };
        let run = |isa| {
            let mut y = vec![0.0; x.len()];
            layer_norm(isa, &x, parameters, &mut y);
            let mut dx = vec![1.0; x.len()];
            let (mut dgamma, mut dbeta) = (vec![0.0; c], vec![0.0; c]);
            let sums = Some((&mut dgamma[..], &mut dbeta[..]));
            layer_norm_backward(isa, (&x, &dy), parameters, Some((&mut dx, true)), sums);
            [y, dx, dgamma, dbeta].map(|values| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        };
        let plain = Instructions::available().into_iter().find(|isa| isa.name() == "scalar").unwrap();
        let twin = run(plain);
        for isa in Instructions::available() {
            assert!(run(isa) == twin, "{c} channels on {}", isa.name());
        }
        let ones = Parameters { gamma: &vec![1.0; c], beta: &vec![0.0; c], epsilon: 1e-12 };
        let mut y = vec![0.0; x.len()];
        layer_norm(plain, &x, ones, &mut y);
        for y in y.chunks_exact(c).filter(|_| c > 1) {
            let (mean, square) = y.iter().fold((0.0, 0.0), |(mean, square), y| (mean + y, square + y * y));
            let count = c as f32;
            assert!((mean / count).abs() < 1e-5 && (square / count - 1.0).abs() < 1e-4, "{c} channels");
        }
    }
}
