//! `--profile`: where the time of training steps went, as a table or as JSON.

use std::io::{self, Write};
use std::sync::LazyLock;
use std::time::Instant;

use seamripper_core::digits::thousands;
use seamripper_core::engine::{OpProfile, PassProfile};
use seamripper_core::train::{Profile, Trainer};
use seamripper_kernels::{Instructions, parallel, peak::peak_flops};
use serde_json::{Value, json};

use crate::eval_text::{left, right, shortened};

/// Seconds for which the multiply-add peak is measured.
const PEAK_SECONDS: f64 = 0.2;

/// Columns of the name, and of share, time, GFLOP/s, share of the peak and GB/s.
const NAME: usize = 27;
const COLUMNS: [usize; 5] = [5, 7, 7, 4, 6];

/// Nanoseconds since the program first asked.
pub fn clock() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_nanos() as u64 // 584 years fit
}

/// A profile and the machine it was made on.
pub struct Measured {
    profile: Profile,
    isa: &'static str,
    threads: usize,
    /// Multiply-add peak of a thread while all are busy, FLOP/s.
    peak: f64,
}

/// A row: a name and the passes it shows.
struct Row {
    name: String,
    forward: PassProfile,
    backward: PassProfile,
}

impl Measured {
    /// The profile of `trainer`, if it has taken a step since it was told to watch; measures the peak.
    pub fn of(trainer: &Trainer<'_>, isa: Instructions, threads: usize) -> Option<Self> {
        let profile = trainer.profile()?;
        // All at once: a core runs slower when its neighbors, or its other half, are busy too.
        let mut peaks = vec![0.0; threads];
        parallel::for_each(&mut peaks, |_, peak| *peak = peak_flops(isa, PEAK_SECONDS));
        let peak = peaks.iter().sum::<f64>() / threads as f64;
        Some(Self { profile, isa: isa.name(), threads, peak })
    }

    /// Nanoseconds that all threads had.
    fn whole(&self) -> f64 {
        self.profile.wall as f64 * self.threads as f64
    }

    /// What is not an op: what it is called in JSON, in the table, and its nanoseconds of thread time.
    fn parts(&self) -> Vec<(&'static str, &'static str, f64)> {
        let Profile { engine, batches, counting, optimizer, evaluation, .. } = &self.profile;
        let mut parts = vec![
            ("batches", "making batches", *batches as f64),
            ("input", "images into the shards", engine.input as f64),
            ("packing", "packing weights", engine.packing as f64),
            ("loss", "loss and its gradient", engine.loss as f64),
            ("summing", "summing weight gradients", engine.summing as f64),
            ("optimizer", "optimizer", *optimizer as f64),
            ("counting", "counting predictions", *counting as f64),
            ("evaluation", "validation images", *evaluation as f64 * self.threads as f64),
        ];
        let ops: u64 = engine.ops.iter().map(|op| op.forward.nanoseconds + op.backward.nanoseconds).sum();
        let known: f64 = parts.iter().map(|(_, _, time)| time).sum();
        parts.push(("waiting", "waiting, and the rest", (self.whole() - ops as f64 - known).max(0.0)));
        parts
    }

    /// One row a kind of op, with its ops, in the order of their first.
    fn kernels(&self) -> Vec<(usize, Row)> {
        let mut kernels: Vec<(usize, Row)> = Vec::new();
        for OpProfile { kernel, forward, backward, .. } in &self.profile.engine.ops {
            match kernels.iter_mut().find(|(_, row)| row.name == *kernel) {
                Some((count, row)) => {
                    *count += 1;
                    row.forward = sum(row.forward, *forward);
                    row.backward = sum(row.backward, *backward);
                }
                None => kernels
                    .push((1, Row { name: (*kernel).to_owned(), forward: *forward, backward: *backward })),
            }
        }
        kernels
    }

    /// Thread-microseconds an image.
    fn microseconds(&self, nanoseconds: f64) -> f64 {
        nanoseconds / 1000.0 / self.profile.engine.images as f64
    }

