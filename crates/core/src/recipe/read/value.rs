//! Values with their places, read as the type that is asked for; what does not fit is noted and skipped.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::super::error::Origin;
use crate::nearest::nearest;
use crate::problems::Problem;

/// A value that knows its place.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Collects problems.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    origin: &'t Origin<'t>,
    /// With the place in the text, by which they are sorted.
    pub(super) problems: Vec<(usize, Problem)>,
}

/// Which numbers fit.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    low: f64,
    with_low: bool,
    high: f64,
    with_high: bool,
}

impl Bound {
    /// Any finite number.
    pub(super) const ANY: Self = Self::new(f64::NEG_INFINITY, false, f64::INFINITY, false);
    /// Above 0.
    pub(super) const POSITIVE: Self = Self::new(0.0, false, f64::INFINITY, false);
    /// At least 0.
    pub(super) const NOT_NEGATIVE: Self = Self::new(0.0, true, f64::INFINITY, false);
    /// At least 1.
    pub(super) const ONE_OR_MORE: Self = Self::new(1.0, true, f64::INFINITY, false);
    /// From 0 to 1, both included.
    pub(super) const PROBABILITY: Self = Self::new(0.0, true, 1.0, true);
    /// At least 0 and below 1.
    pub(super) const SHARE: Self = Self::new(0.0, true, 1.0, false);
    /// Above 0 and at most 1.
    pub(super) const FACTOR: Self = Self::new(0.0, false, 1.0, true);

    /// Degrees between two right angles.
    pub(super) const ANGLE: Self = Self::new(-90.0, false, 90.0, false);

    const fn new(low: f64, with_low: bool, high: f64, with_high: bool) -> Self {
        Self { low, with_low, high, with_high }
    }

