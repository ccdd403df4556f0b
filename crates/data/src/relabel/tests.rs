use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use seamripper_core::sample::Ids;

use super::*;

fn classes() -> Vec<String> {
    ["Coat", "Shirt", "a \"quoted\", one"].map(str::to_owned).to_vec()
}

fn images(labels: &[u32]) -> ImageSet {
    let rows = (0..labels.len() as u32).collect();
    let ids = Ids::Rows { prefix: Arc::from("train"), rows };
    let pixels = (0..labels.len() as u8).collect();
    ImageSet::new([1, 1, 1], pixels, labels.to_vec(), Arc::from(classes()), ids)
}

fn read(text: &str) -> Result<Relabel> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relabel.csv");
    fs::write(&path, text).unwrap();
    Relabel::read(&path, &classes())
}

/// The error of a table called `relabel.csv`, and its hint.
fn shown(error: &Error) -> String {
    let text = format!("{error}\n{}", error.hint().unwrap_or_default());
    let Some(end) = text.find("relabel.csv") else { return text };
    let start = text[..end].rfind(' ').map_or(0, |at| at + 1);
    format!("{}{}", &text[..start], &text[end..])
}

#[test]
fn every_row_that_cannot_be_used_is_told_at_once() {
    let error = read(
        "flagged,id,given,suggested,score,remark\n\
         true,train-00000,Coat,Shirt,0.01,yes\n\
         TRUE,train-00001,Coat,Shrit,0.01,\n\
         perhaps,train-00002,Coat,Shirt,0.01,\n\
         true,train-00003,Coat,Shirt,-1,\n\
         true,train-00004,Coat,Shirt,NaN,\n\
         true,,Coat,Shirt,0.5,\n\
         true,train-00000,Coat,Shirt,0.5,\n\
         true\n",
    )
    .unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    rows of relabel.csv: expected a usable label in each, found 7 problems
      line 3: suggested: expected a class, found `Shrit` (is `Shirt` meant?)
      line 4: flagged: expected true or false, found `perhaps`
      line 5: score: expected a number of 0 to 1, found `-1`
      line 6: score: expected a number of 0 to 1, found `NaN`
      line 7: no id
      line 8: id `train-00000` again, as in line 2
      line 9: no id
    correct these rows or leave them out: nothing is changed before all rows can be used
    ");
}

#[test]
fn a_missing_column_is_named() {
    insta::assert_snapshot!(shown(&read("id,given,score\n").unwrap_err()), @r"
    columns of relabel.csv: expected id, given, suggested, score, flagged, found id, given, score
    add what is missing to the first line: suggested, flagged
    ");
    insta::assert_snapshot!(shown(&read("").unwrap_err()), @r"
    columns of relabel.csv: expected id, given, suggested, score, flagged, found none
    add what is missing to the first line: id, given, suggested, score, flagged
    ");
}

#[test]
fn only_flagged_rows_change_a_label() {
    let table = read(
        "id,given,suggested,score,flagged\n\
         train-00001,Shirt,Coat,0.01,true\n\
         train-00000,Coat,Shirt,0.4,false\n\
         train-00002,Shirt,Shirt,0.9,TRUE\n",
    )
    .unwrap();
    let (changed, count) = table.apply(Path::new("relabel.csv"), images(&[0, 1, 1])).unwrap();
    assert_eq!((changed.labels(), count), (&[0, 0, 1][..], 1));
    assert_eq!(*changed.pixels(), [0, 1, 2]);
}

#[test]
fn a_table_of_other_labels_is_refused() {
    let table = read(
        "id,given,suggested,score,flagged\n\
         train-00001,Coat,Shirt,0.01,true\n\
         test-00000,Coat,Shirt,0.4,false\n",
    )
    .unwrap();
    let error = table.apply(Path::new("relabel.csv"), images(&[0, 1, 1])).unwrap_err();
    insta::assert_snapshot!(shown(&error), @r"
    rows of relabel.csv: expected a usable label in each, found 2 problems
      id `train-00001`: expected the label `Coat`, found `Shirt`
      id `test-00000`: expected a training image of the data set, found none
    correct these rows or leave them out: nothing is changed before all rows can be used
    ");
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec((0..3_usize, 0..3_usize, 0.0..=1.0, any::<bool>()), 0..20)) {
        let names = classes();
        let row = |(index, &(given, suggested, score, flagged)): (usize, &(usize, usize, f64, bool))| RelabelRow {
            id: format!("a, \"{index}\""),
            given: names[given].clone(),
            suggested: names[suggested].clone(),
            score,
            flagged,
        };
        let table = Relabel { rows: rows.iter().enumerate().map(row).collect() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relabel.csv");
        table.write(&path).unwrap();
        prop_assert_eq!(Relabel::read(&path, &names).unwrap(), table);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relabel.csv");
        let text = [b"id,given,suggested,score,flagged\n", &bytes[..]].concat();
        fs::write(&path, text).unwrap();
        let _ = Relabel::read(&path, &classes());
        fs::write(&path, bytes).unwrap();
        let _ = Relabel::read(&path, &classes());
    }
}
