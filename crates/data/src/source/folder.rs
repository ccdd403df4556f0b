//! `folder:PATH`: pictures in folders, as torchvision's and Keras' loaders want them, or with a table as Hugging Face does.
//!
//! ```text
//! PATH/CLASS/…/picture.jpg                       one tree; a test split is held out by the program
//! PATH/{train,val,test}/CLASS/…/picture.jpg      val: also valid, validation, dev; any case
//! PATH/metadata.csv (or .jsonl)                  a table with `file_name`, `label`, perhaps `split`, `group`
//! PATH/{train,val,test}/metadata.csv             one a part
//! ```
//! Links are followed; one that leads back to a folder above it is reported. Names are ordered naturally ("2" before
//! "10"). Every file is either read or left out with a reason; files of a table or hidden files are no exception but for the
//! table itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use seamripper_core::sample::Split;

use super::table;
use super::{Dataset, first_file};
use crate::options::{OpenOptions, Progress};
use crate::photo::Fault;
use crate::pictures::{Encoded, Entry, LeftOut, Listing, Supply};
use crate::{Error, Result};

/// Names of pictures end so.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// Names of folders of parts, in small letters.
const PARTS: [(&str, Split); 9] = [
    ("train", Split::Train),
    ("training", Split::Train),
    ("val", Split::Validation),
    ("valid", Split::Validation),
    ("validation", Split::Validation),
    ("dev", Split::Validation),
    ("test", Split::Test),
    ("testing", Split::Test),
    ("eval", Split::Test),
];

/// The part a word names, in any case.
pub(super) fn part_named(word: &str) -> Option<Split> {
    let word = word.to_lowercase();
    PARTS.iter().find(|(name, _)| *name == word).map(|&(_, part)| part)
}

pub(super) fn open(root: &Path, options: &OpenOptions<'_>) -> Result<Dataset> {
    let io = |source| Error::Io { action: "read", path: root.to_owned(), source };
    (options.progress)(Progress::Reading { file: root });
    let mut parts = Vec::new();
    for entry in fs::read_dir(root).map_err(io)? {
        let entry = entry.map_err(io)?;
        if let Some(part) = entry.file_name().to_str().and_then(part_named).filter(|_| entry.path().is_dir())
        {
            parts.push((entry.path(), part));
        }
    }
    natural(&mut parts, |(path, _)| path.to_string_lossy().into_owned());
    let has_train = parts.iter().any(|&(_, part)| part == Split::Train);
    let tables = |folder: &Path| first_file(folder, ["metadata.csv", "metadata.jsonl"].map(str::to_owned));
    if let Some(table) = tables(root) {
        return table::open_metadata(&format!("folder:{}", root.display()), root, &[(table, None)], options);
    }
    if has_train && parts.iter().all(|(folder, _)| tables(folder).is_some()) {
        let tables: Vec<_> =
            parts.iter().map(|(folder, part)| (tables(folder).expect("all have one"), Some(*part))).collect();
        return table::open_metadata(&format!("folder:{}", root.display()), root, &tables, options);
    }
    let (listing, paths) = list(root, has_train);
    listing.read(options, || Ok(files(&paths)))
}

/// A supply of files.
pub(super) fn files(paths: &[PathBuf]) -> Supply<'_> {
    let mut rest = paths.iter();
    Box::new(move |most| Ok(rest.by_ref().take(most).map(|path| Encoded::File(path.clone())).collect()))
}

/// Sorts by natural order of names: "2" before "10".
pub(super) fn natural<T>(items: &mut [T], name: impl Fn(&T) -> String) {
    items.sort_by(|a, b| {
        let (a, b) = (name(a), name(b));
        natord::compare(&a, &b).then_with(|| a.cmp(&b))
    });
}

