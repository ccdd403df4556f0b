//! What one sees while it trains: a line that moves on a terminal, a line an epoch elsewhere.

use std::fmt::Arguments;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seamripper_core::train::{ClassCount, EpochReport, Trainer};

use seamripper_core::digits::thousands;

use crate::diag::tell;

/// How often the moving line changes.
const EVERY: Duration = Duration::from_millis(200);

/// Where progress goes.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
}

impl Progress {
    /// Silent if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// One line.
    pub fn say(&self, line: Arguments<'_>) {
        if !self.quiet {
            tell(line);
        }
    }

    /// Begins to measure.
    pub fn begin(&self, trainer: &Trainer<'_>, classes: &[String]) -> Meter {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(trainer.steps_in_epoch()), target);
        let style = ProgressStyle::with_template("{msg} {bar:24} {percent:>3} %").expect("a valid template");
        bar.set_style(style.progress_chars("=> "));
        let now = Instant::now();
        Meter {
            quiet: self.quiet,
            bar,
            classes: classes.to_vec(),
            began: now,
            first_step: trainer.state().step,
            shown: None,
        }
    }
}

/// Measures and shows the run.
#[derive(Debug)]
pub struct Meter {
    quiet: bool,
    bar: ProgressBar,
    classes: Vec<String>,
    began: Instant,
    first_step: u64,
    shown: Option<Instant>,
}

impl Meter {
    /// After every step.
    pub fn step(&mut self, trainer: &Trainer<'_>) {
        if self.bar.is_hidden() || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let state = trainer.state();
        if state.seen == 0 {
            return;
        }
        self.bar.set_position(state.step_in_epoch);
        let worst = worst(&self.classes, &state.counts);
        self.bar.set_message(format!(
            "epoch {}/{}  {} images/s  loss {:.4}{worst}  {}",
            state.epoch + 1,
            trainer.epochs(),
            thousands(self.rate(trainer) as u64),
            state.loss / state.seen as f64,
            self.left(trainer),
        ));
    }

    /// After every epoch.
    pub fn epoch(&mut self, report: &EpochReport, images_per_second: f64, trainer: &Trainer<'_>) {
        if self.quiet {
            return;
        }
        let held = report.validation.as_ref().map_or_else(String::new, |held| {
            format!("  validation loss {:.4}, accuracy {:.2} %", held.loss, 100.0 * held.accuracy)
        });
        let biases = || report.classes.iter().filter_map(ClassCount::bias);
        let line = format!(
            "epoch {:>3}/{}  {:>7} images/s  loss {:.4}{held}{}  bias {:.2} to {:.2}  {}",
            report.epoch,
            trainer.epochs(),
            thousands(images_per_second as u64),
            report.train_loss,
            worst(&self.classes, &report.classes),
            biases().fold(f64::INFINITY, f64::min),
            biases().fold(f64::NEG_INFINITY, f64::max),
            self.left(trainer),
        );
        if self.bar.is_hidden() {
            tell(line.trim_end());
        } else {
            self.bar.println(line.trim_end());
            self.bar.set_position(0);
        }
    }

    /// Removes the moving line.
    pub fn leave(&self) {
        self.bar.finish_and_clear();
    }

    /// Images a second since the beginning.
    fn rate(&self, trainer: &Trainer<'_>) -> f64 {
        let steps = (trainer.state().step - self.first_step) as f64;
        steps * trainer.images_in_epoch() as f64
            / trainer.steps_in_epoch() as f64
            / self.began.elapsed().as_secs_f64().max(1e-9)
    }

    fn left(&self, trainer: &Trainer<'_>) -> String {
        let steps = trainer.state().step - self.first_step;
        let all = trainer.steps_in_epoch() * trainer.epochs();
        let left = all.saturating_sub(trainer.state().step);
        if trainer.done() || steps == 0 {
            return String::new();
        }
        let seconds = self.began.elapsed().as_secs_f64() / steps as f64 * left as f64;
        match seconds as u64 {
            seconds @ 0..60 => format!("{seconds} s left"),
            seconds @ 60..5400 => format!("{} min left", (seconds + 30) / 60),
            seconds => format!("{} h {:02} min left", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

/// The class with the lowest recall among those seen.
fn worst(classes: &[String], counts: &[ClassCount]) -> String {
    let recalls = classes.iter().zip(counts).filter_map(|(name, count)| Some((name, count.recall()?)));
    recalls.min_by(|a, b| a.1.total_cmp(&b.1)).map_or_else(String::new, |(name, recall)| {
        format!("  worst class {name}, recall {:.0} %", 100.0 * recall)
    })
}
