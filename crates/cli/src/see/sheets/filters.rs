//! The filters of a layer: weights, what excites them, what they are needed for.

use seamripper_core::graph::{Graph, Source};
use seamripper_core::sample::ImageSet;
use seamripper_core::see::dream::Dream;
use seamripper_core::see::{FilterLayer, LayerAblation, LayerSurvey, Model, field};
use seamripper_sheets::{Color, Line, Picture, Sheet, Tile, palette};

use super::SIGNED;

/// Patches of a filter on its sheet.
const PATCHES: usize = 6;

/// Around the image.
const OUTSIDE: Color = [225, 225, 225];

/// What is known of the filters of a layer.
pub struct Looked<'a> {
    /// What they respond to.
    pub survey: &'a LayerSurvey,
    /// What they are needed for.
    pub ablation: Option<&'a LayerAblation>,
    /// The image that excites each most; empty if none were made.
    pub dreams: &'a [Dream],
    /// Images the survey was made with.
    pub images: usize,
}

/// A tile a filter.
pub fn filters(model: &Model<'_>, set: &ImageSet, looked: &Looked<'_>) -> Sheet {
    let layer = &looked.survey.layer;
    let [h, w, c] = layer.output;
    let convolution = layer.is_convolution(model.graph);
    let mut sheet = match convolution {
        true => Sheet::new(format!("{}: {c} filters, {h} x {w} places each", layer.name), 56),
        false => Sheet::new(format!("{}: {c} units", layer.name), 56),
    };
    let weights = reads_image(model.graph, looked);
    let mut columns = Vec::new();
    let colored = reads_colors(model.graph, looked);
    columns.extend(weights.then(|| match colored {
        true => "the weights (grey: 0; a weight above 0 adds its color, one below takes it away)".to_owned(),
        false => format!("the weights ({SIGNED})"),
    }));
    columns.extend((!looked.dreams.is_empty()).then(|| {
        format!(
            "what excites {}, made by gradient ascent",
            if convolution { "its middle place most" } else { "it most" }
        )
    }));
    columns.push(match convolution {
        true => format!(
            "the {PATCHES} patches that excite it most, one an image, what lies outside the image in grey"
        ),
        false => format!("the {PATCHES} images that excite it most"),
    });
    sheet.notes.push(format!("From left to right: {}.", columns.join("; ")));
    sheet.notes.push(format!(
        "Active: share of places where it responds, over {} images. Then the class it prefers, by its selectivity (-1 to 1). \
         Without it: change of accuracy when its response is set to 0, and the class whose recall changes most, in points.",
        looked.images
    ));
    sheet.tiles = (0..c).map(|filter| tile(model, set, looked, filter, weights)).collect();
    sheet
}

/// Whether a filter's weights can be seen as a picture: they lie on the image's channels.
fn reads_image(graph: &Graph, looked: &Looked<'_>) -> bool {
    let node = looked.survey.layer.node;
    let Some(conv) = graph.convolution(node) else { return false };
    let single = graph.input[2] / conv.groups == 1;
    graph.nodes[node].inputs == [Source::Input] && (single || reads_colors(graph, looked))
}

/// Whether a filter's weights lie on red, green and blue.
fn reads_colors(graph: &Graph, looked: &Looked<'_>) -> bool {
    let conv = graph.convolution(looked.survey.layer.node);
    graph.input[2] == 3 && conv.is_some_and(|conv| conv.groups == 1)
}

/// Weights `[kh, kw, 3]` as colors about the middle grey.
fn colored([kh, kw]: [usize; 2], weights: &[f32]) -> Picture {
    let limit = palette::limit(weights).max(f32::MIN_POSITIVE);
    let level = |&weight: &f32| (127.5 + 127.5 * weight / limit).round() as u8;
    Picture::image([kh, kw, 3], &weights.iter().map(level).collect::<Vec<_>>())
}

