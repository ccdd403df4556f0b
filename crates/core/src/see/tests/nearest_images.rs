use seamripper_kernels::Instructions;
use seamripper_kernels::parallel::Threads;

use super::planted::{noise, planted, planted_set, residual};
use crate::engine::{Executor, Wants};
use crate::random::{Purpose, Stream};
use crate::see::{Features, Neighbor, nearest_images, penultimate};

fn random(n: usize, d: usize, seed: u64, offset: f64) -> Features {
    let mut stream = Stream::new(seed, Purpose::Test, 0, 0);
    Features::new(d, (0..n * d).map(|_| (offset + stream.normal()) as f32).collect())
}

fn plain(of: &Features, among: &Features, k: usize) -> Vec<Vec<Neighbor>> {
    let distance = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
    };
    let near = |query: usize| {
        let mut all: Vec<_> = (0..among.len())
            .map(|index| Neighbor { index, squared_distance: distance(of.row(query), among.row(index)) })
            .collect();
        all.sort_by(|a, b| a.squared_distance.total_cmp(&b.squared_distance));
        all.truncate(k);
        all
    };
    (0..of.len()).map(near).collect()
}

#[test]
fn neighbors_are_those_of_plain_loops() {
    let isa = Instructions::detect().unwrap();
    // Far from the origin the product loses the digits that tell distances apart.
    for offset in [0.0, 1000.0] {
        let (of, among) = (random(37, 19, 1, offset), random(301, 19, 2, offset));
        assert_eq!(nearest_images(isa, &of, &among, 5), plain(&of, &among, 5), "{offset}");
    }
    let few = random(3, 4, 3, 0.0);
    assert_eq!(nearest_images(isa, &few, &few, 9), plain(&few, &few, 3));
    assert_eq!(nearest_images(isa, &few, &few, 0), vec![vec![]; 3]);
}

#[test]
fn equals_are_found_in_their_order() {
    let isa = Instructions::detect().unwrap();
    let among = Features::new(2, vec![1.0, 2.0, 5.0, 5.0, 1.0, 2.0, 1.0, 2.0]);
    let found = nearest_images(isa, &among.select(&[0]), &among, 2);
    let zero = |index| Neighbor { index, squared_distance: 0.0 };
    assert_eq!(found, [[zero(0), zero(2)]]);
}

#[test]
fn features_are_what_the_last_dense_layer_reads() {
    let (owned, set) = (residual(), noise([9, 8, 3], 300, 4));
    let model = owned.model();
    let mut done = Vec::new();
    let found = penultimate(&model, &set, |images| done.push(images));
    assert_eq!((found.len(), found.width()), (300, 7));
    assert_eq!(done, [256, 300]);
    let mut engine = model.engine(300, Wants { taps: true, ..Wants::INFERENCE });
    engine.run_forward(&model.values(&set.pixels()));
    let hidden = model.graph.nodes.iter().position(|node| node.name == "hidden").unwrap();
    let tap = engine.tap(hidden).unwrap().into_data();
    let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(found.values().iter().zip(&tap).all(near));
    assert!(tap.iter().any(|&x| x > 0.1));
}

#[test]
fn images_of_a_planted_class_are_near_each_other() {
    let (owned, set) = (planted(), planted_set(120));
    let features = penultimate(&owned.model(), &set, |_| {});
    let found = nearest_images(owned.model().isa, &features, &features, 4);
    for (image, near) in found.iter().enumerate() {
        assert_eq!(near.len(), 4);
        assert!(near.iter().all(|near| near.index % 3 == image % 3), "{image}: {near:?}");
    }
}

#[test]
fn threads_change_nothing() {
    let isa = Instructions::detect().unwrap();
    let (of, among) = (random(50, 8, 1, 0.0), random(200, 8, 2, 0.0));
    let look = |threads| Threads::new(Some(threads)).unwrap().run(|| nearest_images(isa, &of, &among, 3));
    assert_eq!(look(1), look(2));
}
