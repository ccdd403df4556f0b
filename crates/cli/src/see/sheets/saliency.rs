//! Saliency maps of one image, each with what it is worth.

use seamripper_core::see::document::Badges;
use seamripper_core::see::saliency::Method;
use seamripper_sheets::{Line, Picture, Sheet, Tile, palette};

use super::SIGNED;
use crate::see::maps::Said;
use crate::see::pictures::Shown;

/// What is said in place of the check's meaning where there is none.
const UNCHECKED: &str = "Sanity is not checked: the weights cannot be read, and so cannot be put out of order to see whether the maps change.";

/// A map that was made.
pub struct Drawn {
    /// By which method.
    pub method: Method,
    /// `[h, w]`
    pub map: Vec<f32>,
    /// What it is worth.
    pub badges: Badges,
}

/// The image and its maps.
pub fn saliency(size @ [h, w, _]: [usize; 3], image: &Shown, said: &Said, drawn: &[Drawn]) -> Sheet {
    let mut sheet = Sheet::new(format!("{}: {}", image.id, said.sentence), 224);
    sheet.notes.push(format!(
        "The maps show {}. {SIGNED} Maps that cannot be below 0: from dark blue, their smallest value, to yellow, their largest.",
        said.explained
    ));
    let is_checked = drawn.iter().any(|drawn| drawn.badges.sanity.is_some());
    let sanity = match is_checked {
        true => {
            "Sanity: how alike maps stay when all layers but the first are put out of order; from 0.5 on the method shows the image and not the model. \
         Smooth sanity: the same of maps averaged over noisy copies."
        }
        false => UNCHECKED,
    };
    sheet.notes.push(format!(
        "{sanity} Deletion and insertion: mean probability of the class while the most salient pixels are taken from the image, or put into an empty one; \
         in brackets the same for pixels in random order. What is empty is once blank and once the blurred image."
    ));
    let picture = Picture::image(size, &image.pixels);
    sheet
        .tiles
        .push(Tile { pictures: vec![Some(picture)], caption: captioned(vec![Line::new("the image")]) });
    for Drawn { method, map, badges } in drawn {
        let limit = palette::limit(map);
        let picture = match method.is_signed() {
            true => Picture::signed([h, w], map, limit),
            false => Picture::ramp([h, w], map, [map.iter().copied().fold(f32::INFINITY, f32::min), limit]),
        };
        sheet.tiles.push(Tile { pictures: vec![Some(picture)], caption: captioned(lines(*method, badges)) });
    }
    sheet
}

/// Six lines, so that pictures stand on one height.
fn captioned(mut lines: Vec<Line>) -> Vec<Line> {
    lines.resize(6, Line::new(""));
    lines
}

fn lines(method: Method, badges: &Badges) -> Vec<Line> {
    let layer = badges.layer.as_ref().map(|layer| format!(" of {layer}")).unwrap_or_default();
    let mut lines = vec![Line::new(format!("{}{layer}", method.name()))];
    if badges.sanity.is_none() && badges.smooth_sanity.is_none() {
        lines.push(Line::new("sanity: not checked:"));
        lines.push(Line::new("the weights cannot be read"));
        return with_areas(lines, badges);
    }
    match (badges.sanity, badges.sanity_score) {
        (Some(true), Some(score)) => lines.push(Line::new(format!("sanity: passes ({score:.2})"))),
        (Some(false), Some(score)) => {
            lines.push(Line::alarm(format!("sanity: FAILS ({score:.2}), do not trust it")))
        }
        _ => lines.push(Line::new("sanity: not checked")),
    }
    match (badges.smooth_sanity, badges.smooth_sanity_score) {
        (Some(true), Some(score)) => lines.push(Line::new(format!("smooth sanity: passes ({score:.2})"))),
        (Some(false), Some(score)) => {
            lines.push(Line::alarm(format!("smooth sanity: FAILS ({score:.2})")));
        }
        _ => lines.push(Line::new("smooth sanity: not checked")),
    }
    with_areas(lines, badges)
}

fn with_areas(mut lines: Vec<Line>, badges: &Badges) -> Vec<Line> {
    let pair = |name: &str, found: Option<f64>, random: Option<f64>| {
        let (Some(found), Some(random)) = (found, random) else { return String::new() };
        format!("{name} {found:.2} ({random:.2})")
    };
    lines.push(Line::new(format!(
        "blank: {}, {}",
        pair("del.", badges.deletion, badges.deletion_random),
        pair("ins.", badges.insertion, badges.insertion_random),
    )));
    lines.push(Line::new(format!(
        "blurred: {}, {}",
        pair("del.", badges.deletion_blurred, badges.deletion_blurred_random),
        pair("ins.", badges.insertion_blurred, badges.insertion_blurred_random),
    )));
    if let (Some(complete), Some(error), Some(steps)) =
        (badges.completeness, badges.completeness_error, badges.steps)
    {
        let text = format!("adds up within {:.1} %, {steps} steps", 100.0 * error);
        lines.push(if complete { Line::new(text) } else { Line::alarm(format!("INCOMPLETE: {text}")) });
    }
    lines
}
