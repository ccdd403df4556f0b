//! What happened to the pictures of a data set, in lines for stderr.

use seamripper_core::digits::thousands;
use seamripper_core::recipe::Fit;
use seamripper_data::pictures::Photos;
use seamripper_data::source::Dataset;

/// Files that are named.
const NAMED: usize = 3;

/// What a reader should know before anything is made of the pictures.
pub fn said(photos: &Photos, dataset: &Dataset) -> Vec<String> {
    let count = |n: usize| thousands(n as u64);
    let mut lines = Vec::new();
    let left = photos.left_out.len();
    if left > 0 {
        lines.push(format!(
            "{} of {} files left out (`seamripper data` lists them, --strict refuses them):",
            count(left),
            count(photos.found)
        ));
        lines.extend(
            photos.left_out.iter().take(NAMED).map(|file| format!("  {}: {}", file.path, file.reason)),
        );
        if left > NAMED {
            lines.push(format!("  and {} more", count(left - NAMED)));
        }
    }
    if photos.resized > 0 {
        let [h, w, _] = dataset.train.size();
        let range =
            |[low, high]: [usize; 2]| if low == high { low.to_string() } else { format!("{low} to {high}") };
        let how = match photos.fit {
            Fit::Stretch => "stretched",
            Fit::Crop => "the middle cropped",
            Fit::Pad => "padded with black",
        };
        lines.push(format!(
            "{} pictures resized to {h} x {w} ({}, {how}); they are {} high and {} wide",
            count(photos.resized),
            photos.filter.name(),
            range(photos.heights),
            range(photos.widths)
        ));
    }
    if let Some(bytes) = photos.stored {
        lines.push(format!(
            "{} MB of pixels are kept in a file in the cache folder and read from there; it goes away with the program",
            thousands(bytes / 1_000_000)
        ));
    }
    if let (Some(share), Some(test)) = (photos.test, &dataset.test) {
        lines.push(format!(
            "no test part in the source: {} images, {:.0} % of every class, are held out as one (data.test); they are the same for every run",
            count(test.len()),
            100.0 * share
        ));
    }
    lines
}
