use insta::assert_snapshot;
use seamripper_core::predictions::Predictions;

use super::*;

fn table(splits: &[Split]) -> Predictions {
    let n = splits.len();
    Predictions {
        classes: vec!["cat".to_owned(), "dog".to_owned()],
        ids: (0..n).map(|row| format!("row {row}")).collect(),
        splits: splits.to_vec(),
        labels: (0..n).map(|row| row as u32 % 2).collect(),
        probs: (0..n).flat_map(|row| [row as f64 / n as f64, 1.0 - row as f64 / n as f64]).collect(),
    }
}

fn chosen(splits: &[Split], split: Option<Split>) -> Result<Predictions, Stop> {
    of_split(table(splits), split, Path::new("table.csv"), true)
}

fn said(stop: Stop) -> String {
    match stop {
        Stop::Problem { message, hint } => format!("{message}\nhint: {}", hint.unwrap_or_default()),
        other => format!("{other:?}"),
    }
}

use Split::{Test, Train, Validation};

#[test]
fn the_rows_of_a_split_keep_all_their_columns() {
    let all = table(&[Train, Test, Validation, Test]);
    let test = chosen(&[Train, Test, Validation, Test], None).unwrap();
    assert_eq!(test.ids, ["row 1", "row 3"]);
    assert_eq!(
        (test.labels.as_slice(), test.splits.as_slice()),
        ([1, 1].as_slice(), [Test, Test].as_slice())
    );
    assert_eq!([test.row(0), test.row(1)], [all.row(1), all.row(3)]);
    let train = chosen(&[Train, Test, Validation, Test], Some(Train)).unwrap();
    assert_eq!(train.ids, ["row 0"]);
}

#[test]
fn a_table_of_one_split_is_evaluated_whole() {
    assert_eq!(chosen(&[Validation; 3], None).unwrap(), table(&[Validation; 3]));
}

#[test]
fn a_split_without_rows_is_an_error() {
    let missing = chosen(&[Train, Train, Validation], None).unwrap_err();
    assert_snapshot!(said(missing), @r#"
predictions table.csv: expected rows of split test, found 2 of train and 1 of validation
hint: choose the rows with --split validation
"#);
    let missing = chosen(&[Train, Test], Some(Validation)).unwrap_err();
    assert_snapshot!(said(missing), @r#"
predictions table.csv: expected rows of split validation, found 1 of train and 1 of test
hint: choose the rows with --split test
"#);
    let empty = chosen(&[], None).unwrap_err();
    assert_snapshot!(said(empty), @r#"
predictions table.csv: expected rows of split test, found no rows
hint:
"#);
}

#[test]
fn the_document_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let evaluation = evaluate(&table(&[Test; 8]));
    let file = folder.path().join("eval.json");
    fs::write(&file, "an older one").unwrap();
    write_document(&document(&evaluation), &file).unwrap();
    let read: Evaluation = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(read, evaluation);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("no such folder/eval.json");
    let stop = write_document(&document(&evaluation), &nowhere).unwrap_err();
    let message = said(stop).replace(&folder.path().display().to_string(), "FOLDER");
    assert_snapshot!(message, @r#"
eval document FOLDER/no such folder/eval.json: expected to write it, found: No such file or directory (os error 2)
hint: the folder must exist: create it first
"#);
}
