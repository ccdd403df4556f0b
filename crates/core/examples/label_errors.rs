//! The worker of `bench/label_errors.py`: out-of-fold probabilities in, suspicion and flag of every row out.
//!
//! ```text
//! cargo run --release -p seamripper-core --example label_errors -- FILE
//! ```
//! FILE has no header and a row an image, `label,p_0,p_1,…`. Printed is `suspicion,flagged,flagged_where_unsure` and a row an image in the
//! order of the file.

use seamripper_core::fail::label_errors::{Assumption, label_errors};
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;

fn main() {
    let path = std::env::args().nth(1).expect("a file of label,p_0,p_1,…");
    let text = std::fs::read_to_string(path).expect("a readable file");
    let (mut labels, mut probs, mut k) = (Vec::new(), Vec::new(), 0);
    for line in text.lines() {
        let (label, row) = line.split_once(',').expect("label,p_0,…");
        labels.push(label.parse().expect("a label"));
        let before = probs.len();
        probs.extend(row.split(',').map(|p| p.parse::<f64>().expect("a probability")));
        k = probs.len() - before;
    }
    let predictions = Predictions {
        classes: (0..k).map(|class| class.to_string()).collect(),
        ids: (0..labels.len()).map(|row| row.to_string()).collect(),
        splits: vec![Split::Train; labels.len()],
        labels,
        probs,
    };
    let mut rows = vec![(0.0, false, false); predictions.len()];
    for suspect in label_errors(&predictions, Assumption::Alike).suspects {
        (rows[suspect.row].0, rows[suspect.row].1) = (1.0 - suspect.score, suspect.flagged);
    }
    for suspect in label_errors(&predictions, Assumption::WhereUnsure).suspects {
        rows[suspect.row].2 = suspect.flagged;
    }
    println!("suspicion,flagged,flagged_where_unsure");
    for (suspicion, flagged, where_unsure) in rows {
        println!("{suspicion:?},{},{}", u8::from(flagged), u8::from(where_unsure));
    }
}
