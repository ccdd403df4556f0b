use std::fs;

use insta::assert_snapshot;
use seamripper_core::fail::properties::Values;

use super::*;

fn ids() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

fn read_text(text: &str) -> Result<ImageColumns> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("columns.csv");
    fs::write(&path, text).unwrap();
    read(&path, &ids())
}

fn message(text: &str) -> String {
    let error = read_text(text).unwrap_err();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let text = format!("{error}{hint}");
    let (start, rest) = text.split_once(" of ").unwrap();
    format!("{start} of {}", rest.split_once("columns.csv").unwrap().1)
}

#[test]
fn numbers_names_and_unknown_cells_in_any_order() {
    let found = read_text("hour,id,camera\n13.5,c,B\n,a,A\n7,b,\n9,z,A\n").unwrap();
    assert_eq!(found.other_rows, 1);
    let Values::Numbers(hours) = &found.columns[0].values else { panic!("numbers") };
    assert!(hours[0].is_nan());
    assert_eq!(hours[1..], [7.0, 13.5]);
    let Values::Names { names, of } = &found.columns[1].values else { panic!("names") };
    assert_eq!(names, &["camera = A", "camera = B", "camera = unknown"]);
    assert_eq!(of, &[0, 2, 1]);
}

#[test]
fn a_name_for_each_image_is_left_out_and_counted() {
    let ids: Vec<String> = (0..200).map(|i| format!("i{i}")).collect();
    let rows: String = ids.iter().map(|id| format!("{id},path/{id}.png,1\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("columns.csv");
    fs::write(&path, format!("id,file,one\n{rows}")).unwrap();
    let found = read(&path, &ids).unwrap();
    assert_eq!(found.left_out, [("file".to_owned(), 200)]);
    assert_eq!(found.columns.len(), 1);
}

#[test]
fn what_cannot_be_used_is_said_at_once() {
    assert_snapshot!(message("id,camera\na,A\na,B\nb\n"), @r"
rows of : expected the columns of each image once, found 3 problems
  line 3: id `a` again, as in line 2
  line 4: expected 2 cells as in the header, found 1
  id `c`: no row
hint: give every image of the table one row; rows of other images do no harm
");
    assert_snapshot!(message("ids,camera\na,A\n"), @r"
columns of : expected id and others, found ids, camera
hint: is `ids` meant to be `id`?
");
    assert_snapshot!(message("id\na\n"), @"columns of : expected id and at least one other, found id");
    assert_snapshot!(message("id,x,x\na,1,2\n"), @r"
columns of : expected every name once, found id, x, x
hint: `x` is there twice
");
}
