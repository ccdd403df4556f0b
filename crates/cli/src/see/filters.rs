//! A whole split: what every filter sees and is needed for, and where the images lie.

use seamripper_core::fail::statistics::exact_test::mcnemar_exact;
use seamripper_core::fail::statistics::multiple::benjamini_hochberg;
use seamripper_core::sample::ImageSet;
use seamripper_core::see::document::Field;
use seamripper_core::see::dream::Dream;
use seamripper_core::see::{
    Ablation, FilterLayer, Model, Replacement, Survey, ablate, ablation_steps, effective_field, field,
    filter_layers, probe, survey,
};

use super::asked::Asked;
use super::explain::judged;
use super::sheets::{self, Looked};
use super::{Part, Seen, dreams, layout};
use crate::diag::Outcome;
use crate::stages::Stages;
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
    let classes = subject.model.classes();
    // Pairs of filters are chosen by what they respond to.
    let choose = asked.part(Part::Dreams) && asked.pairs.is_empty();
    let filtered = [Part::Filters, Part::Ablation, Part::Fields].into_iter().any(|part| asked.part(part));
    let surveyed = (filtered || choose)
        .then(|| stages.run("filters: exemplars", set.len(), |done| survey(model, set, done)));
    let ablated = surveyed.as_ref().filter(|_| asked.part(Part::Ablation)).map(|survey| {
        let steps = ablation_steps(survey, set);
        let mut stage = |name: &str, replacement| {
            stages.run(name, steps, |done| ablate(model, set, survey, replacement, done))
        };
        [stage("ablation: zero", Replacement::Zero), stage("ablation: mean", Replacement::Mean)]
    });
    if let Some(survey) = surveyed.as_ref().filter(|_| filtered) {
        seen.document.add_survey(model.graph, survey, ablated.as_ref().map(|both| both.each_ref()));
        describe(survey, seen);
    }
    if let Some([ablation, _]) = &ablated {
        needed(classes, ablation, seen);
    }
    if asked.part(Part::Fields) {
        fields(model, set, asked, seen, stages)?;
    }
    if let Some(training) = subject.training.as_ref().filter(|_| asked.part(Part::Probes)) {
        let step = training.len().div_ceil(FITTED).max(1);
        let fitted = training.select(&(0..training.len()).step_by(step).collect::<Vec<_>>());
        let steps = fitted.len() + set.len();
        let probes = stages.run("layers: linear probes", steps, |done| probe(model, &fitted, set, done));
        seen.document.add_probes(&probes);
    }
    let mut of_filters = Vec::new();
    if asked.part(Part::Dreams) {
        of_filters = dreams::of_filters(model, asked, stages);
        for (layer, dreams) in &of_filters {
            seen.document.add_dreams(Some(layer), dreams);
        }
        dreams::of_classes(model, subject, asked, seen, stages)?;
        dreams::of_pairs(model, subject, asked, surveyed.as_ref(), seen, stages)?;
    }
    if asked.part(Part::Trust) {
        judged(model, subject, asked, seen, stages);
    }
    if asked.part(Part::Map) {
        layout::look(model, set, classes, seen, stages)?;
    }
    if let Some(survey) = &surveyed {
        let found = Found { survey, ablations: ablated.as_ref(), dreams: &of_filters };
        layer_sheets(model, set, asked, &found, seen, stages)?;
    }
    Ok(())
}

/// Images that an effective receptive field is the mean over.
const FIELD_IMAGES: usize = 256;

/// The pixels that the middle of each layer depends on.
fn fields(model: &Model<'_>, set: &ImageSet, asked: &Asked, seen: &mut Seen, stages: &mut Stages) -> Outcome {
    let taken = set.len().min(FIELD_IMAGES);
    let images: Vec<usize> = (0..taken).map(|at| at * set.len() / taken).collect();
    let layers = filter_layers(model.graph);
    let found: Vec<Field> = stages.run("layers: receptive fields", layers.len(), |done| {
        let one = |(index, layer): (usize, &FilterLayer)| {
            let [h, w, _] = layer.output;
            let region = field(model.graph, layer.response, [h / 2, w / 2]);
            let effective = effective_field(model, set, &images, layer, None);
            done(index + 1);
            Field::of(&region, &effective, model.graph.input[1])
        };
        layers.iter().enumerate().map(one).collect()
    });
    let shown: Vec<(&str, &Field)> = (layers.iter().zip(&found))
        .filter(|(layer, _)| asked.layers.contains(layer))
        .map(|(layer, field)| (layer.name.as_str(), field))
        .collect();
    let canvas = sheets::fields(&shown, taken).draw();
    seen.document.add_fields(found);
    seen.sheet("fields.png".to_owned(), &canvas, "the pixels that the middle of each layer depends on")
}

/// What was found of all layers.
struct Found<'a> {
    survey: &'a Survey,
    /// By zero and by the mean.
    ablations: Option<&'a [Ablation; 2]>,
    /// By name of the layer.
    dreams: &'a [(String, Vec<Dream>)],
}

fn layer_sheets(
    model: &Model<'_>,
    set: &ImageSet,
    asked: &Asked,
    &Found { survey, ablations, dreams }: &Found<'_>,
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
                ablation: ablations.map(|[zero, _]| &zero.layers[place]),
                dreams: made.map_or(&[][..], |(_, dreams)| dreams),
                images: survey.images,
            };
            if asked.part(Part::Filters) {
                let canvas = sheets::filters(model, set, &looked).draw();
                canvases.push((
                    format!("filters-{}.png", Seen::file_name(&layer.name)),
                    canvas,
                    format!("filters of {}", layer.name),
                ));
            }
            if let Some(ablations) = ablations {
                let canvas = sheets::ablation(set.classes(), ablations, place);
                let about = format!("what each filter of {} is needed for, by class", layer.name);
                canvases.push((format!("ablation-{}.png", Seen::file_name(&layer.name)), canvas, about));
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
