//! MODEL on the command line: a recipe, a run folder or a model file, told apart by what is there.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use seamripper_core::graph::{ModelFile, from_safetensors};
use seamripper_core::nearest::nearest;
use seamripper_core::recipe::Recipe;

use crate::args::Global;
use crate::diag::Stop;
use crate::onnx_file::{Found, Unsaid};
use crate::runnable::Runnable;

/// The file of a run folder that holds the trained model.
const MODEL_FILE: &str = "model.safetensors";

/// What MODEL was.
#[derive(Debug)]
pub enum ModelSource {
    /// A network without weights.
    Recipe(Box<Recipe>),
    /// A trained model.
    Trained(Runnable),
}

impl ModelSource {
    /// Reads a recipe (`.toml`), a run folder or a model file (`.safetensors`, `.onnx`).
    pub fn read(path: &Path, global: &Global) -> Result<Self, Stop> {
        let readable = |model| Self::Trained(Runnable::Readable(Box::new(model)));
        if path.is_dir() {
            return read_run(path).map(readable);
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => read_recipe(path).map(|recipe| Self::Recipe(Box::new(recipe))),
            Some("safetensors") => read_trained(path).map(readable),
            _ if !path.exists() => Err(not_found(path)),
            Some("onnx") => {
                let found = crate::onnx_file::read(path, &Unsaid::default(), global.thread_count())?;
                found.tell_notes();
                Ok(Self::Trained(match found {
                    Found::Readable(read) => Runnable::Readable(Box::new(read.model)),
                    Found::Blackbox(file) => Runnable::Blackbox(file),
                }))
            }
            _ => Err(Stop::problem(
                format!(
                    "model {}: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found another file",
                    path.display()
                ),
                None,
            )),
        }
    }
}

/// Reads and checks a recipe that is to be trained; a run folder is none.
pub fn read_recipe_to_train(path: &Path) -> Result<Recipe, Stop> {
    if path.is_dir() {
        let shown = path.display();
        let is_run = path.join("recipe.toml").is_file();
        let hint = is_run.then(|| {
            format!(
                "`seamripper train --resume {shown}` goes on with this run; its recipe is {shown}/recipe.toml"
            )
        });
        return Err(Stop::problem(format!("recipe {shown}: expected a TOML file, found a folder"), hint));
    }
    if !path.exists() {
        return Err(absent(path, "recipe", "a TOML file", Vec::new()));
    }
    read_recipe(path)
}

/// Reads and checks a recipe.
pub fn read_recipe(path: &Path) -> Result<Recipe, Stop> {
    let bytes = read_file(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[place];
        let found = format!("byte 0x{byte:02x} at {place}");
        Stop::problem(format!("recipe {}: expected UTF-8 text, found {found}", path.display()), None)
    })?;
    Recipe::from_toml(&text, &path.display().to_string()).map_err(|error| Stop::problem(&error, error.hint()))
}

/// Reads and checks a model file.
pub fn read_trained(path: &Path) -> Result<ModelFile, Stop> {
    let bytes = read_file(path)?;
    from_safetensors(&bytes)
        .map_err(|error| Stop::problem(format!("model {}: {error}", path.display()), error.hint()))
}

fn read_run(folder: &Path) -> Result<ModelFile, Stop> {
    let file = folder.join(MODEL_FILE);
    if file.exists() {
        return read_trained(&file);
    }
    let hint = if folder.join("checkpoints").is_dir() {
        format!("it was not trained to the end: `seamripper train --resume {}` goes on", folder.display())
    } else {
        format!("`seamripper train RECIPE --out {}` writes it", folder.display())
    };
    let message = format!("run folder {}: expected {MODEL_FILE}, found none", folder.display());
    Err(Stop::problem(message, Some(hint)))
}

pub fn read_file(path: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => not_found(path),
        _ => unreadable(path, error),
    })
}

fn unreadable(path: &Path, reason: impl Display) -> Stop {
    Stop::problem(format!("model {}: expected a readable file, found: {reason}", path.display()), None)
}

/// Says what could have been meant by a model that is not there.
fn not_found(path: &Path) -> Stop {
    let runs = paths(Path::new("runs"), |path| path.join(MODEL_FILE).is_file());
    absent(path, "model", "a recipe (.toml), a run folder, a .safetensors or an .onnx file", runs)
}

/// Says what could have been meant by a path that is not there: a recipe, or one of `runs`.
fn absent(path: &Path, what: &str, kinds: &str, runs: Vec<PathBuf>) -> Stop {
    let recipes = recipes(path);
    let models: Vec<_> = recipes.iter().chain(&runs).map(|path| path.display().to_string()).collect();
    let hint = match (meant(path, &recipes, &models), recipes.is_empty()) {
        (Some(meant), _) => Some(format!("did you mean {meant}?")),
        (None, false) => {
            let names: Vec<_> = recipes.iter().map(|path| path.display().to_string()).collect();
            Some(format!("the recipes here are {}", names.join(", ")))
        }
        (None, true) => Some(
            "a recipe is a .toml file, as those in the folder recipes of seamripper's sources".to_owned(),
        ),
    };
    Stop::problem(format!("{what} {}: expected {kinds}, found nothing of that name", path.display()), hint)
}

/// The recipe whose name was given without folder or ending, or else the nearest path.
fn meant<'a>(path: &Path, recipes: &'a [PathBuf], models: &'a [String]) -> Option<&'a str> {
    let stem = path.file_stem()?.to_str()?;
    let named =
        |wanted: &str| recipes.iter().position(|recipe| recipe.file_stem().is_some_and(|s| s == wanted));
    let stems = || recipes.iter().filter_map(|recipe| recipe.file_stem()?.to_str());
    let place = named(stem).or_else(|| nearest(stem, stems()).and_then(named));
    match place {
        Some(place) => Some(&models[place]),
        None => nearest(path.to_str()?, models.iter().map(String::as_str)),
    }
}

/// Recipes in the folder `recipes`, and in the folder of `path`, if it names one.
fn recipes(path: &Path) -> Vec<PathBuf> {
    let is_recipe = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
    let mut found = paths(Path::new("recipes"), is_recipe);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        found.extend(paths(folder, is_recipe));
    }
    found.sort();
    found.dedup();
    found
}

/// What fits in `folder`, by name; nothing if it cannot be read.
fn paths(folder: &Path, fits: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| fits(path)).collect();
    found.sort();
    found
}
