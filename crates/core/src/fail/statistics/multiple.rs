//! Many tests at once: of the classes that are called out, only a stated share may be wrong.

/// Benjamini–Hochberg corrected p-values, in the order given: `min over j >= i of min(1, m p_(j) / j)` for the i-th
/// smallest of `m`. A test is rejected at false-discovery rate `q` exactly if its corrected value is at most `q`.
///
/// *Reference*: Benjamini & Hochberg (1995), "Controlling the false discovery rate", J. R. Statist. Soc. B 57, 289–300,
/// procedure (1); the corrected values are those of Yekutieli & Benjamini (1999), J. Statist. Plan. Infer. 82, 171–196.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut corrected = vec![1.0; p.len()];
    let mut smallest_so_far = 1.0_f64;
    for (rank, &test) in order.iter().enumerate().rev() {
        smallest_so_far = smallest_so_far.min(p[test] * (p.len() as f64 / (rank + 1) as f64));
        corrected[test] = smallest_so_far;
    }
    corrected
}

/// Which tests are rejected at false-discovery rate `q`.
pub fn rejected(p: &[f64], q: f64) -> Vec<bool> {
    benjamini_hochberg(p).into_iter().map(|corrected| corrected <= q).collect()
}
