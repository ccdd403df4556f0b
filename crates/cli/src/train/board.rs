//! The live view of one training on a terminal: loss, rate, accuracy and the worst classes, redrawn in place.
//!
//! ```text
//! loss        0.2876  ▇▅▄▃▃▂▂▂▁▁   validation 0.3012  ▇▅▄▃▃▂▂▂▂▂
//! accuracy    89.31 % of the validation images  ▁▄▅▆▇▇▇█   best 89.52 %, epoch 6
//! rate        1.8e-3   ▁▃▅▇█▇▆▅▄▃
//! worst       Shirt  recall  68.0 %  bias 0.91   of the validation images
//! ```
//! Numbers of the epochs behind are curves, one block an epoch, the last ones if the line is too short for all. Classes are those of the
//! present epoch's training images until validation images tell more.

use std::fmt::Write as _;

use seamripper_core::train::{ClassCount, EpochReport};

/// Blocks of a curve, from the lowest to the highest.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Most epochs in a curve.
const LONGEST: usize = 40;
/// Columns besides the curves of the longest line.
const WORDS: usize = 46;
/// Classes that are named.
const NAMED: usize = 4;
/// Rows of the whole view, and of some lines above it.
pub const ROWS: usize = 12;
/// Columns that are needed.
pub const COLUMNS: usize = 72;

/// What is shown of the epochs behind.
#[derive(Clone, Debug, Default)]
pub struct Board {
    train_loss: Vec<f64>,
    validation_loss: Vec<f64>,
    accuracy: Vec<f64>,
    rate: Vec<f64>,
    /// Of the last epoch, if there are validation images.
    held: Option<Vec<ClassCount>>,
}

impl Board {
    /// An epoch is over.
    pub fn epoch(&mut self, report: &EpochReport) {
        self.train_loss.push(report.train_loss);
        self.rate.push(report.rate);
        if let Some(held) = &report.validation {
            self.validation_loss.push(held.loss);
            self.accuracy.push(held.accuracy);
            self.held = Some(report.classes.clone());
        }
    }

    /// The lines below the moving one, for a terminal of so many `columns`: the epoch goes on with the mean `loss` so far, and its
    /// training images were called `counts`.
    pub fn lines(&self, columns: usize, loss: f64, classes: &[String], counts: &[ClassCount]) -> Vec<String> {
        let width = (columns.saturating_sub(WORDS) / 2).clamp(6, LONGEST);
        let mut lines = Vec::new();
        let mut line = format!("loss        {loss:.4}");
        if !self.train_loss.is_empty() {
            let _ = write!(line, "  {}", curve(&self.train_loss, width)); // a String takes everything
        }
        if let Some(last) = self.validation_loss.last() {
            let _ = write!(line, "   validation {last:.4}  {}", curve(&self.validation_loss, width));
        }
        lines.push(line);
        if let Some(last) = self.accuracy.last() {
            let best = self.accuracy.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let epoch = self.accuracy.iter().position(|&x| x == best).map_or(0, |at| at + 1);
            lines.push(format!(
                "accuracy    {:5.2} % of the validation images  {}   best {:.2} %, epoch {epoch}",
                100.0 * last,
                curve(&self.accuracy, width.min(LONGEST / 2)),
                100.0 * best
            ));
        }
        if let Some(last) = self.rate.last() {
            lines.push(format!("rate        {:<8} {}", format!("{last:.1e}"), curve(&self.rate, width)));
        }
        let (counts, of) = match &self.held {
            Some(held) => (&held[..], "validation"),
            None => (counts, "training"),
        };
        let mut worst: Vec<(&String, &ClassCount, f64)> = (classes.iter().zip(counts))
            .filter_map(|(name, count)| Some((name, count, count.recall()?)))
            .collect();
        worst.sort_by(|a, b| a.2.total_cmp(&b.2));
        worst.truncate(NAMED);
        let longest = worst.iter().map(|(name, ..)| shortened(name).chars().count()).max().unwrap_or(0);
        for (place, (name, count, recall)) in worst.into_iter().enumerate() {
            let head = if place == 0 { "worst" } else { "" };
            let tail = if place == 0 { format!("   of the {of} images") } else { String::new() };
            lines.push(format!(
                "{head:<12}{:<longest$}  recall {:5.1} %  bias {:.2}{tail}",
                shortened(name),
                100.0 * recall,
                count.bias().unwrap_or(f64::NAN),
            ));
        }
        lines.iter_mut().for_each(|line| *line = line.chars().take(columns.saturating_sub(1)).collect());
        lines
    }
}

