//! The verb `data`, as a user runs it.

use std::fs;
use std::io::Write;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// `seamripper data …` with no data set anywhere but where a test puts one, and no network.
fn data(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("seamripper").expect("the program is built with its tests");
    command.arg("data").args(arguments);
    command
        .env_remove("SEAMRIPPER_DATA")
        .env_remove("SEAMRIPPER_SYSTEM_DATA")
        .env("SEAMRIPPER_MIRROR", "off");
    command
}

/// Exit code, stdout and stderr, with `folder` called FOLDER.
fn run(mut command: Command, folder: &Path) -> String {
    let output = command.output().expect("it starts");
    let code = output.status.code().expect("it was not killed");
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert!(!stderr.contains("panicked"), "{stderr}");
    format!("{code}\n{stdout}---\n{stderr}").replace(&*folder.to_string_lossy(), "FOLDER")
}

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Four training images and two test images of 2 x 2; the second test image is the first training image.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let train = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 7, 7, 7, 7];
    put(&folder, "train-images-idx3-ubyte.gz", &gzip(&idx(&[4, 2, 2], &train)));
    put(&folder, "train-labels-idx1-ubyte", &idx(&[4], &[0, 0, 1, 0]));
    put(&folder, "t10k-images-idx3-ubyte", &idx(&[2, 2, 2], &[0, 1, 0, 1, 1, 2, 3, 4]));
    put(&folder, "t10k-labels-idx1-ubyte", &idx(&[2], &[0, 1]));
    put(&folder, "classes.txt", b"Shirt\nAnkle boot\n");
    folder
}

fn put(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).unwrap();
}

/// What is said of the folder when one of its files holds `bytes` instead.
fn spoiled(name: &str, bytes: &[u8]) -> String {
    let folder = folder();
    put(&folder, name, bytes);
    run(data(&["--quiet", &format!("idx:{}", folder.path().display())]), folder.path())
}

