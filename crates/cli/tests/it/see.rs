//! `seamripper see`, as a user runs it, on a small network of drawn shapes.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;

/// A folder with a trained run.
fn place() -> Place {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run", "train.epochs=8"]);
    place
}

fn refused(place: &Place, arguments: &[&str]) -> String {
    place.refused_by(place.program(&[&["see"], arguments].concat()))
}

fn is_png(place: &Place, name: &str) {
    let bytes = place.read(name);
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{name}");
    image::load_from_memory(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn a_whole_split() {
    let place = place();
    let output = place.done(&["see", "run", "--quiet", "--json", "--out", "whole"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, place.json("whole/see.json"));
    assert_eq!(printed["schema"], "seamripper.see/1");
    assert_eq!(printed["images"], 90);
    let layers = printed["layers"].as_array().unwrap();
    let names: Vec<_> = layers.iter().map(|layer| layer["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["conv1", "dense1"]);
    let filters = layers[0]["filters"].as_array().unwrap();
    assert_eq!(filters.len(), 16);
    for filter in filters {
        assert_eq!(filter["selectivity"].as_array().unwrap().len(), 3);
        assert!((0.0..=1.0).contains(&filter["activation_rate"].as_f64().unwrap()));
        let exemplars = filter["exemplars"].as_array().unwrap();
        assert_eq!(exemplars.len(), 9);
        assert!(
            exemplars.windows(2).all(|pair| pair[0]["activation"].as_f64() >= pair[1]["activation"].as_f64())
        );
        assert!(exemplars[0]["id"].as_str().unwrap().starts_with("test-"));
        assert_eq!(filter["ablation"]["recall"].as_array().unwrap().len(), 3);
    }
    assert_eq!(printed["probes"].as_array().unwrap().len(), 3);
    assert_eq!(printed["trust"]["verdicts"].as_array().unwrap().len(), 11);
    let layer = &layers[0];
    for effect in [&layer["ablation"], &layer["mean_ablation"], &filters[3]["mean_ablation"]] {
        assert_eq!(effect["recall"].as_array().unwrap().len(), 3);
    }
    assert_eq!(layer["field"]["rows"], serde_json::json!([4, 9]));
    assert!((1..=25).contains(&layer["field"]["half"].as_u64().unwrap()));
    let first = &printed["trust"]["verdicts"][0];
    assert!(first["smooth_sanity"].is_number() && first["passes_smooth_sanity"].is_boolean());
    assert!(first["blurred_areas"]["deletion"].is_number());
    assert!(printed["trust"]["blurred_floor"]["edges"]["insertion"].is_number());
    assert_eq!(printed["map"]["images"].as_array().unwrap().len(), 90);
    let pairs = printed["pairs"].as_array().unwrap();
    assert!(!pairs.is_empty() && pairs.iter().all(|pair| pair["layer"] == "conv1"));
    for sheet in [
        "filters-conv1",
        "filters-dense1",
        "ablation-conv1",
        "ablation-dense1",
        "classes",
        "map",
        "map-pca",
        "fields",
        "pairs-conv1",
    ] {
        is_png(&place, &format!("whole/{sheet}.png"));
    }
    let again = place.done(&["see", "run", "--quiet", "--json", "--out", "again", "--threads", "1"]);
    assert_eq!(again.stdout, output.stdout, "another number of threads, another result");
    for sheet in ["filters-conv1", "ablation-conv1", "classes", "map"] {
        let name = format!("{sheet}.png");
        assert!(place.read(&format!("whole/{name}")) == place.read(&format!("again/{name}")), "{name}");
    }
}

#[test]
fn one_image() {
    let place = place();
    let output = place.done(&["see", "run", "--quiet", "--json", "--out", "one", "--image", "test-00004"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let maps = document["saliency"].as_array().unwrap();
    assert_eq!(maps.len(), 11);
    for map in maps {
        assert_eq!(map["id"], "test-00004");
        let rows = map["map"].as_array().unwrap();
        assert_eq!((rows.len(), rows[0].as_array().unwrap().len()), (12, 12));
        let badges = &map["badges"];
        assert!(badges["sanity"].is_boolean() && badges["insertion"].is_number());
        assert_eq!(badges["completeness"].is_boolean(), map["method"] == "integrated-gradients");
        assert_eq!(badges["layer"].is_string(), map["method"].as_str().unwrap().contains("cam"));
    }
    let near = &document["nearest"][0];
    assert_eq!(near["id"], "test-00004");
    let neighbours = near["neighbours"].as_array().unwrap();
    assert_eq!(neighbours.len(), 8);
    assert!(neighbours.windows(2).all(|pair| pair[0]["distance"].as_f64() <= pair[1]["distance"].as_f64()));
    assert!(neighbours.iter().all(|near| near["id"].as_str().unwrap().starts_with("train-")));
    is_png(&place, "one/nearest-test-00004.png");
    is_png(&place, "one/saliency-test-00004.png");
    is_png(&place, "one/activations-test-00004-conv1.png");
}

/// Its layers are called after the members, `1/conv1`; files are not in folders for that.
#[test]
fn an_ensemble() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--seeds=2", "--quiet", "--out", "s", "train.epochs=4"]);
    place.done(&["see", "s/ensemble", "--quiet", "--out", "e"]);
    for sheet in ["filters-1-conv1", "filters-2-conv1", "ablation-2-conv1", "pairs-2-conv1", "fields"] {
        is_png(&place, &format!("e/{sheet}.png"));
    }
    place.done(&["see", "s/ensemble", "--quiet", "--out", "one", "--image", "test-00004"]);
    is_png(&place, "one/activations-test-00004-2-conv1.png");
}

/// What methods are worth is found once, and what was found of the split outlives a look at an image.
#[test]
fn a_second_look() {
    let place = place();
    place.done(&["see", "run", "--quiet", "--only", "filters"]);
    let look = |more: &[&str]| -> String {
        let asked =
            ["see", "run", "--quiet", "--method", "gradient,guided-backprop", "--image", "test-00004"];
        place.text(&place.done(&[&asked[..], more].concat()).stdout)
    };
    let first = look(&[]);
    assert!(!first.contains("read from see.json") && first.contains("saliency: sanity checks"), "{first}");
    let trust = place.json("run/see/see.json")["trust"].clone();
    let second = look(&[]);
    assert!(second.contains("2 checked by an earlier look, read from see.json"), "{second}");
    assert!(!second.contains("saliency: sanity checks") && !second.contains("Layers, over"), "{second}");
    let kept = place.json("run/see/see.json");
    assert_eq!(kept["trust"], trust);
    assert_eq!(kept["layers"].as_array().unwrap().len(), 2);
    let other_seed = look(&["--seed", "1"]);
    assert!(!other_seed.contains("read from see.json"), "{other_seed}");
    // Other images: nothing of it holds.
    let train = place.text(
        &place
            .done(&[
                "see",
                "run",
                "--quiet",
                "--method",
                "gradient",
                "--split",
                "train",
                "--image",
                "train-00000",
            ])
            .stdout,
    );
    assert!(!train.contains("read from see.json"), "{train}");
    assert_eq!(place.json("run/see/see.json")["layers"].as_array().unwrap().len(), 0);
}

#[test]
fn what_a_response_is_made_of() {
    let place = place();
    let asked = ["see", "run", "--quiet", "--out", "w", "--method", "gradient", "--image", "test-00004"];
    let more = ["--json", "--window", "conv1:3@2,5", "conv1:7"];
    let output = place.done(&[&asked[..], &more].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let windows = document["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 2);
    let window = &windows[0];
    assert_eq!(
        (&window["rows"], &window["columns"]),
        (&serde_json::json!([2, 7]), &serde_json::json!([5, 10]))
    );
    assert_eq!(window["shape"], serde_json::json!([5, 5, 1]));
    for window in windows {
        let numbers = |key: &str| -> Vec<f64> {
            window[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let (input, weights) = (numbers("input"), numbers("weights"));
        let sum: f64 = input.iter().zip(&weights).map(|(x, w)| x * w).sum();
        let bias = window["bias"].as_f64().unwrap();
        assert!((sum + bias - window["sum"].as_f64().unwrap()).abs() < 1e-5, "{window}");
    }
    is_png(&place, "w/window-test-00004-conv1-3-2-5.png");
    let pair = place.done(&[
        "see",
        "run",
        "--quiet",
        "--json",
        "--out",
        "p",
        "--only",
        "dreams",
        "--pair",
        "conv1:1,4",
    ]);
    let document: Value = serde_json::from_slice(&pair.stdout).unwrap();
    assert_eq!(document["pairs"].as_array().unwrap().len(), 1);
    assert_eq!(document["pairs"][0]["filters"], serde_json::json!([1, 4]));
    is_png(&place, "p/pairs-conv1.png");
    let wrong = ["conv1", "cnov1:3", "conv1:16", "conv1:3@8,0", "dense1:2"];
    assert_snapshot!(refused(&place, &[&["run", "--quiet", "--image", "test-00004", "--window"][..], &wrong].concat()), @r#"
error: --window: expected LAYER:FILTER or LAYER:FILTER@ROW,COLUMN, found "conv1"
error: --window cnov1:3: layer: expected one with filters (conv1, dense1), found "cnov1"
error: --window conv1:16: expected a filter of conv1 from 0 to 15, found 16
error: --window conv1:3@8,0: expected a place of conv1 from 0,0 to 7,7, found 8,0
error: --window dense1:2: expected a convolution, found the dense layer dense1
hint: for instance --window conv1:17 or --window conv1:17@3,5
hint: did you mean conv1?
"#);
    assert_snapshot!(refused(&place, &["run", "--quiet", "--pair", "conv1:3", "dense1:1,1", "conv1:2,99"]), @r#"
error: --pair: expected LAYER:A,B with two filters, found "conv1:3"
error: --pair: expected LAYER:A,B with two filters, found "dense1:1,1"
error: --pair conv1:2,99: expected a filter of conv1 from 0 to 15, found 99
hint: for instance --pair conv2:3,17
"#);
}

#[test]
fn what_speaks_for_a_class_against_another() {
    let place = place();
    let asked = ["see", "run", "--quiet", "--json", "--out", "against", "--image", "test-00000"];
    let run = |more: &[&str]| -> Value {
        let output = place.done(&[&asked[..], more, &["--method", "gradient"]].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let disc = run(&["--target", "disc"]);
    let ring = run(&["--target", "ring"]);
    let both = run(&["--target", "disc", "--against", "ring"]);
    let value = |document: &Value, row: usize| document["saliency"][0]["map"][row][6].as_f64().unwrap();
    for row in 0..12 {
        let expected = value(&disc, row) - value(&ring, row);
        assert!((value(&both, row) - expected).abs() < 1e-4, "{row}");
    }
    assert_eq!(both["saliency"][0]["against"], "ring");
}

#[test]
fn a_picture_file() {
    let place = place();
    let mut picture = image::RgbImage::new(12, 12);
    picture.put_pixel(6, 6, image::Rgb([255, 255, 255]));
    picture.save(place.at("dot.png")).unwrap();
    image::GrayImage::new(20, 10).save(place.at("wide.png")).unwrap();
    let asked = ["see", "run", "--json", "--out", "file", "--method", "gradient", "--image"];
    let output = place.done(&[&asked[..], &["dot.png"]].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["saliency"][0]["id"], "dot.png");
    assert!(place.text(&output.stderr).contains("note: dot.png was made grey"));
    let output = place.done(&[&asked[..], &["wide.png", "--fit"]].concat());
    assert!(place.text(&output.stderr).contains("note: wide.png was resized from 20 x 10 to 12 x 12 pixels"));
    assert_snapshot!(refused(&place, &["run", "--quiet", "--image", "wide.png"]), @r#"
error: image wide.png: expected 12 x 12 pixels, found 20 x 10
hint: --fit changes its size to the model's, without keeping its proportions
"#);
    fs::write(place.at("text.png"), "no picture").unwrap();
    assert_snapshot!(refused(&place, &["run", "--quiet", "--image", "text.png"]), @r#"
error: image text.png: expected a PNG, JPEG or WebP picture, found text: "no picture"
"#);
}

#[test]
fn a_model_without_convolution() {
    let place = place();
    let recipe = String::from_utf8(place.read("r.toml")).unwrap();
    let dense = recipe.replace(r#""conv 16 5x5", "batch_norm relu", "max_pool 2", "#, "");
    assert_ne!(recipe, dense);
    fs::write(place.at("dense.toml"), dense).unwrap();
    place.done(&["train", "dense.toml", "--quiet", "--out", "dense", "train.epochs=2"]);
    let output = place.done(&["see", "dense", "--quiet", "--json", "--out", "see-dense"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["layers"][0]["name"], "dense1");
    assert_eq!(document["trust"]["verdicts"].as_array().unwrap().len(), 8, "no class activation maps");
    assert_snapshot!(refused(&place, &["dense", "--quiet", "--method", "grad-cam"]), @r#"
error: method grad-cam: expected a model with a convolution, found none
hint: integrated-gradients needs none
"#);
}

#[test]
fn names_that_are_not_there() {
    let place = place();
    assert_snapshot!(refused(&place, &["run", "--quiet", "--layer", "cnov1"]), @r#"
error: layer: expected one with filters (conv1, dense1), found "cnov1"
hint: did you mean conv1?
"#);
    assert_snapshot!(refused(&place, &["run", "--quiet", "--method", "gradcam,saliency"]), @r#"
error: method: expected one of gradient, input-x-gradient, smoothgrad, integrated-gradients, grad-cam, grad-cam++, layer-cam, guided-backprop, deconvolution, occlusion, rise, found "gradcam"
error: method: expected one of gradient, input-x-gradient, smoothgrad, integrated-gradients, grad-cam, grad-cam++, layer-cam, guided-backprop, deconvolution, occlusion, rise, found "saliency"
hint: did you mean grad-cam?
"#);
    assert_snapshot!(refused(&place, &["run", "--quiet", "--image", "test-00900"]), @r#"
error: image test-00900: expected an id of the split or a file, found neither an id nor a file of that name
hint: did you mean test-00000?
"#);
    assert_snapshot!(refused(&place, &["run", "--quiet", "--image", "test-00001", "--target", "dics"]), @r#"
error: --target: expected one of disc, ring, cross, found "dics"
hint: did you mean disc?
"#);
    assert_snapshot!(
        refused(&place, &["run", "--quiet", "--image", "test-00001", "--target", "disc", "--against", "disc"]),
        @r#"
error: --against: expected another class than the explained one, found "disc" twice
hint: name another class with --target or --against
"#
    );
    assert_snapshot!(refused(&place, &["r.toml", "--quiet"]), @r#"
error: model r.toml: expected a trained model, found a recipe
hint: train it first: `seamripper train r.toml`, then give its run folder
"#);
    assert_snapshot!(refused(&place, &["run", "--only", "filtres"]), @r#"
error: invalid value 'filtres' for '--only <PART>'
  [possible values: filters, ablation, fields, probes, dreams, trust, map]

  tip: a similar value exists: 'filters'

For more information, try '--help'.
"#);
}
