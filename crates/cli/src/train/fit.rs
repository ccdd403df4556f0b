//! One training: step after step to the end, with a checkpoint after every epoch.

use std::time::Instant;

use seamripper_core::train::{EpochReport, Trainer};

use super::film::Film;
use super::folder::RunFolder;
use super::metrics::Metrics;
use super::progress::Meter;
use super::session::Session;
use crate::diag::{Outcome, Stop};

/// Trains to the end. If a stop is asked for, writes a checkpoint after the present step and returns [`Stop::Interrupted`].
pub fn fit(
    session: &Session<'_>,
    trainer: &mut Trainer<'_>,
    folder: &RunFolder,
    metrics: &mut Metrics,
    mut meter: Meter,
    film: Option<&Film<'_>>,
) -> Outcome {
    let classes = meter.classes().to_vec();
    while !trainer.done() {
        let began = Instant::now();
        let images = trainer.state().seen;
        let mut report = None;
        while report.is_none() {
            report = session.threads.run(|| trainer.step());
            meter.step(trainer);
            if session.interrupt.requested() {
                if let Some(report) = &report {
                    metrics.add(report, began.elapsed(), trainer.images_in_epoch() - images, &classes);
                }
                meter.leave();
                folder.checkpoint(trainer.state(), metrics)?;
                return Err(Stop::Interrupted);
            }
        }
        if let Some(report) = report {
            if !report.train_loss.is_finite() || trainer.state().weights.values.iter().any(|w| !w.is_finite())
            {
                meter.leave();
                return Err(diverged(&report));
            }
            metrics.add(&report, began.elapsed(), trainer.images_in_epoch() - images, &classes);
            film.map_or(Ok(()), |film| film.keep(trainer.state()))?;
            folder.checkpoint(trainer.state(), metrics)?;
            meter.epoch(&report, metrics.last_rate(), trainer);
        }
    }
    meter.end(trainer);
    Ok(())
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
