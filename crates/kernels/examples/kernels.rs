//! GFLOP/s of the kernels on one thread, as a share of the multiply-add peak, for the layers of the 45,770-parameter network
//! and of ResNet-20.
//!
//!     cargo run --release -p seamripper-kernels --example kernels [SECONDS [NAME]]      only lines with NAME in them

use std::hint::black_box;
use std::time::Instant;

use seamripper_kernels::conv_pool::{Reads, Shape, conv_pool};
use seamripper_kernels::conv_pool_backward::{Forward, Scratch, Taps, conv_pool_backward};
use seamripper_kernels::conv_rows::{self, Rows};
use seamripper_kernels::depthwise::{self, Filters, Plane, Start, depthwise, depthwise_gradient};
use seamripper_kernels::element::{Bf16, Element, F32};
use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::gemm_gradient::{GemmGradient, gemm_gradient};
use seamripper_kernels::panels::{Panels, runs};
use seamripper_kernels::winograd;
use seamripper_kernels::{Aligned, Instructions, SLACK, peak::peak_flops};

const IMAGES: usize = 16;

/// Prints microseconds an image and the share of `peak`, for `flops` an image.
fn time(name: &str, seconds: f64, peak: f64, flops: usize, work: impl FnMut()) {
    time_of(name, seconds, peak, (IMAGES, flops), work);
}

/// The same for work on `images` images.
fn time_of(name: &str, seconds: f64, peak: f64, (images, flops): (usize, usize), mut work: impl FnMut()) {
    if !std::env::args().nth(2).is_none_or(|wanted| name.contains(&wanted)) {
        return;
    }
    work();
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed().as_secs_f64() < seconds {
        let piece = Instant::now();
        work();
        best = best.min(piece.elapsed().as_secs_f64());
    }
    let image = best / images as f64;
    let rate = flops as f64 / image;
    println!("{name:52} {:8.2} us {:8.1} GFLOP/s {:5.1} %", image * 1e6, rate / 1e9, 100.0 * rate / peak);
}

fn noise(count: usize) -> Aligned {
    let mut values = Aligned::zeros(count);
    for (i, value) in values.iter_mut().enumerate() {
        *value = ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
    }
    values
}

fn pooled<E: Element>(
    name: &str,
    shape: &Shape,
    values: &[E::Stored],
    isa: Instructions,
    seconds: f64,
    peak: f64,
) {
    let run = shape.kernel[1] * shape.input[2];
    let taps = shape.kernel[0] * run;
    let mut weights = Panels::<E>::new(isa);
    weights.pack(&noise(taps * shape.filters), shape.filters, run);
    let (runs, windows, bias) = (shape.runs(), shape.windows(IMAGES), vec![0.0; shape.filters]);
    let count = IMAGES * shape.output_len();
    let (mut out, mut winner) = (Aligned::zeros(count), vec![0; count]);
    let flops = 2 * taps * shape.filters * shape.pool.pow(2) * shape.out_size[0] * shape.out_size[1];
    time(name, seconds, peak, flops, || {
        let reads =
            Reads { x: values, runs: &runs, windows: &windows, weights: &weights, bias: &bias, relu: true };
        conv_pool(isa, shape, reads, black_box(&mut out), &mut winner);
    });
}

