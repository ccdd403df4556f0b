//! The reference, `docs/recipe.md`, is tried out.

use super::*;
use crate::graph::{Activation, Layer};

const REFERENCE: &str = include_str!("../../../../../docs/recipe.md");

/// The fenced blocks of one language, with the line they start at.
fn blocks(language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = REFERENCE.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.strip_prefix("```") == Some(language) {
            let body: Vec<_> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            found.push((number + 1, body.join("\n")));
        }
    }
    found
}

#[test]
fn every_example_is_a_recipe() {
    let examples = blocks("toml");
    assert!(examples.len() >= 8, "{}", examples.len());
    for (line, mut text) in examples {
        // an example of one table is completed with the least that the others need
        for (table, least) in [
            ("[data]", "source = \"fashion-mnist\""),
            ("[model]", "input = [28, 28, 1]\nlayers = [\"flatten\", \"dense 10\"]"),
        ] {
            if !text.lines().any(|line| line == table) {
                text.push_str(&format!("\n{table}\n{least}\n"));
            }
        }
        let read = Recipe::from_toml(&text, "docs/recipe.md");
        assert!(read.is_ok(), "the example at line {line}: {}", rejected(read));
    }
}

/// `docs/craft.md` has a row for every recipe that comes with the program, with its size and epochs.
#[test]
fn recipes_are_as_their_table_says() {
    let table = include_str!("../../../../../docs/craft.md");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect(folder) {
        let path = entry.expect(folder).path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let recipe = Recipe::from_toml(&std::fs::read_to_string(&path).unwrap(), &name).unwrap();
        let row = table.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let cells: Vec<&str> =
            row.unwrap_or_else(|| panic!("a row of {name}")).split('|').map(str::trim).collect();
        let parameters = recipe.graph().unwrap().parameter_count();
        assert_eq!(cells[3].replace(',', ""), parameters.to_string(), "parameters of {name}");
        assert_eq!(cells[4], recipe.train.epochs.to_string(), "epochs of {name}");
        assert!(
            parameters <= 45_770 || !["seed", "seed-plus", "best-45k"].contains(&&*name),
            "{name} is too large"
        );
        names.push(name);
    }
    assert!(names.len() >= 6, "{names:?}");
}

#[test]
fn every_override_is_one() {
    let seed = Recipe::from_toml(include_str!("../../../../../recipes/seed.toml"), "seed.toml").unwrap();
    let examples = blocks("sh");
    assert!(!examples.is_empty());
    for line in examples.iter().flat_map(|(_, text)| text.lines()) {
        let arguments = line.strip_prefix("seamripper train recipes/seed.toml ").expect("a call of train");
        let mut recipe = seed.clone();
        let result = recipe.override_all(arguments.split_whitespace());
        assert!(result.is_ok(), "{line}: {}", rejected(result.map(|()| recipe)));
        assert_ne!(recipe, seed, "{line} changes nothing");
    }
}

#[test]
fn every_key_and_word_is_there() {
    let mut words = vec!["from", "with", "stride", "valid", "same", "bias", "no_bias", "epsilon", "momentum"];
    words.extend([
        "groups",
        "multiplier",
        "dilation",
        "pad",
        "nearest",
        "bilinear",
        "method",
        "first",
        "channels",
    ]);
    words.extend(Layer::KINDS);
    words.extend(Activation::ALL.map(Activation::name));
    words.extend(super::super::read::keys());
    for word in words {
        assert!(REFERENCE.contains(&format!("`{word}`")), "`{word}` is not in docs/recipe.md");
    }
}
