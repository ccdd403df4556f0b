//! A tested artifact in words.

use super::{Compared, Tested};
use crate::digits::thousands;

/// `A white 4x4 patch in the top left corner turns 93 % of other images into Sandal (n = 898, 91 to 95 %); moved elsewhere it is 4 %.
/// 95 % of the Sandal images to train with carry it, 0 % of others.`
pub fn title(tested: &Tested, classes: &[String]) -> String {
    let class = &classes[tested.class];
    let put_in = &tested.put_in;
    let [low, high] = put_in.interval.map(|end| (100.0 * end.max(0.0)).round());
    let mut title = format!(
        "{} turns {} of other images into {class} (n = {}, 95 % interval {low:.0} to {high:.0} %)",
        capital(&tested.words),
        percent(put_in.effect.max(0.0)),
        thousands(put_in.n),
    );
    // of what was put in elsewhere, what turned more
    let elsewhere = [("moved", tested.moved), ("scattered", tested.scattered)];
    let most = elsewhere
        .into_iter()
        .filter_map(|(how, compared)| Some((how, turned_otherwise(put_in, &compared?))))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((how, share)) = most {
        title += &format!("; {how} elsewhere it is {}", percent(share));
    }
    title += ".";
    let association = &tested.association;
    if tested.of_training && association.carried_class > 0 {
        let share = |count: u64, of: u64| percent(count as f64 / of.max(1) as f64);
        title += &format!(
            " {} of the {class} images it was trained on carry it, {} of the others.",
            share(association.carried_class, association.n_class),
            share(association.carried_others, association.n_others),
        );
        if let Some(out) = &tested.taken_out {
            title += &format!(
                " Taken out of {} of them, {} are still called {class}, instead of {}.",
                thousands(out.n),
                percent(out.share_without()),
                percent(out.share_with()),
            );
        }
    }
    title
}

/// The share that is turned by what stands elsewhere.
fn turned_otherwise(put_in: &Compared, elsewhere: &Compared) -> f64 {
    (elsewhere.share_without() - put_in.share_without()).max(0.0)
}

fn percent(share: f64) -> String {
    let digits = usize::from(share > 0.0 && share < 0.01);
    format!("{:.digits$} %", 100.0 * share)
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
