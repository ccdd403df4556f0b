//! The stages of a long look: which one is on, how far, and how long each took.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Stages one after the other.
#[derive(Debug)]
pub struct Stages {
    quiet: bool,
    began: Instant,
    /// Name of each stage that is over, and its time.
    pub times: Vec<(String, Duration)>,
}

impl Stages {
    /// Whether nothing is shown.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// None yet.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, began: Instant::now(), times: Vec::new() }
    }

    /// Does a stage of `steps` steps; `work` is given what to tell the steps done.
    pub fn run<R>(&mut self, name: &str, steps: usize, work: impl FnOnce(&mut dyn FnMut(usize)) -> R) -> R {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
        let template = "{msg:<28} {bar:24} {percent:>3} %  {eta} left";
        bar.set_style(
            ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> "),
        );
        bar.set_message(name.to_owned());
        let began = Instant::now();
        let result = work(&mut |done| bar.set_position(done as u64));
        bar.finish_and_clear();
        self.times.push((name.to_owned(), began.elapsed()));
        result
    }

    /// Time since the first stage could begin.
    pub fn total(&self) -> Duration {
        self.began.elapsed()
    }

    /// Nothing more is measured.
    pub fn finish(&mut self) {
        let total = self.total();
        self.times.push(("all".to_owned(), total));
    }
}