/// A name of at most 24 letters.
fn shortened(name: &str) -> String {
    match name.chars().count() {
        0..=24 => name.to_owned(),
        _ => name.chars().take(23).chain(['…']).collect(),
    }
}

/// The last `width` numbers as blocks between the lowest and the highest of them; one that is none as `?`.
fn curve(numbers: &[f64], width: usize) -> String {
    let shown = &numbers[numbers.len().saturating_sub(width)..];
    let finite = || shown.iter().copied().filter(|x| x.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let block = |&x: &f64| match (x.is_finite(), high > low) {
        (false, _) => '?',
        (true, false) => BLOCKS[3],
        (true, true) => BLOCKS[((x - low) / (high - low) * 7.0).round() as usize],
    };
    shown.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use seamripper_core::train::Held;

    use super::*;

    fn classes() -> Vec<String> {
        ["Shirt", "Trouser", "Coat", "Sneaker", "A name that is longer than anyone reads"]
            .map(str::to_owned)
            .into()
    }

    fn counts(shirts: u64) -> Vec<ClassCount> {
        let count = |actual, predicted, right| ClassCount { actual, predicted, right };
        vec![count(100, 80, shirts), count(100, 99, 98), count(100, 110, 79), count(0, 3, 0), count(10, 9, 8)]
    }

    fn board(held: bool, epochs: u64) -> Board {
        let mut board = Board::default();
        for epoch in 1..=epochs {
            let x = epoch as f64;
            board.epoch(&EpochReport {
                epoch,
                rate: 1e-3 * x.min(9.0 - x).max(0.1),
                train_loss: 1.0 / x,
                validation: held.then(|| Held {
                    loss: 0.3 + 1.0 / x,
                    accuracy: 0.9 - 0.2 / x - if x > 6.0 { 0.05 } else { 0.0 },
                }),
                classes: counts(60 + epoch),
            });
        }
        board
    }

    #[test]
    fn with_validation_images() {
        let lines = board(true, 8).lines(100, 0.1234, &classes(), &counts(1));
        assert!(lines.len() < ROWS);
        assert_snapshot!(lines.join("\n"), @r"
        loss        0.1234  █▄▃▂▂▁▁▁   validation 0.4250  █▄▃▂▂▁▁▁
        accuracy    82.50 % of the validation images  ▁▅▇▇██▆▆   best 86.67 %, epoch 6
        rate        1.0e-3   ▁▃▆██▆▃▁
        worst       Shirt                     recall  68.0 %  bias 0.80   of the validation images
                    Coat                      recall  79.0 %  bias 1.10
                    A name that is longer t…  recall  80.0 %  bias 0.90
                    Trouser                   recall  98.0 %  bias 0.99
        ");
    }

    #[test]
    fn without_and_in_the_first_epoch() {
        assert_snapshot!(board(false, 0).lines(100, 2.3, &classes(), &counts(9)).join("\n"), @r"
        loss        2.3000
        worst       Shirt                     recall   9.0 %  bias 0.80   of the training images
                    Coat                      recall  79.0 %  bias 1.10
                    A name that is longer t…  recall  80.0 %  bias 0.90
                    Trouser                   recall  98.0 %  bias 0.99
        ");
    }

    #[test]
    fn no_line_is_longer_than_the_terminal() {
        let mut board = board(true, 300);
        board.train_loss.push(f64::NAN);
        for columns in [COLUMNS, 80, 200] {
            let lines = board.lines(columns, 0.5, &classes(), &counts(1));
            assert!(lines.iter().all(|line| line.chars().count() < columns), "{columns}: {lines:#?}");
            assert!(lines[0].contains('?'));
        }
    }

    #[test]
    fn curves() {
        assert_eq!(curve(&[0.0, 1.0, 2.0, 7.0], 10), "▁▂▃█");
        assert_eq!(curve(&[0.0, 1.0, 2.0, 7.0], 2), "▁█");
        assert_eq!(curve(&[2.0, f64::INFINITY, 2.0], 10), "▄?▄");
        assert_eq!(curve(&[], 10), "");
    }
}
