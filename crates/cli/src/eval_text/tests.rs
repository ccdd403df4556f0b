use insta::assert_snapshot;
use seamripper_core::fail::evaluate;
use seamripper_core::predictions::Predictions;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::Split;

use super::words::{percent, prefix, ratio, shortened, width, wrapped};
use super::*;

/// An evaluation with this confusion matrix; an image is called its class with confidence 0.9 or 0.6.
fn evaluation(names: &[&str], confusion: &[Vec<u64>]) -> Evaluation {
    let k = names.len();
    let (mut labels, mut probs) = (Vec::new(), Vec::new());
    for (label, row) in confusion.iter().enumerate() {
        assert_eq!(row.len(), k, "columns of row {label}");
        for (called, &count) in row.iter().enumerate() {
            let confidence = if label == called { 0.9 } else { 0.6 };
            for _ in 0..count {
                labels.push(label as u32);
                let rest = (1.0 - confidence) / (k - 1) as f64;
                probs.extend((0..k).map(|class| if class == called { confidence } else { rest }));
            }
        }
    }
    evaluate(&Predictions {
        classes: names.iter().map(|&name| name.to_owned()).collect(),
        ids: (0..labels.len()).map(|row| format!("test-{row:05}")).collect(),
        splits: vec![Split::Test; labels.len()],
        labels,
        probs,
    })
}

fn text(evaluation: &Evaluation, style: Style) -> String {
    let mut out = Vec::new();
    print_report(evaluation, &mut out, style).unwrap();
    String::from_utf8(out).unwrap()
}

const FASHION: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

fn fashion() -> Evaluation {
    let rows: [[u64; 10]; 10] = [
        [758, 1, 18, 20, 4, 0, 194, 0, 5, 0],
        [1, 979, 1, 13, 3, 0, 2, 0, 1, 0],
        [11, 1, 832, 7, 69, 0, 79, 0, 1, 0],
        [12, 5, 8, 906, 30, 0, 36, 0, 3, 0],
        [0, 0, 51, 24, 851, 0, 73, 0, 1, 0],
        [0, 0, 0, 0, 0, 951, 0, 41, 1, 7],
        [82, 1, 63, 25, 72, 0, 752, 0, 5, 0],
        [0, 0, 0, 0, 0, 4, 0, 986, 0, 10],
        [2, 1, 2, 3, 2, 1, 7, 3, 979, 0],
        [0, 0, 0, 0, 0, 3, 1, 71, 0, 925],
    ];
    evaluation(&FASHION, &rows.map(Vec::from))
}

#[test]
fn ten_classes() {
    let text = text(&fashion(), Style::PLAIN);
    assert!(text.lines().all(|line| width(line) <= 100), "a line is too long");
    assert_snapshot!(text, @"");
}

#[test]
fn three_classes_one_absent_one_never_predicted() {
    let rows = vec![vec![50, 0, 12], vec![3, 0, 15], vec![0, 0, 0]];
    assert_snapshot!(text(&evaluation(&["cat", "dog", "wolf"], &rows), Style::PLAIN), @"");
}

#[test]
fn nothing_wrong_at_all() {
    let rows = vec![vec![1, 0], vec![0, 2]];
    assert_snapshot!(text(&evaluation(&["cat", "dog"], &rows), Style::PLAIN), @"");
}

