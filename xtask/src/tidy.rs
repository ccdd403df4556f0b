//! `xtask tidy`: the project's own rules, each a function from the tree of files to problems.
//!
//! What the rules are is said in ARCHITECTURE.md (rooms, dependencies, limits) and STYLE.md (the rest); the tables of
//! ARCHITECTURE.md are read by these functions, so that the page is the rule.

mod code;
mod dependencies;
mod layout;
mod manifest;
mod page;
mod pages;
mod report;
mod rooms;
mod source;
mod text;
mod tree;

use std::process::ExitCode;

use report::Report;
use tree::Tree;

/// The page whose tables are rules.
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// One rule family a file.
const RULES: [fn(&Tree, &mut Report); 6] =
    [rooms::check, dependencies::check, code::check, layout::check, pages::check, text::check];

/// Checks the tree of the present folder, prints what was checked and every problem.
pub fn run() -> ExitCode {
    let tree = match Tree::of_git() {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("error: {error}\nhint: run it inside a git clone of the project");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    for rule in RULES {
        rule(&tree, &mut report);
    }
    report.fail_on_nothing();
    print!("{report}");
    if report.problems().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
