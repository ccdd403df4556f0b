//! Several trainings at once.
//!
//! *Idea*: a training of small batches cannot keep many threads busy by itself: a batch of 128 is eight shards, and while the
//! optimizer runs there is work for one thread. Several trainings, usually as many as there are threads, therefore take their steps on the same
//! threads; each step finds a thread for itself, and others where there are some without work. The last training left has
//! them all. No result depends on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::session::Session;
use crate::diag::Stop;

/// Runs `job(0)` to `job(jobs - 1)`, at most `at_once` at a time, and gives their results in this order.
///
/// # Errors
/// The first problem, which stops the others after their present step; [`Stop::Interrupted`] if there is none but that.
pub fn side_by_side<T: Send>(
    session: &Session<'_>,
    jobs: usize,
    at_once: usize,
    job: impl Fn(usize) -> Result<T, Stop> + Sync,
) -> Result<Vec<T>, Stop> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(jobs));
    let stop: Mutex<Option<Stop>> = Mutex::new(None);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                return;
            }
            if session.interrupt.requested() {
                stop.lock().expect("no holder panics").get_or_insert(Stop::Interrupted);
                return;
            }
            match job(number) {
                Ok(result) => done.lock().expect("no holder panics").push((number, result)),
                Err(why) => {
                    let mut first = stop.lock().expect("no holder panics");
                    if !matches!(*first, Some(Stop::Problem { .. })) {
                        *first = Some(why);
                    }
                    session.interrupt.request();
                    return;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..at_once.min(jobs) {
            scope.spawn(work);
        }
    });
    if let Some(stop) = stop.into_inner().expect("no holder panics") {
        return Err(stop);
    }
    let mut done = done.into_inner().expect("no holder panics");
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
