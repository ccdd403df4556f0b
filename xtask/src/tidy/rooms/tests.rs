use super::check;
use crate::tidy::report::found;

const PAGE: &str = "<!-- tidy: rooms -->
| room | may import | |
|---|---|---|
| `kernels` | | |
| `core` | `kernels` | |
| `core::random` | | |
| `core::graph` | `random` | |
| `core::engine` | `graph`, `kernels` | |
| `core::augment` | `random`, `kernels::warp` | |
| `core::fail` | `random` | |
";

const KERNELS: &str = "[package]\nname = \"seamripper-kernels\"\n";
const CORE: &str =
    "[package]\nname = \"seamripper-core\"\n[dependencies]\nseamripper-kernels.workspace = true\n";

/// A tree that is as the page says, with `changes` instead or besides.
fn problems(changes: &[(&'static str, &'static str)]) -> Vec<String> {
    let mut files = vec![
        ("ARCHITECTURE.md", PAGE),
        ("crates/core/Cargo.toml", CORE),
        ("crates/kernels/Cargo.toml", KERNELS),
        ("crates/core/src/lib.rs", "pub mod random;"),
        ("crates/core/src/random.rs", ""),
        ("crates/core/src/graph/mod.rs", "use crate::random::Stream;"),
        (
            "crates/core/src/engine/mod.rs",
            "use crate::{graph::Graph};\nuse seamripper_kernels::gemm::Panels;",
        ),
        ("crates/core/src/augment/mod.rs", "use seamripper_kernels::warp;"),
        (
            "crates/core/src/fail/mod.rs",
            "use crate::fail::x;\n#[cfg(test)]\nmod tests { use crate::engine::E; }",
        ),
        ("crates/core/src/fail/tests.rs", "use crate::engine::Engine;"),
    ];
    for &(path, text) in changes {
        files.retain(|(other, _)| *other != path);
        files.push((path, text));
    }
    found(check, &files)
}

fn page(from: &str, to: &str) -> &'static str {
    assert!(PAGE.contains(from), "{from}");
    PAGE.replace(from, to).leak()
}

#[test]
fn the_tree_of_these_tests_is_tidy() {
    assert_eq!(problems(&[]), [""; 0]);
}

#[test]
fn an_import_that_is_not_listed() {
    let expected =
        "crates/core/src/fail/mod.rs:2: `core::fail` may not import `core::engine` (ARCHITECTURE.md, rooms)";
    for text in [
        "//!\nuse crate::engine::Engine;",
        "//!\nuse crate::{engine, random};",
        "//!\nfn f() { crate::engine::run() }",
        "//!\nuse super::engine::Engine;",
        "//!\nuse super::{random::Stream, engine::Engine};",
    ] {
        assert_eq!(problems(&[("crates/core/src/fail/mod.rs", text)]), [expected], "{text}");
    }
    let deep = problems(&[("crates/core/src/fail/deep/er.rs", "use super::super::super::engine::Engine;")]);
    assert_eq!(deep.len(), 1, "{deep:?}");
}

#[test]
fn an_import_of_everything() {
    let found = problems(&[("crates/core/src/fail/mod.rs", "use crate::*;")]);
    assert_eq!(
        found,
        [
            "crates/core/src/fail/mod.rs:1: an import of the whole crate: name the rooms, so that they can be checked"
        ]
    );
}

#[test]
fn another_part_of_a_crate_than_is_listed() {
    let path = "crates/core/src/augment/mod.rs";
    let found = problems(&[(path, "use seamripper_kernels::{warp, gemm};")]);
    assert_eq!(
        found,
        [format!("{path}:1: `core::augment` may not import `kernels::gemm` (ARCHITECTURE.md, rooms)")]
    );
    assert_eq!(problems(&[(path, "use seamripper_kernels as k;")]).len(), 1);
    assert_eq!(problems(&[("crates/core/src/graph/mod.rs", "use seamripper_kernels::warp;")]).len(), 1);
}

#[test]
fn a_crate_that_may_not_be_depended_on() {
    let text = "[package]\nname = \"seamripper-kernels\"\n[dependencies]\nseamripper-core.workspace = true\n";
    let expected = "crates/kernels/Cargo.toml:4: `kernels` may not import `core` (ARCHITECTURE.md, rooms)";
    assert_eq!(problems(&[("crates/kernels/Cargo.toml", text)]), [expected]);
    let dev = text.replace("[dependencies]", "[dev-dependencies]").leak();
    assert_eq!(problems(&[("crates/kernels/Cargo.toml", dev)]), [""; 0]);
}

#[test]
fn rooms_and_rows_that_lack_each_other() {
    assert_eq!(
        problems(&[("crates/core/src/see.rs", "")]),
        ["crates/core/src/see.rs:1: `core::see` has no row in the rooms of ARCHITECTURE.md"]
    );
    assert_eq!(
        problems(&[("ARCHITECTURE.md", page("| `core` |", "| `onnx` | | |\n| `core` |"))]),
        ["ARCHITECTURE.md:5: `onnx` is listed, but there is nothing in it"]
    );
    assert_eq!(
        problems(&[("ARCHITECTURE.md", page("| `core::random` | |", "| `core::random` | `tensor` |"))]),
        ["ARCHITECTURE.md:6: `tensor` is no room of this table"]
    );
    assert_eq!(
        problems(&[("ARCHITECTURE.md", "no table")]),
        ["ARCHITECTURE.md:1: expected a table after `<!-- tidy: rooms -->`, found none"]
    );
}

#[test]
fn a_page_that_allows_a_circle_or_what_must_never_be() {
    let circle =
        problems(&[("ARCHITECTURE.md", page("| `core::random` | |", "| `core::random` | `graph` |"))]);
    assert_eq!(
        circle,
        [
            "ARCHITECTURE.md:6: imports lead from `core::random` back to `core::random`",
            "ARCHITECTURE.md:7: imports lead from `core::graph` back to `core::graph`",
        ]
    );
    let around = page("| `core::fail` | `random` |", "| `core::fail` | `augment` |");
    let around = around.replace("`kernels::warp`", "`kernels::warp`, `engine`").leak();
    assert_eq!(
        problems(&[("ARCHITECTURE.md", around)]),
        ["ARCHITECTURE.md:10: imports lead from `core::fail` to `core::engine`, which must never be"]
    );
}
