//! Duplicates as a finding.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Pair, Place};
use crate::digits::thousands;
use crate::fail::finding::{EXAMPLES_MOST, Finding, Kind};
use crate::sample::ImageSet;

/// The duplicates of some sets as a finding, `None` if there are none: `effect` is the share of images that are copies of one
/// before them. Pairs with different labels are named first, because one of the two labels is wrong.
pub fn finding(sets: &[&ImageSet], pairs: &[Pair]) -> Option<Finding> {
    if pairs.is_empty() {
        return None;
    }
    let label = |place: Place| sets[place.set].labels()[place.index];
    let id = |place: Place| sets[place.set].ids().id(place.index);
    let copies: BTreeSet<Place> = pairs.iter().map(|pair| pair.second).collect();
    let equal: BTreeSet<Place> =
        pairs.iter().filter(|pair| pair.change.equal).map(|pair| pair.second).collect();
    let count = |is: &dyn Fn(&&Pair) -> bool| pairs.iter().filter(is).count();
    let different = count(&|pair| label(pair.first) != label(pair.second));
    let n: usize = sets.iter().map(|images| images.len()).sum();
    let mut by_label: Vec<&Pair> = pairs.iter().collect();
    by_label.sort_by_key(|pair| label(pair.first) == label(pair.second));
    let mut named = Vec::new();
    for place in by_label.iter().flat_map(|pair| [pair.first, pair.second]) {
        if named.len() < EXAMPLES_MOST && !named.contains(&place) {
            named.push(place);
        }
    }
    let labels = match different {
        0 => String::new(),
        1 => "; 1 pair has different labels".to_owned(),
        _ => format!("; {} pairs have different labels", thousands(different as u64)),
    };
    let title = format!(
        "{} of {} images {} of another: {} equal, {} shifted, mirrored or changed a little{labels}.",
        thousands(copies.len() as u64),
        thousands(n as u64),
        if copies.len() == 1 { "is a copy" } else { "are copies" },
        thousands(equal.len() as u64),
        thousands((copies.len() - equal.len()) as u64),
    );
    Some(Finding {
        kind: Kind::Duplicate,
        title,
        effect: copies.len() as f64 / n as f64,
        interval: None,
        p: None,
        p_corrected: None,
        confirmed: true,
        n: copies.len() as u64,
        harm: 0.0,
        examples: named.into_iter().map(id).collect(),
        evidence: json!({
            "pairs": pairs.len(),
            "equal": count(&|pair| pair.change.equal),
            "mirrored": count(&|pair| pair.change.mirrored),
            "shifted": count(&|pair| pair.change.shift != [0, 0]),
            "between_sets": count(&|pair| pair.first.set != pair.second.set),
            "different_labels": different,
        }),
    })
}
