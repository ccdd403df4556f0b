//! A few images: saliency maps with their badges, and what every layer responds.

use seamripper_core::engine::{Executor, Wants};
use seamripper_core::see::document::{Badges, Map, Speaks};
use seamripper_core::see::saliency::{Cam, Explainer, Method, Target};
use seamripper_core::see::trust::{Baseline, Curves, Verdict, judge, pixels_by_saliency, random_orders};
use seamripper_core::see::{Model, contributions};

use seamripper_core::tensor::argmax;

use super::asked::Asked;
use super::earlier::trust_options;
use super::nearest;
use super::pictures::{Shown, find};
use super::sheets::{self, Drawn};
use super::stages::Stages;
use super::{See, Seen, windows};
use crate::diag::{Outcome, Stop};
use crate::subject::Subject;

/// Images by which methods are judged.
const JUDGES: usize = 16;

/// Filters that are named as speaking most for a class, and against it.
const SPEAKERS: usize = 3;

/// Random orders that a map of one image is compared with.
const RANDOM_ORDERS: usize = 8;

/// Looks at the images of `--image`.
pub fn look(
    model: &Model<'_>,
    subject: &Subject,
    verb: &See,
    asked: &Asked,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let shown = find(&verb.image, &subject.images, verb.fit, stages.is_quiet())?;
    judged(model, subject, asked, seen, stages);
    let explainer = Explainer::new(*model, asked.options.clone());
    let mut looking = Looking { model, subject, asked, explainer, curves: Curves::new(model) };
    for image in &shown {
        one(&mut looking, image, seen, stages)?;
    }
    match &subject.training {
        Some(training) => nearest::look(model, training, &shown, seen, stages),
        None => Ok(()),
    }
}

/// The methods, judged by the first images of the split. What an earlier look has found is not made again.
pub fn judged(model: &Model<'_>, subject: &Subject, asked: &Asked, seen: &mut Seen, stages: &mut Stages) {
    let made_with = trust_options(&asked.options);
    let before = seen.judged_before.take().filter(|before| before.options == made_with);
    let known: Vec<Verdict> = before.as_ref().map_or(Vec::new(), |before| before.judged.verdicts.clone());
    let is_known = |method: &Method| known.iter().any(|verdict| verdict.method == *method);
    let missing: Vec<Method> = asked.methods.iter().copied().filter(|method| !is_known(method)).collect();
    seen.reused = asked.methods.len() - missing.len();
    let judged = match before.filter(|_| missing.is_empty()) {
        Some(before) => before.judged,
        None => {
            let count = JUDGES.min(subject.images.len());
            let values = model.values_of(&subject.images, &(0..count).collect::<Vec<_>>());
            let classes: Vec<usize> =
                model.logits(&values).data().chunks_exact(model.graph.outputs()).map(argmax).collect();
            let mut judged = stages.run("saliency: sanity checks", missing.len(), |done| {
                judge(model, &asked.options, &missing, &values, &classes, done)
            });
            judged.verdicts.extend(known);
            let place = |method| Method::ALL.iter().position(|&other| other == method);
            judged.verdicts.sort_by_key(|verdict| place(verdict.method));
            judged
        }
    };
    seen.document.trust = Some(judged);
    seen.document.trust_options = Some(made_with);
}

/// What all images are looked at with.
struct Looking<'a> {
    model: &'a Model<'a>,
    subject: &'a Subject,
    asked: &'a Asked,
    explainer: Explainer<'a>,
    curves: Curves,
}

