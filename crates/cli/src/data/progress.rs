//! Progress of reading and downloading, on stderr.
//!
//! A terminal gets a bar. Anything else gets a line a file, and for a download a line every tenth of it: enough to see
//! in a log that it goes on.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use seamripper_data::options::Progress;

use crate::diag::tell;

/// A download without a bar is told in steps of this share of it, in percent.
const STEP_PERCENT: u64 = 10;

/// Fewer pictures are decoded before anybody asks.
const MANY: usize = 2000;

/// Tells what is being read.
pub struct Reader {
    manner: Manner,
    /// The URL being downloaded, and the last step told.
    last: Mutex<(String, u64)>,
}

enum Manner {
    Silent,
    Lines,
    Bar(ProgressBar),
}

impl Reader {
    /// Silent if so asked; a bar on a terminal; else lines.
    pub fn new(quiet: bool) -> Self {
        let manner = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Manner::Silent,
            (false, true) => Manner::Bar(ProgressBar::new_spinner()),
            (false, false) => Manner::Lines,
        };
        Self { manner, last: Mutex::default() }
    }

    /// Shows it.
    pub fn tell(&self, progress: Progress<'_>) {
        match (&self.manner, progress) {
            (Manner::Silent, _) => {}
            (Manner::Bar(bar), Progress::Reading { file }) => {
                bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("a valid template"));
                bar.set_message(reading(file));
                bar.tick();
            }
            (Manner::Bar(bar), Progress::Decoding { done, total }) => {
                let template = "{human_pos:>10} of {human_len} pictures {wide_bar} {per_sec}, {eta} left";
                bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
            (Manner::Bar(bar), Progress::Downloading { url, done, total }) => {
                let template = "{bytes:>10} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left  {msg}";
                bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
                bar.set_length(total.unwrap_or(done));
                bar.set_position(done);
                bar.set_message(file_of(url).to_owned());
            }
            (Manner::Lines, Progress::Reading { file }) => tell(reading(file)),
            (Manner::Lines, Progress::Decoding { done, total }) => self.decoded(done, total),
            (Manner::Lines, Progress::Downloading { url, done, total }) => self.line(url, done, total),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Manner::Bar(bar) = &self.manner {
            bar.finish_and_clear();
        }
    }

    /// A line every tenth of many pictures.
    fn decoded(&self, done: usize, total: usize) {
        let step = (done * 100 / total.max(1)) as u64 / STEP_PERCENT;
        let mut last = self.last.lock().expect("nothing panics while it is held");
        if total >= MANY && last.1 != step {
            let count = |n: usize| HumanCount(n as u64);
            tell(format_args!("  {} of {} pictures decoded", count(done), count(total)));
            last.1 = step;
        }
    }

    fn line(&self, url: &str, done: u64, total: Option<u64>) {
        // without a known size: a step every megabyte
        let step = total.map_or(done >> 20, |total| done * 100 / total.max(1) / STEP_PERCENT);
        let mut last = self.last.lock().expect("nothing panics while it is held");
        let first = last.0 != url;
        if first {
            tell(format_args!("downloading {url}"));
        }
        if first || last.1 != step {
            let of = total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
            tell(format_args!("  {}{of}", HumanBytes(done)));
            *last = (url.to_owned(), step);
        }
    }
}

fn reading(file: &Path) -> String {
    format!("reading and verifying {}", file.display())
}

fn file_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}
