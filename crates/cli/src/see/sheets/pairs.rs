//! What excites two filters alone, and both at once.

use seamripper_core::see::dream::Dream;
use seamripper_core::see::{FilterLayer, Model};
use seamripper_sheets::{Line, Picture, Sheet, Tile};

/// Two filters of a layer.
pub struct PairDreams<'a> {
    /// The filters.
    pub filters: [usize; 2],
    /// The class that both prefer, if that made them a pair.
    pub class: Option<String>,
    /// For the first, the second, and both.
    pub dreams: &'a [Dream],
}

/// A tile a pair.
pub fn pairs(model: &Model<'_>, layer: &FilterLayer, pairs: &[PairDreams<'_>]) -> Sheet {
    let mut sheet = Sheet::new(format!("{}: the image that excites two filters at once", layer.name), 112);
    sheet.notes.push(
        "From left to right: what excites the first filter's middle place most, the second's, and the sum of both. \
         A share above 1 says that no image of the data excites both as much."
            .to_owned(),
    );
    for pair in pairs {
        let [a, b] = pair.filters;
        let picture =
            |dream: &Dream| dream.pixels.as_ref().map(|pixels| Picture::image(model.graph.input, pixels));
        let both = pair.dreams.last().expect("three dreams");
        let share = match (both.is_dead(), both.share()) {
            (true, _) => "nothing was found that excites both".to_owned(),
            (false, Some(share)) => format!("both: {share:.1} times the data's largest sum"),
            (false, None) => String::new(),
        };
        let prefer = pair.class.as_ref().map(|class| format!(", which prefer {class} most"));
        sheet.tiles.push(Tile {
            pictures: pair.dreams.iter().map(picture).collect(),
            caption: vec![Line::new(format!("#{a}, #{b}{}", prefer.unwrap_or_default())), Line::new(share)],
        });
    }
    sheet
}
