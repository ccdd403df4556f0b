//! Exponential, logarithm and what is made of them, as branch-free arithmetic that compilers turn into vectors.
//!
//! *Exactness*: only additions, multiplications, divisions and bit operations, each rounded once and never fused: the
//! same bits on every instruction set. Errors against the true value, over all finite inputs that do not overflow, are
//! the constants below; `tests.rs` measures them against `f64`.
//!
//! *Reference*: S. L. Moshier, Cephes Mathematical Library 2.8 (1992), `expf`, `logf`, `tanhf`: the polynomials;
//! Abramowitz & Stegun 1964, formula 7.1.26, for the error function.

/// Largest relative error of [`exp`] where the result is a normal number.
pub const EXP_ERROR: f32 = 2.5e-7;
/// Largest absolute error of [`sigmoid`], [`tanh`] and [`normal_cdf`].
pub const UNIT_ERROR: f32 = 3e-7;

/// `e^x`; 0 below -87.3, and infinite above 88.7.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Rounds to the nearest whole number: 1.5 * 2^23 leaves no bit for a fraction.
    const ROUND: f32 = 12_582_912.0;
    let clamped = if x > 88.722_84 { 88.722_84 } else { x };
    let clamped = if clamped < -87.336_54 { -87.336_54 } else { clamped };
    let power = clamped * std::f32::consts::LOG2_E + ROUND - ROUND;
    let rest = clamped - power * 0.693_359_4 + power * 2.121_944_4e-4;
    let mut series = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        series = series * rest + coefficient;
    }
    let mantissa = series * (rest * rest) + rest + 1.0;
    // In two factors, since 2^128 is not a number and the mantissa may be below 1.
    let half = (power as i32) >> 1;
    let scale = |exponent: i32| f32::from_bits(((exponent + 127) as u32) << 23);
    let result = mantissa * scale(half) * scale(power as i32 - half);
    let result = if x > 88.722_84 { f32::INFINITY } else { result };
    if x < -87.336_54 { 0.0 } else { result }
}

/// Natural logarithm of a positive, normal number.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let fraction = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000);
    let exponent = (bits >> 23) as i32 - 126;
    let small = fraction < std::f32::consts::FRAC_1_SQRT_2;
    let exponent = (if small { exponent - 1 } else { exponent }) as f32;
    let rest = if small { fraction + fraction - 1.0 } else { fraction - 1.0 };
    let mut series = 7.037_683_6e-2;
    for coefficient in [
        -0.115_146_1,
        0.116_769_984,
        -0.124_201_41,
        0.142_493_23,
        -0.166_680_57,
        0.200_007_14,
        -0.249_999_94,
        0.333_333_3,
    ] {
        series = series * rest + coefficient;
    }
    let square = rest * rest;
    let result = series * rest * square + exponent * -2.121_944_4e-4 - 0.5 * square + rest;
    result + exponent * 0.693_359_4
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let mut series = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_8] {
        series = series * square + coefficient;
    }
    let near = series * square * x + x;
    let far = 1.0 - 2.0 / (exp(size + size) + 1.0);
    if size < 0.625 { near } else { far.copysign(x) }
}

/// `ln(1 + e^x)`
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    (if x > 0.0 { x } else { 0.0 }) + ln(1.0 + exp(-x.abs()))
}

/// The standard normal distribution function, `(1 + erf(x / sqrt 2)) / 2`.
#[inline(always)]
pub fn normal_cdf(x: f32) -> f32 {
    let size = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let mut series = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_73, 0.254_829_6] {
        series = series * t + coefficient;
    }
    let tail = 0.5 * series * t * exp(-size * size);
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// The standard normal density.
#[inline(always)]
pub fn normal_density(x: f32) -> f32 {
    0.398_942_3 * exp(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> impl Iterator<Item = f32> {
        (-880_000..=880_000).step_by(7).map(|step| step as f32 * 1e-4)
    }

    #[test]
    fn exp_keeps_its_bound() {
        for x in inputs().filter(|x| *x > -87.3) {
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < f64::from(EXP_ERROR), "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-100.0), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(100.0), f32::INFINITY);
    }

    #[test]
    fn functions_of_exp_keep_their_bounds() {
        for x in inputs() {
            let exact = f64::from(x);
            let check = |name: &str, value: f32, exact: f64, bound: f64| {
                let error = (f64::from(value) - exact).abs();
                assert!(error <= bound, "{name}({x}) is off by {error:e}");
            };
            check("sigmoid", sigmoid(x), 1.0 / (1.0 + (-exact).exp()), f64::from(UNIT_ERROR));
            check("tanh", tanh(x), exact.tanh(), f64::from(UNIT_ERROR));
            let bound = 3e-7 * exact.abs().max(1.0);
            check("softplus", softplus(x), exact.max(0.0) + (-exact.abs()).exp().ln_1p(), bound);
            if x > 1e-30 {
                check("ln", ln(x), exact.ln(), 2e-7 * exact.ln().abs().max(1.0));
            }
        }
        // Values of the normal distribution function from NIST tables, to ten digits.
        for (x, exact) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_1),
            (-1.0, 0.158_655_253_9),
            (2.0, 0.977_249_868_1),
            (-4.0, 3.167e-5),
        ] {
            assert!((f64::from(normal_cdf(x)) - exact).abs() < f64::from(UNIT_ERROR), "normal_cdf({x})");
        }
    }
}
