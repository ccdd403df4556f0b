use std::fs;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::path::PathBuf;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::Split;

use super::*;

/// Reads `bytes` as a file.
fn read_bytes(bytes: &[u8]) -> Result<Predictions> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    fs::write(&path, bytes).unwrap();
    read(&path)
}

/// The message and its hint, without the folder.
fn message(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    fs::write(&path, bytes).unwrap();
    let error = read(&path).unwrap_err();
    let text = format!("{error}\nhint: {}", error.hint().unwrap_or_else(|| "none".into()));
    text.replace(&format!("{}/", folder.path().display()), "")
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// `n` rows over `k` classes with names that need care in every format.
fn made(n: usize, k: usize, seed: u64) -> Predictions {
    let mut stream = Stream::new(seed, Purpose::Test, 0, 0);
    let names = ["T-shirt/top", "Ankle boot", "a,\"b\"", "Größe", "2"];
    let mut probs = Vec::new();
    for _ in 0..n {
        let row: Vec<f64> = (0..k).map(|_| stream.unit()).collect();
        let sum: f64 = row.iter().sum();
        probs.extend(row.iter().map(|p| p / sum));
    }
    let splits = [Split::Train, Split::Validation, Split::Test];
    Predictions {
        classes: names[..k].iter().map(|&name| name.to_owned()).collect(),
        ids: (0..n).map(|row| format!("test-{row:05}")).collect(),
        splits: (0..n).map(|_| splits[stream.below(3) as usize]).collect(),
        labels: (0..n).map(|_| stream.below(k as u64) as u32).collect(),
        probs,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_written_is_read_back_bit_for_bit(n in 1_usize..200, k in 2_usize..=5, seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.parquet");
        let table = made(n, k, seed);
        write_parquet(&path, &table).unwrap();
        let read_back = read(&path).unwrap();
        prop_assert!(table.probs.iter().zip(&read_back.probs).all(|(a, b)| a.to_bits() == b.to_bits()));
        prop_assert_eq!(&table, &read_back);
        let bytes = fs::read(&path).unwrap();
        write_parquet(&path, &read_back).unwrap();
        prop_assert_eq!(bytes, fs::read(&path).unwrap());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(id|label|split|prob_a|prob_b|logit_a|[a-c0-9.,\"\n-]){0,60}") {
        let _ = read_bytes(text.as_bytes());
    }
}

/// Every byte changed in three ways, and every cut: refused or read, never a panic.
fn damage_everywhere(whole: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    fs::write(&path, whole).unwrap();
    assert!(read(&path).is_ok(), "only damage is refused");
    let mut file = File::options().write(true).open(&path).unwrap();
    for at in (0..whole.len()).rev() {
        for flip in [1, 0x80, 0xff, 0] {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[whole[at] ^ flip]).unwrap();
            let outcome = read(&path);
            assert!(flip != 0 || outcome.is_ok(), "the byte at {at} is as it was");
        }
    }
    for bytes in (0..whole.len()).rev() {
        file.set_len(bytes as u64).unwrap();
        assert!(read(&path).is_err(), "cut after {bytes} bytes");
    }
}

#[test]
fn damaged_parquet_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    write_parquet(&path, &made(5, 2, 1)).unwrap();
    damage_everywhere(&fs::read(&path).unwrap());
}

#[test]
fn damaged_npz_does_not_panic() {
    damage_everywhere(&npz(&[
        ("labels", npy("<i8", "(1,)", &1_i64.to_le_bytes())),
        ("probs", npy("<f8", "(1, 2)", &doubles(&[0.25, 0.75]))),
    ]));
}

#[test]
fn the_written_columns_are_those_of_the_contract() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    let table = Predictions {
        classes: vec!["Shirt".into(), "Bag".into()],
        ids: vec!["test-00000".into(), "test-00001".into()],
        splits: vec![Split::Test; 2],
        labels: vec![1, 0],
        probs: vec![0.75, 0.25, 1.0, 0.0],
    };
    write_parquet(&path, &table).unwrap();
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    {id: "test-00000", split: "test", label: "Bag", predicted: "Shirt", prob_Shirt: 0.75, prob_Bag: 0.25, loss: 1.3862943611198906}
    {id: "test-00001", split: "test", label: "Shirt", predicted: "Shirt", prob_Shirt: 1.0, prob_Bag: 0E0, loss: 0E0}
    "#);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn csv_with_names_or_indices_probabilities_or_logits() {
    let by_name =
        read_bytes(b"id,label,split,prob_Shirt,prob_Bag\na,Bag,train,0.25,0.75\nb,Shirt,test,1,0\n").unwrap();
    assert_eq!(by_name.labels, [1, 0]);
    assert_eq!(by_name.splits, [Split::Train, Split::Test]);
    assert_eq!(by_name.probs, [0.25, 0.75, 1.0, 0.0]);
    // other columns and their order do not matter; without a split all are test
    let by_index =
        read_bytes("\u{feff}note,prob_Shirt,prob_Bag,label,id\nx,0.25,0.75,1,a\ny,1,0,0,b\n".as_bytes())
            .unwrap();
    assert_eq!((by_index.labels, by_index.splits), (vec![1, 0], vec![Split::Test; 2]));
    // a class that is called like an integer is a name
    let digits = read_bytes(b"id,label,prob_1,prob_0\na,1,0.25,0.75\n").unwrap();
    assert_eq!(digits.labels, [0]);
    let logits = read_bytes(b"id,label,logit_x,logit_y\na,x,1000,1001\n").unwrap();
    let expected = 1.0 / (1.0 + 1_f64.exp());
    assert!(
        (logits.probs[0] - expected).abs() < 1e-15 && (logits.probs.iter().sum::<f64>() - 1.0).abs() < 1e-15
    );
}

#[test]
fn sums_near_one_are_divided_out_and_nearer_ones_kept() {
    let probs =
        |a: f64| read_bytes(format!("id,label,prob_x,prob_y\na,x,{a},0.5\n").as_bytes()).map(|p| p.probs);
    assert_eq!(probs(0.5 + 1e-7).unwrap(), [0.5 + 1e-7, 0.5]);
    let divided = probs(0.5005).unwrap();
    assert_eq!(divided, [0.5005 / 1.0005, 0.5 / 1.0005]);
    assert!(probs(0.502).is_err());
}

#[test]
fn npz_with_and_without_the_optional_arrays() {
    let labels = npy("<i8", "(2,)", &[1_i64, 0].map(i64::to_le_bytes).concat());
    let probs = npy("<f8", "(2, 2)", &doubles(&[0.25, 0.75, 1.0, 0.0]));
    let plain = read_bytes(&npz(&[("labels", labels.clone()), ("probs", probs.clone())])).unwrap();
    assert_eq!(plain.ids, ["test-00000", "test-00001"]);
    assert_eq!((plain.classes, plain.labels), (vec!["0".to_owned(), "1".into()], vec![1, 0]));
    let named = read_bytes(&npz(&[
        ("labels", npy("|S1", "(2,)", b"yx")),
        ("logits", npy("<f4", "(2, 2)", &[0_u8; 16])),
        ("ids", npy("|S1", "(2,)", b"ab")),
        ("classes", npy("|S1", "(2,)", b"xy")),
    ]))
    .unwrap();
    assert_eq!((named.ids, named.labels), (vec!["a".to_owned(), "b".into()], vec![1, 0]));
    assert_eq!(named.probs, [0.5; 4]);

    insta::assert_snapshot!(message(&npz(&[("label", labels.clone()), ("probs", probs.clone())])), @r"
    arrays of table: expected labels, found label, probs
    hint: is `label` meant to be `labels`?
    ");
    insta::assert_snapshot!(message(&npz(&[("labels", labels.clone()), ("prob", probs.clone())])), @r"
    arrays of table: expected probs [n, k] (or logits [n, k]), found labels, prob
    hint: is `prob` meant to be `probs`?
    ");
    insta::assert_snapshot!(message(&npz(&[("labels", labels.clone()), ("probs", labels.clone())])), @r"
    shape of the scores of table: expected [n, k], found [2]
    hint: none
    ");
    insta::assert_snapshot!(message(&npz(&[("labels", npy("|u1", "(3,)", b"\0\0\0")), ("probs", probs.clone())])), @r"
    shape of labels of table: expected [2], found [3]
    hint: none
    ");
    insta::assert_snapshot!(message(&npz(&[("labels", npy("<f8", "(2,)", &doubles(&[0.0, 1.0]))), ("probs", probs.clone())])), @r"
    type of labels of table: expected whole numbers or texts, found floating-point numbers
    hint: none
    ");
    insta::assert_snapshot!(message(&npz(&[("labels", npy("|u1", "(2,)", b"\0\x02")), ("probs", probs)])), @r"
    rows of table: expected a usable prediction in each, found row 1: label `2` is unknown (known: 0, 1)
    hint: correct these rows, or leave them out of the table: none is skipped silently
    ");
}

#[test]
fn all_bad_rows_are_listed() {
    let table = "id,label,split,prob_Shirt,prob_Bag
a,Shirt,test,0.5,0.5
b,Shrt,test,0.5,0.5
c,Sandal,test,0.5,0.5
d,Bag,tset,0.5,0.5
e,Bag,test,half,0.5
f,Bag,test,-0.5,1.5
g,Bag,test,0.5,0.6
a,Bag,test,0.5,0.5
a,Bag,train,0.5,0.5
h,Bag,test,0.5
,Bag,test,0.5,0.5
i,Bag,test,NaN,0.5
j,,test,0.5,0.5
k,x,test,0.5,0.5
l,x,test,0.5,0.5
";
    insta::assert_snapshot!(message(table.as_bytes()), @r"
    rows of table: expected a usable prediction in each, found 13 problems
      line 6: prob_Shirt: expected a number, found `half`
      line 11: expected 5 cells as in the header, found 4
      line 3: label `Shrt` is unknown (is `Shirt` meant?)
      line 4: label `Sandal` is unknown (known: Shirt, Bag)
      line 14: label `` is unknown (known: Shirt, Bag)
      line 15: label `x` is unknown (known: Shirt, Bag)
      line 16: label `x` is unknown (known: Shirt, Bag)
      line 5: split `tset` is unknown (is `test` meant?)
      line 7: probability of Shirt: expected a number of 0 to 1, found -0.5
      line 8: probabilities: expected a sum of 1, found 1.1
      and 3 more
    hint: correct these rows, or leave them out of the table: none is skipped silently
    ");
    insta::assert_snapshot!(message(b"id,label,prob_x,prob_y\na,0,0.5,0.5\nb,2,0.5,0.5\n"), @r"
    rows of table: expected a usable prediction in each, found line 3: label 2: expected an index of 0 to 1
    hint: correct these rows, or leave them out of the table: none is skipped silently
    ");
    insta::assert_snapshot!(message(b"id,label,logit_x,logit_y\na,0,inf,0.5\n"), @r"
    rows of table: expected a usable prediction in each, found line 2: logit of x: expected a finite number, found inf
    hint: correct these rows, or leave them out of the table: none is skipped silently
    ");
}

#[test]
fn missing_columns_are_named_with_what_may_be_meant() {
    insta::assert_snapshot!(message(b"idx,lable,probs_x,probs_y\n"), @r"
    columns of table: expected id, label and prob_<class> (or logit_<class>) of two classes or more, found no id, no label, no prob_<class>
    hint: is `idx` meant to be `id`? is `lable` meant to be `label`? is `probs_x` meant to be `prob_x`?
    ");
    insta::assert_snapshot!(message(b"id,label,prob_x\na,x,1\n"), @r"
    columns of table: expected id, label and prob_<class> (or logit_<class>) of two classes or more, found only one prob_<class>
    hint: none
    ");
    insta::assert_snapshot!(message(b"id,label,prob_x,prob_y,logit_x,logit_y\n"), @r"
    columns of table: expected prob_<class> or logit_<class>, found both
    hint: leave one kind out of the table
    ");
    insta::assert_snapshot!(message(b"id,label,label,prob_x,prob_y\n"), @r"
    columns of table: expected every name once, found `label` twice
    hint: none
    ");
    insta::assert_snapshot!(message(b"id,label,prob_x,prob_y\n"), @r"
    rows of table: expected at least one, found none
    hint: none
    ");
    insta::assert_snapshot!(message(b""), @r"
    columns of table: expected id, label and prob_<class> (or logit_<class>) of two classes or more, found no id, no label, no prob_<class>
    hint: none
    ");
    insta::assert_snapshot!(message(b"\x1f\x8b\x08\x00"), @r"
    format of table: expected CSV, Parquet or NPZ, found gzip
    hint: unpack it first: `gunzip FILE`
    ");
    insta::assert_snapshot!(message(b"PAR1 and nothing else"), @r"
    metadata of table: expected undamaged Parquet, found Invalid Parquet file. Corrupt footer
    hint: none
    ");
    insta::assert_snapshot!(message(b"PK\x03\x04 and nothing else"), @r"
    archive of table: expected an undamaged NPZ archive, found invalid Zip archive: Could not find EOCD
    hint: none
    ");
}

#[test]
fn an_absent_table_and_an_unwritable_one_are_named() {
    let absent = read(&PathBuf::from("absent.csv")).unwrap_err();
    insta::assert_snapshot!(absent.to_string(), @"cannot read absent.csv: No such file or directory (os error 2)");
    let unwritable = write_parquet(&PathBuf::from("absent-folder/p.parquet"), &made(3, 2, 0)).unwrap_err();
    insta::assert_snapshot!(format!("{unwritable}\n{}", unwritable.hint().unwrap()), @r"
    cannot write absent-folder/p.parquet: No such file or directory (os error 2)
    create the folder first, or choose another
    ");
}
