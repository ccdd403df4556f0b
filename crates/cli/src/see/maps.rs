//! Saliency maps of one image, with their badges, by whatever a model can: one with gradients, or one that only predicts.

use seamripper_core::see::Classifier;
use seamripper_core::see::document::{Badges, Map};
use seamripper_core::see::saliency::{Explanation, Method, Target};
use seamripper_core::see::trust::{Baseline, Judged, Verdict, curve, pixels_by_saliency, random_orders};
use seamripper_core::tensor::argmax;

use super::Seen;
use super::asked::Asked;
use super::earlier::trust_options;
use super::pictures::Shown;
use super::sheets::{self, Drawn};
use crate::diag::{Outcome, Stop};
use crate::stages::Stages;

/// Random orders that a map of one image is compared with.
const RANDOM_ORDERS: usize = 8;

/// An image as the model reads it, and what the model says of it.
pub struct Asking<'a> {
    /// The image.
    pub image: &'a Shown,
    /// `[h, w, c]`, what the first layer reads.
    pub values: &'a [f32],
    /// `[k]`
    pub logits: &'a [f32],
    /// Names of the classes.
    pub classes: &'a [String],
}

/// What came of it.
pub struct Mapped {
    /// The predicted class.
    pub predicted: usize,
    /// The explained class.
    pub class: usize,
    /// The sheet's name and what is on it.
    pub sheet: (String, String),
    /// The sheet.
    pub canvas: seamripper_sheets::Canvas,
}

impl Mapped {
    /// Writes the sheet.
    pub fn write(self, seen: &mut Seen) -> Outcome {
        let (name, about) = self.sheet;
        seen.sheet(name, &self.canvas, about)
    }
}

/// The verdicts on the methods asked for: those of an earlier look, and those of `judge` on the others.
pub fn judged(
    asked: &Asked,
    seen: &mut Seen,
    (stages, stage): (&mut Stages, &str),
    judge: impl FnOnce(&[Method], &mut dyn FnMut(usize)) -> Judged,
) {
    let made_with = trust_options(&asked.options);
    let before = seen.judged_before.take().filter(|before| before.options == made_with);
    let known: Vec<Verdict> = before.as_ref().map_or(Vec::new(), |before| before.judged.verdicts.clone());
    let is_known = |method: &Method| known.iter().any(|verdict| verdict.method == *method);
    let missing: Vec<Method> = asked.methods.iter().copied().filter(|method| !is_known(method)).collect();
    seen.reused = asked.methods.len() - missing.len();
    let judged = match before.filter(|_| missing.is_empty()) {
        Some(before) => before.judged,
        None => {
            let mut judged = stages.run(stage, missing.len(), |done| judge(&missing, done));
            judged.verdicts.extend(known);
            let place = |method| Method::ALL.iter().position(|&other| other == method);
            judged.verdicts.sort_by_key(|verdict| place(verdict.method));
            judged
        }
    };
    seen.document.trust = Some(judged);
    seen.document.trust_options = Some(made_with);
}

/// Makes the maps of an image with `explain`, and measures them by the predictions of `model`.
pub fn maps(
    model: &mut dyn Classifier,
    explain: &mut dyn FnMut(Method, &[f32], Target) -> Explanation,
    asked: &Asked,
    asking: &Asking<'_>,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Result<Mapped, Stop> {
    let Asking { image, values, logits, classes } = *asking;
    let [h, w, _] = model.input();
    let predicted = argmax(logits);
    let class = asked.target.unwrap_or(predicted);
    if asked.against == Some(class) {
        return Err(Stop::problem(
            format!(
                "--against: expected another class than the explained one, found \"{}\" twice",
                classes[class]
            ),
            Some("name another class with --target or --against".to_owned()),
        ));
    }
    let target = match asked.against {
        Some(against) => Target::Contrast { class, against },
        None => Target::Logit(class),
    };
    let names = [Some(classes[class].as_str()), asked.against.map(|class| classes[class].as_str())];
    let baselines = Baseline::ALL.map(|kind| kind.of(values, &asked.options.baseline, model.input()));
    let orders = random_orders(asked.options.seed, RANDOM_ORDERS, h * w);
    // Deletion and insertion with each baseline, mean over random orders.
    let random = baselines.each_ref().map(|baseline| {
        let mut mean = [0.0; 2];
        for order in &orders {
            let areas = curve(model, values, baseline, class, order).areas();
            mean.iter_mut().zip(areas).for_each(|(mean, area)| *mean += area / RANDOM_ORDERS as f64);
        }
        mean
    });
    let mut drawn = Vec::new();
    stages.run(&format!("{}: maps", image.id), asked.methods.len(), |done| {
        for (index, &method) in asked.methods.iter().enumerate() {
            let explanation = explain(method, values, target);
            let trust = seen.document.trust.as_ref().expect("methods were judged");
            let verdict = trust.verdicts.iter().find(|verdict| verdict.method == method);
            let mut badges = Badges::of(explanation.note.as_ref(), verdict);
            let order = pixels_by_saliency(&explanation.map);
            let areas =
                baselines.each_ref().map(|baseline| curve(model, values, baseline, class, &order).areas());
            badges.add_areas(areas, random);
            let map = Map::of(&image.id, method, names, &explanation, w, badges);
            drawn.push(Drawn { method, map: explanation.map, badges: map.badges.clone() });
            seen.document.saliency.push(map);
            done(index + 1);
        }
    });
    let said = Said::new(classes, logits, predicted, image.label, names);
    let canvas = sheets::saliency(model.input(), image, &said, &drawn).draw();
    let about = format!("{}: {}", image.id, said.sentence);
    seen.text.push(about.clone());
    let name = format!("saliency-{}.png", Seen::file_name(&image.id));
    Ok(Mapped { predicted, class, sheet: (name, about), canvas })
}

/// What a prediction is, in words.
pub struct Said {
    /// One sentence.
    pub sentence: String,
    /// What the maps explain.
    pub explained: String,
}

impl Said {
    fn new(
        classes: &[String],
        logits: &[f32],
        predicted: usize,
        label: Option<usize>,
        [target, against]: [Option<&str>; 2],
    ) -> Self {
        let largest = f64::from(logits[predicted]);
        let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
        let truth = match label {
            Some(label) if label == predicted => ", rightly".to_owned(),
            Some(label) => format!(", but it is {}", classes[label]),
            None => String::new(),
        };
        let sentence = format!("called {} with {:.0} %{truth}", classes[predicted], 100.0 / sum);
        let explained = match against {
            Some(against) => format!("what speaks for {} against {against}", target.unwrap_or_default()),
            None => format!("what speaks for {}", target.unwrap_or_default()),
        };
        Self { sentence, explained }
    }
}