fn main() {
    let seconds = std::env::args().nth(1).map_or(0.3, |text| text.parse().expect("seconds"));
    for isa in Instructions::available() {
        let peak = peak_flops(isa, seconds);
        println!(
            "\n{}: peak {:.1} GFLOP/s a thread; bf16 in hardware: {}",
            isa.name(),
            peak / 1e9,
            isa.has_bf16()
        );
        for (name, input, kernel, pool, filters, size) in [
            ("conv 128 5x5 + max_pool 3 on 28x28x1", [28, 28, 1], 5, 3, 128, 7),
            ("conv 64 2x2 + max_pool 2 on 8x8x128", [8, 8, 128], 2, 2, 64, 3),
            ("conv 64 2x2 + max_pool 2 on 7x7x128", [7, 7, 128], 2, 2, 64, 3),
            ("conv 32 2x2 + max_pool 2 on 3x3x64", [3, 3, 64], 2, 2, 32, 1),
        ] {
            let shape = Shape {
                input,
                kernel: [kernel; 2],
                pool,
                filters,
                out_size: [size; 2],
                out_width: size,
                out_height: size,
            };
            let mut x = noise(IMAGES * shape.input_len());
            x.resize(x.len() + SLACK);
            pooled::<F32>(name, &shape, &x, isa, seconds, peak);
            pooled::<Bf16>(&format!("  bf16 {name}"), &shape, &vec![0x3f80; x.len()], isa, seconds, peak);

            let run = shape.kernel[1] * shape.input[2];
            let dense = noise(shape.kernel[0] * run * shape.filters);
            let mut weights = Panels::<F32>::new(isa);
            weights.pack(&dense, shape.filters, run);
            let (runs, windows, bias) = (shape.runs(), shape.windows(IMAGES), vec![0.0; shape.filters]);
            let count = IMAGES * shape.output_len();
            let (mut out, mut winner) = (Aligned::zeros(count), vec![0; count]);
            let reads =
                Reads { x: &x, runs: &runs, windows: &windows, weights: &weights, bias: &bias, relu: true };
            conv_pool(isa, &shape, reads, &mut out, &mut winner);
            let taps = Taps::new(isa, &shape, input[2] != 1);
            let mut transposed = Aligned::zeros(taps.len());
            taps.transpose(&dense, &mut transposed);
            let live = out.iter().filter(|&&out| out > 0.0).count() / IMAGES;
            let (mut dw, mut db) = (Aligned::zeros(taps.len()), vec![0.0; filters]);
            let mut dx = if input[2] == 1 || std::env::var("NODX").is_ok() {
                Aligned::default()
            } else {
                Aligned::zeros(x.len())
            };
            let dy = noise(count);
            let mut scratch = Scratch::default();
            let passes = if dx.is_empty() { 1 } else { 2 };
            time(
                &format!("  gradient of {name}"),
                seconds,
                peak,
                2 * passes * live * shape.kernel[0] * run,
                || {
                    let forward =
                        Forward { x: &x, out: &out, winner: &winner, out_gradient: &dy, relu: true };
                    let gradients = (&mut dw[..], &mut db[..], &mut dx[..]);
                    conv_pool_backward(isa, &shape, &taps, forward, &transposed, &mut scratch, gradients);
                },
            );
        }
        for (side, c, filters) in [(28, 1, 16), (28, 16, 16), (14, 32, 32), (7, 64, 64), (14, 128, 128)] {
            let (h, w) = (side + 2, side + 2);
            let x = noise(IMAGES * h * w * c);
            let runs = runs(3, 3 * c, w * c);
            let place = |stride: usize, width: usize, channels: usize, image: usize| {
                (0..side * side)
                    .map(move |p| (image * stride + (p / side * width + p % side) * channels) as u32)
            };
            let corners: Vec<u32> = (0..IMAGES).flat_map(|image| place(h * w * c, w, c, image)).collect();
            let rows: Vec<u32> =
                (0..IMAGES).flat_map(|image| place(side * side * filters, side, filters, image)).collect();
            let mut b = Panels::<F32>::new(isa);
            b.pack(&noise(9 * c * filters), filters, 3 * c);
            let mut out = noise(IMAGES * side * side * filters + SLACK);
            let flops = 2 * 9 * c * filters * side * side;
            let name = format!("conv {filters} 3x3 same on {side}x{side}x{c}");
            time(&name, seconds, peak, flops, || {
                let (a, rows, out_rows, out) = (&x[..], &corners[..], &rows[..], &mut out[..]);
                let relu = false;
                gemm(
                    isa,
                    Gemm { a, rows, runs: &runs, b: &b, bias: None, relu, out, out_rows, accumulate: false },
                );
            });
            let mut dw = Aligned::zeros(9 * c * filters);
            if Rows::serve(isa, [3, 3], [1, 1], filters) {
                let size = [side; 2];
                let rows =
                    Rows { input: [h, w, c], kernel_rows: 3, out_size: size, out_memory: size, filters };
                let mut weights = Panels::<F32>::new(isa);
                weights.pack(&noise(9 * c * filters), filters, 1);
                time(&format!("  by rows, {name}"), seconds, peak, flops, || {
                    let reads = conv_rows::Reads {
                        x: &x,
                        weights: &weights,
                        bias: None,
                        relu: false,
                        accumulate: false,
                    };
                    conv_rows::conv_rows(isa, &rows, IMAGES, reads, black_box(&mut out));
                });
                time(&format!("  by rows, weight gradient of {name}"), seconds, peak, flops, || {
                    conv_rows::conv_rows_gradient(isa, &rows, IMAGES, (&x, &out), black_box(&mut dw));
                });
            }
            time(&format!("  weight gradient of {name}"), seconds, peak, flops, || {
                let sum =
                    GemmGradient { x: &x, corners: &corners, runs: &runs, dy: &out, rows: &rows, filters };
                gemm_gradient(isa, sum, black_box(&mut dw));
            });
        }
        for (side, c, filters) in [(28, 16, 16), (28, 32, 32), (14, 32, 64), (14, 64, 64), (7, 128, 128)] {
            in_tiles(isa, (side, c, filters), seconds, peak);
        }
        for (side, c, stride) in
            [(28, 32, 1), (14, 128, 1), (7, 256, 1), (28, 32, 2), (14, 128, 2), (14, 24, 1)]
        {
            channelwise(isa, (side, c, stride), seconds, peak);
        }
    }
}

