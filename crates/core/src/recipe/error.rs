//! What is wrong with a recipe, and where.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

use crate::problems::{self, Problem};

/// Everything that is wrong with a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct RecipeError {
    /// In the order of the file; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&problems::message(&self.problems))
    }
}

impl RecipeError {
    /// The way out of the last problem, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        problems::hint(&self.problems)
    }
}

/// Where the text of a recipe comes from.
pub(super) enum Origin<'a> {
    /// A file of this name.
    File(&'a str),
    /// A resolved recipe with these `key=value` arguments put in; each with the key it set.
    Arguments(Vec<(&'a str, String)>),
}

impl Origin<'_> {
    /// `<what> <where>: <rest>`, with the line of the file below. `key` is the dotted key the problem is about.
    pub(super) fn message(
        &self,
        text: &str,
        key: &str,
        what: &str,
        span: Option<Range<usize>>,
        rest: &str,
    ) -> String {
        match (self, span) {
            (Self::File(file), None) => format!("{what} in {file}: {rest}"),
            (Self::File(file), Some(span)) => {
                let place = Place::of(text, span);
                let Place { line, column, .. } = place;
                format!("{what} at {file}:{line}:{column}: {rest}\n{}", place.excerpt())
            }
            (Self::Arguments(arguments), _) => match blamed(arguments, key) {
                named if named.is_empty() => format!("{what} in the recipe: {rest}"),
                named => format!("{what} in argument {named}: {rest}"),
            },
        }
    }
}

/// `<key> at <file>:<line>:<column>: <rest>` with the line of the recipe `text` below, for what is found out only when a recipe is put to
/// use. `arguments` are the `key=value` that changed it; without the key in either, no line is shown.
pub fn message_at(text: &str, file: &str, arguments: &[String], key: &str, rest: &str) -> String {
    let sets = |argument: &&String| {
        argument
            .split_once('=')
            .is_some_and(|(set, _)| key.starts_with(set.trim()) || set.trim().starts_with(key))
    };
    if let Some(argument) = arguments.iter().rev().find(sets) {
        return format!("{key} in argument `{argument}`: {rest}");
    }
    let (document, _) = toml::de::DeTable::parse_recoverable(text);
    let mut table = Some(document.get_ref());
    let mut span = None;
    for part in key.split('.') {
        let value = table.and_then(|table| table.get(part));
        span = value.map(toml::Spanned::span);
        table = value.and_then(|value| value.get_ref().as_table());
    }
    Origin::File(file).message(text, key, key, span, rest)
}

/// The arguments that set `key`, a part of it, or the table it is in; all of them if none did.
fn blamed(arguments: &[(&str, String)], key: &str) -> String {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let sets = |(_, set): &&(&str, String)| within(set, key) || within(key, set);
    let mut blamed: Vec<_> = arguments.iter().filter(sets).collect();
    if blamed.is_empty() {
        blamed = arguments.iter().collect();
    }
    blamed.iter().map(|(argument, _)| format!("`{argument}`")).collect::<Vec<_>>().join(", ")
}

/// A stretch of one line.
struct Place<'t> {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// The whole line.
    content: &'t str,
    /// Characters to point at.
    width: usize,
}

impl<'t> Place<'t> {
    /// The first line of `span` in `text`.
    fn of(text: &'t str, span: Range<usize>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let content = text[line_start..line_end].trim_end_matches('\r');
        Self {
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            content,
            width: text[start..end.min(line_end)].trim_end().chars().count().max(1),
        }
    }

    /// The line with its number, and carets under the place. Tabs and other control characters become one space each,
    /// so that the carets fit and a terminal is not told anything.
    fn excerpt(&self) -> String {
        let gutter = " ".repeat(self.line.to_string().len());
        let content = self.content.replace(char::is_control, " ");
        let (pad, carets) = (" ".repeat(self.column - 1), "^".repeat(self.width));
        format!("{gutter} |\n{} | {content}\n{gutter} | {pad}{carets}", self.line)
    }
}

/// The last character boundary at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}
