//! `[augment]`.

use super::value::{Bound, Fields, Reader, Value};
use crate::augment::{Affine, Crop, Erase, Transform};
use crate::recipe::AugmentOptions;

pub(super) const KEYS: [&str; 3] = ["expand", "online", "until"];

pub(super) const TRANSFORMS: [&str; 9] =
    ["rotate", "translate", "affine", "flip", "crop", "erase", "noise", "mixup", "cutmix"];

pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>, options: &mut AugmentOptions) {
    let Some(fields) = Fields::of(reader, value, "augment", &KEYS) else { return };
    fields.number(reader, "until", Bound::FACTOR, |x| options.until = x);
    for (name, list) in [("expand", &mut options.expand), ("online", &mut options.online)] {
        let key = fields.key(name);
        let Some(value) = fields.get(name) else { continue };
        let Some(array) = reader.array(value, &key, "transforms such as { rotate = [-30, 30] }") else {
            continue;
        };
        for value in array {
            let Some(transform) = transform(reader, value, &key) else { continue };
            if name == "expand" && matches!(transform, Transform::Mixup(_) | Transform::Cutmix(_)) {
                let hint = Some("put it into augment.online".to_owned());
                let rest = format!("expected a transform of single images, found {}", transform.name());
                reader.problem(&key, &key, Some(value.span()), &rest, hint);
            }
            list.push(transform);
        }
    }
}

fn transform(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Option<Transform> {
    let (word, body) = reader.choice(value, key, &TRANSFORMS)?;
    let key = format!("{key}.{word}");
    let Some(body) = body else {
        reader.unlike(value, &key, &format!("a table such as {}", example(word)));
        return None;
    };
    let number = |reader: &mut Reader<'_>, bound| reader.number(body, &key, bound);
    match word {
        "rotate" => reader.range(body, &key, Bound::ANY).map(Transform::Rotate),
        "translate" => reader.range(body, &key, Bound::ANY).map(Transform::Translate),
        "affine" => affine(reader, body, &key).map(Transform::Affine),
        "flip" => number(reader, Bound::PROBABILITY).map(Transform::Flip),
        "crop" => crop(reader, body, &key).map(Transform::Crop),
        "erase" => erase(reader, body, &key).map(Transform::Erase),
        "noise" => number(reader, Bound::NOT_NEGATIVE).map(Transform::Noise),
        "cutmix" => number(reader, Bound::POSITIVE).map(Transform::Cutmix),
        _ => number(reader, Bound::POSITIVE).map(Transform::Mixup),
    }
}

fn example(word: &str) -> &'static str {
    match word {
        "rotate" => "{ rotate = [-30, 30] }",
        "translate" => "{ translate = [-4, 4] }",
        "affine" => "{ affine = { rotate = [-10, 10], scale = [0.9, 1.1] } }",
        "flip" => "{ flip = 0.5 }",
        "crop" => "{ crop = { pad = 2 } }",
        "erase" => "{ erase = { probability = 0.5 } }",
        "noise" => "{ noise = 0.05 }",
        "cutmix" => "{ cutmix = 1.0 }",
        _ => "{ mixup = 0.2 }",
    }
}

fn affine(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Option<Affine> {
    let fields = Fields::of(reader, value, key, &["rotate", "translate", "scale", "shear"])?;
    let mut affine = Affine::default();
    fields.range(reader, "rotate", Bound::ANY, |range| affine.rotate = range);
    fields.range(reader, "translate", Bound::ANY, |range| affine.translate = range);
    fields.range(reader, "scale", Bound::POSITIVE, |range| affine.scale = range);
    fields.range(reader, "shear", Bound::ANGLE, |range| affine.shear = range);
    Some(affine)
}

fn crop(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Option<Crop> {
    let fields = Fields::of(reader, value, key, &["pad"])?;
    let mut crop = None;
    if fields.get("pad").is_none() {
        fields.missing(reader, "pad", "{ crop = { pad = 2 } }");
    }
    fields.size(reader, "pad", 1, |pad| crop = Some(Crop { pad }));
    crop
}

fn erase(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Option<Erase> {
    let fields = Fields::of(reader, value, key, &["probability", "area", "aspect"])?;
    let mut erase = Erase::default();
    fields.number(reader, "probability", Bound::PROBABILITY, |share| erase.probability = share);
    fields.range(reader, "area", Bound::PROBABILITY, |range| erase.area = range);
    fields.range(reader, "aspect", Bound::POSITIVE, |range| erase.aspect = range);
    Some(erase)
}
