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
    assert_snapshot!(text, @r#"
10,000 images, 10 classes; the class with most errors comes first

                                            bias  precision          recall %    F1  most errors
  class       images predicted   [95 % interval]          %   [95 % interval]     %  shared with
▲ Shirt        1,000     1,144  1.14 [1.09–1.20]       65.7  75.2 [72.4–77.8]  70.1  T-shirt/top 276
▼ T-shirt/top  1,000       866  0.87 [0.83–0.90]       87.5  75.8 [73.0–78.4]  81.2  Shirt 276
  Coat         1,000     1,031  1.03 [1.00–1.07]       82.5  85.1 [82.8–87.2]  83.8  Shirt 145
  Pullover     1,000       975  0.97 [0.94–1.01]       85.3  83.2 [80.8–85.4]  84.3  Shirt 142
  Dress        1,000       998  1.00 [0.97–1.03]       90.8  90.6 [88.6–92.3]  90.7  Shirt 61
▲ Sneaker      1,000     1,101  1.10 [1.08–1.12]       89.6  98.6 [97.7–99.2]  93.9  Ankle boot 81
▼ Ankle boot   1,000       942  0.94 [0.92–0.96]       98.2  92.5 [90.7–94.0]  95.3  Sneaker 81
  Sandal       1,000       959  0.96 [0.94–0.97]       99.2  95.1 [93.6–96.3]  97.1  Sneaker 45
  Bag          1,000       996  1.00 [0.98–1.01]       98.3  97.9 [96.8–98.6]  98.1  Shirt 12
  Trouser      1,000       988  0.99 [0.98–1.00]       99.1  97.9 [96.8–98.6]  98.5  Dress 18
▲ predicted too often  ▼ predicted too seldom, by 5 % or more and beyond chance
  bias = predicted / images; errors shared by two classes are counted both ways

What stands out
  - Shirt is predicted 14 % too often: 1,144 times for 1,000 images; of the 392 images wrongly
    called Shirt, most are T-shirt/top (194) and Pullover (79).
  - T-shirt/top is predicted 13 % too seldom: 866 times for 1,000 images; of the 242 images it
    misses, most are called Shirt (194).
  - Sneaker is predicted 10 % too often: 1,101 times for 1,000 images; of the 115 images wrongly
    called Sneaker, most are Ankle boot (71).
  - Ankle boot is predicted 6 % too seldom: 942 times for 1,000 images; of the 75 images it misses,
    most are called Sneaker (71).
  - The confusion of T-shirt/top and Shirt goes mostly one way: 194 T-shirt/top images are called
    Shirt, 82 Shirt images are called T-shirt/top.

Confusion matrix: a row is the true class, a column what it was called
              T-shi Trous Pullo Dress  Coat Sanda Shirt Sneak   Bag Ankle
  T-shirt/top   758     1    18    20     4     ·   194     ·     5     ·
  Trouser         1   979     1    13     3     ·     2     ·     1     ·
  Pullover       11     1   832     7    69     ·    79     ·     1     ·
  Dress          12     5     8   906    30     ·    36     ·     3     ·
  Coat            ·     ·    51    24   851     ·    73     ·     1     ·
  Sandal          ·     ·     ·     ·     ·   951     ·    41     1     7
  Shirt          82     1    63    25    72     ·   752     ·     5     ·
  Sneaker         ·     ·     ·     ·     ·     4     ·   986     ·    10
  Bag             2     1     2     3     2     1     7     3   979     ·
  Ankle boot      ·     ·     ·     ·     ·     3     1    71     ·   925

All classes together
  accuracy 89.19 % [88.57–89.78] of 10,000 images
  log loss 0.4305, Brier score 0.1492, calibration error (ECE) 15.41 %
"#);
}

