//! Progress of an audit on stderr: the stage that is on, how far, and how long it will take.
//!
//! A terminal gets a bar. Anything else gets a line a stage, and one every tenth of a stage with many steps.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use seamripper_core::fail::audit::Stage;

use crate::diag::tell;

/// Tells what is being done.
pub struct Stages {
    manner: Manner,
    name: &'static str,
    tenth: usize,
}

enum Manner {
    Silent,
    Lines,
    Bar(ProgressBar),
}

impl Stages {
    /// Silent if so asked; a bar on a terminal; else lines.
    pub fn new(quiet: bool) -> Self {
        let manner = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Manner::Silent,
            (false, true) => Manner::Bar(ProgressBar::hidden()),
            (false, false) => Manner::Lines,
        };
        Self { manner, name: "", tenth: 0 }
    }

    /// Shows it.
    pub fn tell(&mut self, stage: Stage) {
        let is_new = stage.name != self.name;
        self.name = stage.name;
        let tenth = 10 * stage.done / stage.of.max(1);
        match &mut self.manner {
            Manner::Silent => {}
            Manner::Lines => {
                if is_new {
                    tell(format_args!("audit: {}", stage.name));
                } else if tenth > self.tenth && stage.of > 10 {
                    tell(format_args!("audit: {}, {} of {}", stage.name, stage.done, stage.of));
                }
            }
            Manner::Bar(bar) => {
                if is_new {
                    bar.finish_and_clear();
                    *bar = new_bar(stage);
                }
                bar.set_position(stage.done as u64);
            }
        }
        self.tenth = tenth;
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Manner::Bar(bar) = &self.manner {
            bar.finish_and_clear();
        }
    }
}

/// A stage of one step has no known end, so it only shows that something goes on.
fn new_bar(stage: Stage) -> ProgressBar {
    let (bar, template) = if stage.of > 1 {
        (ProgressBar::new(stage.of as u64), "{msg:<28} {bar:24} {percent:>3} %  {eta} left")
    } else {
        (ProgressBar::new_spinner(), "{msg:<28} {spinner} {elapsed}")
    };
    bar.set_style(ProgressStyle::with_template(template).expect("a valid template").progress_chars("=> "));
    bar.set_message(stage.name);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
