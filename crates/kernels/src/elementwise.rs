//! Activations, their derivatives, and sums of arrays.
//!
//! Written as plain loops over single values, which is the twin; the dispatched functions are the same loops compiled
//! for the instruction set, where compilers make vectors of them. No multiplication is fused with an addition, so both
//! give the same bits (`tests.rs` compares every instruction set with the plain loop).

use crate::dispatch::{Instructions, Kernel};
use crate::exp::{exp, normal_cdf, normal_density, sigmoid, softplus, tanh};
use crate::isa::Isa;

/// An element-wise function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// `x`
    Identity,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x` if positive, else this slope times `x`
    LeakyRelu(f32),
    /// `x` if positive, else `exp(x) - 1`
    Elu,
    /// `x Phi(x)`
    Gelu,
    /// `x sigmoid(x)`
    Silu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
    /// `ln(1 + exp(x))`
    Softplus,
    /// `x min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// `min(max(x + 3, 0), 6) / 6`
    HardSigmoid,
    /// `min(max(x, low), high)`
    Clip(f32, f32),
}

#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > low { x } else { low };
    if x < high { x } else { high }
}

impl Function {
    /// Its value at one `x`.
    #[inline(always)]
    pub fn value(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Relu => {
                if x > 0.0 {
                    x
                } else {
                    0.0
                }
            }
            Self::Relu6 => clamp(x, 0.0, 6.0),
            Self::LeakyRelu(slope) => {
                if x > 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Self::Elu => {
                if x > 0.0 {
                    x
                } else {
                    exp(x) - 1.0
                }
            }
            Self::Gelu => x * normal_cdf(x),
            Self::Silu => x * sigmoid(x),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => tanh(x),
            Self::Softplus => softplus(x),
            Self::HardSwish => x * clamp(x + 3.0, 0.0, 6.0) / 6.0,
            Self::HardSigmoid => clamp(x + 3.0, 0.0, 6.0) / 6.0,
            Self::Clip(low, high) => clamp(x, low, high),
        }
    }

    /// Its derivative at one `x`; where there is none, that from the left.
    #[inline(always)]
    pub fn derivative(self, x: f32) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => {
                if x > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::Relu6 => {
                if x > 0.0 && x <= 6.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::LeakyRelu(slope) => {
                if x > 0.0 {
                    1.0
                } else {
                    slope
                }
            }
            Self::Elu => {
                if x > 0.0 {
                    1.0
                } else {
                    exp(x)
                }
            }
            Self::Gelu => normal_cdf(x) + x * normal_density(x),
            Self::Silu => {
                let s = sigmoid(x);
                s * (1.0 + x * (1.0 - s))
            }
            Self::Sigmoid => {
                let s = sigmoid(x);
                s * (1.0 - s)
            }
            Self::Tanh => {
                let t = tanh(x);
                1.0 - t * t
            }
            Self::Softplus => sigmoid(x),
            Self::HardSwish => {
                if x > -3.0 {
                    if x <= 3.0 { (2.0 * x + 3.0) / 6.0 } else { 1.0 }
                } else {
                    0.0
                }
            }
            Self::HardSigmoid => {
                if x > -3.0 && x <= 3.0 {
                    1.0 / 6.0
                } else {
                    0.0
                }
            }
            Self::Clip(low, high) => {
                if x > low && x <= high {
                    1.0
                } else {
                    0.0
                }
            }
        }
    }

    /// Calls `with` on the function known at compile time, so that the loop inside holds no decision.
    #[inline(always)]
    fn specialize(self, mut with: impl FnMut(Self)) {
        match self {
            Self::Identity => with(Self::Identity),
            Self::Relu => with(Self::Relu),
            Self::Relu6 => with(Self::Relu6),
            Self::LeakyRelu(slope) => with(Self::LeakyRelu(slope)),
            Self::Elu => with(Self::Elu),
            Self::Gelu => with(Self::Gelu),
            Self::Silu => with(Self::Silu),
            Self::Sigmoid => with(Self::Sigmoid),
            Self::Tanh => with(Self::Tanh),
            Self::Softplus => with(Self::Softplus),
            Self::HardSwish => with(Self::HardSwish),
            Self::HardSigmoid => with(Self::HardSigmoid),
            Self::Clip(low, high) => with(Self::Clip(low, high)),
        }
    }
}

/// `y[i] = f(x[i])`
pub fn activate(isa: Instructions, function: Function, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "activate");
    struct Activate<'a>(Function, &'a [f32], &'a mut [f32]);
    impl Kernel for Activate<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(function, x, y) = self;
            function.specialize(
                #[inline(always)]
                |function| {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = function.value(x);
                    }
                },
            );
        }
    }
    isa.run(Activate(function, x, y));
}

