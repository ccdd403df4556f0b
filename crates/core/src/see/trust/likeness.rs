//! How alike two maps are.

/// Spearman's rank correlation of two maps of equal length, ties sharing their mean rank; 0 if one of them is constant.
///
/// Used by Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.
pub fn rank_correlation(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

/// The place of each value in ascending order, from 0; equal values have the mean of their places.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut begin = 0;
    while begin < order.len() {
        let value = values[order[begin]];
        let ties = order[begin..].iter().take_while(|&&index| values[index] == value).count().max(1);
        let rank = begin as f64 + (ties as f64 - 1.0) / 2.0;
        order[begin..begin + ties].iter().for_each(|&index| ranks[index] = rank);
        begin += ties;
    }
    ranks
}
