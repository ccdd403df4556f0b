//! One training: step after step to the end, with a checkpoint after every epoch.

use std::time::Instant;

use seamripper_core::train::{EpochReport, Trainer};

use super::film::Film;
use super::folder::RunFolder;
use super::metrics::Metrics;
use super::progress::Meter;
use super::session::Session;
use crate::diag::{Outcome, Stop};

/// How a training ended, for now or for good.
#[derive(Debug)]
pub enum Ended {
    /// At its end.
    Done,
    /// After as many epochs as were asked for.
    Paused,
    /// A stop was asked for; there is a checkpoint after the last step.
    Interrupted,
    /// In this epoch the loss or a weight was no longer a number; the checkpoint of the one before remains.
    Diverged(EpochReport),
}

impl Ended {
    /// Whether it is at its end; what it has come to otherwise is an error.
    ///
    /// # Errors
    /// [`Stop::Interrupted`], or how it diverged.
    pub fn done(self) -> Outcome {
        match self {
            Self::Done | Self::Paused => Ok(()),
            Self::Interrupted => Err(Stop::Interrupted),
            Self::Diverged(report) => Err(diverged(&report)),
        }
    }
}

/// Trains to the end, or until `until` epochs are behind it. If a stop is asked for, writes a checkpoint after the present step.
pub fn fit(
    session: &Session<'_>,
    trainer: &mut Trainer<'_>,
    folder: &RunFolder,
    metrics: &mut Metrics,
    mut meter: Meter,
    film: Option<&Film<'_>>,
    until: Option<u64>,
) -> Result<Ended, Stop> {
    let classes = meter.classes().to_vec();
    let mut events = folder.events(metrics)?;
    while !trainer.done() {
        if until.is_some_and(|until| trainer.state().epoch >= until) {
            meter.leave();
            return Ok(Ended::Paused);
        }
        let began = Instant::now();
        let images = trainer.state().seen;
        let mut report = None;
        while report.is_none() {
            report = session.threads.run(|| trainer.step());
            meter.step(trainer);
            if session.interrupt.requested() {
                meter.leave();
                if let Some(report) = &report {
                    metrics.add(report, began.elapsed(), trainer.images_in_epoch() - images, &classes);
                    folder.event(&mut events, metrics)?;
                }
                folder.checkpoint(trainer.state(), metrics)?;
                return Ok(Ended::Interrupted);
            }
        }
        if let Some(report) = report {
            if !report.train_loss.is_finite() || trainer.state().weights.values.iter().any(|w| !w.is_finite())
            {
                meter.leave();
                return Ok(Ended::Diverged(report));
            }
            metrics.add(&report, began.elapsed(), trainer.images_in_epoch() - images, &classes);
            film.map_or(Ok(()), |film| film.keep(trainer.state()))?;
            folder.checkpoint(trainer.state(), metrics)?;
            folder.event(&mut events, metrics)?;
            meter.epoch(&report, metrics.last_rate(), trainer);
        }
    }
    meter.end(trainer);
    Ok(Ended::Done)
}

/// Weights that are no numbers predict nothing, and no later step mends them.
fn diverged(report: &EpochReport) -> Stop {
    let EpochReport { epoch, train_loss, rate, .. } = report;
    let hint =
        format!("the steps are too long: lower train.rate (it was {rate:?}), or set train.clip_norm=1");
    Stop::problem(
        format!(
            "training in epoch {epoch}: expected finite weights and a finite loss, found a loss of {train_loss}"
        ),
        Some(hint),
    )
}
