use std::collections::HashSet;
use std::sync::Arc;

use seamripper_core::sample::Ids;

use super::*;

const RECIPE: &str = r#"
[data]
source = "none"
validation = 0.2
folds = 4

[augment]
expand = [{ rotate = [-10, 10] }, { translate = [-1, 1] }]

[model]
input = [2, 2, 1]
layers = ["flatten", "dense 3"]
"#;

fn images(n: u32) -> ImageSet {
    let ids = Ids::Rows { prefix: Arc::from("train"), rows: (0..n).collect() };
    let classes: Arc<[String]> = Arc::from(["a", "b", "c"].map(str::to_owned).to_vec());
    ImageSet::new([2, 2, 1], vec![7; 4 * n as usize], (0..n).map(|index| index % 3).collect(), classes, ids)
}

/// The ids of images, changed copies called by what they are copies of.
fn originals(set: &ImageSet) -> HashSet<String> {
    let original = |id: String| id.split('+').next().unwrap_or_default().to_owned();
    (0..set.len()).map(|index| original(set.ids().id(index))).collect()
}

/// Neither an image of a fold nor a copy of one is trained on or looked at while the fold is out, and no copy of a validation
/// image is trained on.
#[test]
fn no_copy_crosses_a_fold() {
    let (recipe, images) = (Recipe::from_toml(RECIPE, "r.toml").unwrap(), images(120));
    let fold_of = dealt(&recipe, &images);
    let mut seen = HashSet::new();
    for fold in 0..4 {
        let (sets, held) =
            part_of(&recipe, &images, &fold_of, fold).unwrap_or_else(|_| panic!("fold {fold}"));
        let [train, validation, held] = [&sets.train, &sets.validation, &held].map(originals);
        assert_eq!((train.len(), sets.train.len(), validation.len(), held.len()), (72, 216, 18, 30));
        assert!(train.is_disjoint(&held) && validation.is_disjoint(&held) && train.is_disjoint(&validation));
        assert!(seen.is_disjoint(&held));
        seen.extend(held);
    }
    assert_eq!(seen, originals(&images), "every image is out once");
}

#[test]
fn rows_come_back_in_the_order_of_the_images_or_not_at_all() {
    let images = images(4);
    let table = |rows: &[usize]| Predictions {
        classes: images.classes().to_vec(),
        ids: rows.iter().map(|&row| images.ids().id(row)).collect(),
        splits: vec![Split::Train; rows.len()],
        labels: rows.iter().map(|&row| images.labels()[row]).collect(),
        probs: rows.iter().flat_map(|&row| [row as f64, 0.0, 0.0]).collect(),
    };
    let all = in_order(&images, &[table(&[3, 1]), table(&[0, 2])]).unwrap();
    assert_eq!((0..4).map(|row| all.row(row)[0]).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(in_order(&images, &[table(&[3, 1]), table(&[0])]), None, "one is missing");
    let mut other = table(&[0, 2]);
    other.labels[0] = 2;
    assert_eq!(in_order(&images, &[table(&[3, 1]), other]), None, "another label");
    let mut more = table(&[0, 2]);
    more.ids[1] = "train-00009".into();
    more.ids.push("train-00002".into());
    more.labels.push(2);
    more.probs.extend([2.0, 0.0, 0.0]);
    assert_eq!(in_order(&images, &[table(&[3, 1]), more]), None, "one too many");
}
