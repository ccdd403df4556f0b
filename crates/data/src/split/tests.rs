use proptest::prelude::*;

use super::*;

fn count(indices: &[usize], labels: &[u32], class: u32) -> usize {
    indices.iter().filter(|&&index| labels[index] == class).count()
}

proptest! {
    #[test]
    fn a_split_is_a_stratified_partition(
        labels in prop::collection::vec(0_u32..5, 0..300),
        fraction in 0.0..1.0_f64,
        seed in any::<u64>(),
    ) {
        let (train, held) = stratified(&labels, 5, fraction, seed);
        prop_assert!(train.is_sorted() && held.is_sorted());
        let mut all = [train.clone(), held.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        for class in 0..5 {
            let (kept, out) = (count(&train, &labels, class), count(&held, &labels, class));
            let n = kept + out;
            prop_assert!(n == 0 || kept > 0, "class {} lost all {} images", class, n);
            prop_assert!((out as f64 - fraction * n as f64).abs() < 1.0, "{} of {} held out", out, n);
        }
        // a class may refuse its last image; but for that the total is the nearest to the exact one
        let exact = fraction * labels.len() as f64;
        prop_assert!(held.len() as f64 <= exact + 0.5);
        prop_assert!(held.len() as f64 >= exact - 0.5 - 5.0);
        prop_assert_eq!(stratified(&labels, 5, fraction, seed), (train, held));
    }

    /// Images of other classes do not change which of a class are held out, as long as its number is the same.
    #[test]
    fn classes_are_drawn_apart(n in 10_usize..100, others in 10_usize..100, seed in any::<u64>()) {
        let held_of_class_0 = |others: usize| {
            let labels: Vec<u32> = std::iter::repeat_n(0, 10 * n).chain(std::iter::repeat_n(1, 10 * others)).collect();
            let (_, held) = stratified(&labels, 2, 0.1, seed);
            held.into_iter().filter(|&index| labels[index] == 0).collect::<Vec<_>>()
        };
        prop_assert_eq!(held_of_class_0(others), held_of_class_0(10));
    }
}

#[test]
fn a_tenth_of_a_balanced_set_is_a_tenth_of_each_class() {
    let labels: Vec<u32> = (0..60_000).map(|i| i % 10).collect();
    let (train, held) = stratified(&labels, 10, 0.1, 0);
    assert_eq!((train.len(), held.len()), (54_000, 6000));
    assert!((0..10).all(|class| count(&held, &labels, class) == 600));
    assert_ne!(stratified(&labels, 10, 0.1, 1).1, held, "another seed draws others");
}

#[test]
fn remainders_add_up_to_the_total() {
    assert_eq!(held_out(&[5, 5, 5, 5], 0.1), [1, 1, 0, 0]);
    assert_eq!(held_out(&[1, 1, 1, 1], 0.9), [0, 0, 0, 0], "every class keeps one image");
    assert_eq!(held_out(&[14, 6], 0.1), [1, 1]);
    assert_eq!(held_out(&[0, 3], 0.5), [0, 2]);
}

proptest! {
    /// Every image is in one fold, and of every class, and in all, two folds differ by one image at most.
    #[test]
    fn folds_are_even(
        labels in prop::collection::vec(0_u32..5, 0..300),
        folds in 1_usize..9,
        seed in any::<u64>(),
    ) {
        let fold_of = super::folds(&labels, 5, folds, seed);
        prop_assert_eq!(fold_of.len(), labels.len());
        let sizes = |class: Option<u32>| -> Vec<usize> {
            let fits = |index: &usize| class.is_none_or(|class| labels[*index] == class);
            (0..folds).map(|fold| (0..labels.len()).filter(fits).filter(|&i| fold_of[i] == fold).count()).collect()
        };
        for class in (0..5).map(Some).chain([None]) {
            let sizes = sizes(class);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?} {:?}", class, sizes);
        }
        prop_assert_eq!(super::folds(&labels, 5, folds, seed), fold_of);
    }
}

#[test]
fn another_seed_deals_other_folds() {
    let labels: Vec<u32> = (0..1000).map(|i| i % 10).collect();
    assert_ne!(folds(&labels, 10, 5, 0), folds(&labels, 10, 5, 1));
}

fn grouped_set(labels: Vec<u32>, groups: Vec<u32>) -> ImageSet {
    let ids =
        seamripper_core::sample::Ids::Rows { prefix: "x".into(), rows: (0..labels.len() as u32).collect() };
    let classes = ["a", "b", "c"].map(String::from).into();
    ImageSet::new([1, 1, 1], vec![0; labels.len()], labels, classes, ids).with_groups(Some(groups))
}

proptest! {
    /// No group is on two sides, and the share is met as nearly as the groups allow.
    #[test]
    fn groups_are_never_parted(
        rows in prop::collection::vec((0_u32..3, 0_u32..40), 60..200),
        seed in any::<u64>(),
    ) {
        let (labels, groups): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
        let set = grouped_set(labels.clone(), groups.clone());
        let (train, held) = hold_out(&set, 0.3, seed);
        prop_assert_eq!(train.len() + held.len(), labels.len());
        let of = |rows: &[usize]| rows.iter().map(|&row| groups[row]).collect::<std::collections::BTreeSet<_>>();
        prop_assert!(of(&train).is_disjoint(&of(&held)));
        let largest = (0..40).map(|group| groups.iter().filter(|&&other| other == group).count()).max().unwrap_or(0);
        prop_assert!(held.len() as f64 <= 0.3 * labels.len() as f64 + 3.0 * largest as f64);
        let fold_of = deal(&set, 4, seed);
        for group in 0..40 {
            let folds: std::collections::BTreeSet<_> =
                (0..labels.len()).filter(|&row| groups[row] == group).map(|row| fold_of[row]).collect();
            prop_assert!(folds.len() <= 1, "group {} is in folds {:?}", group, folds);
        }
        let sizes: Vec<_> = (0..4).map(|fold| fold_of.iter().filter(|&&other| other == fold).count()).collect();
        prop_assert!(sizes.iter().all(|&size| size + 3 * largest >= labels.len() / 4), "{:?}", sizes);
    }
}

#[test]
fn what_the_source_holds_out_is_held_out() {
    let set = grouped_set(vec![0, 1, 2, 0], vec![0, 1, 2, 3]).with_held(Some(vec![false, true, false, true]));
    assert_eq!(hold_out(&set, 0.5, 1), (vec![0, 2], vec![1, 3]));
    assert_eq!(hold_out(&set.select(&[3, 0]), 0.5, 1), (vec![1], vec![0]), "marks go with their images");
}
