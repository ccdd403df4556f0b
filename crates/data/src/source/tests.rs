use std::fs;

use tempfile::TempDir;

use super::*;

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// A folder with a training pair of 3 images of 2 x 2.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "train-images-idx3-ubyte", &idx(&[3, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    put(&folder, "train-labels-idx1-ubyte", &idx(&[3], &[0, 1, 0]));
    folder
}

fn put(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).unwrap();
}

fn open_folder(folder: &TempDir) -> Result<Dataset> {
    open(&Source::Idx(folder.path().to_owned()), &OpenOptions::offline())
}

fn message(folder: &TempDir) -> String {
    let error = open_folder(folder).unwrap_err();
    let text = format!("{error}\nhint: {}", error.hint().unwrap_or_else(|| "none".into()));
    text.replace(&*folder.path().to_string_lossy(), "FOLDER")
}

#[test]
fn sources_are_understood() {
    assert_eq!(Source::parse("fashion-mnist").unwrap(), Source::Named(&named::FASHION_MNIST));
    assert_eq!(Source::parse("idx:a:b/c").unwrap(), Source::Idx("a:b/c".into()));
    for text in [
        "fashion-mnist",
        "idx:some/folder",
        "folder:a",
        "csv:a.csv",
        "jsonl:a.jsonl",
        "parquet:a",
        "npz:a.npz",
    ] {
        assert_eq!(Source::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn other_sources_are_errors_with_the_nearest_one() {
    let shown = |text: &str| {
        let error = Source::parse(text).unwrap_err();
        format!("{error}\nhint: {}", error.hint().unwrap_or_else(|| "none".into()))
    };
    insta::assert_snapshot!(shown("fashon-mnist"), @r"
    data source `fashon-mnist`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found another name
    hint: did you mean `fashion-mnist`?
    ");
    insta::assert_snapshot!(shown("cifar"), @r"
    data source `cifar`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found another name
    hint: none
    ");
    insta::assert_snapshot!(shown("idxx:data"), @r"
    data source `idxx:data`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found scheme `idxx`
    hint: did you mean `idx:data`?
    ");
    insta::assert_snapshot!(shown("http://host/data"), @r"
    data source `http://host/data`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found scheme `http`
    hint: none
    ");
    insta::assert_snapshot!(shown("idx:"), @r"
    data source `idx:`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found no path
    hint: none
    ");
    insta::assert_snapshot!(shown("./data"), @r"
    data source `./data`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found a path without a scheme
    hint: did you mean `folder:./data`?
    ");
    insta::assert_snapshot!(shown(""), @r"
    data source ``: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found another name
    hint: none
    ");
}

#[test]
fn a_folder_without_a_test_part_and_without_names() {
    let dataset = open_folder(&folder()).unwrap();
    assert_eq!(dataset.test, None);
    assert_eq!(dataset.train.size(), [2, 2, 1]);
    assert_eq!(dataset.train.labels(), [0, 1, 0]);
    assert_eq!(*dataset.train.image(1), [5, 6, 7, 8]);
    assert_eq!(dataset.train.classes()[..], ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert!(!dataset.origin.verified);
}

#[test]
fn a_folder_with_all_there_can_be() {
    let folder = folder();
    put(&folder, "t10k-images.idx3-ubyte", &idx(&[1, 2, 2], &[0; 4]));
    put(&folder, "t10k-labels.idx1-ubyte", &idx(&[1], &[1]));
    put(&folder, "classes.txt", b"Shirt \r\nBag\n\n");
    let dataset = open_folder(&folder).unwrap();
    assert_eq!(dataset.train.classes()[..], ["Shirt", "Bag"]);
    assert_eq!(dataset.test.unwrap().ids().id(0), "test-00000");
    assert_eq!(dataset.origin.files.len(), 4);
}

#[test]
fn files_that_do_not_belong_together_are_errors() {
    let counts = folder();
    put(&counts, "train-labels-idx1-ubyte", &idx(&[2], &[0, 1]));
    insta::assert_snapshot!(message(&counts), @r"
    number of labels of FOLDER/train-labels-idx1-ubyte: expected 3, one for each image of FOLDER/train-images-idx3-ubyte, found 2
    hint: the two files are not a pair, or one was cut; get both from the same place again
    ");

    let range = folder();
    put(&range, "train-labels-idx1-ubyte", &idx(&[3], &[0, 12, 10]));
    insta::assert_snapshot!(message(&range), @r"
    labels of FOLDER/train-labels-idx1-ubyte: expected 0 to 9, found 2 problems
      12 at row 1
      10 at row 2
    hint: name every class, one a line in the order of the labels, in a file `classes.txt` beside the labels
    ");

    let sizes = folder();
    put(&sizes, "t10k-images-idx3-ubyte", &idx(&[1, 1, 4], &[0; 4]));
    put(&sizes, "t10k-labels-idx1-ubyte", &idx(&[1], &[1]));
    insta::assert_snapshot!(message(&sizes), @r"
    size of the images of FOLDER/t10k-images-idx3-ubyte: expected 2 x 2, as in FOLDER/train-images-idx3-ubyte, found 1 x 4
    hint: none
    ");

    let half = folder();
    put(&half, "t10k-images-idx3-ubyte", &idx(&[1, 1, 4], &[0; 4]));
    insta::assert_snapshot!(message(&half), @r"
    files of FOLDER: expected t10k-labels-idx1-ubyte (or .gz), found none of that name
    hint: none
    ");

    let typo = tempfile::tempdir().unwrap();
    put(&typo, "train-image-idx3-ubyte.gz", b"");
    insta::assert_snapshot!(message(&typo), @r"
    files of FOLDER: expected train-images-idx3-ubyte and train-labels-idx1-ubyte (or .gz), found none of that name
    hint: is `train-image-idx3-ubyte.gz` the file? Rename it
    ");
}

#[test]
fn many_labels_out_of_range_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "train-images-idx3-ubyte", &idx(&[30, 1, 1], &[0; 30]));
    put(&folder, "train-labels-idx1-ubyte", &idx(&[30], &[255; 30]));
    insta::assert_snapshot!(message(&folder), @r"
    labels of FOLDER/train-labels-idx1-ubyte: expected 0 to 9, found 30 problems
      255 at row 0
      255 at row 1
      255 at row 2
      255 at row 3
      255 at row 4
      255 at row 5
      255 at row 6
      255 at row 7
      255 at row 8
      255 at row 9
      and 20 more
    hint: name every class, one a line in the order of the labels, in a file `classes.txt` beside the labels
    ");
}

#[test]
fn names_of_classes_are_checked() {
    let with = |text: &[u8]| {
        let folder = folder();
        put(&folder, "classes.txt", text);
        message(&folder)
    };
    insta::assert_snapshot!(with(b"Shirt\n\nBag\n"), @r"
    line 2 of FOLDER/classes.txt: expected the name of a class, found an empty line
    hint: none
    ");
    insta::assert_snapshot!(with(b"Shirt\nBag\nShirt\n"), @r"
    line 3 of FOLDER/classes.txt: expected a name of its own, found `Shirt` again, as in line 1
    hint: none
    ");
    insta::assert_snapshot!(with(b"Shirt\n"), @r"
    classes of FOLDER/classes.txt: expected 2 to 256 names, found 1
    hint: none
    ");
    insta::assert_snapshot!(with(b"\xff\n"), @r"
    cannot read FOLDER/classes.txt: stream did not contain valid UTF-8
    hint: none
    ");
}

#[test]
fn an_absent_folder_is_named() {
    let error = open(&Source::Idx("absent/folder".into()), &OpenOptions::offline()).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"cannot read absent/folder: No such file or directory (os error 2)");
}
