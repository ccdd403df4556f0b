use super::*;
use crate::fail::finding::Kind;
use crate::random::{Purpose, Stream};

const K: usize = 4;

/// Labels in turns, and a model that is sure of the right output of every image but a share, which it takes for the next one.
struct Plant {
    labels: Vec<u32>,
    /// The output that is each class.
    order: [usize; K],
    /// The way that is right, and how often another one is wrong: by how many places it is off.
    right: Way,
}

impl Plant {
    fn new(n: usize, right: Way) -> Self {
        Self { labels: (0..n).map(|row| (row % K) as u32).collect(), order: [0, 1, 2, 3], right }
    }

    /// Probabilities: 90 % right in the right way, 25 % in any other, whatever its size.
    fn predict(&self, way: Way, rows: &[usize]) -> Vec<f64> {
        let off = way.form.abs_diff(self.right.form) * 10 + way.picture.abs_diff(self.right.picture);
        let right = match off {
            0 => 0.9,
            1..10 => 0.75,
            _ => 0.25,
        };
        let mut probs = Vec::new();
        for &row in rows {
            let mut stream = Stream::new(off as u64, Purpose::Test, row as u64, 0);
            let label = self.labels[row] as usize;
            let class =
                if stream.unit() < right { label } else { (label + 1 + stream.below(3) as usize) % K };
            probs.extend((0..K).map(|output| if output == self.order[class] { 0.85 } else { 0.05 }));
        }
        probs
    }

    fn examined(&self, forms: &[usize], pictures: &[usize]) -> Diagnosis {
        let sample = Sample::draw(&self.labels, 800, 400, 1);
        let question = Question { labels: &self.labels, outputs: K, forms, pictures, sample: &sample };
        let diagnosis = examine(&question, &mut |way, rows| self.predict(way, rows));
        assert!(diagnosis.predicted <= most_predicted(&question));
        diagnosis
    }
}

const FORMS: [usize; 30] = {
    let mut changes = [1; 30];
    changes[0] = 0;
    changes
};

#[test]
fn another_form_is_found_and_confirmed() {
    let plant = Plant::new(4000, Way { form: 17, picture: 0 });
    let diagnosis = plant.examined(&FORMS, &[0]);
    assert_eq!((diagnosis.verdict, diagnosis.best.way), (Verdict::Other, plant.right));
    assert_eq!((diagnosis.choosing, diagnosis.best.n, diagnosis.current.way), (400, 400, Way::CURRENT));
    assert!((diagnosis.best.accuracy - 0.9).abs() < 0.06 && (diagnosis.current.accuracy - 0.25).abs() < 0.08);
    assert!(diagnosis.gain.p < 1e-30 && diagnosis.gain.difference_ci[0] > 0.5);
    let (next, against) = diagnosis.runner_up.clone().unwrap();
    assert!(next.way != plant.right && against.tells_apart() && against.difference < -0.5);
    let finding = diagnosis.finding("pixel", "pixel / 255", serde_json::Value::Null).unwrap();
    assert_eq!((finding.kind, finding.n, finding.confirmed), (Kind::Preprocessing, 400, true));
    assert!(finding.harm > 0.7, "{}", finding.harm);
    assert!(finding.title.contains("as it was trained (pixel / 255)"), "{}", finding.title);
}

#[test]
fn another_size_is_looked_for_with_the_best_form() {
    let plant = Plant::new(4000, Way { form: 5, picture: 3 });
    let diagnosis = plant.examined(&FORMS, &[0, 1, 1, 2]);
    assert_eq!((diagnosis.verdict, diagnosis.best.way), (Verdict::Other, plant.right));
}

#[test]
fn nothing_is_said_of_a_model_that_is_given_its_images_rightly() {
    let plant = Plant::new(4000, Way::CURRENT);
    let diagnosis = plant.examined(&FORMS, &[0, 1, 1, 2]);
    assert_eq!((diagnosis.verdict, diagnosis.best.way), (Verdict::Current, Way::CURRENT));
    assert_eq!((diagnosis.gain.gained, diagnosis.gain.lost, diagnosis.gain.p), (0, 0, 1.0));
    assert!(diagnosis.finding("a", "b", serde_json::Value::Null).is_none());
    assert!(diagnosis.runner_up.unwrap().1.tells_apart());
}

#[test]
fn ways_that_are_the_same_are_no_change() {
    let plant = Plant::new(4000, Way { form: 1, picture: 0 });
    // forms 1 and 2 predict the same; 2 is the nearer one
    let mut predict = |way: Way, rows: &[usize]| {
        plant.predict(Way { form: if way.form == 2 { 1 } else { way.form }, ..way }, rows)
    };
    let sample = Sample::draw(&plant.labels, 800, 400, 1);
    let question =
        Question { labels: &plant.labels, outputs: K, forms: &[0, 2, 1], pictures: &[0], sample: &sample };
    let diagnosis = examine(&question, &mut predict);
    assert_eq!((diagnosis.verdict, diagnosis.best.way.form), (Verdict::Other, 2));
    let (next, against) = diagnosis.runner_up.unwrap();
    assert_eq!((next.way.form, against.tells_apart()), (1, false));
}

