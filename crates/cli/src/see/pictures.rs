//! Images to look at: from the set by id, or from picture files.

use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{GenericImageView, ImageReader};
use seamripper_core::nearest::nearest;
use seamripper_core::sample::ImageSet;

use super::read_file;
use crate::diag::{Stop, tell};

/// An image to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its id, or the name of its file.
    pub id: String,
    /// `[h, w, c]`
    pub pixels: Vec<u8>,
    /// Its class, if it is known.
    pub label: Option<usize>,
}

/// The images of these names. A name that is an id of the set is that image; else it is a file.
pub fn find(names: &[String], set: &ImageSet, fit: bool, quiet: bool) -> Result<Vec<Shown>, Stop> {
    let ids: Vec<String> = (0..set.len()).map(|index| set.ids().id(index)).collect();
    names
        .iter()
        .map(|name| match ids.iter().position(|id| id == name) {
            Some(index) => Ok(Shown {
                id: name.clone(),
                pixels: set.image(index).to_vec(),
                label: Some(set.labels()[index] as usize),
            }),
            None if Path::new(name).is_file() => from_file(Path::new(name), set.size(), fit, quiet),
            None => {
                let near = nearest(name, ids.iter().map(String::as_str));
                let ends = ids.first().zip(ids.last());
                let hint = match (near, ends) {
                    (Some(near), _) => Some(format!("did you mean {near}?")),
                    (None, Some((first, last))) => Some(format!("ids go from {first} to {last}")),
                    (None, None) => None,
                };
                let found = "neither an id nor a file of that name";
                Err(Stop::problem(
                    format!("image {name}: expected an id of the split or a file, found {found}"),
                    hint,
                ))
            }
        })
        .collect()
}

fn from_file(path: &Path, size @ [h, w, c]: [usize; 3], fit: bool, quiet: bool) -> Result<Shown, Stop> {
    let shown = path.display();
    let bytes = read_file(path)?;
    let problem = |error: String| {
        let message = format!("image {shown}: expected a PNG, JPEG or WebP picture, found: {error}");
        Stop::problem(message, None)
    };
    let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format();
    let mut picture = reader
        .map_err(|error| problem(error.to_string()))?
        .decode()
        .map_err(|error| problem(error.to_string()))?;
    let (width, height) = picture.dimensions();
    if (width as usize, height as usize) != (w, h) {
        if !fit {
            return Err(Stop::problem(
                format!("image {shown}: expected {w} x {h} pixels, found {width} x {height}"),
                Some("--fit changes its size to the model's, without keeping its proportions".to_owned()),
            ));
        }
        picture = image::DynamicImage::from(resize(&picture, w as u32, h as u32, FilterType::Triangle));
        if !quiet {
            tell(format_args!(
                "note: {shown} was resized from {width} x {height} to {w} x {h} pixels (bilinear)"
            ));
        }
    }
    let colored = picture.color().has_color();
    let pixels = match c {
        1 => picture.to_luma8().into_raw(),
        3 => picture.to_rgb8().into_raw(),
        _ => {
            let message = format!("image {shown}: expected a model of grey or color images, found {size:?}");
            return Err(Stop::problem(message, None));
        }
    };
    if c == 1 && colored && !quiet {
        tell(format_args!("note: {shown} was made grey (ITU-R BT.709), as the model's images are"));
    }
    let id = path.file_name().map_or(shown.to_string(), |name| name.to_string_lossy().into_owned());
    Ok(Shown { id, pixels, label: None })
}
