//! What files and modules are called, and what a golden folder holds.

use std::collections::BTreeSet;

use super::report::Report;
use super::tree::Tree;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

/// What every golden folder must have: how it was made, and by which versions.
const GOLDEN: [&str; 2] = ["generate.py", "versions.json"];

/// The rule.
pub fn check(tree: &Tree, report: &mut Report) {
    check_names(tree, report);
    check_golden(tree, report);
}

fn check_names(tree: &Tree, report: &mut Report) {
    let mut names = 0;
    for file in tree.files() {
        names += 1;
        for part in file.path.split('/') {
            let stem = part.split('.').find(|stem| !stem.is_empty()).unwrap_or(part);
            if let Some(word) = empty_word(stem) {
                report.problem(&file.path, 1, format_args!("`{word}` in a name: say what is in it"));
            }
        }
    }
    for file in tree.rust() {
        for head in file.source().names_of_modules() {
            if let Some(word) = empty_word(&head.name) {
                report.problem(&file.path, head.line, format_args!("`{word}` in a name: say what is in it"));
            }
        }
    }
    report.checked(names, "names of files");
}

fn empty_word(name: &str) -> Option<&str> {
    name.split(['_', '-', ' ']).find(|word| EMPTY_NAMES.contains(&word.to_lowercase().as_str()))
}

fn check_golden(tree: &Tree, report: &mut Report) {
    let mut folders = BTreeSet::new();
    for file in tree.files() {
        let parts: Vec<&str> = file.path.split('/').collect();
        if let ["crates", _, "tests", "golden", _, _, ..] = parts[..] {
            folders.insert(parts[..5].join("/"));
        }
    }
    for folder in &folders {
        for name in GOLDEN {
            let path = format!("{folder}/{name}");
            match tree.file(&path) {
                None => report.problem(&path, 1, "expected it in a golden folder, found none"),
                Some(file) if !file.text().contains(|symbol: char| symbol.is_ascii_digit()) => {
                    report.problem(&path, 1, "expected how the folder was made, found no number in it");
                }
                Some(_) => {}
            }
        }
    }
    report.checked(folders.len(), "golden folders");
}

#[cfg(test)]
mod tests;
