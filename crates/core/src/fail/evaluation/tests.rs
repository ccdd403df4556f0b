use proptest::prelude::*;

use super::*;
use crate::sample::Split;

/// A table whose confusion matrix is `confusion`; every row is certain of its predicted class.
pub(in crate::fail) fn table_with_confusion(names: &[&str], confusion: &[&[u64]]) -> Predictions {
    let k = names.len();
    let (mut labels, mut probs) = (Vec::new(), Vec::new());
    for (label, row) in confusion.iter().enumerate() {
        assert_eq!(row.len(), k, "columns of row {label}");
        for (called, &count) in row.iter().enumerate() {
            for _ in 0..count {
                labels.push(label as u32);
                probs.extend((0..k).map(|class| f64::from(u8::from(class == called))));
            }
        }
    }
    Predictions {
        classes: names.iter().map(|&name| name.to_owned()).collect(),
        ids: (0..labels.len()).map(|row| format!("test-{row:05}")).collect(),
        splits: vec![Split::Test; labels.len()],
        labels,
        probs,
    }
}

#[test]
fn the_post_in_small() {
    // "sneaker" 60 % too often, at an accuracy that shows nothing
    let evaluation = evaluate(&table_with_confusion(
        &["Sneaker", "Boot", "Bag"],
        &[&[97, 2, 1], &[62, 36, 2], &[1, 1, 98]],
    ));
    let sneaker = &evaluation.classes[0];
    assert_eq!((sneaker.actual, sneaker.predicted, sneaker.bias), (100, 160, Some(1.6)));
    assert_eq!([evaluation.classes[0].flagged, evaluation.classes[1].flagged], [true, true]);
    assert!(!evaluation.classes[2].flagged);
    assert_eq!(evaluation.worst_first(), [1, 0, 2]);
    assert_eq!(evaluation.most_confused_with(2), Some((1, 3)));
    assert_eq!(evaluation.counts(0).errors(), 66);
}

#[test]
fn a_class_without_images_has_no_bias_and_no_intervals() {
    let evaluation = evaluate(&table_with_confusion(&["a", "b", "c"], &[&[9, 0, 0], &[0, 9, 0], &[0, 0, 0]]));
    let absent = serde_json::to_value(&evaluation.classes[2]).unwrap();
    for key in ["bias", "bias_ci", "recall_ci"] {
        assert!(absent[key].is_null(), "{key}: {}", absent[key]);
    }
    assert_eq!(
        (&absent["precision"], &absent["recall"], &absent["f1"]),
        (&0.0.into(), &0.0.into(), &0.0.into())
    );
    assert_eq!((absent["bias_p"].as_f64(), absent["flagged"].as_bool()), (Some(1.0), Some(false)));
    assert_eq!(evaluation.most_confused_with(2), None);
}

#[test]
fn a_class_without_images_that_is_predicted_is_flagged() {
    let evaluation =
        evaluate(&table_with_confusion(&["a", "b", "c"], &[&[50, 0, 20], &[0, 50, 0], &[0, 0, 0]]));
    assert_eq!((evaluation.classes[2].bias, evaluation.classes[2].flagged), (None, true));
}

#[test]
fn the_document_has_the_keys_of_its_schema() {
    let evaluation = evaluate(&table_with_confusion(&["a", "b"], &[&[3, 1], &[0, 4]]));
    let document = serde_json::to_value(&evaluation).unwrap();
    let keys = |value: &serde_json::Value| {
        value.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    insta::assert_snapshot!(keys(&document), @"accuracy accuracy_ci brier classes confusion ece log_loss n schema sentences");
    insta::assert_snapshot!(keys(&document["classes"][0]), @"actual bias bias_ci bias_p bias_p_corrected f1 flagged name precision predicted recall recall_ci");
    assert_eq!(document["schema"], "seamripper.eval/1");
    assert_eq!(document["confusion"], serde_json::json!([[3, 1], [0, 4]]));
    assert_eq!(serde_json::from_value::<Evaluation>(document).unwrap(), evaluation);
}

#[test]
#[should_panic(expected = "no images")]
fn an_empty_table_is_refused() {
    evaluate(&table_with_confusion(&["a", "b"], &[&[0, 0], &[0, 0]]));
}

proptest! {
    #[test]
    fn counts_add_up(cells in prop::collection::vec(0_u64..12, 16)) {
        prop_assume!(cells.iter().sum::<u64>() > 0);
        let rows: Vec<&[u64]> = cells.chunks(4).collect();
        let evaluation = evaluate(&table_with_confusion(&["a", "b", "c", "d"], &rows));
        prop_assert_eq!(&evaluation.confusion, &rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
        prop_assert_eq!(evaluation.classes.iter().map(|class| class.actual).sum::<u64>(), evaluation.n);
        prop_assert_eq!(evaluation.classes.iter().map(|class| class.predicted).sum::<u64>(), evaluation.n);
        let errors: u64 = (0..4).map(|class| evaluation.counts(class).errors()).sum();
        let wrong = evaluation.n - (0..4).map(|class| evaluation.confusion[class][class]).sum::<u64>();
        prop_assert_eq!(errors, 2 * wrong);
        for class in evaluation.classes.iter().filter(|class| class.flagged) {
            prop_assert!(class.bias_p <= class.bias_p_corrected && class.bias_p_corrected <= 0.05);
            prop_assert!(class.bias.is_none_or(|bias| (bias - 1.0).abs() >= 0.05));
        }
    }

    #[test]
    fn the_order_of_classes_changes_no_class(cells in prop::collection::vec(0_u64..12, 9)) {
        prop_assume!(cells.iter().sum::<u64>() > 0);
        let rows: Vec<&[u64]> = cells.chunks(3).collect();
        let reversed: Vec<Vec<u64>> = rows.iter().rev().map(|row| row.iter().rev().copied().collect()).collect();
        let reversed: Vec<&[u64]> = reversed.iter().map(Vec::as_slice).collect();
        let forward = evaluate(&table_with_confusion(&["a", "b", "c"], &rows));
        let mut backward = evaluate(&table_with_confusion(&["c", "b", "a"], &reversed));
        backward.classes.reverse();
        prop_assert_eq!(forward.classes, backward.classes);
    }
}
