//! What one sees while it trains: a line that moves on a terminal, with a board below it if there is room and one training; a line an
//! epoch elsewhere.

use std::fmt::Arguments;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use seamripper_core::train::{ClassCount, EpochReport, Trainer};

use seamripper_core::digits::thousands;

use super::board::{self, Board};
use crate::diag::tell;

/// How often the moving line changes.
const EVERY: Duration = Duration::from_millis(200);

/// Where progress goes.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
    /// Whether every epoch has a line that stays.
    epochs: bool,
    /// The moving lines, one a training.
    lines: MultiProgress,
}

impl Progress {
    /// Silent if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { quiet, epochs: true, lines: MultiProgress::with_draw_target(target) }
    }

    /// Without a line for every epoch, where there are too many trainings for that.
    pub fn without_epochs(self) -> Self {
        Self { epochs: false, ..self }
    }

    /// One line.
    pub fn say(&self, line: Arguments<'_>) {
        if !self.quiet {
            self.lines.suspend(|| tell(line));
        }
    }

    /// Whether there is a terminal, and room on it for a [`Board`]; `TERM=dumb` cannot redraw one.
    fn has_room(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let size = console::Term::stderr().size_checked();
        let enough = |(rows, columns): (u16, u16)| {
            usize::from(rows) >= board::ROWS && usize::from(columns) >= board::COLUMNS
        };
        self.epochs && !self.quiet && !dumb && size.is_some_and(enough)
    }

    /// Begins to measure a training, which is called `title` if there are several, as a part of `whole`.
    pub fn begin(&self, trainer: &Trainer<'_>, classes: &[String], title: &str, whole: &Whole) -> Meter {
        let bar = self.lines.add(ProgressBar::new(trainer.steps_in_epoch()));
        let board = (title.is_empty() && self.has_room()).then(Board::default);
        let template = match board {
            Some(_) => "{prefix} {bar:24} {percent:>3} %\n{msg}",
            None => "{prefix} {bar:24} {percent:>3} %",
        };
        let style = ProgressStyle::with_template(template).expect("a valid template");
        bar.set_style(style.progress_chars("=> "));
        Meter {
            lines: self.epochs && !self.quiet,
            bar,
            board,
            title: if title.is_empty() { String::new() } else { format!("{title}  ") },
            classes: classes.to_vec(),
            began: Instant::now(),
            first_step: trainer.state().step,
            shown: None,
            whole: whole.clone(),
        }
    }
}

/// How much is done and left of all trainings of a call, in steps.
#[derive(Clone, Debug)]
pub struct Whole(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    began: Instant,
    done: AtomicU64,
    left: AtomicU64,
}

impl Whole {
    /// From now on, with so many steps to take.
    pub fn begin(steps: u64) -> Self {
        Self(Arc::new(Counters {
            began: Instant::now(),
            done: AtomicU64::new(0),
            left: AtomicU64::new(steps),
        }))
    }

    /// So many steps need not be taken: they were, before this call, or a training has ended early.
    pub fn skip(&self, steps: u64) {
        // Never below 0: a number that is a little off is better than a huge one.
        let less = |left: u64| Some(left.saturating_sub(steps));
        let _ = self.0.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// So many steps are left, it is known now.
    pub fn expect(&self, steps: u64) {
        self.0.left.store(steps, Ordering::Relaxed);
    }

    fn step(&self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
        self.skip(1);
    }

    /// The time left behind a comma.
    pub fn comma_left(&self) -> String {
        let left = self.left();
        if left.is_empty() { left } else { format!(", {left}") }
    }

    /// The time left, in words; nothing at the beginning and at the end.
    fn left(&self) -> String {
        let (done, left) = (self.0.done.load(Ordering::Relaxed), self.0.left.load(Ordering::Relaxed));
        if done == 0 || left == 0 {
            return String::new();
        }
        let seconds = self.0.began.elapsed().as_secs_f64() / done as f64 * left as f64;
        match seconds as u64 {
            seconds @ 0..60 => format!("{seconds} s left"),
            seconds @ 60..5400 => format!("{} min left", (seconds + 30) / 60),
            seconds => format!("{} h {:02} min left", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

/// Steps a training has left.
pub fn steps_left(trainer: &Trainer<'_>) -> u64 {
    (trainer.steps_in_epoch() * trainer.epochs()).saturating_sub(trainer.state().step)
}

/// Measures and shows one training.
#[derive(Debug)]
pub struct Meter {
    /// Whether every epoch has a line.
    lines: bool,
    bar: ProgressBar,
    /// On a terminal with room for it.
    board: Option<Board>,
    title: String,
    classes: Vec<String>,
    began: Instant,
    first_step: u64,
    shown: Option<Instant>,
    whole: Whole,
}

impl Meter {
    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// After every step.
    pub fn step(&mut self, trainer: &Trainer<'_>) {
        self.whole.step();
        if self.bar.is_hidden() || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let state = trainer.state();
        if state.seen == 0 {
            return;
        }
        self.bar.set_position(state.step_in_epoch);
        let loss = state.loss / state.seen as f64;
        let told = match &self.board {
            Some(_) => String::new(),
            None => format!("  loss {loss:.4}{}", worst(&self.classes, &state.counts)),
        };
        self.bar.set_prefix(format!(
            "{}epoch {}/{}  {} images/s{told}  {}",
            self.title,
            state.epoch + 1,
            trainer.epochs(),
            thousands(self.rate(trainer) as u64),
            self.whole.left(),
        ));
        if let Some(board) = &self.board {
            let columns = usize::from(console::Term::stderr().size().1);
            self.bar.set_message(board.lines(columns, loss, &self.classes, &state.counts).join("\n"));
        }
    }

    /// After every epoch.
    pub fn epoch(&mut self, report: &EpochReport, images_per_second: f64, trainer: &Trainer<'_>) {
        if let Some(board) = &mut self.board {
            board.epoch(report);
            self.shown = None; // what is behind is seen with the next step, however short the epochs
        }
        if !self.lines {
            self.bar.set_position(0);
            return;
        }
        let held = report.validation.as_ref().map_or_else(String::new, |held| {
            format!("  validation loss {:.4}, accuracy {:.2} %", held.loss, 100.0 * held.accuracy)
        });
        let biases = || report.classes.iter().filter_map(ClassCount::bias);
        let line = format!(
            "{}epoch {:>3}/{}  {:>7} images/s  loss {:.4}{held}{}  bias {:.2} to {:.2}  {}",
            self.title,
            report.epoch,
            trainer.epochs(),
            thousands(images_per_second as u64),
            report.train_loss,
            worst(&self.classes, &report.classes),
            biases().fold(f64::INFINITY, f64::min),
            biases().fold(f64::NEG_INFINITY, f64::max),
            self.whole.left(),
        );
        if self.bar.is_hidden() {
            tell(line.trim_end());
        } else {
            self.bar.println(line.trim_end());
            self.bar.set_position(0);
        }
    }

    /// At the end, which early stopping may have brought forward.
    pub fn end(&self, trainer: &Trainer<'_>) {
        self.whole.skip(steps_left(trainer));
        self.leave();
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
}

/// The class with the lowest recall among those seen.
fn worst(classes: &[String], counts: &[ClassCount]) -> String {
    let recalls = classes.iter().zip(counts).filter_map(|(name, count)| Some((name, count.recall()?)));
    recalls.min_by(|a, b| a.1.total_cmp(&b.1)).map_or_else(String::new, |(name, recall)| {
        format!("  worst class {name}, recall {:.0} %", 100.0 * recall)
    })
}
