//! Are new images like those the model was judged on? Two questions: did the shares of the classes change, and did what can be
//! seen in the images?
//!
//! *Label shift.* New images have no labels, but what they are called is known. If only the shares of the classes changed (an
//! image of a class still looks as it did), then with the old table
//! ```text
//! C[i][j]  = share of all old images that are of class j and called i
//! mu[i]    = share of new images called i
//! w        = solution of C w = mu;      new share of class j = w[j] * old share of class j
//! ```
//! *Reference*: Lipton, Wang & Smola (2018), "Detecting and Correcting for Label Shift with Black Box Predictors" (arXiv
//! 1802.03916), section 3, with hard predictions; whether anything changed is asked by comparing what is called, as in their
//! section 4: here by a chi-square test of homogeneity over predicted classes.
//!
//! *Property shift*: [`kolmogorov_smirnov`] for each numeric property, Benjamini–Hochberg over properties.

use serde_json::json;
use statrs::function::gamma::gamma_ur;

use super::finding::{Finding, Kind};
use super::properties::{Property, Values};
use super::statistics::interval::Interval;
use super::statistics::multiple::benjamini_hochberg;
use crate::predictions::Predictions;

pub mod kolmogorov;
mod shares;
#[cfg(test)]
mod tests;

pub use kolmogorov::kolmogorov_smirnov;
pub use shares::share_intervals;

/// Of what is called drift, at most this share is none (on average).
pub const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// What changed in the shares of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelShift {
    /// Old share of each class.
    pub old: Vec<f64>,
    /// Estimated new share of each class; `None` if the old table cannot tell the classes apart.
    pub new: Option<Vec<f64>>,
    /// p-value of "new images are called the classes as often as old ones".
    pub p: f64,
}

/// The smallest pivot, in units of the largest entry, with which the equations are solved.
const LEAST_PIVOT: f64 = 1e-6;

/// Estimates the shares of the classes among new images from what they are called, `[n]` class indices.
///
/// # Panics
/// If the old table is empty, or a new prediction is no class.
pub fn label_shift(old: &Predictions, new_called: &[usize]) -> LabelShift {
    let k = old.classes.len();
    assert!(!old.is_empty() && new_called.iter().all(|&class| class < k), "a table and its classes");
    let n = old.len() as f64;
    let mut joint = vec![vec![0.0; k]; k];
    let mut old_called = vec![0_u64; k];
    for (row, &label) in old.labels.iter().enumerate() {
        joint[old.top1(row)][label as usize] += 1.0;
        old_called[old.top1(row)] += 1;
    }
    joint.iter_mut().flatten().for_each(|count| *count /= n);
    let shares: Vec<f64> = (0..k).map(|class| joint.iter().map(|row| row[class]).sum()).collect();
    let mut called = vec![0_u64; k];
    new_called.iter().for_each(|&class| called[class] += 1);
    let mu = called.iter().map(|&count| count as f64 / (new_called.len() as f64).max(1.0)).collect();
    let new = if new_called.is_empty() { None } else { solve(joint, mu) };
    let new = new.map(|weights| {
        // sampling may take a share below 0
        let new: Vec<f64> = weights.iter().zip(&shares).map(|(w, share)| (w * share).max(0.0)).collect();
        let sum: f64 = new.iter().sum();
        new.into_iter().map(|share| share / sum).collect()
    });
    LabelShift { old: shares, new, p: homogeneity(&old_called, &called) }
}

