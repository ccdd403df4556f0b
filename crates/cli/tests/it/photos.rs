//! Folders of photos with all that is wrong in real ones: loaded, trained on, audited, and nothing lost.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use serde_json::Value;

/// Classes of shapes with as many photos each, and one with a single photo.
const CLASSES: [&str; 4] = ["circle", "cross", "square", "triangle"];
/// Files in [`folder`] that are no photos.
const FAULTS: usize = if cfg!(unix) { 7 } else { 5 };

/// Numbers that are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

/// A JPEG of one shape in a color of its own, on a ground of its own, 60 to 159 pixels high and wide.
fn photo(class: usize, draw: &mut Draw) -> Vec<u8> {
    let [h, w] = [0, 1].map(|_| 60 + draw.below(100) as i64);
    let ground: [u64; 3] = [0; 3].map(|_: u64| draw.below(120));
    let shape = ground.map(|level| (level + 90 + draw.below(60)) as u8);
    let radius = 12 + draw.below(12) as i64;
    let [y0, x0] = [h, w].map(|length| radius + draw.below((length - 2 * radius) as u64) as i64);
    let inside = |y: i64, x: i64| match class {
        0 => y * y + x * x <= radius * radius,
        1 => y.abs().min(x.abs()) * 3 <= radius && y.abs().max(x.abs()) <= radius,
        2 => y.abs().max(x.abs()) * 4 <= radius * 3,
        _ => y <= radius / 2 && x.abs() * 7 <= (y + radius) * 4,
    };
    let picture = image::RgbImage::from_fn(w as u32, h as u32, |x, y| {
        let is_inside = inside(i64::from(y) - y0, i64::from(x) - x0);
        image::Rgb(if is_inside { shape } else { ground.map(|level| level as u8) })
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture).unwrap();
    bytes
}

/// `count` photos and [`FAULTS`] other files.
fn folder(root: &Path, count: usize) {
    let mut draw = Draw(1);
    for (class, name) in CLASSES.iter().enumerate() {
        fs::create_dir_all(root.join(name)).unwrap();
        for number in 0..count / CLASSES.len() {
            fs::write(root.join(format!("{name}/{number}.jpg")), photo(class, &mut draw)).unwrap();
        }
    }
    let whole = photo(0, &mut draw);
    fs::create_dir(root.join("star")).unwrap();
    fs::write(root.join("star/only.jpg"), &whole).unwrap();
    fs::write(root.join("circle/cut.jpg"), &whole[..whole.len() / 3]).unwrap();
    fs::write(root.join("circle/empty.jpg"), "").unwrap();
    fs::write(root.join("circle/text.jpg"), "404: not found\n").unwrap();
    fs::write(root.join("cross/notes.txt"), "to do\n").unwrap();
    bomb(&root.join("square/bomb.png"));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::os::unix::fs::symlink("..", root.join("cross/loop")).unwrap();
        fs::write(root.join("cross").join(std::ffi::OsStr::from_bytes(b"caf\xe9.jpg")), &whole).unwrap();
    }
}

/// A few kilobytes that would be 900 million pixels.
fn bomb(path: &Path) {
    const SIDE: u32 = 30_000;
    let mut encoder = png::Encoder::new(BufWriter::new(fs::File::create(path).unwrap()), SIDE, SIDE);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    let row = vec![0; SIDE as usize / 8];
    for _ in 0..SIDE {
        rows.write_all(&row).unwrap();
    }
    rows.finish().unwrap();
}

