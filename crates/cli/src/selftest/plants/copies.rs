//! Training images among the test images: unchanged, or shifted by a pixel or two, mirrored, noisy, lighter. A copy is found if it
//! is called a leak; a false alarm is a leak among the other test images that was none before the copies came.

use std::time::Instant;

use seamripper_core::fail::duplicates::leaks::leaked;
use seamripper_core::fail::duplicates::{DuplicateOptions, find};
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::{Ids, ImageSet};

use super::{timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench};
use crate::selftest::trial::Trial;

/// Copies that are planted.
const COPIES: usize = 200;

/// Images of each part that are searched, at most.
const SEARCHED: [usize; 2] = [6_000, 2_000];

pub fn run(plant: Plant, _: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let began = Instant::now();
    let mut stream = Stream::new(base.seed, Purpose::Plant, 9, plant as u64);
    let [train, test] = [(&base.train, SEARCHED[0]), (&base.test, SEARCHED[1])].map(|(set, most)| {
        let mut rows: Vec<usize> = (0..set.len()).collect();
        stream.shuffle(&mut rows);
        rows.truncate(most);
        set.select(&rows)
    });
    let before = leaks(&train, &test);
    let copied: Vec<usize> = (0..COPIES).map(|_| stream.below(train.len() as u64) as usize).collect();
    let mut pixels = test.pixels().into_owned();
    let mut labels = test.labels().to_vec();
    for &row in &copied {
        let image = train.image(row);
        pixels.extend(if plant == Plant::ExactDuplicate {
            image.into_owned()
        } else {
            nearly(&image, train.size(), &mut stream)
        });
        labels.push(train.labels()[row]);
    }
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..labels.len() as u32).collect() };
    let with = ImageSet::new(test.size(), pixels, labels, test.classes().clone(), ids);
    let after = leaks(&train, &with);
    let found = after[test.len()..].iter().filter(|&&leaked| leaked).count();
    let alarms = (0..test.len()).filter(|&row| after[row] && !before[row]).count();
    let share = found as f64 / COPIES as f64;
    Ok(vec![timed(
        began,
        Trial {
            found: share >= if plant == Plant::ExactDuplicate { 1.0 } else { 0.9 },
            false_alarms: alarms,
            confirmed: found,
            measure: share,
            said: format!("{found} of {COPIES} copies were found"),
            ..trial(plant, format!("{COPIES} of {}", with.len()), base)
        },
    )])
}

fn leaks(train: &ImageSet, test: &ImageSet) -> Vec<bool> {
    leaked(&find(&[train, test], &DuplicateOptions::default()), 0, 1, test.len())
}

/// An image after one small change: shifted by up to two pixels, mirrored, with noise of two levels, or a twentieth lighter.
fn nearly(image: &[u8], [h, w, c]: [usize; 3], stream: &mut Stream) -> Vec<u8> {
    let at = |y: i64, x: i64, channel: usize| {
        // what comes in from outside repeats the edge
        let [y, x] = [(y, h), (x, w)].map(|(place, length)| place.clamp(0, length as i64 - 1) as usize);
        image[(y * w + x) * c + channel]
    };
    let moved = |dy: i64, dx: i64| {
        let places = (0..h as i64).flat_map(|y| (0..w as i64).map(move |x| (y, x)));
        places
            .flat_map(|(y, x)| (0..c).map(move |channel| (y, x, channel)))
            .map(|(y, x, channel)| at(y - dy, x - dx, channel))
            .collect()
    };
    match stream.below(4) {
        0 => {
            let [dy, dx] = [(); 2].map(|()| stream.below(5) as i64 - 2);
            moved(dy, dx)
        }
        1 => (0..h)
            .flat_map(|y| (0..w).rev().flat_map(move |x| (0..c).map(move |channel| (y, x, channel))))
            .map(|(y, x, channel)| image[(y * w + x) * c + channel])
            .collect(),
        2 => image
            .iter()
            .map(|&v| (f64::from(v) + 2.0 * stream.normal()).round().clamp(0.0, 255.0) as u8)
            .collect(),
        _ => image.iter().map(|&v| (1.05 * f64::from(v)).round().min(255.0) as u8).collect(),
    }
}
