//! A whole split: what every filter sees and is needed for, and where the images lie.

use seamripper_core::fail::statistics::exact_test::mcnemar_exact;
use seamripper_core::fail::statistics::multiple::benjamini_hochberg;
use seamripper_core::sample::ImageSet;
use seamripper_core::see::document::Place as Placed;
use seamripper_core::see::dream::{self, Objective, Place, Unit, dream};
use seamripper_core::see::{
    Ablation, MapOptions, Model, Replacement, Survey, ablate, ablation_steps, field, map, map_sample,
    penultimate, probe, survey,
};

use seamripper_core::tensor::argmax;

use super::asked::Asked;
use super::explain::judged;
use super::sheets::{self, Looked, Point};
use super::stages::Stages;
use super::{Part, Seen};
use crate::diag::Outcome;
use crate::subject::Subject;

/// Training images that a probe is fitted on at most.
const FITTED: usize = 10_000;

/// Sentences about filters at most.
const SENTENCES: usize = 5;

/// A filter is worth a sentence if a class' recall changes by so many points beyond chance.
const WORTH: f64 = 2.0;

/// Share of the sentences about filters that are chance, on average.
const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// Looks at the whole split.
pub fn look(
    model: &Model<'_>,
    subject: &Subject,
    asked: &Asked,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let set = &subject.images;
    let classes = &subject.model.classes;
    let filtered = asked.part(Part::Filters) || asked.part(Part::Ablation);
    let surveyed =
        filtered.then(|| stages.run("filters: exemplars", set.len(), |done| survey(model, set, done)));
    let ablated = surveyed.as_ref().filter(|_| asked.part(Part::Ablation)).map(|survey| {
        let steps = ablation_steps(survey, set);
        stages.run("filters: ablation", steps, |done| ablate(model, set, survey, Replacement::Zero, done))
    });
    if let Some(survey) = &surveyed {
        seen.document.add_survey(model.graph, survey, ablated.as_ref());
        describe(survey, seen);
    }
    if let Some(ablation) = &ablated {
        needed(classes, ablation, seen);
    }
    if let Some(training) = subject.training.as_ref().filter(|_| asked.part(Part::Probes)) {
        let step = training.len().div_ceil(FITTED).max(1);
        let fitted = training.select(&(0..training.len()).step_by(step).collect::<Vec<_>>());
        let steps = fitted.len() + set.len();
        let probes = stages.run("layers: linear probes", steps, |done| probe(model, &fitted, set, done));
        seen.document.add_probes(&probes);
    }
    let mut dreams = Vec::new();
    if asked.part(Part::Dreams) {
        dreams = dreamt(model, asked, stages);
        for (layer, dreams) in &dreams {
            seen.document.add_dreams(Some(layer), dreams);
        }
        classes_sheet(model, subject, asked, seen, stages)?;
    }
    if asked.part(Part::Trust) {
        seen.document.trust = Some(judged(model, subject, asked, stages));
    }
    if asked.part(Part::Map) {
        map_sheet(model, set, classes, seen, stages)?;
    }
    if let Some(survey) = &surveyed {
        let found = Found { survey, ablation: ablated.as_ref(), dreams: &dreams };
        layer_sheets(model, set, asked, &found, seen, stages)?;
    }
    Ok(())
}

/// The image that excites each filter of each layer asked for.
fn dreamt(model: &Model<'_>, asked: &Asked, stages: &mut Stages) -> Vec<(String, Vec<dream::Dream>)> {
    let mut all = Vec::new();
    for layer in &asked.layers {
        // What the middle place sees decides how far it may be moved: a pattern of 5 pixels is gone when moved by 2.
        let middle = [layer.output[0] / 2, layer.output[1] / 2];
        let seen = field(model.graph, layer.response, middle);
        let size = [seen.rows.len().max(1), seen.columns.len().max(1), model.graph.input[2]];
        let options = dream::Options { seed: asked.options.seed, ..dream::Options::of_size(size) };
        let objectives: Vec<Objective> =
            (0..layer.filters()).map(|filter| Unit::filter(layer, filter, Place::Center).into()).collect();
        let steps = objectives.len() * options.steps;
        let dreams = stages.run(&format!("{}: dreams", layer.name), steps, |done| {
            dream(model, &objectives, &[], &options, |step, _| done(step))
        });
        all.push((layer.name.clone(), dreams));
    }
    all
}

fn classes_sheet(
    model: &Model<'_>,
    subject: &Subject,
    asked: &Asked,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let classes = &subject.model.classes;
    let objectives: Vec<Objective> =
        (0..classes.len()).map(|class| Unit::class(model.graph, class).into()).collect();
    let options =
        dream::Options { seed: asked.options.seed, ..dream::Options::for_classes(model.graph.input) };
    let dreams = stages.run("classes: dreams", objectives.len() * options.steps, |done| {
        let largest: Vec<f32> =
            dream::largest(model, &subject.images, &objectives).iter().map(|found| found.value).collect();
        dream(model, &objectives, &largest, &options, |step, _| done(step))
    });
    seen.document.add_dreams(None, &dreams);
    let canvas = sheets::classes(model, classes, &dreams).draw();
    seen.sheet("classes.png".to_owned(), &canvas, "the image that excites each class most")
}

