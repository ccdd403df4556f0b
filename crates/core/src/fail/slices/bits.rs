//! The images of a scope as bits, so that a conjunction is an `and` and a count is a `popcount`.

use crate::fail::statistics::two_rates::excess_g;

/// Images of a scope, each stratum in words of its own.
#[derive(Debug)]
pub struct Bits {
    /// The row of each bit; `None` where a stratum's last word has room left.
    rows: Vec<Option<u32>>,
    strata: Vec<Stratum>,
    /// Which images are wrong.
    wrong: Vec<u64>,
    /// Images and wrong images of all strata.
    pub n: u64,
    /// Wrong ones of them.
    pub errors: u64,
}

#[derive(Debug)]
struct Stratum {
    words: std::ops::Range<usize>,
    rate: f64,
}

/// What a set of images counts to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// Images.
    pub n: u64,
    /// Wrong ones.
    pub wrong: u64,
    /// Wrong ones to expect at the rates of the strata.
    pub expected: f64,
}

impl Bits {
    /// `strata` are the rows of each stratum; `wrong` says which rows are.
    pub fn new(strata: &[Vec<u32>], wrong: &[bool]) -> Self {
        let mut bits = Self { rows: Vec::new(), strata: Vec::new(), wrong: Vec::new(), n: 0, errors: 0 };
        for rows in strata.iter().filter(|rows| !rows.is_empty()) {
            let first = bits.rows.len() / 64;
            bits.rows.extend(rows.iter().map(|&row| Some(row)));
            bits.rows.resize(bits.rows.len().next_multiple_of(64), None);
            let errors = rows.iter().filter(|&&row| wrong[row as usize]).count() as u64;
            let words = first..bits.rows.len() / 64;
            bits.strata.push(Stratum { words, rate: errors as f64 / rows.len() as f64 });
            bits.n += rows.len() as u64;
            bits.errors += errors;
        }
        bits.wrong = bits.pack(|row| wrong[row as usize]);
        bits
    }

    /// The images for which `holds` is true.
    pub fn pack(&self, holds: impl Fn(u32) -> bool) -> Vec<u64> {
        let word = |rows: &[Option<u32>]| {
            rows.iter()
                .enumerate()
                .fold(0, |word, (bit, row)| word | u64::from(row.is_some_and(&holds)) << bit)
        };
        self.rows.chunks_exact(64).map(word).collect()
    }

    /// Counts the images that are in both sets.
    pub fn count(&self, a: &[u64], b: &[u64]) -> Count {
        let mut count = Count::default();
        for stratum in &self.strata {
            let mut n = 0;
            for word in stratum.words.clone() {
                let both = a[word] & b[word];
                n += u64::from(both.count_ones());
                count.wrong += u64::from((both & self.wrong[word]).count_ones());
            }
            count.n += n;
            count.expected += n as f64 * stratum.rate;
        }
        count
    }

    /// How far a set is above its expectation: [`excess_g`].
    pub fn g(&self, count: Count) -> f64 {
        excess_g(count.wrong, count.n, count.expected, self.errors, self.n)
    }
}
