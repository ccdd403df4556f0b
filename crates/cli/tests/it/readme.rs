//! The README's ways in, run as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use std::io::Read;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The blocks after `<!-- run -->`.
fn blocks(readme: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for part in readme.split("<!-- run -->").skip(1) {
        let block =
            part.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a sh block");
        blocks.push(block.to_owned());
    }
    blocks
}

/// Some of Fashion-MNIST's test images as somebody's own: PNG files in folders of classes, and a file that is no picture.
fn own_photos(folder: &Path) {
    let source = std::env::var("SEAMRIPPER_DATA").map_or_else(
        |_| "/usr/share/datasets/fashion-mnist".to_owned(),
        |folder| format!("{folder}/fashion-mnist"),
    );
    let payload = |kind: &str| {
        let path = format!("{source}/t10k-{kind}-ubyte.gz");
        let file = fs::File::open(&path).unwrap_or_else(|error| {
            panic!("{path}: {error}\nhint: apt-get install dataset-fashion-mnist, or scripts/setup")
        });
        let mut payload = Vec::new();
        GzDecoder::new(file).read_to_end(&mut payload).unwrap();
        payload
    };
    let (pixels, labels) = (payload("images-idx3"), payload("labels-idx1"));
    for (row, &label) in labels[8..].iter().take(2000).enumerate() {
        let class = folder.join(format!("kind {label}"));
        fs::create_dir_all(&class).unwrap();
        let image = pixels[16 + 784 * row..][..784].to_vec();
        let image = image::GrayImage::from_raw(28, 28, image).expect("28 x 28 pixels");
        image.save(class.join(format!("{row}.png"))).unwrap();
    }
    fs::write(folder.join("kind 0/notes.txt"), "not a picture").unwrap();
}

#[test]
fn the_ways_in_work_as_written() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&readme);
    assert_eq!(blocks.len(), 3, "the README has three ways in");
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("recipes")).unwrap();
    let seed = fs::read_to_string(root().join("recipes/seed.toml")).unwrap();
    fs::write(home.path().join("recipes/seed.toml"), &seed).unwrap();
    let mine = seed
        .replace("\"fashion-mnist\"", "\"folder:my-photos\"")
        .replace("validation = 0.0", "validation = 0.1")
        .replace("epochs = 20", "epochs = 2");
    fs::write(home.path().join("my-recipe.toml"), mine).unwrap();
    own_photos(&home.path().join("my-photos"));
    let names: String = (0..10).map(|class| format!("kind {class}\n")).collect();
    fs::write(home.path().join("my-classes.txt"), names).unwrap();
    let table = "id,label,prob_cat,prob_dog\na,cat,0.9,0.1\nb,dog,0.4,0.6\nc,dog,0.7,0.3\n";
    fs::write(home.path().join("my-predictions.csv"), table).unwrap();

    for line in blocks.iter().flat_map(|block| block.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "seamripper", "{line}");
        if words[1] == "import" {
            let mut export = Command::new(env!("CARGO_BIN_EXE_seamripper"));
            export.args(["export", "runs/mine", "--out", words[2]]).current_dir(home.path());
            assert!(export.status().unwrap().success(), "a model for {line}");
        }
        let output = Command::new(env!("CARGO_BIN_EXE_seamripper"))
            .args(&words[1..])
            .current_dir(home.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        if words[1] == "report" {
            // Without npm there is no page in the program, and all else works.
            let has_page = root().join("web/bundle/index.html").is_file();
            assert_eq!(output.status.success(), has_page, "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(home.path().join("report.html").is_file(), has_page, "{text}");
            continue;
        }
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.len() > 100, "{line} printed too little:\n{text}");
    }
}