/// `dx[i] (+)= dy[i] * f'(x[i])`
pub fn activate_backward(
    isa: Instructions,
    function: Function,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    accumulate: bool,
) {
    assert!(x.len() == dy.len() && x.len() == dx.len(), "activate_backward");
    struct Backward<'a>(Function, &'a [f32], &'a [f32], &'a mut [f32], bool);
    impl Kernel for Backward<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(function, x, dy, dx, accumulate) = self;
            function.specialize(
                #[inline(always)]
                |function| {
                    let gradients = x.iter().zip(dy);
                    if accumulate {
                        for (dx, (&x, &dy)) in dx.iter_mut().zip(gradients) {
                            *dx += dy * function.derivative(x);
                        }
                    } else {
                        for (dx, (&x, &dy)) in dx.iter_mut().zip(gradients) {
                            *dx = dy * function.derivative(x);
                        }
                    }
                },
            );
        }
    }
    isa.run(Backward(function, x, dy, dx, accumulate));
}

/// `y[i] = a[i] + b[i]`
pub fn add(isa: Instructions, a: &[f32], b: &[f32], y: &mut [f32]) {
    assert!(a.len() == b.len() && a.len() == y.len(), "add");
    struct Add<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl Kernel for Add<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (y, (&a, &b)) in self.2.iter_mut().zip(self.0.iter().zip(self.1)) {
                *y = a + b;
            }
        }
    }
    isa.run(Add(a, b, y));
}

/// `y[i] = max(a[i] + b[i], 0)`
pub fn add_relu(isa: Instructions, a: &[f32], b: &[f32], y: &mut [f32]) {
    assert!(a.len() == b.len() && a.len() == y.len(), "add_relu");
    struct AddRelu<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl Kernel for AddRelu<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (y, (&a, &b)) in self.2.iter_mut().zip(self.0.iter().zip(self.1)) {
                *y = if a + b > 0.0 { a + b } else { 0.0 };
            }
        }
    }
    isa.run(AddRelu(a, b, y));
}

/// Sets `dy[i]` to 0 where `y[i]` is not positive: the gradient of a ReLU, from its output.
pub fn mask_positive(isa: Instructions, y: &[f32], dy: &mut [f32]) {
    assert_eq!(y.len(), dy.len(), "mask_positive");
    struct Mask<'a>(&'a [f32], &'a mut [f32]);
    impl Kernel for Mask<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (dy, &y) in self.1.iter_mut().zip(self.0) {
                *dy = if y > 0.0 { *dy } else { 0.0 };
            }
        }
    }
    isa.run(Mask(y, dy));
}

/// `y[i] += x[i]`
pub fn add_to(isa: Instructions, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "add_to");
    struct AddTo<'a>(&'a [f32], &'a mut [f32]);
    impl Kernel for AddTo<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (y, &x) in self.1.iter_mut().zip(self.0) {
                *y += x;
            }
        }
    }
    isa.run(AddTo(x, y));
}

/// `y[i] = x[i] * factor[i]`
pub fn multiply(isa: Instructions, x: &[f32], factor: &[f32], y: &mut [f32]) {
    assert!(x.len() == factor.len() && x.len() == y.len(), "multiply");
    struct Multiply<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl Kernel for Multiply<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (y, (&x, &factor)) in self.2.iter_mut().zip(self.0.iter().zip(self.1)) {
                *y = x * factor;
            }
        }
    }
    isa.run(Multiply(x, factor, y));
}

/// `y[i] += x[i] * factor[i]`
pub fn multiply_to(isa: Instructions, x: &[f32], factor: &[f32], y: &mut [f32]) {
    assert!(x.len() == factor.len() && x.len() == y.len(), "multiply_to");
    struct MultiplyTo<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl Kernel for MultiplyTo<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (y, (&x, &factor)) in self.2.iter_mut().zip(self.0.iter().zip(self.1)) {
                *y += x * factor;
            }
        }
    }
    isa.run(MultiplyTo(x, factor, y));
}

/// `sum[c] += x[position, c]` over all positions.
pub fn add_rows(isa: Instructions, x: &[f32], sum: &mut [f32]) {
    assert!(x.len().is_multiple_of(sum.len()), "add_rows");
    struct AddRows<'a>(&'a [f32], &'a mut [f32]);
    impl Kernel for AddRows<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for row in self.0.chunks_exact(self.1.len()) {
                for (sum, &x) in self.1.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        }
    }
    isa.run(AddRows(x, sum));
}

/// `y[i] *= factor`
pub fn scale(isa: Instructions, factor: f32, y: &mut [f32]) {
    struct Scale<'a>(f32, &'a mut [f32]);
    impl Kernel for Scale<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for y in self.1 {
                *y *= self.0;
            }
        }
    }
    isa.run(Scale(factor, y));
}