fn one(looking: &mut Looking<'_>, image: &Shown, seen: &mut Seen, stages: &mut Stages) -> Outcome {
    let Looking { model, subject, asked, explainer, curves } = looking;
    let classes = &subject.model.classes;
    let [h, w, _] = model.graph.input;
    let values = model.values(&image.pixels);
    let logits = model.logits(&values).into_data();
    let predicted = argmax(&logits);
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
    let baselines = Baseline::ALL.map(|kind| kind.of(&values, &asked.options.baseline, model.graph.input));
    let orders = random_orders(asked.options.seed, RANDOM_ORDERS, h * w);
    // Deletion and insertion with each baseline, mean over random orders.
    let random = baselines.each_ref().map(|baseline| {
        let mut mean = [0.0; 2];
        for order in &orders {
            let areas = curves.draw(&values, baseline, class, order).areas();
            mean.iter_mut().zip(areas).for_each(|(mean, area)| *mean += area / RANDOM_ORDERS as f64);
        }
        mean
    });
    let mut drawn = Vec::new();
    stages.run(&format!("{}: maps", image.id), asked.methods.len(), |done| {
        for (index, &method) in asked.methods.iter().enumerate() {
            let explanation = explainer.explain(method, &values, target);
            let trust = seen.document.trust.as_ref().expect("methods were judged");
            let verdict = trust.verdicts.iter().find(|verdict| verdict.method == method);
            let mut badges = Badges::of(explanation.note.as_ref(), verdict);
            let order = pixels_by_saliency(&explanation.map);
            let areas =
                baselines.each_ref().map(|baseline| curves.draw(&values, baseline, class, &order).areas());
            badges.add_areas(areas, random);
            let map = Map::of(&image.id, method, names, &explanation, w, badges);
            drawn.push(Drawn { method, map: explanation.map, badges: map.badges.clone() });
            seen.document.saliency.push(map);
            done(index + 1);
        }
    });
    let mut cam = Cam::new(model);
    // An image that the model gets wrong is asked the question that matters: why this and not what it is?
    let speaks = match (asked.against, image.label) {
        (None, Some(label)) if asked.target.is_none() && label != predicted => (class, Some(label)),
        _ => (class, asked.against),
    };
    let question = match speaks {
        (class, Some(against)) => Target::Contrast { class, against },
        (class, None) => Target::Logit(class),
    };
    let layers = contributions(model, &mut cam, &values, question);
    let [for_class, against] =
        [Some(speaks.0), speaks.1].map(|class| class.map(|class| classes[class].clone()));
    let said = Said::new(classes, &logits, predicted, image.label, names);
    let sheet = sheets::saliency(model.graph.input, image, &said, &drawn);
    let name = Seen::file_name(&image.id);
    let about = format!("{}: {}", image.id, said.sentence);
    seen.text.push(about.clone());
    let for_class = for_class.unwrap_or_default();
    let opposed = against.as_ref().map(|against| format!(" and not {against}")).unwrap_or_default();
    for layer in &layers {
        let numbers = |filters: &[usize]| {
            filters.iter().map(|filter| format!("#{filter}")).collect::<Vec<_>>().join(", ")
        };
        let [pro, con] = layer.extremes(SPEAKERS).map(|filters| numbers(&filters));
        let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        seen.text.push(format!(
            "{}: for {for_class}{opposed} speak filters {} of {}; against it {}",
            image.id,
            or_none(pro),
            layer.layer,
            or_none(con)
        ));
    }
    seen.document.contributions.push(Speaks { id: image.id.clone(), target: for_class, against, layers });
    seen.sheet(format!("saliency-{name}.png"), &sheet.draw(), about)?;
    windows::look(model, asked, image, &values, seen)?;
    responses(model, asked, image, &values, seen, stages)
}

/// A sheet a layer: what every filter responds to the image.
fn responses(
    model: &Model<'_>,
    asked: &Asked,
    image: &Shown,
    values: &[f32],
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let mut engine = model.engine(1, Wants { taps: true, ..Wants::INFERENCE });
    engine.run_forward(values);
    let layers: Vec<_> = asked.layers.iter().filter(|layer| layer.is_convolution(model.graph)).collect();
    let mut canvases = Vec::new();
    stages.run(&format!("{}: activations", image.id), layers.len(), |done| {
        for (index, layer) in layers.iter().enumerate() {
            let response = engine.tap(layer.response).expect("compiled with taps");
            let sheet = sheets::responses(layer, &image.id, response.data());
            canvases.push((
                format!("activations-{}-{}.png", Seen::file_name(&image.id), layer.name),
                sheet.draw(),
            ));
            done(index + 1);
        }
    });
    for (layer, (name, canvas)) in layers.iter().zip(canvases) {
        seen.sheet(name, &canvas, format!("{}: what the filters of {} respond", image.id, layer.name))?;
    }
    Ok(())
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
