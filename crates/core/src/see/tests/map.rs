use seamripper_kernels::Instructions;
use seamripper_kernels::parallel::Threads;

use crate::random::{Purpose, Stream};
use crate::see::{Features, MOST_POINTS, MapOptions, map, map_sample, principal};

/// `n` points about `clusters` centers in 16 dimensions; point `i` is of cluster `i % clusters`.
fn clusters(n: usize, clusters: usize, apart: f64) -> Features {
    let mut stream = Stream::new(6, Purpose::Test, 0, 0);
    let centers: Vec<f64> = (0..clusters * 16).map(|_| apart * stream.normal()).collect();
    let point = |at: usize| at % clusters * 16..at % clusters * 16 + 16;
    let values = (0..n).flat_map(|at| centers[point(at)].to_vec()).collect::<Vec<f64>>();
    Features::new(16, values.into_iter().map(|center| (center + stream.normal()) as f32).collect())
}

/// Share of the five nearest on the map that are of a point's cluster.
fn purity(points: &[[f32; 2]], clusters: usize) -> f64 {
    let mut same = 0;
    for (at, a) in points.iter().enumerate() {
        let mut others: Vec<_> = (0..points.len()).filter(|&other| other != at).collect();
        let distance = |b: &[f32; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        others.sort_by(|&b, &c| distance(&points[b]).total_cmp(&distance(&points[c])));
        same += others[..5].iter().filter(|&&other| other % clusters == at % clusters).count();
    }
    same as f64 / (5 * points.len()) as f64
}

fn isa() -> Instructions {
    Instructions::detect().unwrap()
}

#[test]
fn clusters_stay_together() {
    let options = MapOptions::default();
    let apart = purity(&map(isa(), &clusters(300, 6, 3.0), &options, |_| {}), 6);
    assert!(apart > 0.99, "{apart}");
    // Without clusters a sixth is of the same: the measure can fail.
    let mixed = purity(&map(isa(), &clusters(300, 6, 0.0), &options, |_| {}), 6);
    assert!(mixed < 0.35, "{mixed}");
}

#[test]
fn a_map_keeps_neighbors_better_than_two_axes_do() {
    let features = clusters(300, 12, 2.0);
    let axes: Vec<_> = principal(&features).points.iter().map(|p| p.map(|x| x as f32)).collect();
    let made = map(isa(), &features, &MapOptions::default(), |_| {});
    assert!(purity(&made, 12) > purity(&axes, 12) + 0.1, "{} {}", purity(&made, 12), purity(&axes, 12));
}

#[test]
fn threads_change_no_bit_of_a_map() {
    let options = MapOptions { steps: 60, ..MapOptions::default() };
    let features = clusters(200, 4, 2.0);
    let look = |threads| {
        let run = || (map(isa(), &features, &options, |_| {}), principal(&features));
        Threads::new(Some(threads)).unwrap().run(run)
    };
    assert_eq!(look(1), look(2));
}

#[test]
fn few_and_equal_points_have_places() {
    for values in [vec![], vec![1.0; 2], vec![1.0; 4], vec![2.0; 20], vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0]] {
        let count = values.len() / 2;
        let points = map(isa(), &Features::new(2, values), &MapOptions::default(), |_| {});
        assert_eq!(points.len(), count);
        assert!(points.as_flattened().iter().all(|x| x.is_finite()), "{points:?}");
    }
}

#[test]
fn axes_are_those_along_which_points_were_drawn() {
    let mut stream = Stream::new(7, Purpose::Test, 0, 0);
    // Variance 9 along (3, 4) / 5, 4 along (4, -3) / 5, and 1/100 along twelve other axes.
    let (mut values, mut drawn) = (Vec::new(), Vec::new());
    for _ in 0..4000 {
        let (a, b) = (3.0 * stream.normal(), 2.0 * stream.normal());
        values.extend([0.6 * a + 0.8 * b, 0.8 * a - 0.6 * b].map(|x| (x + 7.0) as f32));
        values.extend((0..12).map(|_| (0.1 * stream.normal()) as f32));
        drawn.push([a, b]);
    }
    let found = principal(&Features::new(14, values));
    for axis in 0..2 {
        let product = |f: &dyn Fn(usize) -> f64| (0..4000).map(f).sum::<f64>();
        let (a, b) = (|at: usize| drawn[at][axis], |at: usize| found.points[at][axis]);
        let correlation = product(&|at| a(at) * b(at))
            / (product(&|at| a(at) * a(at)) * product(&|at| b(at) * b(at))).sqrt();
        assert!(correlation > 0.995, "axis {axis}: {correlation}");
    }
    assert!((found.shares[0] - 9.0 / 13.12).abs() < 0.02, "{:?}", found.shares);
    assert!((found.shares[1] - 4.0 / 13.12).abs() < 0.02, "{:?}", found.shares);
}

#[test]
fn a_sample_is_evenly_spaced() {
    assert_eq!(map_sample(5), [0, 1, 2, 3, 4]);
    let sample = map_sample(5 * MOST_POINTS);
    assert_eq!((sample.len(), sample[1], sample[MOST_POINTS - 1]), (MOST_POINTS, 5, 5 * MOST_POINTS - 5));
    assert!(map_sample(0).is_empty());
}
