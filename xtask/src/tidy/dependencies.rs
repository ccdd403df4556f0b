//! Every crate we did not write has a reason: the table `dependencies` of ARCHITECTURE.md against every Cargo.toml.
//!
//! A row names a package, who may have it (crates by their folder, `tests` for `[dev-dependencies]` anywhere), and why.

use std::collections::BTreeSet;

use super::ARCHITECTURE;
use super::manifest::manifests;
use super::page::table;
use super::report::Report;
use super::tree::{File, Tree};

/// What the table calls `[dev-dependencies]`.
const TESTS: &str = "tests";

/// The rule.
pub fn check(tree: &Tree, report: &mut Report) {
    let page = tree.file(ARCHITECTURE).map_or("", File::text);
    let Some(rows) = table(page, "dependencies") else {
        report.problem(ARCHITECTURE, 1, "expected a table after `<!-- tidy: dependencies -->`, found none");
        return;
    };
    // What is wrong with the files themselves is said by the rooms.
    let manifests = manifests(tree, &mut Report::default());
    let ours: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.package.as_str()).collect();
    let mut used = BTreeSet::new();
    for manifest in &manifests {
        for dependency in manifest.dependencies.iter().filter(|it| !ours.contains(it.package.as_str())) {
            let package = dependency.package.as_str();
            let user = if dependency.dev { TESTS } else { &manifest.room };
            used.insert((package, user));
            let row = rows.iter().find(|row| row.names(0).contains(&package));
            if !row.is_some_and(|row| row.names(1).contains(&user)) {
                let text = format!("`{user}` may not depend on `{package}` ({ARCHITECTURE}, dependencies)");
                report.problem(&manifest.path, dependency.line, text);
            }
        }
    }
    for row in &rows {
        for package in row.names(0) {
            for user in row.names(1).into_iter().filter(|user| !used.contains(&(package, user))) {
                let text = format_args!("`{package}` is listed for `{user}`, which does not have it");
                report.problem(ARCHITECTURE, row.line, text);
            }
        }
        if row.cells.get(2).is_none_or(String::is_empty) {
            report.problem(ARCHITECTURE, row.line, "expected a reason for the dependency, found none");
        }
    }
    report.checked(used.len(), "dependencies with a reason");
}

#[cfg(test)]
mod tests;
