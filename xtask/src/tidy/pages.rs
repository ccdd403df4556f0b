//! Written pages: links lead somewhere, every page of `docs/` can be found, and the changelog has a place for what is new.

use std::collections::BTreeSet;

use super::page::{links, resolved};
use super::report::Report;
use super::tree::Tree;

const CHANGELOG: &str = "CHANGELOG.md";

/// The rule.
pub fn check(tree: &Tree, report: &mut Report) {
    let mut count = 0;
    let mut linked = BTreeSet::new();
    for page in tree.with_extension("md") {
        for link in links(page.text()) {
            count += 1;
            let target = resolved(&page.path, &link.target);
            if !tree.has(&target) {
                report.problem(&page.path, link.line, format_args!("a link to {target}, which is not there"));
            }
            if target != page.path {
                linked.insert(target);
            }
        }
    }
    for page in tree.with_extension("md").filter(|page| page.path.starts_with("docs/")) {
        if !linked.contains(&page.path) {
            report.problem(&page.path, 1, "no other page links to it, so nobody finds it");
        }
    }
    let unreleased = |line: &str| line.starts_with("## ") && line.to_lowercase().contains("unreleased");
    if !tree.file(CHANGELOG).is_some_and(|page| page.text().lines().any(unreleased)) {
        report.problem(CHANGELOG, 1, "expected a section `## [Unreleased]`, found none");
    }
    report.checked(count, "links of pages");
}

#[cfg(test)]
mod tests;
