//! The pointing game (Zhang et al. 2018, "Top-down Neural Attention by Excitation Backprop"): on a planted patch, which is the whole
//! reason for its class, a map's largest value must lie on the patch.

use super::planted::{PATCH_CLASS, SIDE, place, planted, planted_set};
use crate::see::saliency::{Explainer, Method, Options, Target};
use crate::see::trust::judge;

/// Share of images whose map must point at the patch.
const HITS: f64 = 0.95;

/// Pixels beside the patch that count as a hit: the game allows 15 of about 224.
const MARGIN: usize = 1;

#[test]
fn methods_that_pass_the_sanity_check_point_at_the_patch() {
    let owned = planted();
    let model = owned.model();
    let set = planted_set(300);
    let chosen: Vec<usize> = (0..set.len()).filter(|&index| set.labels()[index] == PATCH_CLASS).collect();
    let values = model.values_of(&set, &chosen);
    let options = Options::new(&model);
    let judges = &values[..16 * SIDE * SIDE];
    let judged = judge(&model, &options, &Method::ALL, judges, &[PATCH_CLASS as usize; 16], |_| {});
    let mut explainer = Explainer::new(model, options);
    let mut passed = Vec::new();
    for verdict in judged.verdicts.iter().filter(|verdict| verdict.passes_sanity == Some(true)) {
        let hit = |(&index, image): (&usize, &[f32])| {
            let map = explainer.explain(verdict.method, image, Target::Logit(PATCH_CLASS as usize)).map;
            let best =
                (1..map.len()).fold(0, |best, at| if map[at].abs() > map[best].abs() { at } else { best });
            let [row, column] = place(index);
            let near = |at: usize, begin: usize| (begin..begin + 4 + 2 * MARGIN).contains(&(at + MARGIN));
            near(best / SIDE, row) && near(best % SIDE, column)
        };
        let hits = chosen.iter().zip(values.chunks_exact(SIDE * SIDE)).map(hit).filter(|&hit| hit).count();
        let share = hits as f64 / chosen.len() as f64;
        assert!(share >= HITS, "{} points at the patch in {share:.2} of the images", verdict.method.name());
        passed.push(verdict.method);
    }
    for method in [Method::Gradient, Method::IntegratedGradients, Method::GradCam] {
        assert!(passed.contains(&method), "{} fails: {:?}", method.name(), judged.verdicts);
    }
}
