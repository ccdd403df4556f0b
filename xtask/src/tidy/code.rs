//! What Rust code may hold: `unsafe` in the kernels only, no outside world in the core, no test that is ignored without
//! a word, no note of work that is left, no file that nobody reads to its end, no file that does not say what it is.

use super::ARCHITECTURE;
use super::page::table;
use super::report::Report;
use super::source::Source;
use super::tree::{File, Tree};

/// The only folder with `unsafe`.
const UNSAFE: &str = "crates/kernels/";

/// The folder without files, clock, environment, network and terminal.
const CORE: &str = "crates/core/src/";
/// Parts of the standard library that reach outside.
const OUTSIDE: [&str; 5] = ["fs", "env", "net", "time", "process"];
/// Words that do. The last reads the environment.
const OUTSIDE_WORDS: [&str; 6] =
    ["print!", "println!", "eprint!", "eprintln!", "dbg!", "Instructions::detect"];

/// Words of work that is left; written so that this file does not hold them.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
/// Extensions of files that are searched for them; scripts have none.
const NOTED: [&str; 8] = ["", "rs", "toml", "md", "py", "sh", "yml", "ts"];

/// The rule.
pub fn check(tree: &Tree, report: &mut Report) {
    let limits = Limits::of(tree, report);
    let mut lines = 0;
    for file in tree.rust() {
        let source = file.source();
        if !tree.is_excluded(&file.path) {
            check_unsafe(file, &source, report);
        }
        check_core(file, &source, report);
        check_tests(file, &source, report);
        check_module_doc(file, report);
        lines += check_size(file, &source, limits.as_ref(), report);
    }
    let noted: Vec<_> = tree.files().filter(|file| NOTED.contains(&file.extension())).collect();
    noted.iter().for_each(|file| check_notes(file, report));
    report.checked(lines, "lines of Rust");
    report.checked(noted.len(), "files without notes of work left");
}

fn check_unsafe(file: &File, source: &Source, report: &mut Report) {
    if !file.path.starts_with(UNSAFE) {
        for line in source.lines_of_word("unsafe") {
            report.problem(&file.path, line, format_args!("`unsafe` outside {UNSAFE}"));
        }
    }
}

fn check_core(file: &File, source: &Source, report: &mut Report) {
    if !file.path.starts_with(CORE) || file.is_test() {
        return;
    }
    let code = source.without_tests();
    for head in code.heads("std").into_iter().filter(|head| OUTSIDE.contains(&head.name.as_str())) {
        let text = format!("`std::{}` in the core, which does not reach outside", head.name);
        report.problem(&file.path, head.line, text);
    }
    for word in OUTSIDE_WORDS {
        for line in code.lines_of_word(word) {
            report.problem(
                &file.path,
                line,
                format_args!("`{word}` in the core, which does not reach outside"),
            );
        }
    }
}

fn check_tests(file: &File, source: &Source, report: &mut Report) {
    for attribute in ["#[ignore]", "#[ignore = \"\"]"] {
        for line in source.lines_of(attribute) {
            let text = "a test is ignored without a reason: expected `#[ignore = \"…\"]`";
            report.problem(&file.path, line, text);
        }
    }
    for name in ["todo!", "unimplemented!"] {
        for line in source.lines_of_word(name) {
            report.problem(
                &file.path,
                line,
                format_args!("`{name}`: expected the code, found a place for it"),
            );
        }
    }
}

fn check_module_doc(file: &File, report: &mut Report) {
    let in_src = file.path.split('/').any(|part| part == "src");
    let first = file.text().lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if in_src && !file.is_test() && !first.starts_with("//!") {
        report.problem(
            &file.path,
            1,
            "expected a module doc (`//! …`) that says what is in the file, found none",
        );
    }
}

fn check_notes(file: &File, report: &mut Report) {
    for (line, text) in (1..).zip(file.text().lines()) {
        let words: Vec<_> = text.split(|symbol: char| !symbol.is_alphanumeric() && symbol != '_').collect();
        for note in NOTES.iter().filter(|note| words.contains(note)) {
            report.problem(&file.path, line, format_args!("{note}: do it, or file it as an issue"));
        }
    }
}

/// Most lines of code of a file, from the table `limits`.
struct Limits {
    code: usize,
    tests: usize,
}

impl Limits {
    fn of(tree: &Tree, report: &mut Report) -> Option<Self> {
        let rows = table(tree.file(ARCHITECTURE).map_or("", File::text), "limits").unwrap_or_default();
        let limit = |name: &str| {
            let row = rows.iter().find(|row| row.names(0) == [name])?;
            row.cells.get(1)?.parse().ok()
        };
        let limits = limit("code").zip(limit("tests")).map(|(code, tests)| Self { code, tests });
        if limits.is_none() {
            let text = "expected numbers for `code` and `tests` after `<!-- tidy: limits -->`, found none";
            report.problem(ARCHITECTURE, 1, text);
        }
        limits
    }
}

/// Returns the lines there are.
fn check_size(file: &File, source: &Source, limits: Option<&Limits>, report: &mut Report) -> usize {
    let all = source.lines_of_code();
    let Some(limits) = limits else { return all };
    let (lines, limit) = if file.is_test() {
        (all, limits.tests)
    } else {
        (source.without_tests().lines_of_code(), limits.code)
    };
    if lines > limit {
        report.problem(
            &file.path,
            1,
            format_args!("expected at most {limit} lines of code, found {lines}: split it"),
        );
    }
    all
}

#[cfg(test)]
mod tests;
