//! Text of a known number of terminal columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` with spaces after it, to `columns`.
pub fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` with spaces before it, to `columns`.
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A class name as it can be printed: control characters, which could rewrite the terminal, become `\u{fffd}`.
pub fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `text`, with `…` in place of its middle if it is longer than `columns`: names of one table differ at their ends as
/// often as at their beginnings.
pub fn shortened(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept = columns.saturating_sub(1);
    let beginning = prefix(text, kept.div_ceil(2));
    let reversed: String = text.chars().rev().collect();
    let end: String = prefix(&reversed, kept / 2).chars().rev().collect();
    format!("{}…{}", beginning.trim_end(), end.trim_start())
}

/// The longest beginning of `text` of at most `columns`.
pub fn prefix(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > columns
    });
    end.map_or(text, |(byte, _)| &text[..byte])
}

/// A share as a percentage with `decimals`, without the sign; exactly 0 and 1 without decimals.
pub fn percent(share: f64, decimals: usize) -> String {
    if share == 0.0 || share == 1.0 {
        format!("{:.0}", 100.0 * share)
    } else {
        format!("{:.decimals$}", 100.0 * share)
    }
}

/// A bias to two decimals, or to three digits if it is 10 or more.
pub fn ratio(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// `text` broken between words into lines of at most `columns` (longer only where one word is).
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in printable(text).split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