fn map_sheet(
    model: &Model<'_>,
    set: &ImageSet,
    classes: &[String],
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let options = MapOptions::default();
    let chosen = map_sample(set.len());
    let sample = set.select(&chosen);
    let points = stages.run("images: map", options.steps, |done| {
        map(model.isa, &penultimate(model, &sample, |_| {}), &options, done)
    });
    let place = |(index, at): (usize, &[f32; 2])| Placed { id: sample.ids().id(index), x: at[0], y: at[1] };
    seen.document.map = points.iter().enumerate().map(place).collect();
    let all: Vec<usize> = (0..sample.len()).collect();
    let logits = model.logits(&model.values_of(&sample, &all));
    let points: Vec<Point> = points
        .into_iter()
        .zip(sample.labels())
        .zip(logits.data().chunks_exact(classes.len()))
        .map(|((at, &label), row)| Point { at, label: label as usize, wrong: argmax(row) != label as usize })
        .collect();
    let title = format!("Where {} images lie before the last layer (t-SNE)", points.len());
    let note = "A dot an image, colored by its class; a cross where the model is wrong. Distances between groups mean little.";
    let canvas = sheets::map(&title, note, classes, &points);
    seen.sheet("map.png".to_owned(), &canvas, "where images lie before the last layer")
}

/// What was found of all layers.
struct Found<'a> {
    survey: &'a Survey,
    ablation: Option<&'a Ablation>,
    /// By name of the layer.
    dreams: &'a [(String, Vec<dream::Dream>)],
}

fn layer_sheets(
    model: &Model<'_>,
    set: &ImageSet,
    asked: &Asked,
    &Found { survey, ablation, dreams }: &Found<'_>,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let mut canvases = Vec::new();
    stages.run("sheets", asked.layers.len(), |done| {
        for (index, layer) in asked.layers.iter().enumerate() {
            let place =
                survey.layers.iter().position(|surveyed| surveyed.layer == *layer).expect("a surveyed layer");
            let made = dreams.iter().find(|(name, _)| *name == layer.name);
            let looked = Looked {
                survey: &survey.layers[place],
                ablation: ablation.map(|ablation| &ablation.layers[place]),
                dreams: made.map_or(&[][..], |(_, dreams)| dreams),
                images: survey.images,
            };
            if asked.part(Part::Filters) {
                let canvas = sheets::filters(model, set, &looked).draw();
                canvases.push((
                    format!("filters-{}.png", layer.name),
                    canvas,
                    format!("filters of {}", layer.name),
                ));
            }
            if let Some(ablation) = ablation {
                let canvas = sheets::ablation(set.classes(), ablation, &ablation.layers[place]);
                let about = format!("what each filter of {} is needed for, by class", layer.name);
                canvases.push((format!("ablation-{}.png", layer.name), canvas, about));
            }
            done(index + 1);
        }
    });
    canvases.into_iter().try_for_each(|(name, canvas, about)| seen.sheet(name, &canvas, about))
}

/// Dead and duplicate filters, in sentences.
fn describe(survey: &Survey, seen: &mut Seen) {
    for layer in &survey.layers {
        let name = &layer.layer.name;
        let dead: Vec<String> = (0..layer.filters.len())
            .filter(|&index| layer.filters[index].dead)
            .map(|index| format!("#{index}"))
            .collect();
        if !dead.is_empty() {
            let (n, are) = (dead.len(), if dead.len() == 1 { "is" } else { "are" });
            seen.text.push(format!(
                "{name}: {n} of {} filters {are} dead: {}",
                layer.filters.len(),
                listed(&dead)
            ));
        }
        let pairs: Vec<String> =
            layer.duplicates.iter().map(|pair| format!("#{} and #{}", pair.first, pair.second)).collect();
        if !pairs.is_empty() {
            seen.text.push(format!("{name}: filters that do the same: {}", listed(&pairs)));
        }
    }
}

/// The first few.
fn listed(names: &[String]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, and {} more", names[..12].join(", "), n - 12),
    }
}

/// The filters that classes need most, beyond chance.
fn needed(classes: &[String], ablation: &Ablation, seen: &mut Seen) {
    let mut found = Vec::new();
    for layer in &ablation.layers {
        for (filter, change) in layer.filters.iter().enumerate() {
            for class in (0..classes.len()).filter(|&class| ablation.class_images[class] > 0) {
                let (gained, lost) = (change.gained[class] as u64, change.lost[class] as u64);
                found.push((&layer.layer.name, filter, class, gained, lost, mcnemar_exact(gained, lost)));
            }
        }
    }
    let p: Vec<f64> = found.iter().map(|&(.., p)| p).collect();
    let corrected = benjamini_hochberg(&p);
    let points = |&(_, _, class, gained, lost, _): &(&String, usize, usize, u64, u64, f64)| {
        100.0 * (gained as f64 - lost as f64) / ablation.class_images[class] as f64
    };
    let mut worth: Vec<usize> = (0..found.len())
        .filter(|&index| corrected[index] <= FALSE_DISCOVERY_RATE && points(&found[index]) <= -WORTH)
        .collect();
    worth.sort_by(|&a, &b| points(&found[a]).total_cmp(&points(&found[b])).then(a.cmp(&b)));
    for &index in worth.iter().take(SENTENCES) {
        let (layer, filter, class, gained, lost, _) = found[index];
        let n = ablation.class_images[class] as f64;
        let before = ablation.right[class] as f64 / n;
        let after = before + (gained as f64 - lost as f64) / n;
        seen.text.push(format!(
            "without filter #{filter} of {layer}, {} recall falls from {before:.2} to {after:.2} (n = {n}, corrected p = {:.1e})",
            classes[class], corrected[index],
        ));
    }
    if worth.len() > SENTENCES {
        seen.text.push(format!(
            "{} more such pairs of filter and class are in the ablation sheets",
            worth.len() - SENTENCES
        ));
    }
}
