//! What comes out of a model: how many classes, and whether logits or probabilities.

use crate::runtime::{Answer, Runtime};
use crate::{Batch, BlackboxError};

/// How far a sum of probabilities may be from 1.
const SUM: f32 = 1e-4;

/// What the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any numbers; log-probabilities are logits, too.
    Logits,
    /// Not below 0, of sum 1.
    Probabilities,
}

impl Kind {
    /// Logits of which softmax makes the same probabilities; one of 0 becomes the smallest that a logarithm can be taken of.
    pub(crate) fn logits(self, numbers: Vec<f32>) -> Vec<f32> {
        match self {
            Self::Logits => numbers,
            Self::Probabilities => numbers.into_iter().map(|p| p.max(f32::MIN_POSITIVE).ln()).collect(),
        }
    }
}

/// What a model answered to the two images it was tried with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Probed {
    rows: Vec<f32>,
}

/// Tries a model. That both images give numbers from 0 to 1 whose sum is 1 does not happen by chance: they are probabilities, however the
/// model makes them.
pub(crate) fn probe(runtime: &Runtime, images: &[f32], batch: Batch) -> Result<Probed, BlackboxError> {
    let answer = runtime.run(images, batch)?;
    let classes = answer.classes(runtime.output_name())?;
    Ok(Probed { rows: answer.rows(runtime.output_name(), classes)? })
}

impl Probed {
    pub(crate) fn classes(&self) -> usize {
        self.rows.len() / 2
    }

    pub(crate) fn kind(&self) -> Kind {
        let is_distribution = |row: &[f32]| {
            row.iter().all(|p| (0.0..=1.0 + SUM).contains(p)) && (row.iter().sum::<f32>() - 1.0).abs() <= SUM
        };
        match self.rows.chunks_exact(self.classes()).all(is_distribution) {
            true => Kind::Probabilities,
            false => Kind::Logits,
        }
    }

    /// What is to be said of the kind.
    pub(crate) fn note(&self) -> Option<String> {
        (self.kind() == Kind::Probabilities)
            .then(|| "the output is probabilities: their logarithms are taken for the logits".to_owned())
    }

    /// Whether `other` is the same, but for `share` of the largest number.
    pub(crate) fn is_like(&self, other: &Self, share: f32) -> bool {
        let largest = other.rows.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
        self.rows.len() == other.rows.len()
            && self.rows.iter().zip(&other.rows).all(|(a, b)| (a - b).abs() <= share * largest)
    }
}

impl Answer {
    fn problem(&self, name: &str, classes: Option<usize>) -> BlackboxError {
        let classes = classes.map_or("k".to_owned(), |classes| classes.to_string());
        BlackboxError::Output {
            name: name.to_owned(),
            images: self.images,
            expected: format!("[{}, {classes}]", self.images),
            found: format!("{:?}", self.shape),
        }
    }

    /// How many classes there are: at least two, and only one dimension beside the images is longer than 1.
    pub(crate) fn classes(&self, name: &str) -> Result<usize, BlackboxError> {
        let classes = match self.shape[..] {
            [_, ref others @ ..] => others.iter().product(),
            [] => 0,
        };
        let long = self.shape.iter().skip(1).filter(|&&length| length > 1).count();
        match self.shape.first() == Some(&self.images) && classes >= 2 && long == 1 {
            true => Ok(classes),
            false => Err(self.problem(name, None)),
        }
    }

    /// The numbers `[n, k]`.
    pub(crate) fn rows(self, name: &str, classes: usize) -> Result<Vec<f32>, BlackboxError> {
        match self.classes(name)? == classes {
            true => Ok(self.numbers),
            false => Err(self.problem(name, Some(classes))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(shape: &[usize]) -> Answer {
        Answer { images: 3, shape: shape.to_vec(), numbers: vec![0.0; shape.iter().product()] }
    }

    #[test]
    fn only_one_dimension_is_of_classes() {
        for shape in [&[3, 5][..], &[3, 5, 1, 1], &[3, 1, 1, 5]] {
            assert_eq!(answer(shape).classes("y"), Ok(5));
        }
        for shape in [&[3][..], &[3, 1], &[4, 5], &[3, 5, 7, 7], &[]] {
            assert!(answer(shape).classes("y").is_err(), "{shape:?}");
        }
        insta::assert_snapshot!(answer(&[3, 5, 7, 7]).classes("y").unwrap_err(), @"output y: expected 3 images with one number a class, [3, k], found [3, 5, 7, 7]");
    }

    #[test]
    fn probabilities_are_told_from_logits() {
        let kind = |rows: &[f32]| Probed { rows: rows.to_vec() }.kind();
        assert_eq!(kind(&[0.25, 0.75, 1.0, 0.0]), Kind::Probabilities);
        assert_eq!(kind(&[0.25, 0.75, 0.5, 0.6]), Kind::Logits);
        assert_eq!(kind(&[0.25, 0.75, 1.5, -0.5]), Kind::Logits);
        let logits = Kind::Probabilities.logits(vec![1.0, 0.0]);
        assert!(logits[0] == 0.0 && logits[1] < -80.0 && logits[1].is_finite());
    }
}