    /// Writes the table.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Profile { steps, wall, engine, .. } = &self.profile;
        let seconds = *wall as f64 / 1e9;
        let threads =
            if self.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", self.threads) };
        writeln!(
            out,
            "where the time went: {} training steps, {} images in {seconds:.1} s, {threads}, {}",
            thousands(*steps),
            thousands(engine.images),
            self.isa
        )?;
        writeln!(out)?;
        self.heads(out)?;
        for op in &engine.ops {
            self.row(out, &op.name, op.forward, op.backward)?;
        }
        let kernels = self.kernels();
        if kernels.len() < engine.ops.len() {
            writeln!(out, "\nby kernel")?;
            for (count, row) in &kernels {
                self.row(out, &format!("{} ({count})", row.name), row.forward, row.backward)?;
            }
        }
        let passes =
            |of: fn(&OpProfile) -> PassProfile| engine.ops.iter().map(of).fold(PassProfile::default(), sum);
        self.row(out, "all layers", passes(|op| op.forward), passes(|op| op.backward))?;
        writeln!(out, "\nbesides")?;
        let parts = self.parts();
        for (_, name, time) in parts.iter().filter(|(id, _, time)| *id != "evaluation" || *time > 0.0) {
            writeln!(out, "{}", self.line(name, *time))?;
        }
        writeln!(out, "{}", self.line("all", self.whole()))?;
        self.legend(out)
    }

    fn heads(&self, out: &mut impl Write) -> io::Result<()> {
        let group = COLUMNS.iter().sum::<usize>() + COLUMNS.len() - 1;
        let pass = |name: &str| {
            let rule = "─".repeat(group - name.len() - 1);
            format!("  {name} {rule}")
        };
        writeln!(out, "{}{}{}", left("", NAME), pass("forward"), pass("backward"))?;
        for (name, heads) in [
            ("", ["% of", "µs an", "GFLOP", "% of", "GB"]),
            ("layers", ["time", "image", "/s", "peak", "/s"]),
        ] {
            let cells: String =
                heads.iter().zip(COLUMNS).map(|(head, width)| format!(" {}", right(head, width))).collect();
            writeln!(out, "{} {cells} {cells}", left(name, NAME))?;
        }
        Ok(())
    }

    fn row(
        &self,
        out: &mut impl Write,
        name: &str,
        forward: PassProfile,
        backward: PassProfile,
    ) -> io::Result<()> {
        let name = left(&shortened(name, NAME), NAME);
        let line = format!("{name} {} {}", self.cells(forward), self.cells(backward));
        writeln!(out, "{}", line.trim_end())
    }

    /// Share, time, GFLOP/s, share of the peak and GB/s.
    fn cells(&self, pass: PassProfile) -> String {
        let time = pass.nanoseconds as f64;
        let mut cells = [const { String::new() }; 5];
        if pass.flop > 0 || pass.bytes > 0 {
            let limit = if pass.at_most { "≤" } else { "" };
            let rate = |count: u64| if time > 0.0 { count as f64 / time } else { 0.0 };
            let gflops = rate(pass.flop);
            cells = [
                share(time / self.whole()),
                digits(self.microseconds(time)),
                format!("{limit}{}", digits(gflops)),
                format!("{limit}{:.0}", 100.0 * gflops * 1e9 / self.peak),
                digits(rate(pass.bytes)),
            ];
        }
        cells.iter().zip(COLUMNS).map(|(cell, width)| format!(" {}", right(cell, width))).collect()
    }

    /// A line with a share and a time.
    fn line(&self, name: &str, time: f64) -> String {
        let [share_width, time_width, ..] = COLUMNS;
        let (share, time) = (share(time / self.whole()), digits(self.microseconds(time)));
        format!("{}  {} {}", left(name, NAME), right(&share, share_width), right(&time, time_width))
    }

    fn legend(&self, out: &mut impl Write) -> io::Result<()> {
        let clock = digits(self.microseconds(self.profile.wall as f64));
        let peak = digits(self.peak / 1e9);
        let times =
            if self.threads == 1 { String::new() } else { format!(", times {} threads", self.threads) };
        writeln!(out)?;
        writeln!(out, "µs are of thread time: an image took {clock} µs on the clock{times}")?;
        writeln!(
            out,
            "rates are of one thread at work; the multiply-add peak of each, all busy, is {peak} GFLOP/s"
        )?;
        if self.profile.engine.ops.iter().any(|op| op.backward.at_most) {
            writeln!(out, "≤ counts the winner of every pool window, those too that the ReLU set to zero")?;
        }
        Ok(())
    }

    /// The value of `profile` in the JSON document.
    pub fn json(&self) -> Value {
        let Profile { steps, wall, engine, .. } = &self.profile;
        let ops = engine.ops.iter().map(|op| self.json_row(&op.name, op.kernel, op.forward, op.backward));
        let kernels = self.kernels();
        let kernels = kernels.iter().map(|(count, row)| {
            let mut value = self.json_row(&row.name, &row.name, row.forward, row.backward);
            value["ops"] = json!(count);
            value
        });
        let parts = self.parts();
        let parts = parts.iter().map(|(name, _, time)| {
            json!({"name": name, "share": time / self.whole(), "microseconds_per_image": self.microseconds(*time)})
        });
        json!({
            "isa": self.isa,
            "threads": self.threads,
            "peak_gflop_per_second": self.peak / 1e9,
            "steps": steps,
            "images": engine.images,
            "seconds": *wall as f64 / 1e9,
            "ops": ops.collect::<Vec<_>>(),
            "kernels": kernels.collect::<Vec<_>>(),
            "parts": parts.collect::<Vec<_>>(),
        })
    }

    fn json_row(&self, name: &str, kernel: &str, forward: PassProfile, backward: PassProfile) -> Value {
        let pass = |pass: PassProfile| {
            let (time, images) = (pass.nanoseconds as f64, self.profile.engine.images as f64);
            let rate = |count: u64| (time > 0.0).then(|| count as f64 / time);
            json!({
                "share": time / self.whole(),
                "microseconds_per_image": self.microseconds(time),
                "flop_per_image": pass.flop as f64 / images,
                "flop_at_most": pass.at_most,
                "bytes_per_image": pass.bytes as f64 / images,
                "gflop_per_second": rate(pass.flop),
                "share_of_peak": rate(pass.flop).map(|rate| rate * 1e9 / self.peak),
                "gb_per_second": rate(pass.bytes),
            })
        };
        json!({"name": name, "kernel": kernel, "forward": pass(forward), "backward": pass(backward)})
    }
}

fn sum(a: PassProfile, b: PassProfile) -> PassProfile {
    PassProfile {
        nanoseconds: a.nanoseconds + b.nanoseconds,
        flop: a.flop + b.flop,
        at_most: a.at_most || b.at_most,
        bytes: a.bytes + b.bytes,
    }
}

/// A share as a percentage, without the sign.
fn share(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// Three digits, or all of those before the point.
fn digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => thousands(v.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [0.0, 0.126, 9.994, 9.996, 99.94, 99.96, 12345.6].map(digits),
            ["0.00", "0.13", "9.99", "10.0", "99.9", "100", "12,346"]
        );
    }
}
