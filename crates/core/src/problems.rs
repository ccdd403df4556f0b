//! Several problems as one error, each with its own way out.
//!
//! The program prints `error: <message>` and then `hint: <hint>`. For a list, [`message`] lays out everything between
//! the first `error: ` and the last hint, so that a list of one looks like any other error:
//!
//! ```text
//! error: <first>
//! hint: <way out of the first>
//!
//! error: <second>
//! hint: <way out of the second>
//! ```

/// One problem of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `<what> <where>: expected X, found Y`; more lines where a file is quoted.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// All problems but the hint of the last one, which is [`hint`].
pub fn message(problems: &[Problem]) -> String {
    let mut text = String::new();
    for (index, problem) in problems.iter().enumerate() {
        if index > 0 {
            text.push_str("\n\nerror: ");
        }
        text.push_str(&problem.message);
        if let (Some(hint), true) = (&problem.hint, index + 1 < problems.len()) {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
    }
    text
}

/// The way out of the last problem.
pub fn hint(problems: &[Problem]) -> Option<String> {
    problems.last().and_then(|problem| problem.hint.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_as_one_error_after_the_other() {
        let problem = |message: &str, hint: Option<&str>| Problem {
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        };
        let list = [problem("a", Some("do b")), problem("c", None), problem("d", Some("do e"))];
        assert_eq!(message(&list), "a\nhint: do b\n\nerror: c\n\nerror: d");
        assert_eq!(hint(&list).as_deref(), Some("do e"));
        assert_eq!(message(&list[..1]), "a");
        assert_eq!(hint(&list[1..2]), None);
    }
}
