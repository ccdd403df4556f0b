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
