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
    insta::assert_snapshot!(run(data(&[&source]), folder.path()), @"");
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
    insta::assert_snapshot!(run(command, nowhere.path()), @"");
}

#[test]
fn bad_files_are_errors_with_exit_code_2() {
    let whole = gzip(&idx(&[4, 2, 2], &[3; 16]));
    insta::assert_snapshot!(spoiled("train-images-idx3-ubyte.gz", &whole[..whole.len() - 12]), @"");
    insta::assert_snapshot!(spoiled("train-images-idx3-ubyte.gz", b"\x89PNG\r\n\x1a\n"), @"");
    insta::assert_snapshot!(spoiled("train-images-idx3-ubyte.gz", &idx(&[u32::MAX, 28, 28], &[0; 784])), @"");
    insta::assert_snapshot!(spoiled("train-labels-idx1-ubyte", &idx(&[3], &[0, 0, 1])), @"");
    insta::assert_snapshot!(spoiled("train-labels-idx1-ubyte", &idx(&[4], &[0, 2, 1, 0])), @"");
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
    insta::assert_snapshot!(said, @"");
}

#[test]
fn an_unknown_source_names_the_nearest() {
    let nowhere = Path::new("no such folder");
    insta::assert_snapshot!(run(data(&["fashon-mnist"]), nowhere), @"");
    insta::assert_snapshot!(run(data(&["folder:images"]), nowhere), @"");
}