fn tile(model: &Model<'_>, set: &ImageSet, looked: &Looked<'_>, index: usize, weights: bool) -> Tile {
    let LayerSurvey { layer, filters, duplicates } = looked.survey;
    let filter = &filters[index];
    let mut pictures = Vec::new();
    if weights {
        let conv = model.graph.convolution(layer.node).expect("a convolution");
        let kernel = &model.graph.parameters[model.graph.nodes[layer.node].parameters[0]];
        let mut values: Vec<f32> =
            model.weights.of(kernel).iter().skip(index).step_by(conv.filters).copied().collect();
        pictures.push(Some(match reads_colors(model.graph, looked) {
            true => {
                if model.preprocessing.swaps() {
                    values.chunks_exact_mut(3).for_each(<[f32]>::reverse);
                }
                colored(conv.kernel, &values)
            }
            false => Picture::signed(conv.kernel, &values, palette::limit(&values)),
        }));
    }
    if let Some(dream) = looked.dreams.get(index) {
        let drawn = dream.pixels.as_ref().map(|pixels| Picture::image(model.graph.input, pixels));
        let middle = [layer.output[0] / 2, layer.output[1] / 2];
        pictures.push(drawn.filter(|_| !filter.dead).map(|image| patch(model, layer, &image, middle)));
    }
    for exemplar in filter.most.iter().take(PATCHES).filter(|_| !filter.dead) {
        let image = Picture::image(set.size(), &set.image(exemplar.index));
        pictures.push(Some(patch(model, layer, &image, [exemplar.row, exemplar.column])));
    }
    Tile { pictures, caption: caption(set, looked, index, duplicates) }
}

/// What the response at `place` can depend on.
fn patch(model: &Model<'_>, layer: &FilterLayer, image: &Picture, place: [usize; 2]) -> Picture {
    let region = field(model.graph, layer.response, place);
    let size = [region.rows.len().max(1), region.columns.len().max(1)];
    image.part([region.rows.start as isize, region.columns.start as isize], size, OUTSIDE)
}

fn caption(
    set: &ImageSet,
    looked: &Looked<'_>,
    index: usize,
    duplicates: &[seamripper_core::see::Duplicate],
) -> Vec<Line> {
    let filter = &looked.survey.filters[index];
    if filter.dead {
        let empty = || Line::new("");
        return vec![Line::alarm(format!("#{index}  DEAD: it never changes")), empty(), empty()];
    }
    let others: Vec<String> = duplicates
        .iter()
        .filter(|pair| pair.first == index || pair.second == index)
        .map(|pair| format!("#{}", if pair.first == index { pair.second } else { pair.first }))
        .collect();
    let head = format!("#{index}  {:.1} % active", 100.0 * filter.rate);
    let head = match others.is_empty() {
        true => Line::new(head),
        false => Line::alarm(format!("{head}, THE SAME AS {}", others.join(", "))),
    };
    let preferred = filter
        .selectivity
        .iter()
        .enumerate()
        .filter_map(|(class, selectivity)| selectivity.map(|s| (class, s)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let preferred = match preferred {
        Some((class, selectivity)) => format!("prefers {} ({selectivity:.2})", set.classes()[class]),
        None => String::new(),
    };
    vec![head, Line::new(preferred), Line::new(needed(set, looked, index))]
}

/// What the filter is needed for.
fn needed(set: &ImageSet, looked: &Looked<'_>, index: usize) -> String {
    let Some(ablation) = looked.ablation else { return String::new() };
    let change = &ablation.filters[index];
    let points = |net: i64, n: usize| 100.0 * net as f64 / n.max(1) as f64;
    let recalls = (0..set.classes().len()).map(|class| {
        let n = set.labels().iter().filter(|&&label| label as usize == class).count();
        (class, points(change.gained[class] as i64 - change.lost[class] as i64, n))
    });
    let most = recalls.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(&a.0)));
    let all = points(change.net(), set.len());
    match most {
        Some((class, recall)) if recall != 0.0 => {
            format!("without it {all:+.2}; {} {recall:+.1}", set.classes()[class])
        }
        _ => "without it nothing changes".to_owned(),
    }
}

/// The image that excites each class most.
pub fn classes(model: &Model<'_>, names: &[String], dreams: &[Dream]) -> Sheet {
    let mut sheet = Sheet::new("The image that excites each class most", 168);
    sheet.notes.push("Made by gradient ascent on the class' logit, from grey. A share above 1 says that no image of the data excites it as much.".to_owned());
    for (name, dream) in names.iter().zip(dreams) {
        let share = dream
            .share()
            .map(|share| format!("{share:.1} times the data's largest logit"))
            .unwrap_or_default();
        sheet.tiles.push(Tile {
            pictures: vec![dream.pixels.as_ref().map(|pixels| Picture::image(model.graph.input, pixels))],
            caption: vec![Line::new(name.clone()), Line::new(share)],
        });
    }
    sheet
}