/// Solves `a x = b` by elimination with the largest pivot of each column; `None` if `a` is nearly singular.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let k = b.len();
    let largest = a.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    for column in 0..k {
        let pivot = (column..k).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))?;
        if a[pivot][column].abs() <= LEAST_PIVOT * largest {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..k {
            let factor = a[row][column] / a[column][column];
            if factor != 0.0 {
                let (above, below) = a.split_at_mut(row);
                below[0][column..]
                    .iter_mut()
                    .zip(&above[column][column..])
                    .for_each(|(x, y)| *x -= factor * y);
                b[row] -= factor * b[column];
            }
        }
    }
    for row in (0..k).rev() {
        let known: f64 = (row + 1..k).map(|column| a[row][column] * b[column]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    Some(b)
}

/// p-value of "both rows of counts have the same shares": Pearson's chi-square; classes with fewer than 5 expected images in
/// either row are counted as one (Cochran 1954, Biometrics 10, 417–451).
fn homogeneity(a: &[u64], b: &[u64]) -> f64 {
    let (n, m) = (a.iter().sum::<u64>() as f64, b.iter().sum::<u64>() as f64);
    if n == 0.0 || m == 0.0 {
        return 1.0;
    }
    let mut cells: Vec<[f64; 2]> = Vec::new();
    let mut rare = [0.0; 2];
    for (&x, &y) in a.iter().zip(b) {
        let (x, y) = (x as f64, y as f64);
        if (x + y) * n.min(m) / (n + m) >= 5.0 {
            cells.push([x, y]);
        } else {
            rare = [rare[0] + x, rare[1] + y];
        }
    }
    if rare[0] + rare[1] > 0.0 {
        cells.push(rare);
    }
    if cells.len() < 2 {
        return 1.0;
    }
    let of = |[x, y]: &[f64; 2]| {
        let [expected_x, expected_y] = [n, m].map(|size| (x + y) * size / (n + m));
        (x - expected_x).powi(2) / expected_x + (y - expected_y).powi(2) / expected_y
    };
    let statistic: f64 = cells.iter().map(of).sum();
    if statistic <= 0.0 { 1.0 } else { gamma_ur(0.5 * (cells.len() - 1) as f64, 0.5 * statistic) }
}

/// How a property differs between old and new images.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyShift {
    /// Its name.
    pub property: String,
    /// Largest difference of the two distribution functions, in [0, 1].
    pub distance: f64,
    /// 95 % interval of it: [`kolmogorov::distance_interval`].
    pub distance_ci: Interval,
    /// What new images are more often.
    pub words: String,
    /// p-value of "both are drawn from one distribution".
    pub p: f64,
    /// Corrected for the number of properties.
    pub p_corrected: f64,
}

/// Compares the numeric properties of old and new images, largest distance first.
///
/// # Panics
/// If the lists are not of the same properties.
pub fn property_shifts(old: &[Property], new: &[Property]) -> Vec<PropertyShift> {
    assert_eq!(old.len(), new.len(), "the same properties");
    let known = |values: &[f64]| values.iter().filter(|value| !value.is_nan()).count();
    let mut shifts = Vec::new();
    for (old, new) in old.iter().zip(new) {
        assert_eq!(old.name, new.name, "the same properties");
        if let (Values::Numbers(a), Values::Numbers(b)) = (&old.values, &new.values) {
            let test = kolmogorov_smirnov(a, b);
            shifts.push(PropertyShift {
                property: old.name.clone(),
                distance: test.distance,
                distance_ci: kolmogorov::distance_interval(test.distance, known(a), known(b)),
                words: old.words[usize::from(test.second_is_larger)].clone(),
                p: test.p,
                p_corrected: 1.0,
            });
        }
    }
    let p: Vec<f64> = shifts.iter().map(|shift| shift.p).collect();
    shifts.iter_mut().zip(benjamini_hochberg(&p)).for_each(|(shift, p)| shift.p_corrected = p);
    shifts.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    shifts
}

/// The property shifts beyond chance as findings: `effect` is the distance. Without labels of the new images nothing is known
/// about errors, so their harm is 0.
pub fn findings(shifts: &[PropertyShift], n_new: usize) -> Vec<Finding> {
    let beyond = shifts.iter().filter(|shift| shift.p_corrected <= FALSE_DISCOVERY_RATE);
    let finding = |shift: &PropertyShift| Finding {
        kind: Kind::Drift,
        title: format!(
            "New images are more often {}: the distribution of their {} moved by {:.0} % of the images.",
            shift.words,
            shift.property,
            100.0 * shift.distance
        ),
        effect: shift.distance,
        interval: Some(shift.distance_ci),
        p: Some(shift.p),
        p_corrected: Some(shift.p_corrected),
        confirmed: true,
        n: n_new as u64,
        harm: 0.0,
        examples: Vec::new(),
        evidence: json!({ "property": shift.property }),
    };
    beyond.map(finding).collect()
}
