//! Filter × class: what becomes of each class' recall without a filter.

use seamripper_core::see::Ablation;
use seamripper_sheets::{Canvas, Color, Picture, Weight};

use super::SIGNED;

const INK: Color = [20, 20, 20];
const CELL: [usize; 2] = [68, 15];
const MARGIN: usize = 16;
const NAME: usize = 60;

/// Classes in a table at most: those that change most.
const CLASSES: usize = 20;

/// The table of the layer at `index`, the most harmful filter to lose first: responses replaced by zero, and for all classes together
/// by the filter's mean, too.
pub fn ablation(classes: &[String], [ablation, by_mean]: &[Ablation; 2], index: usize) -> Canvas {
    let layer = &ablation.layers[index];
    let recall = |filter: usize, class: usize| {
        let change = &layer.filters[filter];
        let net = change.gained[class] as f64 - change.lost[class] as f64;
        100.0 * net / ablation.class_images[class].max(1) as f64
    };
    let images: usize = ablation.class_images.iter().sum();
    let accuracy = |filter: usize| 100.0 * layer.filters[filter].net() as f64 / images.max(1) as f64;
    let mean =
        |filter: usize| 100.0 * by_mean.layers[index].filters[filter].net() as f64 / images.max(1) as f64;
    let mut filters: Vec<usize> = (0..layer.filters.len()).collect();
    filters.sort_by(|&a, &b| accuracy(a).total_cmp(&accuracy(b)).then(a.cmp(&b)));
    let mut shown: Vec<usize> = (0..classes.len()).collect();
    let most = |class: usize| filters.iter().map(|&filter| recall(filter, class).abs()).fold(0.0, f64::max);
    if shown.len() > CLASSES {
        shown.sort_by(|&a, &b| most(b).total_cmp(&most(a)).then(a.cmp(&b)));
        shown.truncate(CLASSES);
    }
    let limit = shown.iter().map(|&class| most(class)).fold(0.0, f64::max).max(1e-9) as f32;
    let head = MARGIN + Weight::Title.height() + 2 * Weight::Plain.height() + 6;
    let title = format!("{}: what becomes of each class' recall without a filter", layer.layer.name);
    let text = Weight::Title.width(&title).max(NOTE.len() * 7);
    let width = (NAME + (shown.len() + 2) * CELL[0]).max(text) + 2 * MARGIN;
    let rows = filters.len() + 1;
    let mut canvas = Canvas::new(width, head + (rows + 1) * CELL[1] + MARGIN);
    canvas.text([MARGIN, MARGIN], &title, Weight::Title, INK);
    let second = MARGIN + Weight::Title.height();
    canvas.text([MARGIN, second], NOTE, Weight::Plain, [90; 3]);
    canvas.text([MARGIN, second + Weight::Plain.height()], SIGNED, Weight::Plain, [90; 3]);
    let x = |column: usize| MARGIN + NAME + column * CELL[0];
    canvas.text([x(0), head], "all", Weight::Small, INK);
    canvas.text([x(1), head], "all, mean", Weight::Small, INK);
    for (column, &class) in shown.iter().enumerate() {
        let name: String = classes[class].chars().take(CELL[0] / 6).collect();
        canvas.text([x(column + 2), head], &name, Weight::Small, INK);
    }
    for (row, &filter) in filters.iter().enumerate() {
        let y = head + (row + 1) * CELL[1];
        canvas.text([MARGIN, y + 2], &format!("#{filter}"), Weight::Small, INK);
        let values = [accuracy(filter), mean(filter)]
            .into_iter()
            .chain(shown.iter().map(|&class| recall(filter, class)));
        for (column, value) in values.enumerate() {
            cell(&mut canvas, [x(column), y], value, limit);
        }
    }
    canvas
}

const NOTE: &str = "Points of recall, and of accuracy under \"all\", when the filter's response is set to 0; under \"all, mean\", to its mean. Worst filter first.";

fn cell(canvas: &mut Canvas, [x, y]: [usize; 2], value: f64, limit: f32) {
    let [color] = Picture::signed([1, 1], &[value as f32], limit).pixels[..] else {
        unreachable!("one pixel")
    };
    canvas.fill([x, y], [CELL[0] - 1, CELL[1] - 1], color);
    let light = color.iter().map(|&level| u32::from(level)).sum::<u32>() > 330;
    let text = if value == 0.0 { "0".to_owned() } else { format!("{value:+.1}") };
    canvas.text([x + 3, y + 2], &text, Weight::Small, if light { INK } else { [255; 3] });
}
