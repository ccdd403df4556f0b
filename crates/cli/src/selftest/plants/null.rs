//! Nothing at all: whatever an audit confirms here is a false alarm.
//!
//! *Idea*: real images with their labels, and probabilities that have nothing to do with the image but its label:
//! ```text
//! profile = probabilities of some image of a real table, sorted: r_1 >= r_2 >= …
//! j       = place drawn with probability r_j; the label gets r_j, the other classes what is left, in random order
//! ```
//! Then a class with the probability `p` is right in a share `p` of all rows (calibrated); any class is taken for any other equally
//! often (no bias, no pair, no order); errors fall on images at random (no slice, of properties or of embeddings); validation,
//! test and the images compared with are dealt at random (no drift).
//!
//! Left out: robustness and spurious features, which are about a model (those of a clean model stand under `patch` and as the last
//! run here), and duplicates, of which real data sets have some.

use std::time::Instant;

use seamripper_core::fail::audit::{Against, Subject};
use seamripper_core::fail::finding::Kind;
use seamripper_core::predictions::Predictions;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::ImageSet;
use seamripper_core::tensor::Tensor;

use super::{audited, timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench};
use crate::selftest::trial::Trial;

const KINDS: [Kind; 6] =
    [Kind::Bias, Kind::Slice, Kind::Calibration, Kind::LabelError, Kind::Drift, Kind::Preprocessing];

pub fn run(bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let embeddings = [&base.test, &base.validation].map(|set| base.model.embeddings(set));
    Ok((0..bench.scale.nulls).map(|number| one(base, &embeddings, number as u64)).collect())
}

fn one(base: &Base, [of_test, of_validation]: &[Tensor; 2], number: u64) -> Trial {
    let began = Instant::now();
    let mut stream = Stream::new(base.seed, Purpose::Plant, 12, number);
    let mut table = |set: &ImageSet| exchangeable(set, &base.table, &mut stream);
    let (predictions, validation) = (table(&base.test), table(&base.validation));
    let against = Against {
        name: "validation".to_owned(),
        predictions: &validation,
        images: Some(&base.validation),
        embeddings: Some(of_validation),
    };
    let subject = Subject {
        images: Some(&base.test),
        embeddings: Some(of_test),
        validation: Some(&validation),
        against: Some(against),
        ..Subject::new(&predictions)
    };
    let document = audited(subject, &KINDS, base.seed.wrapping_add(number << 32));
    let confirmed: Vec<String> = document
        .audit
        .findings
        .iter()
        .filter(|finding| finding.confirmed)
        .map(|finding| finding.title.clone())
        .collect();
    timed(
        began,
        Trial {
            found: confirmed.is_empty(),
            false_alarms: confirmed.len(),
            confirmed: confirmed.len(),
            measure: confirmed.len() as f64,
            said: confirmed.join(" "),
            ..trial(Plant::Null, "nothing planted", base)
        },
    )
}

/// A table of `set` in which nothing is wrong but that errors happen; confidences are those of `like`.
fn exchangeable(set: &ImageSet, like: &Predictions, stream: &mut Stream) -> Predictions {
    let k = set.classes().len();
    let mut probs = Vec::with_capacity(set.len() * k);
    for &label in set.labels() {
        let mut profile = like.row(stream.below(like.len() as u64) as usize).to_vec();
        profile.sort_by(|a, b| b.total_cmp(a));
        let mut left = stream.unit() * profile.iter().sum::<f64>();
        let place = profile.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        let own = profile.remove(place.unwrap_or(0));
        stream.shuffle(&mut profile);
        profile.insert(label as usize, own);
        probs.extend(profile);
    }
    Predictions {
        classes: set.classes().to_vec(),
        ids: (0..set.len()).map(|row| set.ids().id(row)).collect(),
        splits: vec![seamripper_core::sample::Split::Test; set.len()],
        labels: set.labels().to_vec(),
        probs,
    }
}
