use std::sync::Arc;

use proptest::prelude::*;

use seamripper_core::sample::Ids;

use super::*;
use crate::source::Origin;

fn set(prefix: &str, size: [usize; 3], pixels: Vec<u8>, labels: Vec<u32>) -> ImageSet {
    let classes: Arc<[String]> = ["Shirt", "Bag", "Coat"].map(String::from).into();
    let rows = (0..labels.len() as u32).collect();
    ImageSet::new(size, pixels, labels, classes, Ids::Rows { prefix: prefix.into(), rows })
}

fn dataset(train: ImageSet, test: Option<ImageSet>) -> Dataset {
    let origin = Origin { files: Vec::new(), verified: false, downloaded: false };
    Dataset::new("made".into(), train, test, origin)
}

/// Images of 1 x 2 pixels.
fn small(prefix: &str, images: &[([u8; 2], u32)]) -> ImageSet {
    let pixels = images.iter().flat_map(|(pixels, _)| *pixels).collect();
    set(prefix, [1, 2, 1], pixels, images.iter().map(|&(_, label)| label).collect())
}

#[test]
fn everything_planted_is_found_worst_first() {
    let train = small("train", &[([1, 2], 0), ([3, 4], 0), ([1, 2], 0), ([7, 7], 1), ([5, 6], 0)]);
    let test = small("test", &[([3, 4], 0), ([9, 8], 1), ([5, 6], 2)]);
    let audit = audit(&dataset(train, Some(test)));
    let said: Vec<_> = audit
        .findings
        .iter()
        .map(|finding| format!("{:?}: {} [{}]", finding.kind, finding.title, finding.examples.join(" ")))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    Leak: 2 pictures are in the test part and in the training part [train-00004 test-00002 train-00001 test-00000]
    Conflict: 1 picture is labelled in more than one way [train-00004 test-00002]
    MissingClass: no image in the train part of: Coat []
    Duplicate: 1 picture is there more than once in the same part [train-00000 train-00002]
    Constant: 1 picture is without content in the train part: all pixels equal [train-00003]
    Imbalance: Shirt has 4.0 times as many images as Bag in the train part (4 and 1) []
    ");
    assert_eq!((audit.duplicates.groups, audit.duplicates.surplus), (3, 3));
    assert!(audit.duplicates.worst[0].across && audit.duplicates.worst[0].conflict);
}

#[test]
fn a_clean_set_has_no_findings() {
    let train = small("train", &[([1, 2], 0), ([3, 4], 1), ([5, 6], 2)]);
    let audit = audit(&dataset(train, None));
    assert_eq!(audit.findings, []);
    assert_eq!(audit.splits.len(), 1);
    assert_eq!(audit.splits[0].imbalance, Some(1.0));
    assert_eq!(audit.splits[0].label_range, Some([0, 2]));
}

#[test]
fn moments_are_those_of_the_definition() {
    let audit = audit(&dataset(set("train", [1, 2, 3], vec![0, 10, 255, 4, 20, 255], vec![0]), None));
    assert_eq!(audit.splits[0].mean, [2.0, 15.0, 255.0]);
    assert_eq!(audit.splits[0].sd, [2.0, 5.0, 0.0]);
}

proptest! {
    /// The oracle compares every pair of images.
    #[test]
    fn duplicates_are_the_equal_pairs(
        train in prop::collection::vec(([0_u8..3, 0_u8..3], 0_u32..3), 1..20),
        test in prop::collection::vec(([0_u8..3, 0_u8..3], 0_u32..3), 1..20),
    ) {
        let found = audit(&dataset(small("train", &train), Some(small("test", &test)))).duplicates;
        let all: Vec<_> = train.iter().map(|x| (0, x)).chain(test.iter().map(|x| (1, x))).collect();
        let equal = |i: usize| -> Vec<usize> { (0..all.len()).filter(|&j| all[i].1.0 == all[j].1.0).collect() };
        let firsts: Vec<_> = (0..all.len()).map(equal).enumerate().filter(|(i, group)| group.len() > 1 && group[0] == *i).collect();
        prop_assert_eq!(found.groups, firsts.len());
        prop_assert_eq!(found.surplus, firsts.iter().map(|(_, group)| group.len() - 1).sum::<usize>());
        let across = |group: &[usize]| group.iter().any(|&i| all[i].0 != all[group[0]].0);
        let conflict = |group: &[usize]| group.iter().any(|&i| all[i].1.1 != all[group[0]].1.1);
        prop_assert_eq!(found.across, firsts.iter().filter(|(_, group)| across(group)).count());
        prop_assert_eq!(found.conflicts, firsts.iter().filter(|(_, group)| conflict(group)).count());
    }
}

#[test]
fn the_document_has_its_schema() {
    let audit = audit(&dataset(small("train", &[([1, 2], 0), ([1, 2], 1)]), None));
    insta::assert_snapshot!(serde_json::to_string(&audit).unwrap(), @r#"{"schema":"seamripper.data/1","name":"made","images":2,"size":[1,2,1],"classes":["Shirt","Bag","Coat"],"splits":[{"name":"train","images":2,"mean":[1.5],"sd":[0.5],"label_range":[0,1],"classes":[{"name":"Shirt","count":1,"share":0.5},{"name":"Bag","count":1,"share":0.5},{"name":"Coat","count":0,"share":0.0}],"imbalance":1.0,"missing":["Coat"],"constant":[],"constant_count":0}],"duplicates":{"groups":1,"surplus":1,"across":0,"conflicts":1,"worst":[{"across":false,"conflict":true,"images":[{"id":"train-00000","split":"train","label":"Shirt"},{"id":"train-00001","split":"train","label":"Bag"}]}]},"findings":[{"kind":"conflict","title":"1 picture is labelled in more than one way","n":1,"examples":["train-00000","train-00001"]},{"kind":"missing_class","title":"no image in the train part of: Coat","n":1,"examples":[]},{"kind":"duplicate","title":"1 picture is there more than once in the same part","n":1,"examples":["train-00000","train-00001"]}],"photos":null,"files":[],"verified":false}"#);
}