#[test]
fn the_order_of_the_outputs_is_found_with_and_without_another_form() {
    for form in [0, 17] {
        let mut plant = Plant::new(4000, Way { form, picture: 0 });
        plant.order = [2, 0, 3, 1];
        let diagnosis = plant.examined(&FORMS, &[0]);
        assert_eq!((diagnosis.verdict, diagnosis.best.way), (Verdict::Other, plant.right));
        assert_eq!(diagnosis.best.order.as_deref(), Some(&plant.order[..]));
        assert!(diagnosis.best.accuracy > 0.85 && diagnosis.current.accuracy < 0.35);
    }
}

#[test]
fn an_order_that_only_fits_the_images_it_was_learned_from_is_none() {
    // predictions that have nothing to do with the labels, of few images and many classes
    let k = 20;
    let labels: Vec<u32> = (0..400).map(|row| row % 20).collect();
    let sample = Sample::draw(&labels, 120, 60, 0);
    let question = Question { labels: &labels, outputs: k, forms: &[0], pictures: &[0], sample: &sample };
    for seed in 0..20 {
        let mut predict = |_: Way, rows: &[usize]| -> Vec<f64> {
            let row = |&row: &usize| {
                let called = Stream::new(seed, Purpose::Test, row as u64, 0).below(k as u64) as usize;
                (0..k).map(move |output| if output == called { 0.62 } else { 0.02 })
            };
            rows.iter().flat_map(row).collect()
        };
        let diagnosis = examine(&question, &mut predict);
        assert_eq!(diagnosis.verdict, Verdict::Nothing, "seed {seed}");
        let rows: Vec<usize> = sample.choose.clone();
        let fitted = Rows {
            labels: rows.iter().map(|&row| labels[row]).collect(),
            probs: predict(Way::CURRENT, &rows),
            k,
        };
        // the same images say that it is far better than it is
        let (fits, holds) =
            (fitted.ordered(&fitted.order()).accuracy(), fitted.matched().unwrap().accuracy());
        assert!(fits > 0.2 && holds < 0.15, "seed {seed}: {fits} {holds}");
    }
}

#[test]
fn the_sides_have_no_image_in_common_and_all_classes_at_every_beginning() {
    let labels: Vec<u32> = (0..3000).map(|row| if row < 2000 { 0 } else { 1 + (row % 9) as u32 }).collect();
    let Sample { choose, confirm } = Sample::draw(&labels, 1000, 500, 7);
    assert_eq!((choose.len(), confirm.len()), (500, 500));
    let mut all: Vec<usize> = choose.iter().chain(&confirm).copied().collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 1000);
    let classes = |rows: &[usize]| {
        let mut counts = [0; 10];
        rows.iter().for_each(|&row| counts[labels[row] as usize] += 1);
        counts
    };
    assert!(classes(&choose[..40]).iter().all(|&count| count == 4));
    let odd: Vec<usize> = choose.iter().step_by(2).copied().collect();
    assert!(classes(&odd).iter().all(|&count| count == 25));
    assert_eq!(Sample::draw(&labels, 1000, 500, 7).choose, choose);
    assert_ne!(Sample::draw(&labels, 1000, 500, 8).choose, choose);
    // what there is, if that is less
    let few = Sample::draw(&[0, 1, 1, 1, 0], 100, 50, 0);
    assert_eq!((few.choose.len(), few.confirm.len()), (3, 2));
    // more to confirm than to choose
    let more = Sample::draw(&labels, 1000, 200, 7);
    assert_eq!(more.choose, choose[..200]);
    assert_eq!((&more.confirm[..500], &more.confirm[500..]), (&confirm[..], &choose[200..]));
}

#[test]
fn an_assignment_is_a_permutation_and_the_best_one() {
    let k = 5;
    let mut stream = Stream::new(0, Purpose::Test, 0, 0);
    for _ in 0..200 {
        let pairs: Vec<(usize, usize)> =
            (0..30).map(|_| (stream.below(4) as usize, stream.below(5) as usize)).collect();
        let right = |order: &[usize]| pairs.iter().filter(|(label, called)| order[*label] == *called).count();
        let order = best_order(pairs.iter().copied(), k);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
        let best = permutations(k).iter().map(|order| right(order)).max().unwrap();
        assert_eq!(right(&order), best);
    }
    // ties leave a class where it is, and one without images too
    assert_eq!(best_order([(0, 1), (0, 0), (1, 0), (1, 1)].into_iter(), 3), [0, 1, 2]);
    assert_eq!(best_order([(0, 2)].into_iter(), 3), [2, 1, 0]);
    assert!(is_straight(&best_order(std::iter::empty(), 3)));
}

fn permutations(k: usize) -> Vec<Vec<usize>> {
    if k == 0 {
        return vec![Vec::new()];
    }
    let put = |shorter: &Vec<usize>| {
        (0..k)
            .map(|place| {
                let mut longer = shorter.clone();
                longer.insert(place, k - 1);
                longer
            })
            .collect::<Vec<_>>()
    };
    permutations(k - 1).iter().flat_map(put).collect()
}
