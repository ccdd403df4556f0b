//! Who may import whom: the table `rooms` of ARCHITECTURE.md against every `use`, path and Cargo.toml.
//!
//! A row names a crate by its folder (`data`), or a room of the core (`core::graph`), and what it may import: crates, a
//! module of a crate (`kernels::warp`), and in a row of the core its rooms by their bare names. What is not listed is
//! forbidden; tests are excepted. The arrows must have no circle, and [`NEVER`] holds however the page is written.

use std::collections::{BTreeMap, BTreeSet};

use super::ARCHITECTURE;
use super::manifest::{Manifest, manifests};
use super::page::{Row, table};
use super::report::Report;
use super::tree::{File, Tree};

/// From the first room no way may lead to the second: failures are found in predictions made anywhere.
const NEVER: [(&str, &str); 1] = [("core::fail", "core::engine")];

/// Where the rooms of the core are.
const CORE: &str = "crates/core/src/";

/// The table: each room, its line, and what it may import, core rooms with `core::` before them.
struct Rooms(BTreeMap<String, (usize, Vec<String>)>);

/// The rule.
pub fn check(tree: &Tree, report: &mut Report) {
    let page = tree.file(ARCHITECTURE).map_or("", File::text);
    let Some(rows) = table(page, "rooms") else {
        report.problem(ARCHITECTURE, 1, "expected a table after `<!-- tidy: rooms -->`, found none");
        return;
    };
    let manifests = manifests(tree, report);
    let rooms = Rooms::of(&rows);
    rooms.check_names(tree, &manifests, report);
    rooms.check_circles(report);
    rooms.check_never(report);
    rooms.check_crates(&manifests, report);
    rooms.check_imports(tree, &manifests, report);
    report.checked(rooms.0.len(), "rooms");
}

impl Rooms {
    fn of(rows: &[Row]) -> Self {
        let mut rooms = BTreeMap::new();
        let named: BTreeSet<&str> = rows.iter().filter_map(|row| row.names(0).first().copied()).collect();
        for row in rows {
            let Some(&room) = row.names(0).first() else { continue };
            let full = |name: &&str| {
                let inside = format!("core::{name}");
                let is_room = room.starts_with("core::") && named.contains(inside.as_str());
                if is_room { inside } else { (*name).to_owned() }
            };
            rooms.insert(room.to_owned(), (row.line, row.names(1).iter().map(full).collect()));
        }
        Self(rooms)
    }

    fn allows(&self, room: &str, target: &str) -> bool {
        self.0.get(room).is_some_and(|(_, imports)| imports.iter().any(|import| import == target))
    }

    /// Every room has a row, and every row and import is a room.
    fn check_names(&self, tree: &Tree, manifests: &[Manifest], report: &mut Report) {
        let mut there: BTreeMap<String, &str> =
            manifests.iter().map(|manifest| (manifest.room.clone(), manifest.path.as_str())).collect();
        for file in tree.files() {
            if let Some(room) = room_of(&file.path) {
                there.entry(format!("core::{room}")).or_insert(&file.path);
            }
        }
        for (room, path) in &there {
            if !self.0.contains_key(room) {
                report.problem(path, 1, format_args!("`{room}` has no row in the rooms of {ARCHITECTURE}"));
            }
        }
        for (room, (line, imports)) in &self.0 {
            if !there.contains_key(room) {
                let text = format_args!("`{room}` is listed, but there is nothing in it");
                report.problem(ARCHITECTURE, *line, text);
            }
            for import in imports {
                let known = self.0.contains_key(import)
                    || import
                        .split_once("::")
                        .is_some_and(|(name, _)| name != "core" && self.0.contains_key(name));
                if !known {
                    report.problem(ARCHITECTURE, *line, format_args!("`{import}` is no room of this table"));
                }
            }
        }
    }

    /// Rooms that can be reached from `room` along allowed imports.
    fn reached<'a>(&'a self, room: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![room];
        while let Some(room) = open.pop() {
            let imports = self.0.get(room).map_or(&[][..], |(_, imports)| imports);
            open.extend(imports.iter().map(String::as_str).filter(|import| reached.insert(*import)));
        }
        reached
    }

    fn check_circles(&self, report: &mut Report) {
        for (room, (line, _)) in &self.0 {
            if self.reached(room).contains(room.as_str()) {
                let text = format_args!("imports lead from `{room}` back to `{room}`");
                report.problem(ARCHITECTURE, *line, text);
            }
        }
    }

    fn check_never(&self, report: &mut Report) {
        for (room, target) in NEVER {
            if self.reached(room).contains(target) {
                let line = self.0.get(room).map_or(1, |(line, _)| *line);
                let text = format_args!("imports lead from `{room}` to `{target}`, which must never be");
                report.problem(ARCHITECTURE, line, text);
            }
        }
    }

    /// Dependencies between our crates.
    fn check_crates(&self, manifests: &[Manifest], report: &mut Report) {
        for manifest in manifests {
            for dependency in manifest.dependencies.iter().filter(|dependency| !dependency.dev) {
                let target = manifests.iter().find(|other| other.package == dependency.package);
                if let Some(target) = target.filter(|target| !self.allows(&manifest.room, &target.room)) {
                    let text = forbidden(&manifest.room, &target.room);
                    report.problem(&manifest.path, dependency.line, text);
                }
            }
        }
    }

    /// Paths inside the core.
    fn check_imports(&self, tree: &Tree, manifests: &[Manifest], report: &mut Report) {
        let mut imports = 0;
        for file in tree.rust().filter(|file| !file.is_test()) {
            let Some(room) = room_of(&file.path) else { continue };
            let from = format!("core::{room}");
            let code = file.source().without_tests();
            let mut inside = code.heads("crate");
            inside.extend(code.heads_above(depth_of(&file.path)).into_iter().filter(|head| head.name != "*"));
            for head in inside {
                if head.name == "*" {
                    let text = "an import of the whole crate: name the rooms, so that they can be checked";
                    report.problem(&file.path, head.line, text);
                    continue;
                }
                let target = format!("core::{}", head.name);
                if target == from || !self.0.contains_key(&target) {
                    continue;
                }
                imports += 1;
                if !self.allows(&from, &target) {
                    report.problem(&file.path, head.line, forbidden(&from, &target));
                }
            }
            for manifest in manifests {
                for head in code.heads(&manifest.package.replace('-', "_")) {
                    imports += 1;
                    let part = format!("{}::{}", manifest.room, head.name);
                    if !self.allows(&from, &manifest.room) && !self.allows(&from, &part) {
                        report.problem(&file.path, head.line, forbidden(&from, &part));
                    }
                }
            }
        }
        report.checked(imports, "imports between rooms of the core, and from them");
    }
}

fn forbidden(from: &str, target: &str) -> String {
    format!("`{from}` may not import `{target}` ({ARCHITECTURE}, rooms)")
}

/// The room of the core a file belongs to.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix(CORE)?;
    let room = inside.split('/').next()?;
    let room = room.strip_suffix(".rs").unwrap_or(room);
    (room != "lib" && room != "tests").then_some(room)
}

/// How many modules lie between the crate and the code of a file.
fn depth_of(path: &str) -> usize {
    let inside = path.strip_prefix(CORE).unwrap_or(path).trim_end_matches(".rs").trim_end_matches("/mod");
    inside.split('/').count()
}

#[cfg(test)]
mod tests;
