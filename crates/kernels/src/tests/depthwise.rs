//! Depthwise convolution against its twin.

use proptest::prelude::*;

use super::{difference, noise};
use crate::depthwise::{Filters, Plane, Shape, Start, depthwise, depthwise_gradient};
use crate::{Instructions, SLACK, scalar, sum_bound};

/// Windows of any kernel and stride, partly or altogether outside the image, over positions with gaps between them.
fn shapes() -> impl Strategy<Value = Shape> {
    let channels = prop::sample::select(vec![1_usize, 2, 3, 7, 8, 15, 16, 17, 31, 32, 40]);
    let sizes = ([1_usize..12, 1_usize..14], [1_usize..8, 1_usize..8], [1_usize..4, 1_usize..4]);
    let outputs = ([0_usize..8, 0_usize..12], [-3_isize..5, -3_isize..5]);
    let gaps = [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3];
    (channels, 0_usize..4, sizes, outputs, gaps.clone(), gaps).prop_map(
        |(channels, images, (input, kernel, stride), (output, before), from, to)| {
            let plane = |[start, column, row, image]: [usize; 4], [h, w]: [usize; 2]| {
                let column = column + channels;
                let row = row + w * column;
                Plane { start, column, row, image: image + h * row }
            };
            Shape {
                images,
                channels,
                input,
                from: plane(from, input),
                kernel,
                stride,
                before,
                output,
                to: plane(to, output),
            }
        },
    )
}

/// The most common case: 3 x 3, padding `same`, the smallest images among them.
fn usual() -> impl Strategy<Value = Shape> {
    let channels = prop::sample::select(vec![1_usize, 5, 8, 16, 24, 33]);
    (channels, 1_usize..4, [1_usize..10, 1_usize..18], 1_usize..3).prop_map(
        |(channels, images, input, stride)| {
            let output = input.map(|side| side.div_ceil(stride));
            let before = [0, 1].map(|axis| {
                let covered = (output[axis] - 1) * stride;
                ((covered + 3).saturating_sub(input[axis]) / 2) as isize
            });
            let plane = |[h, w]: [usize; 2]| Plane::packed([h, w, channels]);
            Shape {
                images,
                channels,
                input,
                from: plane(input),
                kernel: [3; 2],
                stride: [stride; 2],
                before,
                output,
                to: plane(output),
            }
        },
    )
}

/// Room for a plane's images and `SLACK` more values, which are no numbers anyone would want to read.
fn values(seed: u64, shape: &Shape, plane: Plane, [h, w]: [usize; 2]) -> Vec<f32> {
    let ends = shape.images * plane.image + h * plane.row + w * plane.column;
    let mut values = noise(seed, plane.start + ends + shape.channels);
    values.resize(values.len() + SLACK, f32::MAX);
    values
}

fn check(shape: Shape, relu: bool, start: usize) -> Result<(), TestCaseError> {
    let (c, taps) = (shape.channels, shape.taps());
    let x = values(1, &shape, shape.from, shape.input);
    let mut weights = noise(2, taps * c);
    weights.resize(weights.len() + SLACK, f32::MAX);
    let bias = noise(3, c);
    let start = [Start::Zero, Start::Bias(&bias), Start::Output][start];
    let filters = Filters { weights: &weights, start, relu };
    let out = values(4, &shape, shape.to, shape.output);
    let mut expected = out.clone();
    scalar::depthwise::depthwise(&shape, &x, filters, &mut expected);
    let (dw, db) = (noise(5, taps * c), noise(6, c));
    let (mut expected_dw, mut expected_db) = (dw.clone(), db.clone());
    scalar::depthwise::depthwise_gradient(&shape, &x, &out, &mut expected_dw, &mut expected_db);
    let positions = shape.images * shape.output[0] * shape.output[1];
    let sums = sum_bound(positions + 2, positions as f32 + 1.0);
    for isa in Instructions::available() {
        let (mut found, mut found_dw, mut found_db) = (out.clone(), dw.clone(), db.clone());
        depthwise(isa, &shape, &x, filters, &mut found);
        depthwise_gradient(isa, &shape, &x, &out, &mut found_dw, &mut found_db);
        for (what, found, expected, bound) in [
            ("forward", &found, &expected, sum_bound(taps + 1, taps as f32 + 1.0)),
            ("dw", &found_dw, &expected_dw, sums),
            ("db", &found_db, &expected_db, sums),
        ] {
            let wrong = difference(found, expected, bound);
            prop_assert!(wrong.is_none(), "{} {what}: {}", isa.name(), wrong.unwrap());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn depthwise_equals_its_twin(shape in shapes(), relu: bool, start in 0_usize..3) {
        check(shape, relu, start)?;
    }

    #[test]
    fn depthwise_3x3_same_equals_its_twin(shape in usual(), relu: bool, start in 0_usize..3) {
        check(shape, relu, start)?;
    }

    #[test]
    fn a_result_does_not_depend_on_how_positions_are_grouped(shape in usual()) {
        // Each output alone, with the image and the others out of sight, has the same bits.
        let c = shape.channels;
        let x = values(1, &shape, shape.from, shape.input);
        let weights = [noise(2, 9 * c), vec![0.0; SLACK]].concat();
        let filters = Filters { weights: &weights, start: Start::Zero, relu: false };
        for isa in Instructions::available() {
            let mut whole = values(3, &shape, shape.to, shape.output);
            let mut single = whole.clone();
            depthwise(isa, &shape, &x, filters, &mut whole);
            for row in 0..shape.output[0] {
                for column in 0..shape.output[1] {
                    let place = [row, column];
                    let before = [0, 1].map(|axis| {
                        shape.before[axis] - (place[axis] * shape.stride[axis]) as isize
                    });
                    let start = shape.to.start + row * shape.to.row + column * shape.to.column;
                    let to = Plane { start, ..shape.to };
                    let one = Shape { before, output: [1, 1], to, ..shape };
                    depthwise(isa, &one, &x, filters, &mut single);
                }
            }
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert!(bits(&whole) == bits(&single), "{}", isa.name());
        }
    }
}

#[test]
#[should_panic(expected = "the input")]
fn an_input_without_slack_is_refused() {
    let plane = Plane::packed([1, 1, 1]);
    let shape = Shape {
        images: 1,
        channels: 1,
        input: [1; 2],
        from: plane,
        kernel: [1; 2],
        stride: [1; 2],
        before: [0; 2],
        output: [1; 2],
        to: plane,
    };
    let filters = Filters { weights: &[1.0; 1 + SLACK], start: Start::Zero, relu: false };
    depthwise(Instructions::available()[0], &shape, &[1.0; SLACK], filters, &mut [0.0]);
}
