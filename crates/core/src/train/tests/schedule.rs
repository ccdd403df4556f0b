//! The learning rate, against PyTorch 2.15's schedulers stepped once a batch, and against numbers made by hand.

use super::super::factor;
use super::{images, recipe, run};
use crate::recipe::Schedule;

/// PyTorch computes the same formulas step by step, and loses a few bits on the way.
const BOUND: f64 = 1e-12;

/// Compares factors at `(step, expected)`, `steps` in the run and `epoch` in an epoch.
fn check(schedule: &Schedule, steps: u64, epoch: u64, expected: &[(u64, f64)]) {
    for &(step, expected) in expected {
        let found = factor(schedule, step, steps, epoch);
        assert!((found - expected).abs() <= BOUND, "{schedule:?}, step {step}: {found} is not {expected}");
    }
}

#[test]
fn one_cycle_is_pytorchs() {
    // OneCycleLR(max_lr=1, total_steps=100, cycle_momentum=False)
    check(
        &Schedule::OneCycle { rise: 0.3, start: 25.0, end: 1e4 },
        100,
        10,
        &[
            (0, 0.040000000000000036),
            (1, 0.042813780565907456),
            (19, 0.7448360515358992),
            (20, 0.7893697913739435),
            (29, 1.0),
            (30, 0.9994965352845243),
            (50, 0.793893450575732),
            (98, 0.0005074647154757879),
            (99, 4e-06),
        ],
    );
    // OneCycleLR(max_lr=1, total_steps=40, pct_start=0.2, div_factor=10, final_div_factor=100, cycle_momentum=False)
    check(
        &Schedule::OneCycle { rise: 0.2, start: 10.0, end: 100.0 },
        40,
        10,
        &[
            (0, 0.09999999999999998),
            (1, 0.14456400944391146),
            (7, 1.0),
            (8, 0.9975947709727624),
            (12, 0.9410196715420033),
            (20, 0.6454971962886039),
            (38, 0.0034052290272376896),
            (39, 0.001),
        ],
    );
    // OneCycleLR(max_lr=1, total_steps=7, pct_start=0.5, cycle_momentum=False): the peak falls between two steps
    check(
        &Schedule::OneCycle { rise: 0.5, start: 25.0, end: 1e4 },
        7,
        1,
        &[
            (0, 0.040000000000000036),
            (1, 0.3716718427000253),
            (2, 0.9083281572999747),
            (3, 0.9504846320134737),
            (5, 0.18825834605023697),
            (6, 4e-06),
        ],
    );
}

#[test]
fn cosine_is_pytorchs() {
    // CosineAnnealingLR(T_max=49, eta_min=0.1) from a rate of 1
    check(
        &Schedule::Cosine { warmup: 0.0, floor: 0.1 },
        50,
        10,
        &[
            (0, 1.0),
            (1, 0.9990754267376514),
            (12, 0.8732572075439774),
            (24, 0.5644232099072449),
            (25, 0.5355767900927552),
            (48, 0.10092457326234866),
            (49, 0.1),
        ],
    );
}

#[test]
fn cosine_with_restarts_is_pytorchs() {
    // CosineAnnealingWarmRestarts(T_0=10, T_mult=2, eta_min=0.1) from a rate of 1: two epochs of five steps
    check(
        &Schedule::CosineRestarts { first: 2.0, factor: 2.0, floor: 0.1 },
        75,
        5,
        &[
            (0, 1.0),
            (1, 0.9779754323328191),
            (5, 0.55),
            (9, 0.12202456766718092),
            (10, 1.0),
            (11, 0.994459753267812),
            (29, 0.10554024673218806),
            (30, 1.0),
            (31, 0.9986128001799076),
            (69, 0.10138719982009242),
            (70, 1.0),
        ],
    );
}

#[test]
fn warm_up_is_a_line_to_the_peak() {
    // 1.5 epochs of 4 steps: sevenths up to 6/7, then 1 at step 6, 1/2 half way, 0 at the last
    let schedule = Schedule::Cosine { warmup: 1.5, floor: 0.0 };
    let sevenths: Vec<_> = (0..6).map(|step| (step, (step + 1) as f64 / 7.0)).collect();
    check(&schedule, 27, 4, &sevenths);
    check(&schedule, 27, 4, &[(6, 1.0), (11, 0.5 + 0.5_f64.sqrt() / 2.0), (16, 0.5), (26, 0.0)]);
}

#[test]
fn step_is_pytorchs() {
    // StepLR(step_size=20, gamma=0.3)
    let schedule = Schedule::Step { every: 2, factor: 0.3 };
    check(&schedule, 100, 10, &[(0, 1.0), (19, 1.0), (20, 0.3), (39, 0.3), (40, 0.09), (99, 0.0081)]);
}

#[test]
fn constant_is_one() {
    check(&Schedule::Constant, 10, 5, &[(0, 1.0), (9, 1.0)]);
}

#[test]
fn every_schedule_is_finite_for_the_shortest_runs() {
    let schedules = [
        Schedule::Constant,
        Schedule::Step { every: 1, factor: 0.1 },
        Schedule::Cosine { warmup: 0.0, floor: 0.0 },
        Schedule::Cosine { warmup: 9.0, floor: 0.0 },
        Schedule::CosineRestarts { first: 1e-9, factor: 1.0, floor: 0.0 },
        Schedule::CosineRestarts { first: 9.0, factor: 3.0, floor: 0.5 },
        Schedule::OneCycle { rise: 0.0, start: 25.0, end: 1e4 },
        Schedule::OneCycle { rise: 0.3, start: 25.0, end: 1e4 },
        Schedule::OneCycle { rise: 1.0, start: 25.0, end: 1e4 },
    ];
    for schedule in schedules {
        for steps in 1..5 {
            for step in 0..steps {
                let found = factor(&schedule, step, steps, 1);
                assert!((0.0..=1.0).contains(&found), "{schedule:?}, step {step} of {steps}: {found}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "is not")]
fn the_comparison_fails_on_a_wrong_value() {
    check(&Schedule::Constant, 10, 5, &[(3, 1.0 + 1e-9)]);
}

#[test]
fn a_run_follows_its_schedule_step_by_step() {
    // 3 epochs of 3 steps; the rate of an epoch is its last step's
    let recipe = recipe("", "schedule = { cosine = { floor = 0.5 } }");
    let run = run(&recipe, &images(100, 0), None, None);
    let rates: Vec<f64> = run.reports.iter().map(|report| report.rate).collect();
    let expected = [2.0, 5.0, 8.0]
        .map(|step: f64| 0.01 * (0.5 + 0.25 * (1.0 + (std::f64::consts::PI * step / 8.0).cos())));
    for (found, expected) in rates.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15, "{rates:?} is not {expected:?}");
    }
}