/// The parts of a 3x3 convolution, padding `same`, in tiles of 4 x 4; the rate of a product counts what a direct one multiplies.
fn in_tiles(isa: Instructions, (side, c, filters): (usize, usize, usize), seconds: f64, peak: f64) {
    let grid = |channels: usize, origin: isize| winograd::Grid {
        image: [side, side, channels],
        inside: [side; 2],
        origin: [origin; 2],
        size: [side; 2],
    };
    let (windows, outputs) = (grid(c, -1), grid(filters, 0));
    // As many as the engine takes together.
    let images = 48_usize.div_ceil(outputs.count());
    let tiles = images * outputs.count();
    let (x, dy) = (noise(images * side * side * c + SLACK), noise(images * side * side * filters + SLACK));
    let point = |channels: usize| noise(winograd::POINTS * winograd::slab(tiles, channels));
    let (mut v, mut m) = (point(c), point(filters));
    let mut y = Aligned::zeros(images * side * side * filters);
    let mut du = Aligned::zeros(winograd::POINTS * winograd::slab(c, filters));
    let kernel = noise(9 * c * filters);
    let mut kernels = winograd::Kernels::new(isa);
    let offsets = |channels: usize| -> Vec<u32> { (0..tiles).map(|tile| (tile * channels) as u32).collect() };
    let (of_c, of_filters) = (offsets(c), offsets(filters));
    let flops = 2 * 9 * c * filters * side * side;
    let shape = format!("{filters} 3x3 same on {side}x{side}x{c}");
    let line = |name: &str, flops: usize, work: &mut dyn FnMut()| {
        time_of(&format!("  tiles, {name} of {shape}"), seconds, peak, (images, flops), work);
    };
    line("kernel, a batch of images", 0, &mut || {
        winograd::transform_kernel(isa, &kernel, [c, filters], black_box(&mut kernels));
    });
    line("windows", 0, &mut || winograd::read_windows(isa, &windows, 0..tiles, &x, black_box(&mut v)));
    line("products", flops, &mut || {
        winograd::products(isa, &kernels, (&of_c, &of_filters), &v, black_box(&mut m));
    });
    line("outputs", 0, &mut || {
        let write = winograd::Write { bias: None, relu: false, accumulate: false };
        winograd::write_outputs(isa, &outputs, 0..tiles, &m, write, black_box(&mut y));
    });
    line("output gradients", 0, &mut || {
        winograd::read_outputs(isa, &outputs, 0..tiles, &dy, black_box(&mut m));
    });
    line("outer products", flops, &mut || {
        winograd::gradients(isa, [c, filters], (&of_c, &of_filters), (&v, &m), black_box(&mut du), false);
    });
    let mut dw = noise(9 * c * filters);
    line("kernel gradient", 0, &mut || {
        winograd::add_kernel_gradient(isa, &du, [c, filters], black_box(&mut dw));
    });
}

/// Forward pass and both gradients of a depthwise 3x3 convolution, padding `same`.
fn channelwise(isa: Instructions, (side, c, stride): (usize, usize, usize), seconds: f64, peak: f64) {
    let out = side.div_ceil(stride);
    // As many as a block of the engine, which stays in a second-level cache.
    let images = ((512 << 10) / (4 * c * (side * side + out * out))).clamp(1, IMAGES);
    let before = [(((out - 1) * stride + 3).saturating_sub(side) / 2) as isize; 2];
    let plane = |side| Plane::packed([side, side, c]);
    let shape = depthwise::Shape {
        images,
        channels: c,
        input: [side; 2],
        from: plane(side),
        kernel: [3; 2],
        stride: [stride; 2],
        before,
        output: [out; 2],
        to: plane(out),
    };
    let (x, weights, bias) = (noise(images * side * side * c + SLACK), noise(9 * c + SLACK), vec![0.1; c]);
    let mut y = noise(images * out * out * c + SLACK);
    let flops = 2 * 9 * out * out * c;
    let name = format!("depthwise 3x3 stride {stride} same on {side}x{side}x{c}");
    time_of(&name, seconds, peak, (images, flops), || {
        let filters = Filters { weights: &weights, start: Start::Bias(&bias), relu: true };
        depthwise(isa, &shape, &x, filters, black_box(&mut y));
    });
    let (mut dw, mut db) = (vec![0.0; 9 * c], vec![0.0; c]);
    time_of(&format!("  weight gradient of {name}"), seconds, peak, (images, flops), || {
        depthwise_gradient(isa, &shape, &x, &y, black_box(&mut dw), &mut db);
    });
}
