//! The audit for a terminal: what there is, then what should be looked at, worst first.

use std::fmt::Write as _;
use std::path::Path;

use seamripper_core::digits::thousands;
use seamripper_data::audit::{Audit, Finding, SplitAudit};
use seamripper_data::source::Origin;

/// Cells of the bar of the largest class.
const BAR_CELLS: usize = 20;

/// The whole report, with a line feed at the end.
pub fn report(audit: &Audit, origin: &Origin, color: bool) -> String {
    let mut text = String::new();
    let mut line =
        |content: String| writeln!(text, "{content}").expect("a string takes all that is written to it");
    line(strong(&title(audit), color));
    line(match &audit.photos {
        Some(photos) => format!(
            "{} of {} files read; each was decoded",
            thousands(photos.read as u64),
            thousands(photos.found as u64)
        ),
        None => provenance(origin),
    });
    line(String::new());
    for row in class_table(audit) {
        line(row);
    }
    line(String::new());
    for split in &audit.splits {
        line(summary(split));
    }
    line(String::new());
    if audit.findings.is_empty() {
        line(clean(audit));
    }
    for finding in &audit.findings {
        line(strong(&said(finding), color));
    }
    text
}

fn strong(text: &str, color: bool) -> String {
    if color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

fn title(audit: &Audit) -> String {
    let [h, w, c] = audit.size;
    let color = if c == 1 { "grey" } else { "color" };
    let (images, classes) = (thousands(audit.images as u64), audit.classes.len());
    format!("{}: {images} images of {h} x {w}, {color}, {classes} classes", audit.name)
}

/// Where it came from and what was verified.
fn provenance(origin: &Origin) -> String {
    let folder = origin.files.first().and_then(|file| file.path.parent()).unwrap_or(Path::new("."));
    let n = origin.files.len();
    let verified = if origin.verified {
        format!("sha256 of {n} unpacked files verified: the publisher's")
    } else {
        format!("{n} files, headers and sizes checked; no publisher's checksum to compare with")
    };
    let downloaded = if origin.downloaded { " (downloaded)" } else { "" };
    format!("from {}{downloaded}; {verified}", folder.display())
}

/// A row a class: its name, and the count and a bar for every part.
fn class_table(audit: &Audit) -> Vec<String> {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let name_cells = width(&mut audit.classes.iter().map(|name| name.chars().count()));
    let mut rows = vec![" ".repeat(name_cells)];
    rows.extend(audit.classes.iter().map(|name| format!("{name:name_cells$}")));
    for split in &audit.splits {
        let most = split.classes.iter().map(|class| class.count).max().unwrap_or(0).max(1);
        let count_cells = thousands(most as u64).len();
        let cells = count_cells + 1 + BAR_CELLS;
        write!(rows[0], "  {:cells$}", split.name).expect("a string takes all that is written to it");
        for (row, class) in rows[1..].iter_mut().zip(&split.classes) {
            let bar = bar(class.count, most);
            write!(row, "  {:>count_cells$} {bar:BAR_CELLS$}", thousands(class.count as u64))
                .expect("a string takes all that is written to it");
        }
    }
    rows.into_iter().map(|row| row.trim_end().to_owned()).collect()
}

/// A class that is there has at least one cell.
fn bar(count: usize, most: usize) -> String {
    let cells = (count * BAR_CELLS + most / 2) / most;
    "█".repeat(if count > 0 { cells.max(1) } else { 0 })
}

fn summary(split: &SplitAudit) -> String {
    let balance = match split.imbalance {
        Some(1.0) if split.missing.is_empty() => "balanced exactly".to_owned(),
        Some(ratio) if ratio < 100.0 => format!("largest class / smallest class {ratio:.2}"),
        Some(ratio) => format!("largest class / smallest class {}", thousands(ratio.round() as u64)),
        None => "empty".to_owned(),
    };
    let labels =
        split.label_range.map(|[least, most]| format!("; labels {least} to {most}")).unwrap_or_default();
    let moments: Vec<String> = (split.mean.iter().zip(&split.sd))
        .map(|(mean, sd)| format!("{:.4} ± {:.4}", mean / 255.0, sd / 255.0))
        .collect();
    let (name, images) = (split.name, thousands(split.images as u64));
    format!("{name}: {images} images, {balance}{labels}; pixels {} of 1 (mean ± sd)", moments.join(", "))
}

fn clean(audit: &Audit) -> String {
    format!(
        "Nothing found: no exact duplicates among {} images, none without content, no class missing.",
        thousands(audit.images as u64)
    )
}

fn said(finding: &Finding) -> String {
    let named: Vec<&str> = finding.examples.iter().take(4).map(String::as_str).collect();
    match named.len() {
        0 => format!("{}.", finding.title),
        _ if finding.examples.len() > named.len() => format!("{}: {}, …", finding.title, named.join(", ")),
        _ => format!("{}: {}.", finding.title, named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share_and_never_hide_a_class() {
        assert_eq!(bar(6000, 6000).chars().count(), BAR_CELLS);
        assert_eq!(bar(3000, 6000).chars().count(), BAR_CELLS / 2);
        assert_eq!(bar(1, 6000), "█");
        assert_eq!(bar(0, 6000), "");
    }
}
