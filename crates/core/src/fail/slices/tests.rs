use insta::assert_snapshot;

use super::clusters::k_means;
use super::*;
use crate::fail::evaluation::tests::table_with_confusion;
use crate::random::{Purpose, Stream};

mod simulation;

/// 600 bags and 600 shirts; a bag below 0.2 is wrong in three of ten cases, everything else in one of twenty-five.
fn bags() -> (Predictions, Vec<Property>) {
    let mut table = table_with_confusion(&["Bag", "Shirt"], &[&[600, 0], &[0, 600]]);
    let value = |row: usize| (row * 7 % 100) as f64 / 100.0;
    for row in 0..1_200 {
        let often = row < 600 && value(row) < 0.2;
        if if often { row % 10 < 3 } else { row % 25 == 0 } {
            table.probs.swap(2 * row, 2 * row + 1);
        }
    }
    let words = ["dark", "bright"].map(str::to_owned);
    let values = properties_values((0..1_200).map(value).collect());
    (table, vec![Property { name: "brightness".to_owned(), values, words }])
}

fn properties_values(values: Vec<f64>) -> crate::fail::properties::Values {
    crate::fail::properties::Values::Numbers(values)
}

#[test]
fn a_slice_in_words() {
    let (table, properties) = bags();
    let slices = find(&table, &properties, None, &SliceOptions::default());
    let best = &slices.slices[0];
    assert!(best.confirmed && best.scope == Scope::True(0));
    assert_snapshot!(best.title(&table), @"Bag, dark: 33 % wrong against 3 % of the other Bag images (n = 63, 95 % interval of the difference 20 to 43 points).");
    let finding = best.finding(&table);
    assert_eq!((finding.n, finding.examples.len().min(1)), (best.n, 1));
    assert_eq!(finding.evidence["conditions"], serde_json::json!(["dark"]));
    assert_eq!(finding.evidence["wrongly_called"][0]["class"], "Shirt");
    let dark = best.rows.iter().all(|&row| row < 600 && (row as usize * 7 % 100) < 20);
    assert!(dark && best.rows.len() == 120, "{}", best.rows.len());
    assert!(best.examples.iter().all(|row| best.rows.contains(row)));
}

#[test]
fn tables_in_which_nothing_can_be_found() {
    let perfect = table_with_confusion(&["a", "b"], &[&[90, 0], &[0, 90]]);
    let hopeless = table_with_confusion(&["a", "b"], &[&[0, 90], &[90, 0]]);
    let small = table_with_confusion(&["a", "b"], &[&[5, 3], &[2, 5]]);
    let empty = table_with_confusion(&["a", "b"], &[&[0, 0], &[0, 0]]);
    for table in [perfect, hopeless, small, empty] {
        let values: Vec<f64> =
            (0..table.len()).map(|row| if row % 9 == 0 { f64::NAN } else { row as f64 }).collect();
        let properties = [Property::numbers("age", values), Property::names("site", &vec!["x"; table.len()])];
        let embeddings = Tensor::new([table.len(), 2], vec![0.5; 2 * table.len()]);
        assert_eq!(find(&table, &properties, Some(&embeddings), &SliceOptions::default()).slices, []);
    }
}

#[test]
fn the_number_of_threads_and_a_second_run_change_nothing() {
    let (table, properties) = bags();
    let mut stream = Stream::new(0, Purpose::Test, 61, 0);
    let embeddings = Tensor::new([1_200, 4], (0..4_800).map(|_| stream.normal() as f32).collect());
    let run =
        || find(&table, &properties, Some(&embeddings), &SliceOptions { seed: 3, ..Default::default() });
    let threads = seamripper_kernels::parallel::Threads::new(Some(3)).unwrap();
    assert_eq!(threads.run(run), run());
}

#[test]
fn clusters_that_lie_apart() {
    let mut stream = Stream::new(0, Purpose::Test, 62, 0);
    let points: Vec<f32> = (0..300)
        .flat_map(|i| [0.0, (i % 3) as f64 * 20.0].map(|center| (center + stream.normal()) as f32))
        .collect();
    let clusters = k_means(&points, 2, 3, 5);
    for i in 3..300 {
        assert_eq!(clusters.of[i].0, clusters.of[i % 3].0);
    }
    assert_ne!(clusters.of[0].0, clusters.of[1].0);
    // fewer different points than clusters
    assert_eq!(k_means(&[1.0, 2.0, 1.0, 2.0, 1.0], 1, 4, 0).centers.len(), 2);
    assert!(k_means(&[], 2, 4, 0).centers.is_empty());
}

#[test]
#[should_panic(expected = "values of age")]
fn properties_of_other_images_are_refused() {
    let (table, _) = bags();
    find(&table, &[Property::numbers("age", vec![1.0])], None, &SliceOptions::default());
}
