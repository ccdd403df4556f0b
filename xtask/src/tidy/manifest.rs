//! Cargo.toml files: a crate's name and what it depends on, with lines.

use toml::de::{DeTable, DeValue};

use super::report::Report;
use super::tree::Tree;

/// One crate.
#[derive(Debug)]
pub struct Manifest {
    /// Path of its Cargo.toml.
    pub path: String,
    /// What the rooms table calls it: the name of its folder.
    pub room: String,
    /// `package.name`.
    pub package: String,
    /// Of all kinds and targets.
    pub dependencies: Vec<Dependency>,
}

/// One entry of a table of dependencies.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The package, also where it is renamed.
    pub package: String,
    /// Whether only tests and examples have it.
    pub dev: bool,
    /// Counted from 1.
    pub line: usize,
}

/// The crates of the workspace; its own file is none.
pub fn manifests(tree: &Tree, report: &mut Report) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    let ours = |path: &str| path.ends_with("/Cargo.toml") && !tree.is_excluded(path);
    for file in tree.files().filter(|file| ours(&file.path)) {
        let text = file.text();
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                report.problem(&file.path, line, format_args!("expected TOML, found: {}", error.message()));
                continue;
            }
        };
        let folder = file.path.trim_end_matches("/Cargo.toml");
        let package = table
            .get("package")
            .and_then(|package| package.get_ref().get("name"))
            .and_then(|name| name.get_ref().as_str());
        let mut dependencies = Vec::new();
        collect(&table, text, &mut dependencies);
        manifests.push(Manifest {
            path: file.path.clone(),
            room: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
            package: package.unwrap_or_default().to_owned(),
            dependencies,
        });
    }
    manifests
}

/// Adds the dependencies of a manifest, or of one of its `target` tables.
fn collect(table: &DeTable<'_>, text: &str, dependencies: &mut Vec<Dependency>) {
    for (key, value) in table {
        let Some(entries) = value.get_ref().as_table() else { continue };
        match key.get_ref().as_ref() {
            kind @ ("dependencies" | "build-dependencies" | "dev-dependencies") => {
                for (name, value) in entries {
                    let renamed =
                        value.get_ref().get("package").and_then(|package| package.get_ref().as_str());
                    dependencies.push(Dependency {
                        package: renamed.unwrap_or(name.get_ref()).to_owned(),
                        dev: kind == "dev-dependencies",
                        line: line_of(text, name.span().start),
                    });
                }
            }
            "target" => {
                for part in entries.values().filter_map(|part| DeValue::as_table(part.get_ref())) {
                    collect(part, text, dependencies);
                }
            }
            _ => {}
        }
    }
    dependencies.sort_by_key(|dependency| dependency.line);
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes()[..byte.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_dependencies_with_their_lines() {
        let text = "[package]\nname = \"seamripper-x\"\n\n[dependencies]\nb.workspace = true\n\n[dev-dependencies]\nc = \"1\"\n\n[target.'cfg(unix)'.dependencies]\nd = { version = \"1\", package = \"e\" }\n";
        let mut report = Report::default();
        let tree = Tree::of(&[("crates/x/Cargo.toml", text), ("Cargo.toml", "[workspace]")]);
        let found = manifests(&tree, &mut report);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].room.as_str(), found[0].package.as_str()), ("x", "seamripper-x"));
        let of = |package: &str, dev, line| Dependency { package: package.to_owned(), dev, line };
        assert_eq!(found[0].dependencies, [of("b", false, 5), of("c", true, 8), of("e", false, 11)]);
    }

    #[test]
    fn what_is_no_toml_is_a_problem() {
        let mut report = Report::default();
        manifests(&Tree::of(&[("crates/x/Cargo.toml", "[package]\nname = \n")]), &mut report);
        assert_eq!(report.problems().len(), 1);
        assert!(report.problems()[0].to_string().starts_with("crates/x/Cargo.toml:2: expected TOML"));
    }
}
