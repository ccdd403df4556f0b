//! Times the searches of `core::fail` on Fashion-MNIST, and shows what they find:
//! `cargo run --release -p seamripper-data --example fail [TABLE OF PREDICTIONS OF THE TEST IMAGES]`.

use std::time::Instant;

use seamripper_core::fail::duplicates::{self, DuplicateOptions, Pair, leaks};
use seamripper_core::fail::properties::measure;
use seamripper_core::fail::slices::{self, SliceOptions};
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::ImageSet;
use seamripper_data::options::OpenOptions;
use seamripper_data::source::{Source, open};

fn timed<T>(name: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = run();
    println!("{name}: {:.3} s", start.elapsed().as_secs_f64());
    value
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dataset = open(&Source::parse("fashion-mnist")?, &OpenOptions::offline())?;
    let test = dataset.test.ok_or("no test images")?;
    let properties = timed("properties of 10,000 images", || measure(&test));
    let sets = [&dataset.train, &test];
    let pairs =
        timed("duplicates among 70,000 images", || duplicates::find(&sets, &DuplicateOptions::default()));
    show_duplicates(&sets, &pairs);
    plant(&dataset.train);
    let Some(path) = std::env::args().nth(1) else { return Ok(()) };
    let table = seamripper_data::predictions_file::read(path.as_ref())?;
    let rows: Vec<usize> = (0..table.len()).filter(|&row| table.ids[row].starts_with("test-")).collect();
    let k = table.classes.len();
    let table = seamripper_core::predictions::Predictions {
        ids: rows.iter().map(|&row| table.ids[row].clone()).collect(),
        splits: rows.iter().map(|&row| table.splits[row]).collect(),
        labels: rows.iter().map(|&row| table.labels[row]).collect(),
        probs: rows.iter().flat_map(|&row| table.probs[row * k..][..k].iter().copied()).collect(),
        classes: table.classes,
    };
    let found = timed("slices", || slices::find(&table, &properties, None, &SliceOptions::default()));
    for slice in &found.slices {
        let mark = if slice.confirmed { "confirmed" } else { "-" };
        println!("{mark} harm {:.3} p {:.2e}: {}", slice.harm, slice.p_corrected, slice.title(&table));
    }
    let leaked = leaks::leaked(&pairs, 0, 1, table.len());
    println!("{:?}", leaks::finding(&table, &leaked).map(|finding| finding.title));
    Ok(())
}

fn show_duplicates(sets: &[&ImageSet], pairs: &[Pair]) {
    let equal = pairs.iter().filter(|pair| pair.change.equal).count();
    let mirrored = pairs.iter().filter(|pair| pair.change.mirrored).count();
    println!("{} pairs, {equal} of them equal, {mirrored} mirrored", pairs.len());
    for least in [0.9, 0.98, 0.99, 0.995, 0.997, 0.998, 0.999, 0.9995] {
        let near: Vec<&Pair> = pairs.iter().filter(|p| !p.change.equal && p.correlation >= least).collect();
        let label = |place: duplicates::Place| sets[place.set].labels()[place.index];
        let other = near.iter().filter(|pair| label(pair.first) != label(pair.second)).count();
        let unshifted = near.iter().filter(|pair| pair.change.shift == [0, 0]).count();
        println!("correlation {least}: {} near, {other} of other classes, {unshifted} unshifted", near.len());
    }
}

/// Recall of copies of 2,000 images that were changed, and how many pairs are found that were not planted.
fn plant(train: &ImageSet) {
    let originals = train.select(&(0..2_000).collect::<Vec<_>>());
    let [h, w, _] = originals.size();
    let already = duplicates::find(&[&originals], &DuplicateOptions::default()).len();
    let mut stream = Stream::new(0, Purpose::Test, 100, 0);
    for (name, mirrored, shifted, factor, noise) in [
        ("shifted by up to 2 pixels", false, true, 1.0, 0.0),
        ("mirrored", true, false, 1.0, 0.0),
        ("mirrored and shifted", true, true, 1.0, 0.0),
        ("noise of 4", false, false, 1.0, 4.0),
        ("noise of 8", false, false, 1.0, 8.0),
        ("darker, 0.7", false, false, 0.7, 0.0),
        ("brighter, 1.3", false, false, 1.3, 0.0),
        ("all, 0.85 and noise of 4", true, true, 0.85, 4.0),
    ] {
        let mut pixels = Vec::with_capacity(originals.pixels().len());
        for index in 0..originals.len() {
            let image = originals.image(index);
            let [right, down] = [0, 1].map(|_| if shifted { stream.below(5) as usize } else { 2 });
            for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
                let x = if mirrored { w - 1 - x } else { x };
                let inside = (2..h + 2).contains(&(y + down)) && (2..w + 2).contains(&(x + right));
                let value = if inside { f64::from(image[(y + down - 2) * w + x + right - 2]) } else { 0.0 };
                pixels.push((factor * value + noise * stream.normal()).round().clamp(0.0, 255.0) as u8);
            }
        }
        let ids = originals.ids().clone();
        let copies = ImageSet::new(
            originals.size(),
            pixels,
            originals.labels().to_vec(),
            originals.classes().clone(),
            ids,
        );
        let pairs = duplicates::find(&[&originals, &copies], &DuplicateOptions::default());
        let found = pairs.iter().filter(|p| p.second.set == 1 && p.first.index == p.second.index).count();
        let other =
            pairs.iter().filter(|p| p.first.set != p.second.set && p.first.index != p.second.index).count();
        println!("{name}: {found} of 2000 found, {other} others ({already} before)");
    }
}
