//! A run that is watched is the same run, and its time is accounted for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Trainer, graph, images, isa, recipe, run};

/// A clock that is read once a nanosecond.
fn clock() -> u64 {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    READINGS.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn a_watched_run_is_the_same_run() {
    let (train, held) = (images(100, 1), images(30, 2));
    let recipe = recipe("online = [{ flip = 0.5 }]", "clip_norm = 1.0");
    let plain = run(&recipe, &train, Some(&held), None);

    let graph = graph(&recipe);
    let mut trainer = Trainer::new(isa(), &recipe, &graph, &train, Some(&held)).unwrap();
    assert_eq!(trainer.step(), None);
    assert_eq!(trainer.profile(), None, "nobody watched");
    trainer.watch(clock);
    assert_eq!(trainer.profile(), None, "no step since");
    while !trainer.done() {
        trainer.step();
    }
    assert_eq!(trainer.state(), plain.last());

    let profile = trainer.profile().unwrap();
    // 3 epochs of 40 + 40 + 20 images, but for the first step
    assert_eq!((profile.steps, profile.engine.images), (8, 260));
    let parts = [profile.evaluation, profile.batches, profile.counting, profile.optimizer];
    assert!(parts.iter().all(|&time| time > 0), "{parts:?}");
    assert!(profile.wall > parts.iter().sum());
}