/// What `seamripper` prints as JSON, and the most memory it took, in kilobytes, where the system says it.
fn run(root: &Path, arguments: &[&str]) -> (Value, Option<u64>) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("seamripper"));
    command.args(arguments).args(["--json", "--quiet"]).current_dir(root);
    command.env("XDG_CACHE_HOME", root.join("cache")).env("SEAMRIPPER_MIRROR", "off");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let most = thread::scope(|scope| {
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        let read = |mut from: Box<dyn std::io::Read + Send>| {
            let mut text = String::new();
            from.read_to_string(&mut text).map(|_| text).unwrap()
        };
        let stdout = scope.spawn(move || read(Box::new(stdout)));
        let stderr = scope.spawn(move || read(Box::new(stderr)));
        let most = watched(&mut child);
        (stdout.join().unwrap(), stderr.join().unwrap(), most)
    });
    let (stdout, stderr, most) = most;
    let status = child.wait().unwrap();
    assert!(status.success(), "{arguments:?}: {status}\n{stderr}");
    (serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{stdout}")), most)
}

/// Waits for a process, and gives the largest peak of its memory that was seen.
fn watched(child: &mut Child) -> Option<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut most = None;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        most = most.max(peak.and_then(|kilobytes| kilobytes.parse().ok()));
        thread::sleep(Duration::from_millis(20));
    }
    most
}

/// Loads, trains and audits `count` photos at `side` pixels, and gives the most memory that was seen.
fn walk(count: usize, side: usize, threshold: f64) -> Option<u64> {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    folder(&root.join("photos"), count);
    let size = format!("{side}x{side}");
    let (data, loading) = run(root, &["data", "folder:photos", "--size", &size]);
    let photos = &data["photos"];
    let left_out = photos["left_out"].as_array().unwrap();
    assert_eq!(photos["found"], count + 1 + FAULTS, "every file counts");
    assert_eq!(left_out.len(), FAULTS, "{left_out:?}");
    let mut paths: Vec<&str> = left_out.iter().map(|left| left["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    let mut expected =
        vec!["circle/cut.jpg", "circle/empty.jpg", "circle/text.jpg", "cross/notes.txt", "square/bomb.png"];
    if cfg!(unix) {
        expected.extend(["cross/caf\u{fffd}.jpg", "cross/loop"]);
    }
    expected.sort_unstable();
    assert_eq!(paths, expected);
    let splits = data["splits"].as_array().unwrap();
    let images: u64 = splits.iter().map(|split| split["images"].as_u64().unwrap()).sum();
    assert_eq!(images, count as u64 + 1, "what is not left out is there");

    let recipe = format!(
        "[data]\nsource = \"folder:photos\"\nvalidation = 0.1\n[model]\ninput = [{side}, {side}, 3]\nlayers = [\n\
         \"conv 8 3x3 relu pad 1\", \"max_pool 4\", \"conv 16 3x3 relu pad 1\", \"max_pool 4\", \"flatten\", \"dense 5\"]\n\
         [train]\nepochs = 3\nbatch = 32\noptimizer = \"adam\"\nrate = 3e-3\nseed = 0\n"
    );
    fs::write(root.join("photos.toml"), recipe).unwrap();
    let (_, training) = run(root, &["train", "photos.toml", "--out", "run"]);
    let evaluation: Value = serde_json::from_slice(&fs::read(root.join("run/eval.json")).unwrap()).unwrap();
    let accuracy = evaluation["accuracy"].as_f64().unwrap();
    assert!(accuracy > threshold, "{accuracy}");
    let (audit, auditing) = run(root, &["audit", "run", "--images", "200"]);
    assert_eq!(audit["schema"], "seamripper.audit/1");
    let seen = [loading, training, auditing].map(|kilobytes| kilobytes.unwrap_or(0) / 1024);
    println!("{count} photos: {} MiB loading, {} training, {} auditing", seen[0], seen[1], seen[2]);
    loading.max(training).max(auditing)
}

#[test]
fn a_folder_of_photos_with_faults_trains_and_is_audited() {
    walk(400, 32, 0.3);
}

#[test]
#[ignore = "minutes; scripts/test --full runs it"]
fn twenty_thousand_photos_in_less_than_a_gigabyte() {
    // 553 MB of pixels, more than are kept in memory
    let most = walk(20_000, 96, 0.9);
    assert!(most.is_none_or(|kilobytes| kilobytes < 1_000_000), "{most:?} kB");
}