/// Every file under `root`: a picture of a class, or left out.
fn list(root: &Path, has_parts: bool) -> (Listing, Vec<PathBuf>) {
    let mut found: Vec<(String, PathBuf, Option<Split>, String)> = Vec::new();
    let mut left_out = Vec::new();
    let (mut folders, mut filled) = (BTreeSet::new(), BTreeSet::new());
    for entry in WalkDir::new(root).min_depth(1).follow_links(true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root);
                let fault = match error.loop_ancestor() {
                    Some(above) => Fault::new(
                        "a link to another place",
                        format!("one to {}, which it is in", above.display()),
                    ),
                    None => Fault::new("a file that can be read", error.to_string()),
                };
                left_out.push(LeftOut::new(inside(root, path).display().to_string(), &fault));
                continue;
            }
        };
        let relative = inside(root, entry.path());
        let place = place(relative, has_parts);
        if entry.file_type().is_dir() {
            if let Ok(Place::Class { class, .. }) = place {
                folders.insert(class);
            }
            continue;
        }
        match place.and_then(|place| place.of_picture(relative)) {
            Ok((id, part, class)) => {
                filled.insert(class.clone());
                found.push((id, entry.into_path(), part, class));
            }
            Err(fault) => left_out.push(LeftOut::new(relative.display().to_string(), &fault)),
        }
    }
    natural(&mut found, |(id, ..)| id.clone());
    natural(&mut left_out, |left| left.path.clone());
    let mut classes: Vec<String> = filled.iter().cloned().collect();
    natural(&mut classes, String::clone);
    let label =
        |class: &String| classes.iter().position(|known| known == class).expect("it is one of them") as u32;
    let entries = found
        .iter()
        .map(|(id, _, split, class)| Entry {
            id: id.clone(),
            label: label(class),
            split: *split,
            group: None,
        })
        .collect();
    let mut empty: Vec<String> = folders.difference(&filled).cloned().collect();
    natural(&mut empty, String::clone);
    let name = format!("folder:{}", root.display());
    let paths = found.into_iter().map(|(_, path, ..)| path).collect();
    (Listing { name, root: root.to_owned(), classes, entries, left_out, empty }, paths)
}

fn inside<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

/// Where a file or folder lies.
enum Place {
    /// Beside or above the folders of classes.
    Above,
    /// The folder of a class itself, or something in it.
    Class { part: Option<Split>, class: String },
}

/// Where `relative` lies, by its folders.
fn place(relative: &Path, has_parts: bool) -> std::result::Result<Place, Fault> {
    let mut names = Vec::new();
    for component in relative.components() {
        let Component::Normal(name) = component else { continue };
        let Some(name) = name.to_str() else {
            return Err(Fault::new("a name in UTF-8", format!("{}", Path::new(name).display())));
        };
        if name.starts_with('.') {
            return Err(Fault::new("a picture", "a hidden file"));
        }
        names.push(name);
    }
    let mut names = names.into_iter();
    let part = match (has_parts, names.next()) {
        (false, first) => {
            return Ok(first.map_or(Place::Above, |class| Place::Class { part: None, class: class.into() }));
        }
        (true, None) => return Ok(Place::Above),
        (true, Some(first)) => match part_named(first) {
            Some(part) => part,
            None => return Err(Fault::new("train, val or test beside train", format!("`{first}`"))),
        },
    };
    Ok(names.next().map_or(Place::Above, |class| Place::Class { part: Some(part), class: class.into() }))
}

impl Place {
    /// Id, part and class of a picture at this place.
    fn of_picture(self, relative: &Path) -> std::result::Result<(String, Option<Split>, String), Fault> {
        let extension = relative.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            let found =
                relative.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            return Err(Fault::new(format!("a name that ends in .{}", EXTENSIONS.join(", .")), found));
        }
        let depth = relative.components().count();
        match self {
            Self::Class { part, class } if depth > 1 + usize::from(part.is_some()) => {
                let names: Vec<_> = relative.iter().map(|name| name.to_string_lossy()).collect();
                Ok((names.join("/"), part, class))
            }
            _ => Err(Fault::new("a picture in the folder of its class", "one beside the classes")),
        }
    }
}
