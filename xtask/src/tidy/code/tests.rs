use super::check;
use crate::tidy::report::found;

const PAGE: &str = "<!-- tidy: limits -->\n| files | lines |\n|---|---|\n| `code` | 5 |\n| `tests` | 8 |\n";

fn problems(path: &str, text: &str) -> Vec<String> {
    found(check, &[("ARCHITECTURE.md", PAGE), (path, text)])
}

#[test]
fn unsafe_outside_the_kernels() {
    let text = "//! unsafe\nfn f() { unsafe { g() } }";
    assert_eq!(
        problems("crates/data/src/a.rs", text),
        ["crates/data/src/a.rs:2: `unsafe` outside crates/kernels/"]
    );
    assert_eq!(problems("crates/data/tests/it/a.rs", text).len(), 1);
    assert_eq!(problems("crates/kernels/src/a.rs", text), [""; 0]);
    assert_eq!(problems("crates/data/src/a.rs", "//! x\n#![forbid(unsafe_code)]"), [""; 0]);
}

#[test]
fn unsafe_is_allowed_in_excluded_workspaces_only() {
    let root = "[workspace]\nexclude = [\"bench/peers/wasm\"]\n";
    let text = "//! x\nfn f() { unsafe { g() } }";
    let of = |path| found(check, &[("ARCHITECTURE.md", PAGE), ("Cargo.toml", root), (path, text)]);
    assert_eq!(of("bench/peers/wasm/src/lib.rs"), [""; 0]);
    assert_eq!(of("bench/peers/wasm2/src/lib.rs").len(), 1);
    assert_eq!(of("crates/data/src/a.rs").len(), 1);
}

#[test]
fn the_outside_world_in_the_core() {
    let of = |line: &str| problems("crates/core/src/a.rs", &format!("//! x\n{line}\n"));
    for line in [
        "use std::fs;",
        "use std::{fmt, env};",
        "let x = std::net::TcpStream::connect(y);",
        "use std::time::Instant;",
        "std::process::exit(1);",
        "println!();",
        "eprintln!(\"\");",
        "print!(\"\");",
        "let isa = Instructions::detect();",
    ] {
        assert_eq!(of(line).len(), 1, "{line}: {:?}", of(line));
    }
    assert_eq!(
        of("use std::time::Instant;"),
        ["crates/core/src/a.rs:2: `std::time` in the core, which does not reach outside"]
    );
    for line in ["use std::fmt;", "// println!", "writeln!(f);", "#[cfg(test)]\nmod tests { use std::fs; }"] {
        assert_eq!(of(line), [""; 0], "{line}");
    }
    assert_eq!(problems("crates/core/src/tests.rs", "use std::fs;"), [""; 0]);
    assert_eq!(problems("crates/core/examples/a.rs", "use std::time::Instant;"), [""; 0]);
    assert_eq!(problems("crates/data/src/a.rs", "//! x\nuse std::fs;"), [""; 0]);
}

#[test]
fn tests_that_are_ignored_without_a_reason() {
    let path = "crates/data/tests/it/a.rs";
    let expected =
        "crates/data/tests/it/a.rs:2: a test is ignored without a reason: expected `#[ignore = \"…\"]`";
    assert_eq!(problems(path, "#[test]\n#[ignore]\nfn f() {}"), [expected]);
    assert_eq!(problems(path, "#[test]\n#[ignore = \"\"]\nfn f() {}"), [expected]);
    assert_eq!(problems(path, "#[test]\n#[ignore = \"an hour\"]\nfn f() {}"), [""; 0]);
}

#[test]
fn notes_of_work_left() {
    for note in super::NOTES {
        for path in ["a.md", "b.toml", "scripts/c.sh", "crates/x/tests/d.rs"] {
            assert_eq!(
                problems(path, &format!("\n# {note}: x")),
                [format!("{path}:2: {note}: do it, or file it as an issue")]
            );
        }
        assert_eq!(problems("a.md", &format!("{note}S")), [""; 0]);
    }
    assert_eq!(problems("crates/x/tests/a.rs", "fn f() { todo!() }").len(), 1);
    assert_eq!(problems("crates/x/tests/a.rs", "fn f() { unimplemented!() }").len(), 1);
}

#[test]
fn files_that_are_too_long() {
    let path = "crates/x/src/a.rs";
    let five = "//! x\n\n// not\nfn f() {\n1;\n2;\n3;\n}\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(problems(path, five), [""; 0]);
    let six = five.replace("3;", "3;\n4;");
    assert_eq!(
        problems(path, &six),
        ["crates/x/src/a.rs:1: expected at most 5 lines of code, found 6: split it"]
    );
    assert_eq!(
        problems("crates/x/src/a/tests.rs", &six),
        ["crates/x/src/a/tests.rs:1: expected at most 8 lines of code, found 9: split it"]
    );
    let found = found(check, &[("ARCHITECTURE.md", ""), (path, five)]);
    assert_eq!(
        found,
        [
            "ARCHITECTURE.md:1: expected numbers for `code` and `tests` after `<!-- tidy: limits -->`, found none"
        ]
    );
}

#[test]
fn files_that_do_not_say_what_they_are() {
    let expected = "expected a module doc (`//! …`) that says what is in the file, found none";
    assert_eq!(problems("crates/x/src/a.rs", "use b;"), [format!("crates/x/src/a.rs:1: {expected}")]);
    assert_eq!(problems("xtask/src/main.rs", ""), [format!("xtask/src/main.rs:1: {expected}")]);
    assert_eq!(problems("crates/x/src/tests.rs", "use b;"), [""; 0]);
}
