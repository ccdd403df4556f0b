//! Space that nobody sees: at the ends of lines, and tabs.

use super::report::Report;
use super::tree::Tree;

/// Extensions of the files this rule reads.
const KINDS: [&str; 3] = ["rs", "toml", "md"];

/// The rule.
pub fn check(tree: &Tree, report: &mut Report) {
    let mut count = 0;
    for file in tree.files().filter(|file| KINDS.contains(&file.extension())) {
        for (line, text) in (1..).zip(file.text().split('\n')) {
            count += 1;
            if text.ends_with(char::is_whitespace) {
                report.problem(&file.path, line, "space at the end of the line");
            }
            if text.contains('\t') {
                report.problem(&file.path, line, "a tab: expected spaces");
            }
        }
        if file.text.is_none() {
            report.problem(&file.path, 1, "expected UTF-8, found other bytes");
        }
    }
    report.checked(count, "lines of text");
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::report::found;

    #[test]
    fn invisible_space() {
        for path in ["a.rs", "b.toml", "docs/c.md"] {
            assert_eq!(
                found(check, &[(path, "a\nb \n")]),
                [format!("{path}:2: space at the end of the line")]
            );
            assert_eq!(found(check, &[(path, "a\r\n")]), [format!("{path}:1: space at the end of the line")]);
            assert_eq!(found(check, &[(path, "\tb\n")]), [format!("{path}:1: a tab: expected spaces")]);
            assert_eq!(found(check, &[(path, "a\n\n  b\n")]), [""; 0]);
        }
        assert_eq!(found(check, &[("Makefile", "\ta \n")]), [""; 0]);
    }
}
