//! The fused multiply-add peak of this machine, the limit that kernels are measured against.
//!
//! *Idea*: as many independent chains as hide the latency of a multiply-add, and nothing else in the loop.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Independent chains: two units of up to six cycles of latency.
const CHAINS: usize = 12;
/// Multiply-adds of each chain between two looks at the clock.
const ROUNDS: usize = 20_000;

/// Floating-point operations a second of one thread, a multiply-add counted as two; the best of pieces of about a
/// millisecond during `seconds`, so that a pause of the machine does not count.
pub fn peak_flops(isa: Instructions, seconds: f64) -> f64 {
    struct Chains;
    impl Kernel for Chains {
        type Output = f32;
        #[inline(always)]
        fn run<I: Isa>(self, isa: I) -> f32 {
            let factor = isa.splat(black_box(0.999));
            let mut sums = [isa.splat(black_box(1.0)); CHAINS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = isa.mul_add(*sum, factor, factor);
                }
            }
            let mut lanes = [0.0; 16];
            let total = sums.into_iter().reduce(|a, b| isa.add(a, b)).expect("chains");
            // SAFETY: `lanes` holds 16 values, the widest vector.
            unsafe { isa.store(lanes.as_mut_ptr(), total) };
            lanes[0]
        }
    }
    let operations = (2 * CHAINS * ROUNDS * isa.lanes()) as f64;
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed().as_secs_f64() < seconds {
        let piece = Instant::now();
        black_box(isa.run(Chains));
        best = best.min(piece.elapsed());
    }
    operations / best.as_secs_f64()
}
