//! The table of classes.

use std::io::{self, Write};

use seamripper_core::digits::thousands;
use seamripper_core::fail::statistics::interval::Interval;
use seamripper_core::fail::{ClassEvaluation, Evaluation};

use super::style::Style;
use super::words::{left, percent, printable, ratio, right, shortened, width};

/// Classes shown; of more, those with most errors.
const MOST_ROWS: usize = 50;

/// A class name is shortened to make the table fit, but not below this many columns.
const SHORTEST_NAME: usize = 8;

/// Heads of the columns, two lines each; the first and the last column are text, the others numbers.
const HEADS: [[&str; 2]; 8] = [
    ["", "class"],
    ["", "images"],
    ["", "predicted"],
    ["bias", "[95 % interval]"],
    ["precision", "%"],
    ["recall %", "[95 % interval]"],
    ["F1", "%"],
    ["most errors", "shared with"],
];

/// Columns after the mark and between two columns: images and predicted stand closer, they belong together.
const GAPS: [usize; 8] = [0, 1, 1, 2, 2, 2, 2, 2];

/// What a flagged class is marked with.
const TOO_OFTEN: &str = "▲";
const TOO_SELDOM: &str = "▼";

type Row = [String; 8];

/// Prints the table, worst class first, and what its marks mean.
pub fn print(evaluation: &Evaluation, out: &mut impl Write, style: Style) -> io::Result<()> {
    let order = evaluation.worst_first();
    let shown = &order[..order.len().min(MOST_ROWS)];
    let (rows, columns) = fitted(evaluation, shown, style.width);
    writeln!(out, "{}", style.title(title(evaluation)))?;
    writeln!(out)?;
    for line in 0..2 {
        let heads = HEADS.map(|head| head[line].to_owned());
        writeln!(out, "  {}", style.dim(joined(&heads, &columns)))?;
    }
    for (&class, row) in shown.iter().zip(&rows) {
        let class = &evaluation.classes[class];
        let line = format!("{} {}", mark(class), joined(row, &columns));
        writeln!(out, "{}", painted(class, &line, style))?;
    }
    print_legend(evaluation, order.len() - shown.len(), out, style)
}

fn title(evaluation: &Evaluation) -> String {
    let images = if evaluation.n == 1 { "image" } else { "images" };
    let classes = evaluation.classes.len();
    format!("{} {images}, {classes} classes; the class with most errors comes first", thousands(evaluation.n))
}

fn print_legend(
    evaluation: &Evaluation,
    hidden: usize,
    out: &mut impl Write,
    style: Style,
) -> io::Result<()> {
    if hidden > 0 {
        let rest =
            format!("… and {} classes with fewer errors; --json has all of them", thousands(hidden as u64));
        writeln!(out, "  {}", style.dim(rest))?;
    }
    let marks: Vec<&str> = evaluation.classes.iter().map(mark).collect();
    let meanings = [(TOO_OFTEN, "predicted too often"), (TOO_SELDOM, "predicted too seldom")];
    let used = meanings.into_iter().filter(|(mark, _)| marks.contains(mark));
    let used: Vec<String> = used.map(|(mark, meaning)| format!("{mark} {meaning}")).collect();
    if !used.is_empty() {
        writeln!(out, "{}", style.dim(format!("{}, by 5 % or more and beyond chance", used.join("  "))))?;
    }
    writeln!(
        out,
        "{}",
        style.dim("  bias = predicted / images; errors shared by two classes are counted both ways")
    )
}

fn mark(class: &ClassEvaluation) -> &'static str {
    match class.flagged {
        true if class.predicted > class.actual => TOO_OFTEN,
        true => TOO_SELDOM,
        false => " ",
    }
}

fn painted(class: &ClassEvaluation, line: &str, style: Style) -> String {
    match mark(class) {
        TOO_OFTEN => style.too_often(line),
        TOO_SELDOM => style.too_seldom(line),
        _ => line.to_owned(),
    }
}

/// The rows, with names as long as the width allows, and the columns each cell takes.
fn fitted(evaluation: &Evaluation, shown: &[usize], table_width: usize) -> (Vec<Row>, [usize; 8]) {
    let longest = evaluation.classes.iter().map(|class| width(&printable(&class.name))).max().unwrap_or(0);
    let mut name_columns = longest.max(SHORTEST_NAME);
    loop {
        let rows: Vec<Row> = shown.iter().map(|&class| row(evaluation, class, name_columns)).collect();
        let columns = std::array::from_fn(|column| {
            let heads = HEADS[column].iter().map(|head| width(head));
            heads.chain(rows.iter().map(|row| width(&row[column]))).max().unwrap_or(0)
        });
        let total = 2 + columns.iter().chain(&GAPS).sum::<usize>();
        if total <= table_width || name_columns <= SHORTEST_NAME {
            return (rows, columns);
        }
        name_columns -= 1;
    }
}

fn row(evaluation: &Evaluation, class: usize, name_columns: usize) -> Row {
    let ClassEvaluation { name, actual, predicted, bias, bias_ci, precision, recall, recall_ci, f1, .. } =
        &evaluation.classes[class];
    let name_of = |name: &str| shortened(&printable(name), name_columns);
    let confused = evaluation.most_confused_with(class).map_or(String::new(), |(other, errors)| {
        format!("{} {}", name_of(&evaluation.classes[other].name), thousands(errors))
    });
    [
        name_of(name),
        thousands(*actual),
        thousands(*predicted),
        with_interval(bias.map(ratio), *bias_ci, ratio),
        if *predicted == 0 { "–".to_owned() } else { percent(*precision, 1) },
        with_interval((*actual > 0).then(|| percent(*recall, 1)), *recall_ci, |end| percent(end, 1)),
        percent(*f1, 1),
        confused,
    ]
}

/// `1.20 [1.13–1.28]`, or a dash where there is nothing to measure.
fn with_interval(value: Option<String>, interval: Option<Interval>, end: impl Fn(f64) -> String) -> String {
    match (value, interval) {
        (Some(value), Some([low, high])) => format!("{value} [{}–{}]", end(low), end(high)),
        (value, _) => value.unwrap_or_else(|| "–".to_owned()),
    }
}

fn joined(cells: &Row, columns: &[usize; 8]) -> String {
    let mut line = String::new();
    for (column, cell) in cells.iter().enumerate() {
        line.push_str(&" ".repeat(GAPS[column]));
        let text = column == 0 || column == cells.len() - 1;
        line.push_str(&if text { left(cell, columns[column]) } else { right(cell, columns[column]) });
    }
    line.trim_end().to_owned()
}
