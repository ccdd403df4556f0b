//! The confusion matrix, and what stands in for it where it would not be readable.

use std::collections::HashSet;
use std::io::{self, Write};

use seamripper_core::digits::thousands;
use seamripper_core::fail::Evaluation;

use super::style::{STEP_ENDS, Style};
use super::words::{left, percent, prefix, printable, right, shortened, width};

/// A matrix of more classes is a wall of numbers; its largest confusions are listed instead.
const MOST_CLASSES: usize = 20;

/// Confusions in the list.
const MOST_PAIRS: usize = 15;

/// Fewest columns of a head, so that a shortened name can be recognised.
const SHORTEST_HEAD: usize = 5;

/// Columns of the names before the rows.
const LONGEST_NAME: usize = 20;

/// Prints the matrix if it is readable in this width, and says whether it did.
pub fn print(evaluation: &Evaluation, out: &mut impl Write, style: Style) -> io::Result<bool> {
    let names: Vec<String> = evaluation.classes.iter().map(|class| printable(&class.name)).collect();
    let counts = evaluation.confusion.iter().flatten().copied().max().unwrap_or(0);
    let cell = width(&thousands(counts)).max(SHORTEST_HEAD);
    let heads = heads(&names, cell);
    let rows = row_names(&names, &heads);
    let name_columns = rows.iter().map(|name| width(name)).max().unwrap_or(0);
    if names.len() > MOST_CLASSES || 2 + name_columns + names.len() * (cell + 1) > style.width {
        return Ok(false);
    }
    writeln!(
        out,
        "\n{}",
        style.title("Confusion matrix: a row is the true class, a column what it was called")
    )?;
    let head: String = heads.iter().map(|head| format!(" {}", right(head, cell))).collect();
    writeln!(out, "  {}{}", " ".repeat(name_columns), style.dim(head))?;
    for (class, counts) in evaluation.confusion.iter().enumerate() {
        let cells: String =
            (0..counts.len()).map(|called| cell_text(counts, class, called, cell, style)).collect();
        writeln!(out, "  {}{cells}", left(&rows[class], name_columns))?;
    }
    if style.color {
        print_shades(out, style)?;
    }
    Ok(true)
}

fn cell_text(counts: &[u64], class: usize, called: usize, columns: usize, style: Style) -> String {
    let count = counts[called];
    if count == 0 {
        return format!(" {}", style.dim(right("·", columns)));
    }
    let text = right(&thousands(count), columns);
    if class == called {
        return format!(" {}", style.diagonal(text));
    }
    format!(" {}", style.shaded(count as f64 / counts.iter().sum::<u64>() as f64, text))
}

fn print_shades(out: &mut impl Write, style: Style) -> io::Result<()> {
    let samples: Vec<String> =
        STEP_ENDS.iter().map(|&end| style.shaded(end, format!(" {} % ", percent(end, 0)))).collect();
    writeln!(out, "  errors shaded by their share of the true class, from {}", samples.join(" "))
}

/// Heads of at most `columns`: the beginnings of the names (without what all names begin with), or numbers, which
/// the rows then repeat, if two of them would look alike.
fn heads(names: &[String], columns: usize) -> Vec<String> {
    let shared = shared_beginning(names);
    let beginnings: Vec<String> =
        names.iter().map(|name| prefix(&name[shared..], columns).trim_end().to_owned()).collect();
    let distinct: HashSet<&String> = beginnings.iter().collect();
    if distinct.len() == names.len() && !beginnings.iter().any(String::is_empty) {
        return beginnings;
    }
    (1..=names.len()).map(|number| number.to_string()).collect()
}

/// Bytes that all names begin with, if that is more than two letters and leaves something of each.
fn shared_beginning(names: &[String]) -> usize {
    let Some((first, rest)) = names.split_first() else { return 0 };
    let shared = first
        .char_indices()
        .map(|(byte, letter)| byte + letter.len_utf8())
        .take_while(|&end| rest.iter().all(|name| name.as_bytes().starts_with(&first.as_bytes()[..end])))
        .filter(|&end| names.iter().all(|name| name.len() > end))
        .last();
    shared.filter(|&end| end > 2 && !rest.is_empty()).unwrap_or(0)
}

fn row_names(names: &[String], heads: &[String]) -> Vec<String> {
    let numbered = heads.iter().enumerate().all(|(index, head)| *head == (index + 1).to_string());
    let digits = names.len().to_string().len();
    let name = |index: usize| shortened(&names[index], LONGEST_NAME);
    let row = |index: usize| match numbered {
        true if names[index] != heads[index] => format!("{} {}", right(&heads[index], digits), name(index)),
        _ => name(index),
    };
    (0..names.len()).map(row).collect()
}

/// Prints the largest confusions as a list.
pub fn print_pairs(evaluation: &Evaluation, out: &mut impl Write, style: Style) -> io::Result<()> {
    let k = evaluation.classes.len();
    let mut pairs: Vec<(usize, usize)> = (0..k)
        .flat_map(|class| (0..k).map(move |called| (class, called)))
        .filter(|&(class, called)| class != called && evaluation.confusion[class][called] > 0)
        .collect();
    pairs.sort_by_key(|&(class, called)| std::cmp::Reverse(evaluation.confusion[class][called]));
    if pairs.is_empty() {
        return Ok(());
    }
    let more = pairs.len().saturating_sub(MOST_PAIRS);
    pairs.truncate(MOST_PAIRS);
    writeln!(out, "\n{}", style.title("Largest confusions"))?;
    let lines = pairs.iter().map(|&(class, called)| pair_text(evaluation, class, called));
    let lines: Vec<[String; 3]> = lines.collect();
    let columns = [0, 1, 2].map(|column| lines.iter().map(|line| width(&line[column])).max().unwrap_or(0));
    for [count, share, what] in &lines {
        writeln!(out, "  {}  {}  {what}", right(count, columns[0]), right(share, columns[1]))?;
    }
    if more > 0 {
        let rest = format!("… and {} smaller ones; --json has the whole matrix", thousands(more as u64));
        writeln!(out, "  {}", style.dim(rest))?;
    }
    Ok(())
}

fn pair_text(evaluation: &Evaluation, class: usize, called: usize) -> [String; 3] {
    let count = evaluation.confusion[class][called];
    let [name, other] =
        [class, called].map(|index| shortened(&printable(&evaluation.classes[index].name), 32));
    let share = count as f64 / evaluation.classes[class].actual as f64;
    [thousands(count), format!("{} %", percent(share, 1)), format!("of {name} called {other}")]
}
