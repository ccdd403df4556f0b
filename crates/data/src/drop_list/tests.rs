use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use seamripper_core::sample::Ids;

use super::*;

fn classes() -> Vec<String> {
    ["Coat", "Shirt"].map(str::to_owned).to_vec()
}

fn images(labels: &[u32]) -> ImageSet {
    let rows = (0..labels.len() as u32).collect();
    let ids = Ids::Rows { prefix: Arc::from("train"), rows };
    ImageSet::new([1, 1, 1], vec![0; labels.len()], labels.to_vec(), Arc::from(classes()), ids)
}

fn read(text: &[u8]) -> Result<DropList> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drop.csv");
    fs::write(&path, text).unwrap();
    DropList::read(&path, &classes())
}

/// The error of a table called `drop.csv`.
fn shown(error: &Error) -> String {
    let text = error.to_string();
    let Some(end) = text.find("drop.csv") else { return text };
    let start = text[..end].rfind(' ').map_or(0, |at| at + 1);
    format!("{}{}", &text[..start], &text[end..])
}

#[test]
fn a_list_of_ids_drops_them_all_and_a_table_the_flagged_ones() {
    let path = Path::new("drop.csv");
    let kept = |text: &str| read(text.as_bytes()).unwrap().kept(path, &images(&[0, 1, 1, 0])).unwrap();
    assert_eq!(kept("id\ntrain-00002\ntrain-00000\n"), [false, true, false, true]);
    let table = "score,flagged,id,given\n0.1,true,train-00001,Shirt\n0.2,FALSE,train-00003,Coat\n";
    assert_eq!(kept(table), [true, false, true, true]);
    assert_eq!(kept("id\n"), [true; 4]);
}

#[test]
fn every_row_that_cannot_be_used_is_told_at_once() {
    let error = read(b"id,given,flagged\ntrain-00000,Cot,true\n,Coat,true\ntrain-00001,Coat,yes\ntrain-00002,Coat,true\ntrain-00002,Coat,true\n\xff,Coat,true\n");
    insta::assert_snapshot!(shown(&error.unwrap_err()), @r"
    rows of drop.csv: expected a usable label in each, found 5 problems
      line 2: given: expected a class, found `Cot` (is `Coat` meant?)
      line 3: no id
      line 4: flagged: expected true or false, found `yes`
      line 6: id `train-00002` again, as in line 5
      line 7: expected UTF-8, found other bytes
    ");
    let table = read(b"id,given,flagged\ntrain-00000,Shirt,false\ntest-00000,Coat,true\n").unwrap();
    insta::assert_snapshot!(shown(&table.kept(Path::new("drop.csv"), &images(&[0])).unwrap_err()), @r"
    rows of drop.csv: expected a usable label in each, found 2 problems
      id `train-00000`: expected the label `Shirt`, found `Coat`
      id `test-00000`: expected a training image of the data set, found none
    ");
    insta::assert_snapshot!(shown(&read(b"image,flagged\n").unwrap_err()), @"columns of drop.csv: expected id, and given and flagged if they are to be heeded, found image, flagged");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read(&[b"id,given,flagged\n", &bytes[..]].concat());
    }
}
