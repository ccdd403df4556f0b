//! Which augmentation of a recipe would show the model what it fails on.
//!
//! Only families that hurt are looked at. The range is a rule of thumb: up to twice the number at which the harm begins, and
//! no further than was measured, because a range that is too wide costs accuracy on unchanged images.

use serde::{Deserialize, Serialize};

use super::{Family, Robustness};
use crate::augment::{Affine, Erase, Transform};
use crate::corrupt::{Change, Kind};

/// What to try against one family of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// [`crate::corrupt::Change::family`].
    pub family: String,
    /// [`Family::mean_loss`].
    pub mean_loss: f64,
    /// What to add to `augment.online`; `None` if no transform of a recipe comes near.
    pub transform: Option<Transform>,
    /// The transform as it stands in a recipe.
    pub recipe: Option<String>,
}

/// For every family that hurts, largest mean loss first.
pub(super) fn advice(robustness: &Robustness) -> Vec<Advice> {
    let hurts = |family: &&Family| family.changes.iter().any(|&i| robustness.changes[i].hurts());
    let of = |family: &Family| {
        let transform = transform(robustness, family);
        let recipe = transform.as_ref().map(recipe);
        Advice { family: family.name.clone(), mean_loss: family.mean_loss, transform, recipe }
    };
    robustness.families.iter().filter(hurts).map(of).collect()
}

fn transform(robustness: &Robustness, family: &Family) -> Option<Transform> {
    let reach = reach(robustness, family);
    let both = [-reach, reach];
    Some(match robustness.changes[family.changes[0]].change {
        Change::Rotate(_) => Transform::Rotate(both),
        Change::ShiftRight(_) | Change::ShiftDown(_) => Transform::Translate(both),
        Change::Scale(_) => scale(reach),
        Change::Shear(_) => Transform::Affine(Affine { shear: both, ..Affine::default() }),
        Change::Noise(_) => Transform::Noise(reach),
        Change::Occlude(_) => Transform::Erase(Erase::default()),
        Change::Corrupt(corruption, _) => match corruption.kind {
            // 0.2 radian, 0.1 of the size, a pixel of 28: one severity of MNIST-C
            Kind::Rotate => Transform::Rotate(both.map(|severity| (0.2 * severity).to_degrees().round())),
            Kind::Shear => {
                let shear = both.map(|severity| (0.2 * severity).to_degrees().round());
                Transform::Affine(Affine { shear, ..Affine::default() })
            }
            Kind::Scale => scale(0.1 * reach),
            Kind::Translate => Transform::Translate(both),
            Kind::GaussianNoise | Kind::ShotNoise | Kind::ImpulseNoise | Kind::SpeckleNoise => {
                Transform::Noise(0.1)
            }
            Kind::Spatter | Kind::DottedLine | Kind::Zigzag | Kind::Stripe => {
                Transform::Erase(Erase::default())
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// Twice the distance from the neutral number at which the harm begins, at most the farthest measured.
fn reach(robustness: &Robustness, family: &Family) -> f64 {
    let away = |i: usize| {
        let change = &robustness.changes[i].change;
        (change.parameter() - change.neutral()).abs()
    };
    let farthest = family.changes.iter().map(|&i| away(i)).fold(0.0, f64::max);
    let harmful = family.changes.iter().filter(|&&i| robustness.changes[i].hurts());
    let begins = harmful.map(|&i| away(i)).fold(f64::INFINITY, f64::min);
    ((2.0 * begins).min(farthest) * 1000.0).round() / 1000.0
}

/// Factors up to `1 + reach`, and as far down.
fn scale(reach: f64) -> Transform {
    let thousandths = |value: f64| (value * 1000.0).round() / 1000.0;
    let factors = [(1.0 - reach).max(1.0 / (1.0 + reach)), 1.0 + reach].map(thousandths);
    Transform::Affine(Affine { scale: factors, ..Affine::default() })
}

fn recipe(transform: &Transform) -> String {
    let range = |[low, high]: [f64; 2]| format!("[{low}, {high}]");
    match transform {
        Transform::Rotate(degrees) => format!("{{ rotate = {} }}", range(*degrees)),
        Transform::Translate(pixels) => format!("{{ translate = {} }}", range(*pixels)),
        Transform::Affine(affine) if affine.shear != [0.0; 2] => {
            format!("{{ affine = {{ shear = {} }} }}", range(affine.shear))
        }
        Transform::Affine(affine) => format!("{{ affine = {{ scale = {} }} }}", range(affine.scale)),
        Transform::Noise(deviation) => format!("{{ noise = {deviation} }}"),
        other => format!("{{ {} = {{}} }}", other.name()),
    }
}