#[test]
fn three_classes_one_absent_one_never_predicted() {
    let rows = vec![vec![50, 0, 12], vec![3, 0, 15], vec![0, 0, 0]];
    assert_snapshot!(text(&evaluation(&["cat", "dog", "wolf"], &rows), Style::PLAIN), @r#"
80 images, 3 classes; the class with most errors comes first

                                      bias  precision          recall %    F1  most errors
  class images predicted   [95 % interval]          %   [95 % interval]     %  shared with
▲ wolf       0        27                 –          0                 –     0  dog 15
▼ dog       18         0        0 [0–0.21]          –        0 [0–17.6]     0  wolf 15
▼ cat       62        53  0.85 [0.75–0.98]       94.3  80.6 [69.1–88.6]  87.0  wolf 12
▲ predicted too often  ▼ predicted too seldom, by 5 % or more and beyond chance
  bias = predicted / images; errors shared by two classes are counted both ways

What stands out
  - wolf is predicted 27 times, but no image belongs to it; most are dog (15).
  - dog is never predicted, though 18 images belong to it; most are called wolf (15).
  - cat is predicted 15 % too seldom: 53 times for 62 images; of the 12 images it misses, all are
    called wolf.
  - The confusion of dog and wolf goes mostly one way: 15 dog images are called wolf, no wolf image
    is called dog.

Confusion matrix: a row is the true class, a column what it was called
         cat   dog  wolf
  cat     50     ·    12
  dog      3     ·    15
  wolf     ·     ·     ·

All classes together
  accuracy 62.50 % [51.55–72.31] of 80 images
  log loss 0.6694, Brier score 0.3994, calibration error (ECE) 28.75 %
"#);
}

#[test]
fn nothing_wrong_at_all() {
    let rows = vec![vec![1, 0], vec![0, 2]];
    assert_snapshot!(text(&evaluation(&["cat", "dog"], &rows), Style::PLAIN), @r#"
3 images, 2 classes; the class with most errors comes first

                                      bias  precision         recall %   F1  most errors
  class images predicted   [95 % interval]          %  [95 % interval]    %  shared with
  cat        1         1  1.00 [0.26–3.88]        100   100 [20.7–100]  100
  dog        2         2  1.00 [0.44–2.28]        100   100 [34.2–100]  100
  bias = predicted / images; errors shared by two classes are counted both ways

What stands out
  No class is predicted too often or too seldom by 5 % or more beyond chance.

Confusion matrix: a row is the true class, a column what it was called
        cat   dog
  cat     1     ·
  dog     ·     2

All classes together
  accuracy 100 % [43.85–100] of 3 images
  log loss 0.1054, Brier score 0.0100, calibration error (ECE) 10.00 %
"#);
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
    assert_snapshot!(text, @r#"
2,020 images, 30 classes; the class with most errors comes first

                                             bias  precision          recall %    F1  most errors
  class        images predicted   [95 % interval]          %   [95 % interval]     %  shared with
▲ specie…me 07     67       118  1.76 [1.47–2.10]       50.8  89.6 [80.0–94.8]  64.9  specie…me 25 6
  specie…me 13     57        65  1.14 [0.97–1.34]       75.4  86.0 [74.7–92.7]  80.3  specie…me 03 6
  specie…me 03     49        48  0.98 [0.80–1.19]       77.1  75.5 [61.9–85.4]  76.3  specie…me 13 6
  specie…me 04     70        73  1.04 [0.91–1.19]       82.2  85.7 [75.7–92.1]  83.9  specie…me 06 4
  specie…me 25     62        60  0.97 [0.83–1.13]       83.3  80.6 [69.1–88.6]  82.0  specie…me 07 6
  specie…me 01     68        70  1.03 [0.90–1.18]       82.9  85.3 [75.0–91.8]  84.1  specie…me 08 7
  specie…me 14     74        84  1.14 [1.01–1.28]       81.0  91.9 [83.4–96.2]  86.1  specie…me 11 4
  specie…me 19     72        68  0.94 [0.83–1.07]       88.2  83.3 [73.1–90.2]  85.7  specie…me 15 6
  specie…me 02     56        60  1.07 [0.92–1.25]       80.0  85.7 [74.3–92.6]  82.8  specie…me 03 4
  specie…me 27     61        65  1.07 [0.92–1.23]       81.5  86.9 [76.2–93.2]  84.1  specie…me 23 4
  specie…me 11     42        39  0.93 [0.75–1.15]       79.5  73.8 [58.9–84.7]  76.5  specie…me 01 4
  specie…me 20     62        59  0.95 [0.82–1.10]       86.4  82.3 [71.0–89.8]  84.3  specie…me 10 4
  specie…me 09     67        68  1.01 [0.89–1.16]       85.3  86.6 [76.4–92.8]  85.9  specie…me 04 4
  specie…me 12     53        45  0.85 [0.71–1.01]       88.9  75.5 [62.4–85.1]  81.6  specie…me 13 4
  specie…me 00     45        45  1.00 [0.83–1.21]       80.0  80.0 [66.2–89.1]  80.0  specie…me 28 5
  specie…me 21     57        55  0.96 [0.83–1.12]       85.5  82.5 [70.6–90.2]  83.9  specie…me 02 4
  specie…me 18     68        64  0.94 [0.83–1.07]       89.1  83.8 [73.3–90.7]  86.4  specie…me 00 4
  specie…me 23     81        81  1.00 [0.90–1.11]       88.9  88.9 [80.2–94.0]  88.9  specie…me 27 4
  specie…me 08     51        40  0.78 [0.65–0.94]       92.5  72.5 [59.1–82.9]  81.3  specie…me 01 7
  specie…me 15     55        57  1.04 [0.90–1.20]       84.2  87.3 [76.0–93.7]  85.7  specie…me 19 6
  specie…me 06     92        90  0.98 [0.90–1.07]       92.2  90.2 [82.4–94.8]  91.2  specie…me 04 4
  specie…me 17     92        94  1.02 [0.94–1.11]       90.4  92.4 [85.1–96.3]  91.4  specie…me 02 4
▼ specie…me 10     74        61  0.82 [0.73–0.93]       98.4  81.1 [70.7–88.4]  88.9  specie…me 19 4
  specie…me 22     93        84  0.90 [0.83–0.99]       96.4  87.1 [78.8–92.5]  91.5  specie…me 13 3
  specie…me 29     49        51  1.04 [0.89–1.21]       84.3  87.8 [75.8–94.3]  86.0  specie…me 04 4
  specie…me 26     77        72  0.94 [0.85–1.03]       94.4  88.3 [79.3–93.7]  91.3  specie…me 09 3
  specie…me 28     65        56  0.86 [0.77–0.96]       98.2  84.6 [73.9–91.4]  90.9  specie…me 00 5
  specie…me 16     95        88  0.93 [0.87–0.99]       98.9  91.6 [84.3–95.7]  95.1  specie…me 08 3
  specie…me 24     92        89  0.97 [0.91–1.03]       97.8  94.6 [87.9–97.7]  96.1  specie…me 07 2
  specie…me 05     74        71  0.96 [0.90–1.02]       98.6  94.6 [86.9–97.9]  96.6  specie…me 07 2
▲ predicted too often  ▼ predicted too seldom, by 5 % or more and beyond chance
  bias = predicted / images; errors shared by two classes are counted both ways

What stands out
  - species of long name 07 is predicted 76 % too often: 118 times for 67 images; of the 58 images
    wrongly called species of long name 07, the largest groups are species of long name 00 (2),
    species of long name 01 (2) and species of long name 02 (2).
  - species of long name 10 is predicted 18 % too seldom: 61 times for 74 images; of the 14 images
    it misses, most are called species of long name 19 (4) or species of long name 20 (4).

Largest confusions
  7  13.7 %  of species of long name 08 called species of long name 01
  6  12.2 %  of species of long name 03 called species of long name 13
  5   8.1 %  of species of long name 25 called species of long name 03
  4   5.9 %  of species of long name 01 called species of long name 11
  4   7.1 %  of species of long name 02 called species of long name 17
  4   8.2 %  of species of long name 03 called species of long name 02
  4   5.7 %  of species of long name 04 called species of long name 09
  4   5.7 %  of species of long name 04 called species of long name 29
  4   4.3 %  of species of long name 06 called species of long name 04
  4   6.0 %  of species of long name 07 called species of long name 25
  4   5.4 %  of species of long name 10 called species of long name 19
  4   5.4 %  of species of long name 10 called species of long name 20
  4   5.4 %  of species of long name 10 called species of long name 21
  4   9.5 %  of species of long name 11 called species of long name 14
  4   7.5 %  of species of long name 12 called species of long name 13
  … and 99 smaller ones; --json has the whole matrix

All classes together
  accuracy 86.09 % [84.51–87.53] of 2,020 images
  log loss 0.6866, Brier score 0.1950, calibration error (ECE) 16.96 %
"#);
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
    assert_snapshot!(matrix.join("\n"), @r#"
Confusion matrix: a row is the true class, a column what it was called
                           1     2     3
  1 Labrador retriever     9     1     ·
  2 Labradoodle            ·     8     ·
  3 cat                    2     ·     7
"#);
}

#[test]
fn what_all_names_begin_with_is_left_out_of_the_heads() {
    let rows = vec![vec![9, 1], vec![0, 8]];
    let text = text(&evaluation(&["digit zero", "digit one"], &rows), Style::PLAIN);
    let matrix: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("Confusion")).take(4).collect();
    assert_snapshot!(matrix.join("\n"), @r#"
Confusion matrix: a row is the true class, a column what it was called
              zero   one
  digit zero     9     1
  digit one      ·     8
"#);
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
    assert_snapshot!(line("▼ Ankle boot").escape_debug(), @"\\u{1b}[1m\\u{1b}[38;5;33m▼ Ankle boot   1,000       942  0.94 [0.92–0.96]       98.2  92.5 [90.7–94.0]  95.3  Sneaker 81\\u{1b}[0m");
    assert_snapshot!(line("  Sandal ").escape_debug(), @"  Sandal       1,000       959  0.96 [0.94–0.97]       99.2  95.1 [93.6–96.3]  97.1  Sneaker 45");
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
    assert_eq!(shortened("Ankle boot", 7), "Ank…oot");
    assert_eq!(shortened("species of long name 07", 8), "spec…07");
    assert_eq!(shortened("日本語の名前", 6), "日…前");
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
