//! Checks a list of transforms, all of it, before anything is drawn.

use super::{Affine, AugmentError, Crop, Erase, Problem, Stage, Transform};

/// Beyond these a Beta(alpha, alpha) draw is 0, 1 or 1/2 and nothing else, to single precision.
const ALPHA: [f64; 2] = [1e-3, 1e3];

/// Fails with every wrong value of `transforms`, which are to change images `[h, w, c]`.
pub(super) fn check(stage: Stage, transforms: &[Transform], size: [usize; 3]) -> Result<(), AugmentError> {
    if size.contains(&0) {
        return Err(AugmentError::NoPixels { size });
    }
    let mut found = Findings { stage, index: 0, problems: Vec::new() };
    let (mut mixups, mut cutmixes) = (0, 0);
    for (index, transform) in transforms.iter().enumerate() {
        found.index = index;
        match transform {
            Transform::Rotate(degrees) => found.range("rotate", degrees),
            Transform::Translate(pixels) => found.range("translate", pixels),
            Transform::Affine(affine) => found.affine(affine),
            Transform::Flip(probability) => found.share("flip", "a probability", *probability),
            Transform::Crop(crop) => found.crop(crop, size),
            Transform::Erase(erase) => found.erase(erase),
            Transform::Noise(deviation) => found.noise(*deviation),
            Transform::Mixup(alpha) => {
                found.mix("mixup", *alpha, mixups);
                mixups += 1;
            }
            Transform::Cutmix(alpha) => {
                found.mix("cutmix", *alpha, cutmixes);
                cutmixes += 1;
            }
        }
    }
    if found.problems.is_empty() { Ok(()) } else { Err(AugmentError::Invalid(found.problems)) }
}

struct Findings {
    stage: Stage,
    index: usize,
    problems: Vec<Problem>,
}

impl Findings {
    fn add(&mut self, key: &str, expected: &str, found: impl ToString, hint: Option<String>) {
        self.problems.push(Problem {
            stage: self.stage,
            index: self.index,
            key: key.to_owned(),
            expected: expected.to_owned(),
            found: found.to_string(),
            hint,
        });
    }

    /// Two finite numbers in order; returns whether they are.
    fn ordered(&mut self, key: &str, range: &[f64; 2]) -> bool {
        let &[low, high] = range;
        if !(low.is_finite() && high.is_finite()) {
            self.add(key, "a range of two finite numbers", show(range), None);
        } else if low > high {
            let hint = format!("write the smaller number first: {}", show(&[high, low]));
            self.add(key, "a range [low, high]", show(range), Some(hint));
        }
        low.is_finite() && high.is_finite() && low <= high
    }

    fn range(&mut self, key: &str, range: &[f64; 2]) {
        self.ordered(key, range);
    }

    /// A range with both ends `inside`, which is described by `within`.
    fn range_within(&mut self, key: &str, range: &[f64; 2], within: &str, inside: impl Fn(f64) -> bool) {
        if self.ordered(key, range) && !range.iter().all(|&end| inside(end)) {
            self.add(key, &format!("a range {within}"), show(range), None);
        }
    }

    fn share(&mut self, key: &str, what: &str, value: f64) {
        if !(0.0..=1.0).contains(&value) {
            self.add(key, &format!("{what} from 0 to 1"), value, None);
        }
    }

    fn affine(&mut self, affine: &Affine) {
        let Affine { rotate, translate, scale, shear } = affine;
        self.range("affine.rotate", rotate);
        self.range("affine.translate", translate);
        self.range_within("affine.scale", scale, "of factors above 0", |end| end > 0.0);
        self.range_within("affine.shear", shear, "between -90 and 90 degrees", |end| end.abs() < 90.0);
    }

    fn crop(&mut self, crop: &Crop, [h, w, _]: [usize; 3]) {
        let side = h.min(w);
        if crop.pad >= side {
            let expected = format!("fewer pixels than the shorter side of the {h}x{w} images");
            self.add("crop.pad", &expected, crop.pad, None);
        }
    }

    fn erase(&mut self, erase: &Erase) {
        let Erase { probability, area, aspect } = erase;
        self.share("erase.probability", "a probability", *probability);
        self.range_within("erase.area", area, "of shares above 0, up to 1", |end| end > 0.0 && end <= 1.0);
        self.range_within("erase.aspect", aspect, "of ratios above 0", |end| end > 0.0);
    }

    fn noise(&mut self, deviation: f64) {
        if !(0.0..=1.0).contains(&deviation) {
            let hint = (1.0..=255.0)
                .contains(&deviation)
                .then(|| format!("for grey levels of 0 to 255, write noise = {:.3}", deviation / 255.0));
            self.add("noise", "a standard deviation from 0 to 1, the full pixel range", deviation, hint);
        }
    }

    fn mix(&mut self, name: &str, alpha: f64, before: usize) {
        if self.stage == Stage::Expand {
            let hint = format!("{name} blends labels too: move it to augment.online");
            self.add(name, "a change of one image", name, Some(hint));
        } else if before > 0 {
            self.add(name, &format!("at most one {name}"), "another", None);
        }
        if !(ALPHA[0]..=ALPHA[1]).contains(&alpha) {
            self.add(name, "an alpha from 0.001 to 1000", alpha, None);
        }
    }
}

/// As it stands in a recipe.
fn show([low, high]: &[f64; 2]) -> String {
    format!("[{low}, {high}]")
}
