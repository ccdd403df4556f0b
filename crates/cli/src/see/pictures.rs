//! Images to look at: from the set by id, or from picture files.

use std::path::Path;

use seamripper_core::nearest::nearest;
use seamripper_core::recipe::{Filter, Fit};
use seamripper_core::sample::ImageSet;
use seamripper_data::photo;

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
                pixels: set.image(index).into_owned(),
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
    if c != 1 && c != 3 {
        let message = format!("image {shown}: expected a model of grey or color images, found {size:?}");
        return Err(Stop::problem(message, None));
    }
    let problem = |fault: photo::Fault| Stop::problem(format!("image {shown}: {fault}"), None);
    let [height, width, channels] = photo::size(&bytes).map_err(problem)?;
    if [height, width] != [h, w] {
        if !fit {
            return Err(Stop::problem(
                format!("image {shown}: expected {w} x {h} pixels, found {width} x {height}"),
                Some("--fit changes its size to the model's, without keeping its proportions".to_owned()),
            ));
        }
        if !quiet {
            tell(format_args!(
                "note: {shown} was resized from {width} x {height} to {w} x {h} pixels (bilinear)"
            ));
        }
    }
    let mut pixels = vec![0; h * w * c];
    let picture = photo::decode(&bytes, c).map_err(problem)?;
    photo::fit(&picture, [h, w], Fit::Stretch, Filter::default(), &mut pixels);
    if c == 1 && channels == 3 && !quiet {
        tell(format_args!("note: {shown} was made grey (ITU-R BT.601), as the model's images are"));
    }
    let id = path.file_name().map_or(shown.to_string(), |name| name.to_string_lossy().into_owned());
    Ok(Shown { id, pixels, label: None })
}
