//! `seamripper audit`, as a user runs it: on a small network of drawn shapes, and on tables made anywhere.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;

/// A folder with a trained run.
fn place() -> Place {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run", "train.epochs=4"]);
    place
}

fn refused(place: &Place, arguments: &[&str]) -> String {
    place.refused_by(place.program(&[&["audit", "--quiet"], arguments].concat()))
}

/// A table of `n` images of cats, dogs and owls: every fifth cat is called a dog.
fn table(n: usize) -> String {
    let mut text = "id,label,split,prob_cat,prob_dog,prob_owl\n".to_owned();
    for row in 0..n {
        let label = ["cat", "dog", "owl"][row % 3];
        let called = if row % 15 == 0 { "dog" } else { label };
        let sure = 0.6 + 0.3 * (row * 7 % 11) as f64 / 11.0;
        let of = |class: &str| if class == called { sure } else { (1.0 - sure) / 2.0 };
        let split = if row % 2 == 0 { "test" } else { "validation" };
        text += &format!("image-{row},{label},{split},{},{},{}\n", of("cat"), of("dog"), of("owl"));
    }
    text
}

fn kinds(document: &Value) -> Vec<&str> {
    let mut kinds: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_run_is_audited_whole() {
    let place = place();
    let output = place.done(&["audit", "run", "--json", "--claim", "disc 1.6"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document, place.json("run/audit.json"));
    assert_eq!(document["schema"], "seamripper.audit/1");
    assert_eq!((document["n"].as_u64(), document["classes"].as_array().unwrap().len()), (Some(90), 3));
    let progress = place.text(&output.stderr);
    for stage in ["slices", "calibration", "label errors", "duplicates", "preprocessing", "changed images"] {
        assert!(progress.contains(&format!("audit: {stage}")), "{stage} in\n{progress}");
    }
    for section in [
        "bias",
        "losses",
        "slices",
        "robustness",
        "calibration",
        "abstention",
        "label_errors",
        "duplicates",
        "preprocessing",
    ] {
        assert!(document[section].is_object(), "{section}");
    }
    // 18 common corruptions of grey images, 15 of MNIST-C, 12 kinds of change
    let curves = document["robustness"]["curves"].as_array().unwrap();
    assert_eq!(curves.len(), 18 + 15 + 12);
    for curve in curves {
        for point in curve["points"].as_array().unwrap() {
            let [low, high] = [0, 1].map(|end| point["accuracy_ci"][end].as_f64().unwrap());
            let accuracy = point["accuracy"].as_f64().unwrap();
            assert!(low <= accuracy && accuracy <= high, "{point}");
            assert_eq!(point["classes"].as_array().unwrap().len(), 3);
        }
    }
    for finding in document["findings"].as_array().unwrap() {
        assert!(finding["interval"].is_array(), "{finding}");
    }
    assert_eq!(document["calibration"]["scalings"].as_array().unwrap().len(), 3);
    let nearest = &document["losses"]["top_losses"][0]["nearest"][0]["id"];
    assert!(nearest.as_str().unwrap().starts_with("train-"), "{nearest}");
    let relabel = String::from_utf8(place.read("run/relabel.csv")).unwrap();
    assert_eq!(relabel.lines().count(), 91);
    assert!(relabel.starts_with("id,given,suggested,score,flagged\n"));
    // another number of threads, the same bytes
    let again =
        place.done(&["audit", "run", "--json", "--claim", "disc 1.6", "--threads", "1", "--out", "again"]);
    assert!(again.stdout == output.stdout, "another number of threads, another audit");
    assert_eq!(place.json("again/audit.json"), document);
}

#[test]
fn the_text_has_findings_first_and_accuracy_last() {
    let place = place();
    let output = place.done(&["audit", "run", "--quiet", "--only", "robustness,bias"]);
    assert_eq!(place.text(&output.stderr), "");
    let text = place.text(&output.stdout);
    assert!(text.starts_with("Findings"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("accuracy "), "{text}");
    assert!(text.contains("  findings and what they rest on"), "{text}");
    let document = place.json("run/audit.json");
    assert!(document["slices"].is_null() && document["robustness"].is_object());
    assert!(kinds(&document).iter().all(|kind| ["bias", "robustness"].contains(kind)));
    assert!(!place.at("run/relabel.csv").exists());
}

#[test]
fn the_temperature_goes_into_the_model() {
    let place = place();
    let arguments =
        ["audit", "run", "--quiet", "--only", "calibration", "--calibrate", "temperature", "--out", "scaled"];
    place.done(&arguments);
    let scaling = &place.json("scaled/audit.json")["calibration"]["scalings"][0];
    let output =
        place.done(&["eval", "scaled/calibrated.safetensors", "--data", "idx:shapes", "--quiet", "--json"]);
    let evaluation: Value = serde_json::from_slice(&output.stdout).unwrap();
    for score in ["log_loss", "brier", "ece"] {
        let [predicted, found] =
            [&scaling["after"][score], &evaluation[score]].map(|value| value.as_f64().unwrap());
        assert!((predicted - found).abs() < 1e-4, "{score}: {predicted} was promised, {found} found");
        assert_ne!(scaling["before"][score], scaling["after"][score]);
    }
    let none = [&arguments[..], &["--split", "validation"]].concat();
    let none = place.refused_by(place.program(&none));
    assert!(none.contains("expected validation images to fit a temperature on, found none"), "{none}");
}

#[test]
fn several_runs_make_a_band() {
    let place = place();
    place.done(&["train", "r.toml", "--quiet", "--out", "other", "train.epochs=4", "train.seed=1"]);
    let output = place.done(&["audit", "run", "other", "--quiet", "--only", "bias", "--out", "both"]);
    let runs = &place.json("both/audit.json")["bias"]["runs"];
    assert_eq!(runs["names"].as_array().unwrap().len(), 2);
    assert_eq!(runs["classes"][0]["bias"].as_array().unwrap().len(), 2);
    assert!(place.text(&output.stdout).contains("Bias over 2 runs"));
}

#[test]
fn a_table_and_nothing_else() {
    let place = Place::new();
    fs::write(place.at("t.csv"), table(600)).unwrap();
    let output =
        place.done(&["audit", "--predictions", "t.csv", "--quiet", "--claim", "dog 1.2", "--claim", "cat 9"]);
    assert_snapshot!(place.text(&output.stdout), @r"
    Findings, confirmed ones first, then by the share of all errors they explain

      1. dog is predicted 20 % too often: 120 times for 100 images; of the 20 images wrongly called dog,
         all are cat.
         bias · predicted / actual 1.20 [1.11–1.30] · p < 0.001 corrected · confirmed · explains 100.0 % [53.5–100.0] of all errors
         see image-300, image-270, image-240, image-570, …

      2. cat is called dog (20 images), the reverse does not happen.
         bias · 100.0 % [83.9–100.0] · p < 0.001 corrected · confirmed · explains 100.0 % [67.8–100.0] of all errors
         see image-300, image-270, image-240, image-570, …

      3. cat is predicted 20 % too seldom: 80 times for 100 images; of the 20 images it misses, all are
         called dog.
         bias · predicted / actual 0.80 [0.72–0.88] · p < 0.001 corrected · confirmed · explains 100.0 % [58.4–100.0] of all errors
         see image-300, image-270, image-240, image-570, …

      4. Whenever it says owl, the model is not sure enough: 73.6 % confident on average, right in 100.0
         % of 100 images (96.3 to 100.0).
         calibration · +26.4 points [+22.7, +26.4] · p < 0.001 corrected · confirmed
         see image-572, image-506, image-440, image-374, …

      5. Whenever it says cat, the model is not sure enough: 73.8 % confident on average, right in 100.0
         % of 80 images (95.4 to 100.0).
         calibration · +26.2 points [+21.6, +26.2] · p < 0.001 corrected · confirmed
         see image-594, image-528, image-462, image-396, …

      6. The model is not sure enough: 73.6 % confident on average, right in 93.3 %; expected
         calibration error 19.8 % (16.4 to 21.9); a temperature of 0.52 makes it 4.1 % (0.6 to 6.6).
         calibration · +19.8 points [+16.3, +22.1] · p < 0.001 · confirmed

      7. Whenever it says dog, the model is not sure enough: 73.5 % confident on average, right in 83.3
         % of 120 images (75.7 to 88.9).
         calibration · +9.9 points [+2.2, +15.5] · p = 0.013 corrected · confirmed
         see image-550, image-484, image-418, image-352, …

      8. 20 of 300 labels should be looked at, an estimated 20 of these wrong (20 to 20), if the model's
         probabilities are right.
         label errors · 6.7 % [6.6–6.7] · not confirmed
         see image-150, image-180, image-210, image-240, …

    Claims
      dog predicted 1.20 times as often as it occurs: At least 100 % of all errors are false positives of this class.
        On these images it is 1.20 [1.11–1.30]: the claim agrees with that.
      cat predicted 9.00 times as often as it occurs: This cannot be: 9.00 times 33 % is more than all images.
        On these images it is 0.80 [0.72–0.88]: the claim does not hold.

    Left out
      - slice: nothing is known about the images but their classes; give the images, or columns about
        them
      - duplicates: there are no images; give the images
      - leak: there are no images; give the images
      - drift: there are no other images to compare with; give other images of the same classes
      - preprocessing: only the order of the classes was checked: how images are given takes images and
        a model; give a model and its images
      - robustness: changed images have to be predicted, which takes images and a model; give a model
        and its images
      - spurious: images have to be predicted with something put in, which takes images and a model;
        give a model and its images

    In audit
      audit.json   findings and what they rest on
      relabel.csv  every label, most suspect first, with the class it should be
      drop.csv     the flagged ones

    accuracy 93.33 % [89.93–95.64] of 300 images
    ");
    let document = place.json("audit/audit.json");
    assert_eq!(document["n"], 300);
    assert_eq!(document["calibration"]["scalings"][0]["fitted_on"], 300);
    assert_eq!(document["abstention"]["classes"].as_array().unwrap().len(), 3);
}

#[test]
fn columns_about_images_make_slices() {
    let place = Place::new();
    fs::write(place.at("t.csv"), table(3000)).unwrap();
    let mut columns = "id,camera\n".to_owned();
    for row in 0..3000 {
        columns += &format!("image-{row},{}\n", if row % 15 == 0 || row % 11 == 0 { "A" } else { "B" });
    }
    fs::write(place.at("columns.csv"), columns).unwrap();
    place.done(&[
        "audit",
        "--predictions",
        "t.csv",
        "--quiet",
        "--metadata",
        "columns.csv",
        "--only",
        "slice",
    ]);
    let document = place.json("audit/audit.json");
    let title = document["findings"][0]["title"].as_str().unwrap();
    assert!(title.contains("cat") && title.contains("camera = A"), "{title}");
    assert_eq!(document["findings"][0]["confirmed"], true);
    fs::write(place.at("few.csv"), "id,camera\nimage-0,A\n").unwrap();
    let few = refused(&place, &["--predictions", "t.csv", "--metadata", "few.csv"]);
    assert!(few.contains("1499 problems\n  id `image-2`: no row"), "{few}");
}

#[test]
fn two_classes_and_few_images() {
    let place = Place::new();
    let rows: String = (0..40)
        .map(|row| format!("i{row},{},{}\n", ["no", "yes"][row % 2], ["0.8,0.2", "0.3,0.7"][row / 3 % 2]))
        .collect();
    fs::write(place.at("t.csv"), format!("id,label,prob_no,prob_yes\n{rows}")).unwrap();
    let output = place.done(&["audit", "--predictions", "t.csv", "--quiet", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["excluded"][0]["what"], "classes with fewer than 30 images");
    assert_eq!(document["excluded"][0]["count"], 2);
    assert_eq!(document["excluded"][0]["names"], serde_json::json!(["no", "yes"]));
}

#[test]
fn logits_are_detected_and_taken() {
    let place = Place::new();
    let rows: String =
        (0..60).map(|row| format!("i{row},{},{}\n", row % 2, ["2.5,-1", "-3,0.5"][row % 2])).collect();
    fs::write(place.at("t.csv"), format!("id,label,prob_a,prob_b\n{rows}")).unwrap();
    assert_snapshot!(refused(&place, &["--predictions", "t.csv"]), @r"
error: rows of t.csv: expected a usable prediction in each, found 60 problems
  line 2: probability of b: expected a number of 0 to 1, found -1
  line 3: probability of a: expected a number of 0 to 1, found -3
  line 4: probability of b: expected a number of 0 to 1, found -1
  line 5: probability of a: expected a number of 0 to 1, found -3
  line 6: probability of b: expected a number of 0 to 1, found -1
  line 7: probability of a: expected a number of 0 to 1, found -3
  line 8: probability of b: expected a number of 0 to 1, found -1
  line 9: probability of a: expected a number of 0 to 1, found -3
  line 10: probability of b: expected a number of 0 to 1, found -1
  line 11: probability of a: expected a number of 0 to 1, found -3
  and 50 more
hint: these are no probabilities but look like logits: if they are, add --logits
");
    place.done(&["audit", "--predictions", "t.csv", "--quiet", "--logits"]);
    assert_eq!(place.json("audit/audit.json")["accuracy"], 1.0);
    place.done(&["eval", "--predictions", "t.csv", "--quiet", "--logits"]);
}

#[test]
fn what_drifted() {
    let place = place();
    place.done(&["audit", "run", "--quiet", "--only", "drift", "--against", "idx:shapes", "--out", "same"]);
    let same = place.json("same/audit.json");
    assert_eq!(same["findings"], serde_json::json!([]), "the same images have not drifted");
    assert_eq!(same["drift"]["n"], 90);
    fs::write(place.at("t.csv"), table(600)).unwrap();
    let dogs: String =
        table(600).lines().filter(|line| !line.contains(",owl,")).map(|line| format!("{line}\n")).collect();
    fs::write(place.at("new.csv"), dogs).unwrap();
    place.done(&["audit", "--predictions", "t.csv", "--quiet", "--only", "drift", "--against", "new.csv"]);
    let drifted = place.json("audit/audit.json");
    let title = drifted["findings"][0]["title"].as_str().unwrap();
    assert!(title.contains("owl") && title.contains("new.csv"), "{title}");
    // without owls their share is estimated to be none
    assert!(drifted["drift"]["classes"][2]["new_ci"][1].as_f64().unwrap() < 0.02);
}

#[test]
fn what_cannot_be_audited() {
    let place = Place::new();
    fs::write(place.at("t.csv"), table(60)).unwrap();
    assert_snapshot!(refused(&place, &[]), @r"
error: audit: expected a MODEL or --predictions FILE, found neither
hint: seamripper audit runs/NAME, or seamripper audit --predictions FILE
");
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--claim", "cat", "--claim", "dgo 1.6"]), @r#"
error: claim `cat`: expected a class and a number, found one word
       claim `dgo 1.6`: expected a class of the table, found `dgo`
hint: is `dog` meant? Say a class and its bias in quotes, "Sneaker 1.6" for 60 % too often
"#);
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--precision", "95"]), @r"
error: --precision: expected a share from 0 to below 1, found 95
hint: 0.95 asks for 95 of 100 right
");
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--against", "nowhere.csv"]), @r"
error: --against nowhere.csv: expected a table of predictions, found no such file
hint: without a model, other images need predictions: a CSV, Parquet or NPZ file
");
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--data", "idx:shapes"]), @r"
error: images of t.csv: expected an image of idx:shapes for each of its ids, as image-0, found none for some
hint: the ids of idx:shapes are as test-00000
");
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--only", "bais"]), @r"
error: invalid value 'bais' for '--only <KIND>'
  [possible values: bias, slice, robustness, calibration, label_error, duplicate, leak, spurious, drift, preprocessing]

  tip: a similar value exists: 'bias'

For more information, try '--help'.
");
    fs::write(
        place.at("bad.csv"),
        "id,label,prob_a,prob_b\na,a,0.5,0.5\na,b,0.5,nan\nb,c,0.9,0.2\nb,a,0.9,0.2\n",
    )
    .unwrap();
    assert_snapshot!(refused(&place, &["--predictions", "bad.csv"]), @r"
error: rows of bad.csv: expected a usable prediction in each, found 3 problems
  line 4: label `c` is unknown (is `a` meant?)
  line 3: probability of b: expected a number of 0 to 1, found NaN
  line 5: probabilities: expected a sum of 1, found 1.1
hint: correct these rows, or leave them out of the table: none is skipped silently
");
    fs::write(place.at("other.csv"), "id,label,prob_a,prob_b\na,a,0.5,0.5\n").unwrap();
    assert_snapshot!(refused(&place, &["--predictions", "t.csv", "--validation", "other.csv"]), @r"
error: classes of other.csv: expected those of the audited table (cat, dog, owl), found a, b
hint: the columns prob_<class> name the classes; their order does not matter
");
}
