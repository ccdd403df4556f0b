use std::fs;

use super::Place;

#[test]
fn a_film_has_a_frame_an_epoch_and_goes_on_when_resumed() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--film", "--out", "run", "train.epochs=3"]);
    let frames = |run: &str| -> Vec<String> {
        let entries = fs::read_dir(place.at(run).join("film")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(frames("run"), ["0000.json", "0001.json", "0002.json", "0003.json"]);
    let frame = place.json("run/film/0003.json");
    assert_eq!(frame["epoch"], 3);
    assert_eq!(frame["filters"].as_array().unwrap().len(), 16);
    assert_eq!(frame["answers"].as_array().unwrap().len(), 3, "an image a class");
    assert_ne!(frame["filters"], place.json("run/film/0000.json")["filters"], "the filters did not change");

    let film = place.read("run/film.png");
    let control = film.windows(4).position(|chunk| chunk == b"acTL").expect("an animated PNG");
    assert_eq!(&film[control + 4..control + 8], &4_u32.to_be_bytes());

    // the same model with and without a film
    place.done(&["train", "r.toml", "--quiet", "--out", "plain", "train.epochs=3"]);
    assert!(place.read("run/model.safetensors") == place.read("plain/model.safetensors"));
}

#[test]
fn no_film_without_a_convolution() {
    let place = Place::new();
    let recipe = String::from_utf8(place.read("r.toml")).unwrap();
    fs::write(place.at("d.toml"), recipe.replace(r#""conv 16 5x5", "batch_norm relu", "max_pool 2", "#, ""))
        .unwrap();
    insta::assert_snapshot!(place.refused(&["d.toml", "--film", "--out", "run"]), @r#"
error: --film: expected a network with a convolution, found none
hint: leave --film out
"#);
}
