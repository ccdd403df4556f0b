//! Images that are made to excite: each filter, each class, and pairs of filters.

use seamripper_core::see::document::Pair;
use seamripper_core::see::dream::{self, Dream, Objective, Place, Unit, dream, largest};
use seamripper_core::see::{FilterLayer, LayerSurvey, Model, Survey, field};

use super::Seen;
use super::asked::Asked;
use super::sheets::{self, PairDreams};
use crate::diag::Outcome;
use crate::stages::Stages;
use crate::subject::Subject;

/// The image that excites each filter of each layer asked for, by name of the layer.
pub fn of_filters(model: &Model<'_>, asked: &Asked, stages: &mut Stages) -> Vec<(String, Vec<Dream>)> {
    let mut all = Vec::new();
    for layer in &asked.layers {
        let options = options(model, layer, asked);
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

/// What the middle place sees decides how far an image may be moved: a pattern of 5 pixels is gone when moved by 2.
fn options(model: &Model<'_>, layer: &FilterLayer, asked: &Asked) -> dream::Options {
    let middle = [layer.output[0] / 2, layer.output[1] / 2];
    let seen = field(model.graph, layer.response, middle);
    let size = [seen.rows.len().max(1), seen.columns.len().max(1), model.graph.input[2]];
    dream::Options { seed: asked.options.seed, ..dream::Options::of_size(size) }
}

/// The image that excites each class most.
pub fn of_classes(
    model: &Model<'_>,
    subject: &Subject,
    asked: &Asked,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let classes = subject.model.classes();
    let objectives: Vec<Objective> =
        (0..classes.len()).map(|class| Unit::class(model.graph, class).into()).collect();
    let options =
        dream::Options { seed: asked.options.seed, ..dream::Options::for_classes(model.graph.input) };
    let dreams = stages.run("classes: dreams", objectives.len() * options.steps, |done| {
        let largest: Vec<f32> =
            largest(model, &subject.images, &objectives).iter().map(|found| found.value).collect();
        dream(model, &objectives, &largest, &options, |step, _| done(step))
    });
    seen.document.add_dreams(None, &dreams);
    let canvas = sheets::classes(model, classes, &dreams).draw();
    seen.sheet("classes.png".to_owned(), &canvas, "the image that excites each class most")
}

/// Two filters of a layer, and the class that made them a pair.
struct Chosen {
    layer: FilterLayer,
    filters: [usize; 2],
    class: Option<usize>,
}

/// The image that excites two filters at once, beside those that excite each alone.
pub fn of_pairs(
    model: &Model<'_>,
    subject: &Subject,
    asked: &Asked,
    survey: Option<&Survey>,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let chosen: Vec<Chosen> = match survey.filter(|_| asked.pairs.is_empty()) {
        Some(survey) => preferring(model, asked, survey),
        None => {
            let pair = |(layer, filters): &(FilterLayer, [usize; 2])| Chosen {
                layer: layer.clone(),
                filters: *filters,
                class: None,
            };
            asked.pairs.iter().map(pair).collect()
        }
    };
    for same_layer in chosen.chunk_by(|a, b| a.layer == b.layer) {
        let layer = &same_layer[0].layer;
        let options = options(model, layer, asked);
        let unit = |filter| Unit::filter(layer, filter, Place::Center);
        let objectives: Vec<Objective> = (same_layer.iter().map(|chosen| chosen.filters))
            .flat_map(|[a, b]| [unit(a).into(), unit(b).into(), [unit(a), unit(b)].into()])
            .collect();
        let steps = objectives.len() * options.steps;
        let dreams = stages.run(&format!("{}: dreams of pairs", layer.name), steps, |done| {
            let largest: Vec<f32> =
                largest(model, &subject.images, &objectives).iter().map(|found| found.value).collect();
            dream(model, &objectives, &largest, &options, |step, _| done(step))
        });
        let mut drawn = Vec::new();
        for (chosen, dreams) in same_layer.iter().zip(dreams.chunks_exact(3)) {
            let class = chosen.class.map(|class| subject.model.classes()[class].clone());
            let [_, _, both] = dreams else { unreachable!("three a pair") };
            drawn.push(PairDreams { filters: chosen.filters, class: class.clone(), dreams });
            let (layer, largest) = (layer.name.clone(), both.largest.unwrap_or_default());
            seen.document.pairs.push(Pair {
                layer,
                filters: chosen.filters,
                class,
                value: both.value,
                largest,
            });
        }
        let canvas = sheets::pairs(model, layer, &drawn).draw();
        let about = format!("the image that excites two filters of {} at once", layer.name);
        seen.sheet(format!("pairs-{}.png", Seen::file_name(&layer.name)), &canvas, about)?;
    }
    Ok(())
}

/// For each class the two filters of the last convolution asked for that prefer it most; of a model without one, of the last layer.
fn preferring(model: &Model<'_>, asked: &Asked, survey: &Survey) -> Vec<Chosen> {
    let is_asked = |looked: &&LayerSurvey| asked.layers.contains(&looked.layer);
    let layers = || survey.layers.iter().filter(is_asked);
    let last =
        layers().rfind(|looked| looked.layer.is_convolution(model.graph)).or_else(|| layers().next_back());
    let Some(looked) = last else { return Vec::new() };
    let mut chosen: Vec<Chosen> = Vec::new();
    for class in 0..survey.class_images.len() {
        let mut filters: Vec<(usize, f64)> = (looked.filters.iter().enumerate())
            .filter(|(_, filter)| !filter.dead)
            .filter_map(|(index, filter)| Some((index, filter.selectivity[class]?)))
            .filter(|&(_, selectivity)| selectivity > 0.0)
            .collect();
        filters.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let [(a, _), (b, _), ..] = filters[..] else { continue };
        let filters = [a.min(b), a.max(b)];
        if chosen.iter().all(|pair| pair.filters != filters) {
            chosen.push(Chosen { layer: looked.layer.clone(), filters, class: Some(class) });
        }
    }
    chosen
}
