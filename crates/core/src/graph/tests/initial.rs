use crate::graph::{Graph, Role, Weights};
use crate::random::Stream;
use crate::recipe::{Initializer, graph_of};

const KINDS: [Initializer; 3] = [Initializer::GlorotUniform, Initializer::HeNormal, Initializer::HeUniform];

fn graph() -> Graph {
    let layers = [
        "conv 64 5x3 same",
        "batch_norm",
        "conv 32 3x3 same",
        "conv 64 3x3 same groups 4",
        "global_avg_pool",
        "dense 40",
    ];
    graph_of([4, 4, 8], &layers).unwrap()
}

/// Fans of the kernels of `graph()`, counted by hand.
const FANS: [(&str, f64, f64); 4] = [
    ("conv1.kernel", 5.0 * 3.0 * 8.0, 5.0 * 3.0 * 64.0),
    ("conv2.kernel", 9.0 * 64.0, 9.0 * 32.0),
    // 32 channels in groups of 8; Keras counts the filters of all groups
    ("conv3.kernel", 9.0 * 8.0, 9.0 * 64.0),
    ("dense1.kernel", 64.0, 40.0),
];

/// Mean and mean of squares.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let sum = |power: i32| values.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / n;
    (sum(1), sum(2))
}

/// Whether mean and variance are those of a symmetric law with variance `variance` and fourth moment
/// `kurtosis variance²`, within four standard errors.
fn agree(values: &[f32], variance: f64, kurtosis: f64) -> bool {
    let n = values.len() as f64;
    let (mean, square) = moments(values);
    mean.abs() < 4.0 * (variance / n).sqrt()
        && (square - variance).abs() < 4.0 * variance * ((kurtosis - 1.0) / n).sqrt()
}

#[test]
fn kernels_have_the_published_variance_and_bounds() {
    let graph = graph();
    for kind in KINDS {
        let weights = Weights::initial(&graph, kind, 5);
        for (name, fan_in, fan_out) in FANS {
            let parameter = graph.parameters.iter().find(|p| p.name == name).unwrap();
            let values = weights.of(parameter);
            // a uniform law has kurtosis 1.8; a normal one cut at two deviations 2.37 (computed from its moments)
            let (variance, kurtosis) = match kind {
                Initializer::GlorotUniform => (2.0 / (fan_in + fan_out), 1.8),
                Initializer::HeUniform => (2.0 / fan_in, 1.8),
                Initializer::HeNormal => (2.0 / fan_in, 2.37),
            };
            assert!(agree(values, variance, kurtosis), "{kind:?} {name} {:?} {variance}", moments(values));
            assert!(!agree(values, variance * 1.3, kurtosis), "{name}: a wrong variance was accepted");
            let bound = match kind {
                Initializer::HeNormal => 2.0 * variance.sqrt() / 0.879_625_661_034_239_8,
                _ => (3.0 * variance).sqrt(),
            };
            let largest = values.iter().map(|x| f64::from(x.abs())).fold(0.0, f64::max);
            assert!(largest <= bound * (1.0 + 1e-6) && largest > 0.95 * bound, "{name} {largest} {bound}");
        }
    }
}

/// Kolmogorov–Smirnov distance between `values` and a distribution function.
fn distance(values: &[f32], cdf: impl Fn(f64) -> f64) -> f64 {
    let mut sorted: Vec<_> = values.iter().map(|&x| f64::from(x)).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let gaps = sorted.iter().enumerate().map(|(rank, &x)| {
        let at = cdf(x);
        (at - rank as f64 / n).abs().max((at - (rank + 1) as f64 / n).abs())
    });
    gaps.fold(0.0, f64::max)
}

#[test]
fn kernels_follow_their_law() {
    use statrs::distribution::{ContinuousCDF, Normal};
    let graph = graph();
    let parameter = &graph.parameters[0];
    let fan_in = FANS[0].1;
    let critical = 1.95 / (parameter.len() as f64).sqrt(); // p = 0.001
    let uniform = |limit: f64| move |x: f64| (x / limit + 1.0) / 2.0;
    let glorot = (6.0 / (FANS[0].1 + FANS[0].2)).sqrt();
    let draw = |kind| Weights::initial(&graph, kind, 11).of(parameter).to_vec();
    assert!(distance(&draw(Initializer::GlorotUniform), uniform(glorot)) < critical);
    assert!(distance(&draw(Initializer::HeUniform), uniform((6.0 / fan_in).sqrt())) < critical);
    let normal = Normal::new(0.0, 1.0).unwrap();
    let sd = (2.0 / fan_in).sqrt() / 0.879_625_661_034_239_8;
    let (low, high) = (normal.cdf(-2.0), normal.cdf(2.0));
    let cut = |x: f64| (normal.cdf(x / sd) - low) / (high - low);
    assert!(distance(&draw(Initializer::HeNormal), cut) < critical);
    // and the test can tell one law from the other
    assert!(distance(&draw(Initializer::HeUniform), cut) > critical);
}

#[test]
fn everything_else_starts_where_it_does_nothing() {
    let graph = graph();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 0);
    assert_eq!(weights.values.len(), graph.parameter_count());
    for parameter in &graph.parameters {
        let start = match parameter.role {
            Role::Kernel => continue,
            Role::Bias | Role::Beta | Role::MovingMean => 0.0,
            Role::Gamma | Role::MovingVariance => 1.0,
        };
        assert!(weights.of(parameter).iter().all(|&x| x == start), "{}", parameter.name);
    }
}

#[test]
fn a_kernel_is_drawn_from_the_stream_of_its_index() {
    let graph = graph();
    let weights = Weights::initial(&graph, Initializer::HeUniform, 7);
    let index = graph.parameters.iter().position(|p| p.name == "conv2.kernel").unwrap();
    let mut stream = Stream::new(7, crate::random::Purpose::Init, index as u64, 0);
    let limit = (6.0_f64 / (9.0 * 64.0)).sqrt();
    let first: Vec<_> = (0..5).map(|_| stream.uniform(-limit, limit) as f32).collect();
    assert_eq!(weights.of(&graph.parameters[index])[..5], first);
    assert_ne!(weights, Weights::initial(&graph, Initializer::HeUniform, 8));
}
