//! `key=value` arguments: single values of a resolved recipe replaced.
//!
//! *Idea*: the resolved recipe is written as a TOML tree, the values are put into it, and the whole is read again with
//! the same checks. The recipe was right before, so what is wrong now comes from an argument.

use toml::{Table, Value};

use super::error::{Origin, RecipeError};
use super::{Recipe, read};
use crate::problems::Problem;

/// Values that are a table with one key, the choice; choosing another one replaces the first.
const CHOICES: [&str; 3] = ["train.optimizer", "train.schedule", "train.loss"];

/// `recipe` with all arguments put in.
pub(super) fn applied<'a>(
    recipe: &Recipe,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<Recipe, RecipeError> {
    let mut tree = tree(recipe)?;
    let mut set = Vec::new();
    let mut problems = Vec::new();
    for argument in arguments {
        match parse(argument) {
            Ok((key, value)) => {
                put(&mut tree, &key, value);
                set.push((argument, key.join(".")));
            }
            Err(problem) => problems.push(problem),
        }
    }
    let text = tree.to_string();
    let read = read::recipe(&text, &Origin::Arguments(set));
    match read {
        Ok(recipe) if problems.is_empty() => Ok(recipe),
        Ok(_) => Err(RecipeError { problems }),
        Err(error) => {
            problems.extend(error.problems);
            Err(RecipeError { problems })
        }
    }
}

fn tree(recipe: &Recipe) -> Result<Table, RecipeError> {
    recipe.to_toml().parse().map_err(|error: toml::de::Error| {
        let message = format!("recipe: expected values that TOML can hold, found: {}", error.message());
        RecipeError { problems: vec![Problem { message, hint: None }] }
    })
}

/// `train.epochs=3` as its key and value.
fn parse(argument: &str) -> Result<(Vec<String>, Value), Problem> {
    let problem = |rest: &str, hint: &str| Problem {
        message: format!("argument `{argument}`: {rest}"),
        hint: Some(hint.to_owned()),
    };
    let example = "for instance train.epochs=3";
    let Some((key, value)) = argument.split_once('=') else {
        return Err(problem("expected key=value, found no `=`", example));
    };
    let key: Vec<String> = key.split('.').map(|part| part.trim().to_owned()).collect();
    if key.iter().any(String::is_empty) {
        return Err(problem("expected a key before `=`, found none", example));
    }
    let value = value.trim();
    match format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value")) {
        Some(value) => Ok((key, value)),
        None if value.is_empty() => Err(problem("expected a value after `=`, found none", example)),
        None if value.starts_with(['[', '{', '"', '\'']) => Err(problem(
            &format!("expected a TOML value, found `{value}`"),
            "quote the argument for the shell",
        )),
        None => Ok((key, Value::String(value.to_owned()))),
    }
}

fn put(tree: &mut Table, key: &[String], value: Value) {
    let mut table = tree;
    let Some((last, path)) = key.split_last() else { return };
    for (depth, name) in path.iter().enumerate() {
        let slot = table.entry(name.as_str()).or_insert_with(|| Value::Table(Table::new()));
        let chooses = CHOICES.contains(&key[..=depth].join(".").as_str());
        let other = |found: &Table| chooses && !found.contains_key(&key[depth + 1]);
        if slot.as_table().is_none_or(other) {
            *slot = Value::Table(Table::new());
        }
        let Value::Table(inner) = slot else { return };
        table = inner;
    }
    table.insert(last.clone(), value);
}
