//! `seamripper report`, as a user runs it. What is in the page is tested in a browser, by `scripts/test-page`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;

/// Whether the program was built with the page in it.
fn has_page() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/bundle/index.html").is_file()
}

fn place() -> Place {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run", "--no-report", "train.epochs=2"]);
    place
}

fn refused(place: &Place, arguments: &[&str]) -> String {
    place.refused_by(place.program(&[&["report", "--quiet"], arguments].concat()))
}

/// The document in a page.
fn document(html: &str) -> Value {
    let begin = html.find("id=\"report\">").expect("a document") + "id=\"report\">".len();
    let text = html[begin..].split_once("</script>").expect("its end").0;
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_run_becomes_one_file() {
    let place = place();
    if !has_page() {
        assert_snapshot!(refused(&place, &["run"]), @r"
        error: report: expected the page inside this program, found that it was built without
        hint: `cargo run -p xtask -- web` builds the page (it needs node and npm), then build seamripper again
        ");
        return;
    }
    place.done(&["train", "r.toml", "--quiet", "--out", "other", "train.epochs=1"]);
    let output = place.done(&["report", "run", "--quiet", "--json", "--compare", "other"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["file"], "run/report.html");
    let html = String::from_utf8(place.read("run/report.html")).unwrap();
    assert_eq!(printed["bytes"], html.len());
    let report = document(&html);
    assert_eq!(report["schema"], "seamripper.report/1");
    assert_eq!(report["name"], "run");
    assert_eq!(report["split"], "test");
    assert_eq!(report["rows"]["n"], 90);
    assert_eq!(report["pictures"]["size"], serde_json::json!([12, 12, 1]));
    assert_eq!(report["history"].as_array().unwrap().len(), 2);
    assert_eq!(report["compared"]["name"], "other");
    let missing = report["missing"].to_string();
    assert!(missing.contains("seamripper audit run") && missing.contains("seamripper see run"), "{missing}");
    assert_eq!(report["evaluation"]["accuracy"], place.json("run/eval.json")["accuracy"]);
    for blob in ["ids", "rows", "images", "model", "neighbors", "training", "compared"] {
        assert!(html.contains(&format!("id=\"blob-{blob}\"")), "{blob}");
    }
    // the same run, the same bytes, whatever the number of threads
    place.done(&["report", "run", "--quiet", "--compare", "other", "--out", "again.html", "--threads", "1"]);
    assert!(place.read("again.html") == html.as_bytes());
}

/// `train` and `audit` end with it, and each writes it anew; a verb that cannot says so and has done its work.
#[test]
fn verbs_end_with_a_report() {
    let place = place();
    assert!(!place.at("run/report.html").exists(), "--no-report");
    let output = place.done(&["audit", "run", "--only", "bias"]);
    let said = place.text(&output.stderr);
    if !has_page() {
        assert!(said.contains("note: no report was written: report: expected the page"), "{said}");
        return;
    }
    assert!(said.ends_with("run/report.html: all of it on one page, with the model alive in it\n"), "{said}");
    let report = document(&String::from_utf8(place.read("run/report.html")).unwrap());
    let missing = report["missing"].to_string();
    assert!(!missing.contains("seamripper audit run") && missing.contains("seamripper see run"), "{missing}");
    place.done(&["see", "run", "--quiet", "--only", "filters"]);
    let report = document(&String::from_utf8(place.read("run/report.html")).unwrap());
    assert!(!report["missing"].to_string().contains("seamripper see run"), "{}", report["missing"]);
    let output = place.done(&["train", "r.toml", "--out", "other", "train.epochs=1"]);
    assert!(place.text(&output.stderr).contains("other/report.html"));
    assert!(place.at("other/report.html").is_file());
}

#[test]
fn without_images_or_run_there_is_a_report_all_the_same() {
    if !has_page() {
        return; // `a_run_becomes_one_file` tests what is said then
    }
    let place = place();
    fs::rename(place.at("shapes"), place.at("elsewhere")).unwrap();
    let output = place.done(&["report", "run", "--quiet"]);
    let said = place.text(&output.stderr);
    assert!(said.starts_with("note: the report is made without images: cannot read shapes"), "{said}");
    let report = document(&String::from_utf8(place.read("run/report.html")).unwrap());
    assert!(report["pictures"].is_null());
    assert!(report["missing"].to_string().contains("the images"), "{}", report["missing"]);

    fs::write(place.at("t.csv"), "id,label,prob_a,prob_b\nx,a,0.9,0.1\ny,b,0.8,0.2\n").unwrap();
    let output = place.done(&["report", "--predictions", "t.csv", "--quiet"]);
    assert!(place.text(&output.stdout).starts_with("report.html (0."), "{}", place.text(&output.stdout));
    let report = document(&String::from_utf8(place.read("report.html")).unwrap());
    assert_eq!((&report["name"], &report["rows"]["n"]), (&"t.csv".into(), &2.into()));
}

/// What stands in the page of a command.
fn made(place: &Place, arguments: &[&str]) -> Value {
    place.done(&[arguments, &["--quiet"]].concat());
    document(&String::from_utf8(place.read("report.html")).unwrap())
}

/// A model that was not trained here has no run folder: what audit and see found of it lies where they put it.
#[test]
fn a_model_file_has_a_report_with_what_was_found_of_it() {
    if !has_page() {
        return; // `a_run_becomes_one_file` tests what is said then
    }
    let place = place();
    place.done(&["export", "run", "--out", "mine.onnx"]);
    let on = ["mine.onnx", "--data", "idx:shapes"];
    let alone = made(&place, &[&["report"], &on[..]].concat());
    assert_eq!((&alone["name"], &alone["source"]), (&"mine.onnx".into(), &"idx:shapes".into()));
    assert_eq!(alone["evaluation"]["accuracy"], place.json("run/eval.json")["accuracy"]);
    let missing = |command: &str, about: &str| serde_json::json!([about, command]);
    let of_audit = "seamripper audit mine.onnx --data idx:shapes";
    let audits = "what an audit finds: slices, robustness, labels, duplicates";
    let of_see = missing("seamripper see mine.onnx --data idx:shapes", "what its filters see");
    assert_eq!(alone["missing"], serde_json::json!([missing(of_audit, audits), of_see]));

    let output = place.done(&[&["audit"], &on[..], &["--only", "bias,calibration"]].concat());
    let said = place.text(&output.stderr);
    assert!(said.ends_with("report.html: all of it on one page, with the model alive in it\n"), "{said}");
    let html = String::from_utf8(place.read("report.html")).unwrap();
    for blob in ["ids", "rows", "images", "model", "neighbors", "training"] {
        assert!(html.contains(&format!("id=\"blob-{blob}\"")), "{blob}");
    }
    let audited = document(&html);
    assert_eq!((&audited["audited"], &audited["missing"]), (&true.into(), &serde_json::json!([of_see])));
    assert_eq!(audited["findings"], place.json("audit/audit.json")["findings"]);
    let seen = made(&place, &[&["see", "--only", "filters"], &on[..]].concat());
    assert_eq!((&seen["audited"], &seen["missing"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(seen["see"]["images"], 90);

    // What was found of other images is left out, and said to be.
    let training = made(&place, &[&["report"], &on[..], &["--split", "train"]].concat());
    assert_eq!((&training["audited"], &training["rows"]["n"]), (&false.into(), &300.into()));
    let other = format!("{audits} (audit/audit.json is of another model or of other images)");
    assert_eq!(training["missing"][0], missing(&format!("{of_audit} --split train"), &other));
    let asked = [&on[..], &["--split", "train", "--audit", "audit"]].concat();
    assert_snapshot!(refused(&place, &asked), @r"
    error: --audit audit/audit.json: expected what was found of this model and these images, found that of others
    hint: `seamripper audit mine.onnx --data idx:shapes --split train --out audit` makes it
    ");
    assert_snapshot!(refused(&place, &[&on[..], &["--see", "nowhere"]].concat()), @r"
    error: --see nowhere/see.json: expected a file, found none
    hint: `seamripper see mine.onnx --data idx:shapes --out nowhere` writes it
    ");
    // With --out, a verb writes there alone, and its folder can be named.
    place.done(
        &[&["audit", "--quiet", "--split", "train", "--only", "bias", "--out", "of-training"], &on[..]]
            .concat(),
    );
    let named = [&["report"], &on[..], &["--split", "train", "--audit", "of-training"]].concat();
    assert_eq!(made(&place, &named)["audited"], true);
    // A run's own audit may be of another part of its images too.
    place.done(&["audit", "run", "--quiet", "--split", "train", "--only", "bias"]);
    place.done(&["report", "run", "--quiet"]);
    let run = document(&String::from_utf8(place.read("run/report.html")).unwrap());
    assert_eq!(run["audited"], false);
    assert!(
        run["missing"][0][0].as_str().unwrap().contains("run/audit.json is of another model"),
        "{}",
        run["missing"]
    );
}

#[test]
fn a_black_box_has_a_report_without_a_live_model() {
    if !has_page() {
        return; // `a_run_becomes_one_file` tests what is said then
    }
    let place = Place::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/golden/models/group-norm.onnx");
    fs::copy(golden, place.at("box.onnx")).unwrap();
    let output = place.done(&["audit", "box.onnx", "--data", "idx:shapes", "--only", "bias,robustness"]);
    let said = place.text(&output.stderr);
    assert!(said.ends_with("report.html: all of it on one page\n"), "{said}");
    assert_eq!(said.matches("as a black box").count(), 1, "{said}");
    let html = String::from_utf8(place.read("report.html")).unwrap();
    assert!(html.contains("id=\"blob-images\"") && !html.contains("id=\"blob-model\""));
    let report = document(&html);
    assert_eq!((&report["audited"], &report["rows"]["n"]), (&true.into(), &90.into()));
    assert_snapshot!(report["missing"][0][1].as_str().unwrap(), @"box.onnx has operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)");
    assert_eq!(report["missing"].as_array().unwrap().len(), 1, "no filters to see");
}

#[test]
fn a_table_has_a_report_with_its_audit_and_images() {
    if !has_page() {
        return; // `a_run_becomes_one_file` tests what is said then
    }
    let place = place();
    let on = ["--predictions", "run/predictions.parquet"];
    let output = place.done(&[&["audit", "--only", "bias"], &on[..]].concat());
    assert!(place.text(&output.stderr).ends_with("report.html: all of it on one page\n"));
    let bare = made(&place, &[&["report"], &on[..]].concat());
    assert_eq!((&bare["audited"], &bare["pictures"]), (&true.into(), &Value::Null));
    let shown = made(&place, &[&["report", "--data", "idx:shapes"], &on[..]].concat());
    assert_eq!(
        (&shown["audited"], &shown["pictures"]["size"]),
        (&true.into(), &serde_json::json!([12, 12, 1]))
    );
    assert_eq!((&shown["pictures"]["rows"], &shown["missing"]), (&Value::Null, &serde_json::json!([])));
    fs::write(place.at("t.csv"), "id,label,prob_a,prob_b\nx,a,0.9,0.1\ny,b,0.8,0.2\n").unwrap();
    let other = made(&place, &["report", "--predictions", "t.csv"]);
    assert_eq!(other["audited"], false);
    assert_eq!(other["missing"][0][1], "seamripper audit --predictions t.csv");
    place.done(&[&["report", "run", "--quiet"], &on[..]].concat());
    let run = document(&String::from_utf8(place.read("run/report.html")).unwrap());
    assert_eq!(run["audited"], true, "its audit is here, found by the digest of the table");
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--data", "idx:shapes"]), @r"
    error: images of the table: expected an image of idx:shapes for its ids, as x, found none for any
    hint: the ids of idx:shapes are as train-00000
    ");
}

#[test]
fn refusals() {
    let place = place();
    assert_snapshot!(refused(&place, &["nowhere"]), @r#"
    error: run folder nowhere: expected one that train wrote, found no such folder
    hint: `seamripper train RECIPE` begins one
    "#);
    assert_snapshot!(refused(&place, &["run", "--compare", "nowhere"]), @r#"
    error: cannot read nowhere: No such file or directory (os error 2)
    hint: check the spelling of the path
    "#);
    fs::write(place.at("t.csv"), "id,label,prob_a,prob_b\nx,a,0.9,0.1\n").unwrap();
    assert_snapshot!(refused(&place, &["run", "--compare", "t.csv"]), @r#"
    error: --compare t.csv: expected the classes disc, ring, cross, found a, b
    "#);
    fs::write(place.at("u.csv"), "id,label,prob_a,prob_b\nelsewhere,a,0.9,0.1\n").unwrap();
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--compare", "u.csv"]), @r#"
    error: --compare u.csv: expected images of RUN (x, …), found none of them (elsewhere, …)
    hint: both runs must be evaluated on the same images
    "#);
    fs::create_dir_all(place.at("run/see")).unwrap();
    fs::write(place.at("run/see/see.json"), r#"{"schema": "seamripper.see/9"}"#).unwrap();
    assert_snapshot!(refused(&place, &["run"]), @r#"
    error: run/see/see.json: expected a document seamripper.see/1, found "seamripper.see/9"
    hint: make it again with this version of seamripper, or remove it
    "#);
    fs::write(place.at("run/see/see.json"), "{").unwrap();
    assert_snapshot!(refused(&place, &["run"]), @r#"
    error: run/see/see.json: expected a document seamripper.see/1, found no JSON: EOF while parsing an object at line 1 column 1
    hint: make it again with this version of seamripper, or remove it
    "#);
    fs::remove_dir_all(place.at("run/see")).unwrap();
    fs::write(place.at("run/metrics.jsonl"), "{}\nhalf a line").unwrap();
    assert_snapshot!(refused(&place, &["run"]), @r#"
    error: run/metrics.jsonl line 2: expected a JSON object, found: expected value at line 1 column 1
    "#);
}

/// Status and body of a request.
fn asked(address: &str, method: &str, path: &str, host: &str) -> (u16, Vec<u8>) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    (head[9..12].parse().unwrap(), answer.split_off(end))
}

/// A program that ends with its test, however that ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().expect("it serves until it is stopped");
        self.0.wait().expect("it was stopped");
    }
}

#[test]
fn served_to_this_machine_read_only_under_a_secret_path() {
    if !has_page() {
        return; // `a_run_becomes_one_file` tests what is said then
    }
    let place = place();
    let mut program = place.program(&["report", "run", "--serve", "--quiet"]);
    let mut serving = Serving(program.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (address, token) = line.trim().strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert!(address.starts_with("127.0.0.1:") && token.len() == 33, "{line}");
    let root = format!("/{token}");

    let (status, html) = asked(address, "GET", &root, address);
    assert_eq!(status, 200);
    let html = String::from_utf8(html).unwrap();
    assert!(html.contains("connect-src 'self'") && !html.contains("blob-images"));
    assert_eq!(document(&html)["pictures"]["tile"], 256);
    let (status, tile) = asked(address, "GET", &format!("{root}tiles/0"), address);
    assert_eq!((status, tile.len()), (200, 90 * 12 * 12));
    for path in
        ["/", "/tiles/0", &format!("{root}tiles/1"), &format!("{root}tiles/x"), &format!("{root}../x")]
    {
        assert_eq!(asked(address, "GET", path, address).0, 404, "{path}");
    }
    assert_eq!(asked(address, "GET", &root, "elsewhere.example").0, 403);
    assert_eq!(asked(address, "POST", &root, address).0, 405);
    assert!(!place.at("run/report.html").exists(), "no file is written");
}
