//! What is typed behind the recipe: `key=value`, `key=a,b,c`, `key=LOW..HIGH`.

use seamripper_core::problems::Problem;
use seamripper_core::recipe::Recipe;

/// The key whose values make runs of one setting.
pub const SEED: &str = "train.seed";
/// Highest over lowest from which on a range is drawn from by its logarithm.
pub const DECADE: f64 = 10.0;

/// A key with several values.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub key: String,
    pub values: Values,
}

/// Which values.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Each of these, as TOML.
    List(Vec<String>),
    /// Draws from a range.
    Range(Range),
}

/// Numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
    /// Whether only whole numbers are drawn.
    pub whole: bool,
}

impl Range {
    /// Whether logarithms are drawn evenly, and not the numbers themselves.
    pub fn logarithmic(&self) -> bool {
        self.low > 0.0 && self.high / self.low >= DECADE
    }
}

/// Everything that was typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// `key=value` with one value.
    pub fixed: Vec<String>,
    /// In the order they were typed, without [`SEED`].
    pub axes: Vec<Axis>,
    /// Seeds of every setting; empty if none were listed.
    pub seeds: Vec<u64>,
}

impl Asked {
    /// Reads the arguments.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(arguments: &[String]) -> Result<Self, Vec<Problem>> {
        let mut asked = Self::default();
        let mut problems = Vec::new();
        let mut keys: Vec<&str> = Vec::new();
        for argument in arguments {
            let (key, values) = match axis(argument) {
                Ok(read) => read,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            if keys.contains(&key) {
                let hint = format!("list its values: {key}=a,b");
                problems.push(Problem {
                    message: format!("argument `{argument}`: expected each key once, found {key} again"),
                    hint: Some(hint),
                });
            }
            keys.push(key);
            match (key, values) {
                (_, None) => asked.fixed.push(argument.clone()),
                (SEED, Some(values)) => match seeds(argument, &values) {
                    Ok(seeds) => asked.seeds = seeds,
                    Err(problem) => problems.push(problem),
                },
                (key, Some(_)) if key == "data" || key.starts_with("data.") || key == "model.input" => {
                    problems.push(Problem {
                        message: format!(
                            "argument `{argument}`: expected one value, so that all settings are judged by the same images, \
                             found several"
                        ),
                        hint: Some("make a sweep for each value".to_owned()),
                    });
                }
                (key, Some(values)) => asked.axes.push(Axis { key: key.to_owned(), values }),
            }
        }
        if problems.is_empty() && asked.axes.is_empty() && asked.seeds.is_empty() {
            problems.push(Problem {
                message: "keys: expected at least one with several values, found none".to_owned(),
                hint: Some("for instance train.rate=1e-3,3e-3,1e-2 or train.rate=1e-4..1e-1".to_owned()),
            });
        }
        if problems.is_empty() { Ok(asked) } else { Err(problems) }
    }

    /// Finds out which ranges are of whole numbers: those with whole ends of a key that takes no fraction.
    pub fn settle(&mut self, recipe: &Recipe) {
        for Axis { key, values } in &mut self.axes {
            let Values::Range(range) = values else { continue };
            let fraction = format!("{key}={:?}", range.low + 0.5);
            range.whole = range.whole && recipe.clone().override_with(&fraction).is_err();
        }
    }
}

/// A key, and its values if there are several.
fn axis(argument: &str) -> Result<(&str, Option<Values>), Problem> {
    let problem = |rest: String, hint: Option<&str>| Problem {
        message: format!("argument `{argument}`: {rest}"),
        hint: hint.map(str::to_owned),
    };
    let Some((key, text)) = argument.split_once('=') else {
        let hint = "for instance train.rate=1e-3,3e-3 or train.rate=1e-4..1e-1";
        return Err(problem("expected key=a,b,c or key=LOW..HIGH, found no `=`".to_owned(), Some(hint)));
    };
    let (key, text) = (key.trim(), text.trim());
    if let Some((low, high)) =
        text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)))
    {
        let (low, high, whole) = (low.0, high.0, low.1 && high.1);
        if low >= high {
            let rest = format!("expected a range from a lower number to a higher one, found `{text}`");
            return Err(problem(rest, None));
        }
        return Ok((key, Some(Values::Range(Range { low, high, whole }))));
    }
    let values = split(text);
    if values.len() < 2 {
        return Ok((key, None));
    }
    if values.iter().any(String::is_empty) {
        return Err(problem("expected a value on both sides of every comma, found none".to_owned(), None));
    }
    if let Some(twice) = (1..values.len()).find(|&index| values[..index].contains(&values[index])) {
        let rest = format!("expected different values, found {} twice", values[twice]);
        return Err(problem(rest, None));
    }
    Ok((key, Some(Values::List(values))))
}

/// A finite number, and whether it is written as a whole one.
fn number(text: &str) -> Option<(f64, bool)> {
    let value: f64 = text.trim().parse().ok()?;
    value.is_finite().then(|| (value, text.trim().parse::<i64>().is_ok()))
}

/// The values between commas. A comma within a list, a table or a text of TOML parts nothing: pieces are put together again until
/// they are a value.
fn split(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut open = String::new();
    for piece in text.split(',') {
        if !open.is_empty() {
            open.push(',');
        }
        open.push_str(piece);
        let nested = open.trim_start().starts_with(['[', '{', '"', '\'']);
        if !nested || format!("value = {open}").parse::<toml::Table>().is_ok() {
            values.push(std::mem::take(&mut open).trim().to_owned());
        }
    }
    if !open.is_empty() {
        values.push(open); // no TOML; the recipe says so when it is given it
    }
    values
}

fn seeds(argument: &str, values: &Values) -> Result<Vec<u64>, Problem> {
    let problem = |found: &str| Problem {
        message: format!("argument `{argument}`: expected a list of whole numbers from 0 on, found {found}"),
        hint: Some("each setting is trained with every seed: train.seed=0,1,2".to_owned()),
    };
    match values {
        Values::Range(_) => Err(problem("a range")),
        Values::List(list) => list.iter().map(|seed| seed.parse().map_err(|_| problem(seed))).collect(),
    }
}
