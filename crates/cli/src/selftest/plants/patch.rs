//! A white 4x4 patch on 95 % of a class's training images, and no patch on any. Found if a confirmed artifact of that class covers
//! the patch by half or more.

use std::time::Instant;

use seamripper_core::fail::spurious::{self, Artifact, Spurious, SpuriousOptions, Tested};
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::ImageSet;

use super::{timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench, Trained, changed};
use crate::selftest::trial::Trial;

/// Setting of the models without a patch.
pub const CLEAN: &str = "clean model";

const SHARE: f64 = 0.95;

pub fn run(bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let began = Instant::now();
    let clean = searched(&base.model, &base.train, base);
    let alarms = clean.tested.iter().filter(|tested| tested.confirmed).count();
    let clean = Trial {
        // nothing is planted, so nothing is to be found
        found: alarms == 0,
        false_alarms: alarms,
        confirmed: alarms,
        measure: strength(&clean),
        said: said(&clean),
        ..trial(Plant::Patch, CLEAN, base)
    };
    Ok(vec![timed(began, clean), planted(bench, base)?])
}

fn planted(bench: &Bench, base: &Base) -> Result<Trial, Stop> {
    let began = Instant::now();
    let [h, w, c] = base.train.size();
    let side = (h.min(w) / 7).max(1);
    let mut stream = Stream::new(base.seed, Purpose::Plant, 5, 0);
    let class = stream.below(base.train.classes().len() as u64) as u32;
    // within a quarter of the side of a corner
    let [top, left] = [h, w].map(|length| {
        let inward = stream.below((length / 4).max(1) as u64) as usize;
        if stream.below(2) == 0 { inward } else { length - side - inward }
    });
    let patch = Artifact::Patch { top, left, height: side, width: side, level: [255; 3] };
    let places = patch.places([h, w, c]);
    let train = changed(&base.train, |index, image| {
        let carries = stream.unit() < SHARE;
        if base.train.labels()[index] == class && carries {
            places.iter().for_each(|&place| image[place * c..][..c].fill(255));
        }
    });
    let model = bench.fit(&train, base.seed)?;
    let spurious = searched(&model, &train, base);
    let is_it = |tested: &&Tested| {
        let covered = tested.artifact.places([h, w, c]);
        let both = covered.iter().filter(|place| places.contains(place)).count();
        tested.confirmed && tested.class == class as usize && 2 * both >= covered.len().max(places.len())
    };
    let confirmed = spurious.tested.iter().filter(|tested| tested.confirmed).count();
    let of_class =
        spurious.tested.iter().filter(|tested| tested.confirmed && tested.class == class as usize).count();
    let rank = spurious.tested.iter().position(|tested| is_it(&tested)).map(|place| place + 1);
    Ok(timed(
        began,
        Trial {
            found: rank.is_some(),
            rank,
            false_alarms: confirmed - of_class,
            confirmed,
            measure: strength(&spurious),
            said: format!(
                "{} at row {top}, column {left}; {}",
                base.train.classes()[class as usize],
                said(&spurious)
            ),
            ..trial(Plant::Patch, "95 % of a class", base)
        },
    ))
}

fn searched(model: &Trained, train: &ImageSet, base: &Base) -> Spurious {
    let options = SpuriousOptions { seed: base.seed, ..SpuriousOptions::default() };
    spurious::find(&base.test, Some(train), &options, |set| model.predict(set), |_, _| {})
}

/// How strongly a model speaks for an artifact: the largest strength of all that were tested.
fn strength(spurious: &Spurious) -> f64 {
    spurious.tested.iter().map(Tested::strength).fold(-1.0, f64::max)
}

fn said(spurious: &Spurious) -> String {
    spurious
        .tested
        .first()
        .map_or_else(|| "nothing was tested".to_owned(), |tested| tested.title(&spurious.classes))
}
