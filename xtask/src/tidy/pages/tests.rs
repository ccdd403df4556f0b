use super::check;
use crate::tidy::report::found;

const CHANGELOG: (&str, &str) = ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");

#[test]
fn links_that_lead_nowhere() {
    let readme = ("README.md", "[a](docs/a.md) and [crates](crates)\n[b](docs/b.md#part)\n");
    let page = ("docs/a.md", "[back](../README.md)\n[up](../CHANGES.md)\n[code](../crates/x/src/lib.rs)");
    assert_eq!(
        found(check, &[CHANGELOG, readme, page, ("crates/x/src/lib.rs", "")]),
        [
            "README.md:2: a link to docs/b.md, which is not there",
            "docs/a.md:2: a link to CHANGES.md, which is not there",
        ]
    );
}

#[test]
fn pages_that_nobody_finds() {
    assert_eq!(
        found(check, &[CHANGELOG, ("docs/a.md", "[a](a.md)")]),
        ["docs/a.md:1: no other page links to it, so nobody finds it"]
    );
    assert_eq!(found(check, &[CHANGELOG, ("docs/a.md", ""), ("README.md", "[a](docs/a.md)")]), [""; 0]);
}

#[test]
fn a_changelog_without_a_place_for_what_is_new() {
    let expected = ["CHANGELOG.md:1: expected a section `## [Unreleased]`, found none"];
    assert_eq!(
        found(check, &[("CHANGELOG.md", "# Changelog of unreleased things\n\n## [1.0.0]\n")]),
        expected
    );
    assert_eq!(found(check, &[]), expected);
}
