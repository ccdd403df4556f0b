//! Tests of recipes, one file a subject.

mod docs;
mod errors;
mod layer_errors;
mod overrides;
mod round_trip;
mod short;
mod transfer;
mod values;

use super::{Recipe, RecipeError};

/// A recipe around these lines of `[train]`.
fn with_train(lines: &str) -> Result<Recipe, RecipeError> {
    let text = format!(
        "[data]\nsource = \"s\"\n[model]\ninput = [4, 4, 1]\nlayers = [\"flatten\", \"dense 2\"]\n[train]\n{lines}"
    );
    Recipe::from_toml(&text, "r.toml")
}

/// A recipe around these layers, on 28 x 28 grey images.
fn with_layers(layers: &str) -> Result<Recipe, RecipeError> {
    let text = format!("[data]\nsource = \"s\"\n[model]\ninput = [28, 28, 1]\nlayers = [\n{layers}\n]\n");
    Recipe::from_toml(&text, "r.toml")
}

/// What the program prints.
fn printed(error: &RecipeError) -> String {
    match error.hint() {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {error}"),
    }
}

/// What the program prints for a recipe that must not be accepted.
fn rejected(result: Result<Recipe, RecipeError>) -> String {
    printed(&result.expect_err("this recipe must be rejected"))
}
