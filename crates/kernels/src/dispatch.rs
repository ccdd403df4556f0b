//! Which instruction set runs a kernel.

use crate::isa::{Isa, portable::Portable};

/// A computation that can be compiled for any instruction set.
///
/// Implementations mark `run` and all it calls `#[inline(always)]`, so that the code ends up inside one function with
/// the right target features.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work with the vectors of `isa`.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// An instruction set that this CPU has.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Proof);

#[derive(Clone, Copy, Debug)]
enum Proof {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(crate::isa::avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(crate::isa::avx512::Avx512<false>, Option<crate::isa::avx512::Avx512<true>>),
    #[cfg(target_arch = "aarch64")]
    Neon(crate::isa::neon::Neon),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
}

/// The environment variable that forces an instruction set.
pub const VARIABLE: &str = "SEAMRIPPER_ISA";

/// An instruction set that was asked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// What was asked for.
    pub name: String,
    /// What this CPU has.
    pub available: Vec<&'static str>,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{VARIABLE}: expected one of {}, found \"{}\"", self.available.join(", "), self.name)
    }
}

impl std::error::Error for Unavailable {}

impl Instructions {
    /// All that this CPU has, the best first. `scalar` is always there and last.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(
                crate::isa::avx512::Avx512::new().map(|isa| Self(Proof::Avx512(isa, isa.with_bf16()))),
            );
            found.extend(crate::isa::avx2::Avx2::new().map(|isa| Self(Proof::Avx2(isa))));
        }
        #[cfg(target_arch = "aarch64")]
        found.extend(crate::isa::neon::Neon::new().map(|isa| Self(Proof::Neon(isa))));
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        found.push(Self(Proof::Simd128));
        found.push(Self(Proof::Portable));
        found
    }

    /// The instruction set called `name`, as [`Instructions::name`] gives it.
    ///
    /// # Errors
    /// If this CPU does not have it, or there is no such name.
    pub fn named(name: &str) -> Result<Self, Unavailable> {
        let available = Self::available();
        available.iter().copied().find(|isa| isa.name() == name).ok_or_else(|| Unavailable {
            name: name.to_owned(),
            available: available.iter().map(|isa| isa.name()).collect(),
        })
    }

    /// What [`VARIABLE`] forces, or else the best this CPU has.
    ///
    /// # Errors
    /// If the variable names something this CPU does not have.
    pub fn detect() -> Result<Self, Unavailable> {
        match std::env::var(VARIABLE) {
            Ok(name) if !name.is_empty() => Self::named(&name),
            _ => Ok(Self::available()[0]),
        }
    }

    /// Its name, `avx512`, `avx2`, `neon`, `simd128` or `scalar`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Proof::Portable => "scalar",
            #[cfg(target_arch = "x86_64")]
            Proof::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512(..) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Proof::Neon(_) => "neon",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Proof::Simd128 => "simd128",
        }
    }

    /// Values in a vector.
    pub fn lanes(self) -> usize {
        struct Lanes;
        impl Kernel for Lanes {
            type Output = usize;
            #[inline(always)]
            fn run<I: Isa>(self, _: I) -> usize {
                I::LANES
            }
        }
        self.run(Lanes)
    }

    /// Runs `kernel` compiled for this instruction set.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Proof::Portable => kernel.run(Portable),
            #[cfg(target_arch = "x86_64")]
            Proof::Avx2(isa) => isa.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512(isa, _) => isa.run(kernel),
            #[cfg(target_arch = "aarch64")]
            Proof::Neon(isa) => isa.run(kernel),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Proof::Simd128 => kernel.run(crate::isa::simd128::Simd128),
        }
    }

    /// Whether products of `bf16` have instructions of their own, and are faster than those of `f32`.
    pub fn has_bf16(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512(_, bf16) => bf16.is_some(),
            _ => false,
        }
    }

    /// As [`Instructions::run`], with the CPU's instructions for `bf16`, if it has any.
    pub fn run_bf16<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512(_, Some(isa)) => isa.run(kernel),
            _ => self.run(kernel),
        }
    }
}