#[test]
fn a_folder_with_problems_is_reported_worst_first() {
    let folder = folder();
    let source = format!("idx:{}", folder.path().display());
    insta::assert_snapshot!(run(data(&[&source]), folder.path()), @r"
    0
    idx:FOLDER: 6 images of 2 x 2, grey, 2 classes
    from FOLDER; 4 files, headers and sizes checked; no publisher's checksum to compare with

                train                   test
    Shirt       3 ████████████████████  1 ████████████████████
    Ankle boot  1 ███████               1 ████████████████████

    train: 4 images, largest class / smallest class 3.00; labels 0 to 1; pixels 0.0260 ± 0.0118 of 1 (mean ± sd)
    test: 2 images, balanced exactly; labels 0 to 1; pixels 0.0059 ± 0.0052 of 1 (mean ± sd)

    1 picture is in the test part and in the training part: train-00000, test-00001.
    1 picture is labelled in more than one way: train-00000, test-00001.
    1 picture is without content in the train part: all pixels equal: train-00003.
    Shirt has 3.0 times as many images as Ankle boot in the train part (3 and 1).
    ---
    reading and verifying FOLDER/train-images-idx3-ubyte.gz
    reading and verifying FOLDER/train-labels-idx1-ubyte
    reading and verifying FOLDER/t10k-images-idx3-ubyte
    reading and verifying FOLDER/t10k-labels-idx1-ubyte
    ");
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let folder = folder();
    let source = format!("idx:{}", folder.path().display());
    let output = data(&[&source, "--json", "--quiet"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stderr, b"");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "seamripper.data/1");
    assert_eq!(document["duplicates"]["across"], 1);
    assert_eq!(document["findings"][0]["kind"], "leak");
    assert_eq!(document["findings"][0]["examples"], serde_json::json!(["train-00000", "test-00001"]));
    assert_eq!(
        document["splits"][0]["classes"][0],
        serde_json::json!({"name": "Shirt", "count": 3, "share": 0.75})
    );
}

/// The set-up of the tests installs Debian's package; without it this test fails and says what to install.
#[test]
fn fashion_mnist_is_clean() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = data(&["fashion-mnist", "--quiet"]);
    command.env("XDG_CACHE_HOME", nowhere.path());
    insta::assert_snapshot!(run(command, nowhere.path()), @r"
    0
    fashion-mnist: 70,000 images of 28 x 28, grey, 10 classes
    from /usr/share/datasets/fashion-mnist; sha256 of 4 unpacked files verified: the publisher's

                 train                       test
    T-shirt/top  6,000 ████████████████████  1,000 ████████████████████
    Trouser      6,000 ████████████████████  1,000 ████████████████████
    Pullover     6,000 ████████████████████  1,000 ████████████████████
    Dress        6,000 ████████████████████  1,000 ████████████████████
    Coat         6,000 ████████████████████  1,000 ████████████████████
    Sandal       6,000 ████████████████████  1,000 ████████████████████
    Shirt        6,000 ████████████████████  1,000 ████████████████████
    Sneaker      6,000 ████████████████████  1,000 ████████████████████
    Bag          6,000 ████████████████████  1,000 ████████████████████
    Ankle boot   6,000 ████████████████████  1,000 ████████████████████

    train: 60,000 images, balanced exactly; labels 0 to 9; pixels 0.2860 ± 0.3530 of 1 (mean ± sd)
    test: 10,000 images, balanced exactly; labels 0 to 9; pixels 0.2868 ± 0.3524 of 1 (mean ± sd)

    Nothing found: no exact duplicates among 70,000 images, none without content, no class missing.
    ---
    ");
}

#[test]
fn bad_files_are_errors_with_exit_code_2() {
    let whole = gzip(&idx(&[4, 2, 2], &[3; 16]));
    insta::assert_snapshot!(spoiled("train-images-idx3-ubyte.gz", &whole[..whole.len() - 12]), @r"
    2
    ---
    error: gzip stream of FOLDER/train-images-idx3-ubyte.gz: expected more data after 16 unpacked bytes, found the end of the file: it is truncated, or no gzip to its end
    hint: copy or download the file again
    ");
    insta::assert_snapshot!(spoiled("train-images-idx3-ubyte.gz", b"\x89PNG\r\n\x1a\n"), @r"
    2
    ---
    error: magic number of FOLDER/train-images-idx3-ubyte.gz: expected 00 00 08 03 (IDX, u8, rank 3: images), found 89 50 4e 47
    ");
    insta::assert_snapshot!(spoiled("train-images-idx3-ubyte.gz", &idx(&[u32::MAX, 28, 28], &[0; 784])), @r"
    2
    ---
    error: dimensions in the header of FOLDER/train-images-idx3-ubyte.gz: expected at most 784 values (what a file of 800 bytes can hold), found 4294967295 x 28 x 28
    ");
    insta::assert_snapshot!(spoiled("train-labels-idx1-ubyte", &idx(&[3], &[0, 0, 1])), @r"
    2
    ---
    error: number of labels of FOLDER/train-labels-idx1-ubyte: expected 4, one for each image of FOLDER/train-images-idx3-ubyte.gz, found 3
    hint: the two files are not a pair, or one was cut; get both from the same place again
    ");
    insta::assert_snapshot!(spoiled("train-labels-idx1-ubyte", &idx(&[4], &[0, 2, 1, 0])), @r"
    2
    ---
    error: labels of FOLDER/train-labels-idx1-ubyte: expected 0 to 1, found 2 at row 1
    hint: name every class, one a line in the order of the labels, in a file `classes.txt` beside the labels
    ");
}

#[test]
fn no_data_set_and_no_network_names_the_package_and_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // a port that was free a moment ago refuses connections
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = data(&["fashion-mnist"]);
    command
        .env("SEAMRIPPER_SYSTEM_DATA", at("system"))
        .env("XDG_CACHE_HOME", at("cache"))
        .env("SEAMRIPPER_MIRROR", format!("http://127.0.0.1:{port}"));
    let said = run(command, folder.path()).replace(&port.to_string(), "PORT");
    insta::assert_snapshot!(said, @r"
    2
    ---
    error: data set `fashion-mnist`: expected its files in one of these places, found none complete
      --data: not given
      $SEAMRIPPER_DATA: not given
      cache FOLDER/cache/seamripper: no such folder
      system FOLDER/system: no such folder
      download http://127.0.0.1:PORT/train-images-idx3-ubyte.gz: connection refused
    hint: install it with `apt-get install dataset-fashion-mnist`, or give the folder that holds its files with --data DIR
    ");
}

#[test]
fn an_unknown_source_names_the_nearest() {
    let nowhere = Path::new("no such folder");
    insta::assert_snapshot!(run(data(&["fashon-mnist"]), nowhere), @r"
    2
    ---
    error: data source `fashon-mnist`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found another name
    hint: did you mean `fashion-mnist`?
    ");
    insta::assert_snapshot!(run(data(&["folder:images"]), nowhere), @r"
    2
    ---
    reading and verifying images
    error: cannot read images: No such file or directory (os error 2)
    hint: check the spelling of the path
    ");
}
