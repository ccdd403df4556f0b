use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use seamripper_core::sample::Ids;
use tempfile::TempDir;

use super::*;

fn images(labels: &[u32]) -> ImageSet {
    let rows = (0..labels.len() as u32).collect();
    let ids = Ids::Rows { prefix: Arc::from("train"), rows };
    let classes: Arc<[String]> = Arc::from(["Coat", "Shirt"].map(str::to_owned).to_vec());
    ImageSet::new([1, 1, 1], (0..labels.len() as u8).collect(), labels.to_vec(), classes, ids)
}

fn files(relabel: &str, drop: &str) -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = [("relabel.csv", relabel), ("drop.csv", drop)].map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    });
    (folder, a, b)
}

const HEADER: &str = "id,given,suggested,score,flagged\n";

#[test]
fn labels_are_changed_and_images_left_out_each_counted_once() {
    let relabel = format!("{HEADER}train-00001,Shirt,Coat,0,true\ntrain-00000,Coat,Shirt,0,true\n");
    let (_folder, relabel, drop) = files(&relabel, "id\ntrain-00000\ntrain-00003\n");
    let tables = Tables { relabel: Some(&relabel), drop: Some(&drop) };
    let (changed, changes) = tables.apply(images(&[0, 1, 1, 0])).unwrap();
    assert_eq!(changes, Changes { relabelled: 1, dropped: 2 });
    assert_eq!((changed.labels(), &*changed.pixels()), (&[0, 1][..], &[1, 2][..]));
    assert_eq!(changed.ids().id(0), "train-00001");
    let (same, none) = Tables::default().apply(images(&[0, 1])).unwrap();
    assert_eq!((same, none), (images(&[0, 1]), Changes::default()));
}

#[test]
fn problems_of_both_tables_are_told_at_once() {
    let relabel = format!("{HEADER}train-00001,Coat,Shirt,0,true\n");
    let (folder, relabel, drop) = files(&relabel, "id\ntrain-00007\n");
    let tables = Tables { relabel: Some(&relabel), drop: Some(&drop) };
    let errors: Vec<_> = tables.apply(images(&[0, 1])).unwrap_err().iter().map(Error::to_string).collect();
    let text = errors.join("\n").replace(&*folder.path().to_string_lossy(), "FOLDER");
    insta::assert_snapshot!(text, @r"
    rows of FOLDER/drop.csv: expected a usable label in each, found id `train-00007`: expected a training image of the data set, found none
    rows of FOLDER/relabel.csv: expected a usable label in each, found id `train-00001`: expected the label `Coat`, found `Shirt`
    ");
}

#[test]
fn a_class_without_an_image_left_is_refused() {
    let relabel = format!("{HEADER}train-00001,Shirt,Coat,0,true\n");
    let (_folder, relabel, _) = files(&relabel, "");
    let errors = Tables { relabel: Some(&relabel), drop: None }.apply(images(&[0, 1])).unwrap_err();
    assert!(matches!(&errors[..], [Error::NoneLeft { classes, .. }] if classes == "Shirt"), "{errors:?}");
}
