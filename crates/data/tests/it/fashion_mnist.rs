//! The data set as Debian packages it: what the program says about it is what is known about it.

use std::sync::LazyLock;

use seamripper_core::sample::ImageSet;
use seamripper_data::audit::{FindingKind, audit};
use seamripper_data::options::OpenOptions;
use seamripper_data::source::{self, Dataset, Source};
use seamripper_data::split::stratified;

/// Read once for all tests. The set-up of the tests installs the package; a test that cannot read it fails.
static DATASET: LazyLock<Dataset> = LazyLock::new(|| {
    let source = Source::parse("fashion-mnist").expect("a known name");
    let env_data = std::env::var_os("SEAMRIPPER_DATA").map(Into::into);
    source::open(&source, &OpenOptions { env_data, ..OpenOptions::offline() }).unwrap_or_else(|error| {
        panic!("{error}\nhint: {}\nThese tests need the real data set.", error.hint().unwrap_or_default())
    })
});

#[test]
fn it_is_what_its_authors_say() {
    let dataset = &*DATASET;
    let test = dataset.test.as_ref().unwrap();
    assert!(dataset.origin.verified);
    assert_eq!((dataset.train.len(), test.len(), dataset.train.size()), (60_000, 10_000, [28, 28, 1]));
    // the first ten labels of each part, as every tutorial prints them
    assert_eq!(dataset.train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    assert_eq!(dataset.train.classes()[9], "Ankle boot");
}

#[test]
fn it_is_balanced_and_has_no_exact_duplicates() {
    let audit = audit(&DATASET);
    assert_eq!(audit.findings, []);
    assert_eq!(audit.duplicates.groups, 0);
    assert!(audit.splits.iter().all(|split| split.imbalance == Some(1.0)));
    // 0.2860 and 0.3530 of 1 are the numbers used to normalize it everywhere
    assert!((audit.splits[0].mean[0] / 255.0 - 0.2860).abs() < 5e-5, "{:?}", audit.splits[0].mean);
    assert!((audit.splits[0].sd[0] / 255.0 - 0.3530).abs() < 5e-5, "{:?}", audit.splits[0].sd);
}

#[test]
fn a_copied_image_is_found() {
    let mut dataset = DATASET.clone();
    let test = dataset.test.as_ref().unwrap();
    let mut pixels = test.pixels().to_vec();
    pixels[123 * 784..][..784].copy_from_slice(&dataset.train.image(45_678));
    let copied = ImageSet::new(
        test.size(),
        pixels,
        test.labels().to_vec(),
        test.classes().clone(),
        test.ids().clone(),
    );
    dataset.test = Some(copied);
    let audit = audit(&dataset);
    assert_eq!(audit.duplicates.groups, 1);
    assert_eq!(audit.findings[0].kind, FindingKind::Leak);
    assert_eq!(audit.findings[0].examples, ["train-45678", "test-00123"]);
}

#[test]
fn a_tenth_held_out_is_600_of_each_class() {
    let (train, held) = stratified(DATASET.train.labels(), 10, 0.1, 0);
    assert_eq!((train.len(), held.len()), (54_000, 6000));
    let held = DATASET.train.select(&held);
    assert!((0..10).all(|class| held.labels().iter().filter(|&&label| label == class).count() == 600));
}
