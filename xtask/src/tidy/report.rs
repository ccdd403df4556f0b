//! What rules found, and how much they looked at.

use std::fmt;

#[cfg(test)]
use super::tree::Tree;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    path: String,
    line: usize,
    text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// All problems, and a count of what was looked at.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    checked: Vec<(usize, &'static str)>,
}

impl Report {
    /// Adds a problem; `line` counts from 1.
    pub fn problem(&mut self, path: &str, line: usize, text: impl fmt::Display) {
        self.problems.push(Problem { path: path.to_owned(), line, text: text.to_string() });
    }

    /// Says that `count` things were looked at.
    pub fn checked(&mut self, count: usize, what: &'static str) {
        self.checked.push((count, what));
    }

    /// All problems.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// A rule that looks at nothing passes whatever is there, so that is a problem too.
    pub fn fail_on_nothing(&mut self) {
        for (_, what) in self.checked.clone().into_iter().filter(|&(count, _)| count == 0) {
            self.problem(
                "xtask/src/tidy.rs",
                1,
                format_args!("found no {what} to check: is the rule broken?"),
            );
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, what) in &self.checked {
            writeln!(f, "{count:7} {what}")?;
        }
        let mut problems = self.problems.clone();
        problems.sort();
        for problem in &problems {
            writeln!(f, "{problem}")?;
        }
        match problems.len() {
            0 => writeln!(f, "tidy: no problem"),
            1 => writeln!(f, "tidy: 1 problem"),
            count => writeln!(f, "tidy: {count} problems"),
        }
    }
}

/// For tests: what `rule` says of a tree of these files.
#[cfg(test)]
pub fn found(rule: fn(&Tree, &mut Report), files: &[(&str, &str)]) -> Vec<String> {
    let mut report = Report::default();
    rule(&Tree::of(files), &mut report);
    report.problems.sort();
    report.problems.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_looked_at_nothing_is_a_problem() {
        let mut report = Report::default();
        report.checked(0, "links");
        report.checked(3, "pages");
        report.fail_on_nothing();
        assert_eq!(report.problems().len(), 1);
        assert!(report.to_string().contains("found no links to check"), "{report}");
    }

    #[test]
    fn problems_are_printed_by_place() {
        let mut report = Report::default();
        report.checked(12, "files");
        report.problem("b", 1, "second");
        report.problem("a", 10, "first");
        assert_eq!(report.to_string(), "     12 files\na:10: first\nb:1: second\ntidy: 2 problems\n");
    }
}