    fn holds(self, x: f64) -> bool {
        x.is_finite()
            && (x > self.low || self.with_low && x == self.low)
            && (x < self.high || self.with_high && x == self.high)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, with_low, high, with_high } = self;
        f.write_str("a number")?;
        if low.is_finite() {
            write!(f, " {} {low}", if *with_low { "of at least" } else { "above" })?;
        }
        if high.is_finite() {
            write!(f, " and {} {high}", if *with_high { "at most" } else { "below" })?;
        }
        Ok(())
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, origin: &'t Origin<'t>) -> Self {
        Self { text, origin, problems: Vec::new() }
    }

    /// Notes `<what> <where>: <rest>`; `key` is the dotted key, `what` how the message calls it.
    pub(super) fn problem(
        &mut self,
        key: &str,
        what: &str,
        span: Option<Range<usize>>,
        rest: &str,
        hint: Option<String>,
    ) {
        let place = span.as_ref().map_or(usize::MAX, |span| span.start);
        let message = self.origin.message(self.text, key, what, span, rest);
        self.problems.push((place, Problem { message, hint }));
    }

    /// Notes a table that must be there.
    pub(super) fn missing(&mut self, key: &str, what: &str, example: &str) {
        let hint = Some(format!("for instance {example}"));
        self.problem(key, "missing table", None, &format!("expected {what}, found none"), hint);
    }

    /// Notes that `value` is something else than `expected`.
    pub(super) fn unlike(&mut self, value: &Value<'_>, key: &str, expected: &str) {
        let rest = format!("expected {expected}, found {}", found(value.get_ref()));
        self.problem(key, key, Some(value.span()), &rest, None);
    }

    pub(super) fn text<'v>(&mut self, value: &'v Value<'_>, key: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.unlike(value, key, "a text in quotes");
        }
        text
    }

    pub(super) fn array<'v, 'a>(
        &mut self,
        value: &'v Value<'a>,
        key: &str,
        of: &str,
    ) -> Option<&'v DeArray<'a>> {
        let array = value.get_ref().as_array();
        if array.is_none() {
            self.unlike(value, key, &format!("an array of {of}"));
        }
        array
    }

    /// A whole number of at least `low`.
    pub(super) fn whole(&mut self, value: &Value<'_>, key: &str, low: u64) -> Option<u64> {
        let number = whole(value.get_ref()).filter(|&n| n >= low);
        if number.is_none() {
            self.unlike(value, key, &format!("a whole number of at least {low}"));
        }
        number
    }

    /// The same as a size in memory.
    pub(super) fn size(&mut self, value: &Value<'_>, key: &str, low: u64) -> Option<usize> {
        self.whole(value, key, low).map(|n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// An integer or a float within `bound`.
    pub(super) fn number(&mut self, value: &Value<'_>, key: &str, bound: Bound) -> Option<f64> {
        let number = number(value.get_ref()).filter(|&x| bound.holds(x));
        if number.is_none() {
            self.unlike(value, key, &bound.to_string());
        }
        number
    }

    /// `[low, high]`, both within `bound` and in this order.
    pub(super) fn range(&mut self, value: &Value<'_>, key: &str, bound: Bound) -> Option<[f64; 2]> {
        let Some([low, high]) =
            value.get_ref().as_array().and_then(|array| array.get(..2).filter(|_| array.len() == 2))
        else {
            self.unlike(value, key, "a range [low, high]");
            return None;
        };
        let (low, high) = (self.number(low, key, bound), self.number(high, key, bound));
        let (low, high) = (low?, high?);
        if low > high {
            let rest = format!("expected a range [low, high] with low <= high, found [{low}, {high}]");
            self.problem(key, key, Some(value.span()), &rest, Some(format!("write [{high}, {low}]")));
            return None;
        }
        Some([low, high])
    }

    /// One of `words`, alone (`"adam"`) or as the only key of a table with its fields (`{ adam = { … } }`).
    pub(super) fn choice<'v, 'a>(
        &mut self,
        value: &'v Value<'a>,
        key: &str,
        words: &[&'static str],
    ) -> Option<(&'static str, Option<&'v Value<'a>>)> {
        let (word, span, body) = match value.get_ref() {
            DeValue::String(word) => (word.as_ref(), value.span(), None),
            DeValue::Table(table) if table.len() == 1 => {
                let (word, body) = table.iter().next()?;
                (word.get_ref().as_ref(), word.span(), Some(body))
            }
            DeValue::Table(table) => {
                let names: Vec<_> = table.keys().map(|key| key.get_ref().as_ref()).collect();
                let found = if names.is_empty() { "none".to_owned() } else { names.join(" and ") };
                let rest = format!("expected exactly one of {}, found {found}", words.join(", "));
                self.problem(key, key, Some(value.span()), &rest, None);
                return None;
            }
            _ => {
                self.unlike(value, key, &format!("one of {}", words.join(", ")));
                return None;
            }
        };
        let chosen = words.iter().find(|known| **known == word);
        if chosen.is_none() {
            let rest = format!("expected one of {}, found `{word}`", words.join(", "));
            let hint = nearest(word, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.problem(key, key, Some(span), &rest, hint);
        }
        chosen.map(|chosen| (*chosen, body))
    }
}

/// A table all of whose keys are known.
pub(super) struct Fields<'v, 't> {
    table: &'v DeTable<'t>,
    /// Dotted key of the table.
    key: String,
    span: Range<usize>,
}

impl<'v, 't> Fields<'v, 't> {
    /// The table `value`, unknown keys noted.
    pub(super) fn of(
        reader: &mut Reader<'_>,
        value: &'v Value<'t>,
        key: &str,
        known: &[&str],
    ) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            reader.unlike(value, key, "a table");
            return None;
        };
        for name in table.keys() {
            let word = name.get_ref().as_ref();
            if known.contains(&word) {
                continue;
            }
            let rest = format!("expected a key of [{key}], found `{word}`");
            let hint = match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of [{key}] are {}", known.join(", ")),
            };
            reader.problem(&format!("{key}.{word}"), "unknown key", Some(name.span()), &rest, Some(hint));
        }
        Some(Self { table, key: key.to_owned(), span: value.span() })
    }

    /// The value of a key.
    pub(super) fn get(&self, name: &str) -> Option<&'v Value<'t>> {
        self.table.get(name)
    }

    /// Dotted key of a field.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }

    /// Notes a key that must be there.
    pub(super) fn missing(&self, reader: &mut Reader<'_>, name: &str, example: &str) {
        let rest = format!("expected `{name}`, found none");
        let hint = Some(format!("for instance {example}"));
        let what = format!("missing key in [{}]", self.key);
        reader.problem(&self.key(name), &what, Some(self.span.clone()), &rest, hint);
    }

    pub(super) fn size(&self, reader: &mut Reader<'_>, name: &str, low: u64, set: impl FnOnce(usize)) {
        if let Some(size) = self.get(name).and_then(|value| reader.size(value, &self.key(name), low)) {
            set(size);
        }
    }

    pub(super) fn number(&self, reader: &mut Reader<'_>, name: &str, bound: Bound, set: impl FnOnce(f64)) {
        if let Some(number) = self.get(name).and_then(|value| reader.number(value, &self.key(name), bound)) {
            set(number);
        }
    }

    pub(super) fn range(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        bound: Bound,
        set: impl FnOnce([f64; 2]),
    ) {
        if let Some(range) = self.get(name).and_then(|value| reader.range(value, &self.key(name), bound)) {
            set(range);
        }
    }

    pub(super) fn flag(&self, reader: &mut Reader<'_>, name: &str, set: impl FnOnce(bool)) {
        let Some(value) = self.get(name) else { return };
        match value.get_ref().as_bool() {
            Some(flag) => set(flag),
            None => reader.unlike(value, &self.key(name), "true or false"),
        }
    }

    /// One of these words.
    pub(super) fn word(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        words: &[&'static str],
        set: impl FnOnce(&'static str),
    ) {
        let Some(value) = self.get(name) else { return };
        match reader.choice(value, &self.key(name), words) {
            Some((word, None)) => set(word),
            Some((_, Some(_))) => {
                reader.unlike(value, &self.key(name), &format!("one of {}", words.join(", ")))
            }
            None => {}
        }
    }
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    u64::try_from(number).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|n| n as f64)
        }
        _ => None,
    }
}

/// How an error calls a value.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(array) => format!("an array of {}", array.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