#[test]
fn thirty_classes() {
    let names: Vec<String> = (0..30).map(|class| format!("species of long name {class:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut stream = Stream::new(0, Purpose::Test, 30, 0);
    let mut rows = vec![vec![0; 30]; 30];
    for (class, row) in rows.iter_mut().enumerate() {
        row[class] = 30 + stream.below(60);
        for _ in 0..4 {
            row[stream.below(30) as usize] += stream.below(5);
        }
        row[7] += 2;
    }
    let text = text(&evaluation(&names, &rows), Style::PLAIN);
    assert!(text.lines().all(|line| width(line) <= 100), "a line is too long");
    assert_snapshot!(text, @"");
}

#[test]
fn more_than_fifty_classes_are_cut_and_counted() {
    let names: Vec<String> = (0..60).map(|class| class.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows: Vec<Vec<u64>> =
        (0..60).map(|class| (0..60).map(|called| u64::from(class == called)).collect()).collect();
    let text = text(&evaluation(&names, &rows), Style::PLAIN);
    assert!(text.contains("… and 10 classes with fewer errors; --json has all of them"), "{text}");
}

#[test]
fn heads_that_would_look_alike_are_numbers() {
    let rows = vec![vec![9, 1, 0], vec![0, 8, 0], vec![2, 0, 7]];
    let names = ["Labrador retriever", "Labradoodle", "cat"];
    let text = text(&evaluation(&names, &rows), Style::PLAIN);
    let matrix: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("Confusion")).take(5).collect();
    assert_snapshot!(matrix.join("\n"), @"");
}

#[test]
fn what_all_names_begin_with_is_left_out_of_the_heads() {
    let rows = vec![vec![9, 1], vec![0, 8]];
    let text = text(&evaluation(&["digit zero", "digit one"], &rows), Style::PLAIN);
    let matrix: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("Confusion")).take(4).collect();
    assert_snapshot!(matrix.join("\n"), @"");
}

#[test]
fn color_adds_escapes_and_changes_no_letter() {
    let colored = text(&fashion(), Style { color: true, ..Style::PLAIN });
    let mut plain = String::new();
    let mut parts = colored.split('\u{1b}');
    plain.push_str(parts.next().unwrap());
    for part in parts {
        plain.push_str(part.split_once('m').expect("an escape ends with m").1);
    }
    let without_legend: Vec<&str> = plain.lines().filter(|line| !line.contains("shaded by")).collect();
    assert_eq!(without_legend.join("\n"), text(&fashion(), Style::PLAIN).trim_end());
    let line = |begin: &str| colored.lines().find(|line| line.contains(begin)).unwrap().to_owned();
    assert_snapshot!(line("▼ Ankle boot").escape_debug(), @"");
    assert_snapshot!(line("  Sandal ").escape_debug(), @"");
}

#[test]
fn a_name_cannot_write_to_the_terminal() {
    let rows = vec![vec![90, 30], vec![1, 70]];
    let text = text(&evaluation(&["\u{1b}[31mred\n", "日本語"], &rows), Style::PLAIN);
    assert!(!text.contains('\u{1b}'), "{}", text.escape_debug());
    assert!(text.contains("\u{fffd}[31mred\u{fffd}"), "{text}");
    // wide letters take two columns: the counts of both rows end in the same one
    let rows: Vec<&str> = text.lines().skip(4).take(2).collect();
    let end_of_images = |row: &str| width(row.split_once("  ").unwrap().0);
    assert!(rows.iter().all(|row| end_of_images(row) > 0));
    let until = |row: &str, count: &str| width(&row[..row.find(count).unwrap() + count.len()]);
    assert_eq!(until(rows[0], "120"), until(rows[1], " 71"), "{text}");
}

#[test]
fn words() {
    assert_eq!(shortened("Ankle boot", 10), "Ankle boot");
    assert_eq!(shortened("Ankle boot", 7), "Ankle…");
    assert_eq!(prefix("日本語", 5), "日本");
    assert_eq!(
        [percent(0.0, 1), percent(0.5, 1), percent(1.0, 1), percent(0.9999, 1)],
        ["0", "50.0", "100", "100.0"]
    );
    assert_eq!(
        [0.0, 0.004, 1.6, 9.99, 42.0, 1234.0].map(ratio),
        ["0", "0.00", "1.60", "9.99", "42.0", "1234"]
    );
    assert_eq!(wrapped("a bb ccc d", 5), ["a bb", "ccc d"]);
    assert_eq!(wrapped("longer than five", 5), ["longer", "than", "five"]);
}
