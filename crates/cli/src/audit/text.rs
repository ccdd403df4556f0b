//! An audit on the terminal: findings first, then what they rest on, accuracy last.

use std::io::{self, Write};

use seamripper_core::digits::thousands;
use seamripper_core::fail::audit::Document;
use seamripper_core::fail::audit::robustness::RobustnessSection;
use seamripper_core::fail::{Finding, Kind};

use super::files::Written;
use crate::eval_text::{Style, left, printable, shortened, wrapped};

/// Findings that are printed; all of them are in `audit.json`.
const SHOWN: usize = 15;

/// Findings of one kind that are printed.
const OF_A_KIND: usize = 5;

/// Ids that are printed of a finding.
const IDS: usize = 4;

/// Prints the audit.
pub fn print(document: &Document, written: &Written, out: &mut impl Write, style: Style) -> io::Result<()> {
    print_findings(document, out, style)?;
    print_claims(document, out, style)?;
    print_runs(document, out, style)?;
    if let Some(robustness) = &document.robustness {
        print_turning(document, robustness, out, style)?;
    }
    print_left_out(document, out, style)?;
    writeln!(out, "\n{}", style.title(format!("In {}", written.folder.display())))?;
    let widest = written.files.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, about) in &written.files {
        writeln!(out, "  {}  {about}", left(name, widest))?;
    }
    let [low, high] = document.accuracy_ci.map(|end| 100.0 * end);
    writeln!(
        out,
        "\naccuracy {:.2} % [{low:.2}–{high:.2}] of {} images",
        100.0 * document.accuracy,
        thousands(document.audit.n)
    )
}

fn print_findings(document: &Document, out: &mut impl Write, style: Style) -> io::Result<()> {
    let findings = &document.audit.findings;
    writeln!(
        out,
        "{}",
        style.title("Findings, confirmed ones first, then by the share of all errors they explain")
    )?;
    if findings.is_empty() {
        writeln!(out, "  None: nothing that was looked for stands out beyond chance.")?;
    }
    let (mut shown, mut others) = (Vec::new(), Vec::new());
    for (place, finding) in findings.iter().enumerate() {
        let of_kind =
            shown.iter().filter(|(_, other): &&(usize, &Finding)| other.kind == finding.kind).count();
        if of_kind < OF_A_KIND && shown.len() < SHOWN {
            shown.push((place, finding))
        } else {
            others.push(finding)
        }
    }
    shown.iter().try_for_each(|(place, finding)| print_finding(place + 1, finding, out, style))?;
    match others.len() {
        0 => Ok(()),
        more => writeln!(out, "\n  {more} more are in audit.json: {}", counted(&others)),
    }
}

fn print_finding(rank: usize, finding: &Finding, out: &mut impl Write, style: Style) -> io::Result<()> {
    writeln!(out)?;
    let number = format!("{rank:>3}. ");
    for (row, line) in wrapped(&finding.title, style.width - 5).iter().enumerate() {
        let start = if row == 0 { number.as_str() } else { "     " };
        writeln!(out, "{start}{}", if row == 0 { style.title(line) } else { line.clone() })?;
    }
    let mut facts = vec![kind_name(finding.kind).to_owned()];
    if let Some(interval) = finding.interval {
        facts.push(effect(finding, interval));
    }
    facts.extend(p_value(finding));
    facts.push(if finding.confirmed { "confirmed" } else { "not confirmed" }.to_owned());
    if let Some([low, high]) = harm_interval(finding) {
        facts.push(format!("explains {} of all errors", share(finding.harm, low, high)));
    }
    writeln!(out, "     {}", style.dim(facts.join(" · ")))?;
    if !finding.examples.is_empty() {
        let ids: Vec<String> = finding.examples.iter().take(IDS).map(|id| printable(id)).collect();
        let more = if finding.examples.len() > IDS { ", …" } else { "" };
        writeln!(out, "     {}", style.dim(format!("see {}{more}", ids.join(", "))))?;
    }
    Ok(())
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bias => "bias",
        Kind::Slice => "slice",
        Kind::Robustness => "robustness",
        Kind::Calibration => "calibration",
        Kind::LabelError => "label errors",
        Kind::Duplicate => "duplicates",
        Kind::Leak => "leak",
        Kind::Spurious => "spurious",
        Kind::Drift => "drift",
        Kind::Preprocessing => "preprocessing",
    }
}

/// The effect with its interval, in the unit of its kind.
fn effect(finding: &Finding, [low, high]: [f64; 2]) -> String {
    let effect = finding.effect;
    let is_pair = finding.evidence.get("from").is_some();
    let turns = finding.evidence.get("becomes").is_some();
    match finding.kind {
        Kind::Bias if !is_pair => format!("predicted / actual {effect:.2} [{low:.2}–{high:.2}]"),
        Kind::Bias | Kind::LabelError | Kind::Duplicate => share(effect, low, high),
        Kind::Robustness if turns => share(effect, low, high),
        _ => format!("{:+.1} points [{:+.1}, {:+.1}]", 100.0 * effect, 100.0 * low, 100.0 * high),
    }
}

/// The harm where the effect is at either end of its interval: it grows with the distance of the effect from none. `None` where
/// there is no harm, or where it does not come from the effect.
fn harm_interval(finding: &Finding) -> Option<[f64; 2]> {
    let none = match finding.kind {
        Kind::Bias if finding.evidence.get("from").is_some() => 0.5,
        Kind::Bias => 1.0,
        Kind::Slice | Kind::Preprocessing => 0.0,
        _ => return None,
    };
    let distance = finding.effect - none;
    let at = |end: f64| (finding.harm * (end - none) / distance).clamp(0.0, 1.0);
    let [a, b] = finding.interval.filter(|_| finding.harm >= 0.0005 && distance != 0.0)?.map(at);
    Some([a.min(b), a.max(b)])
}

fn share(effect: f64, low: f64, high: f64) -> String {
    format!("{:.1} % [{:.1}–{:.1}]", 100.0 * effect, 100.0 * low, 100.0 * high)
}

fn p_value(finding: &Finding) -> Option<String> {
    let (p, corrected) = match (finding.p_corrected, finding.p) {
        (Some(p), _) => (p, " corrected"),
        (None, p) => (p?, ""),
    };
    Some(if p < 0.001 { format!("p < 0.001{corrected}") } else { format!("p = {p:.3}{corrected}") })
}

/// `12 of robustness, 3 of bias`.
fn counted(findings: &[&Finding]) -> String {
    let mut counts: Vec<(Kind, usize)> = Vec::new();
    for finding in findings {
        match counts.iter_mut().find(|(kind, _)| *kind == finding.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((finding.kind, 1)),
        }
    }
    let part = |(kind, count): &(Kind, usize)| format!("{count} {}", kind_name(*kind));
    counts.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn print_claims(document: &Document, out: &mut impl Write, style: Style) -> io::Result<()> {
    let claims = document.bias.iter().flat_map(|bias| &bias.claims);
    for (row, claim) in claims.enumerate() {
        if row == 0 {
            writeln!(out, "\n{}", style.title("Claims"))?;
        }
        let name = printable(&document.classes[claim.class]);
        writeln!(
            out,
            "  {name} predicted {:.2} times as often as it occurs: {}",
            claim.claimed, claim.sentence
        )?;
        match (claim.bias, claim.bias_ci, claim.holds) {
            (Some(bias), Some([low, high]), Some(holds)) => writeln!(
                out,
                "    On these images it is {bias:.2} [{low:.2}–{high:.2}]: the claim {}.",
                if holds { "agrees with that" } else { "does not hold" }
            )?,
            _ => writeln!(out, "    No image here belongs to it.")?,
        }
    }
    Ok(())
}

fn print_runs(document: &Document, out: &mut impl Write, style: Style) -> io::Result<()> {
    let Some(runs) = document.bias.as_ref().and_then(|bias| bias.runs.as_ref()) else { return Ok(()) };
    let n = runs.names.len();
    writeln!(
        out,
        "\n{}",
        style.title(format!("Bias over {n} runs: mean with its 95 % interval, lowest and highest"))
    )?;
    let widest = document.classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(30);
    for (class, band) in runs.classes.iter().enumerate() {
        let name = left(&shortened(&printable(&document.classes[class]), widest), widest);
        let known: Vec<f64> = band.bias.iter().copied().flatten().collect();
        let (Some(mean), Some([low, high])) = (band.mean, band.mean_ci) else { continue };
        let lowest = known.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = known.iter().copied().fold(0.0, f64::max);
        let flagged = match band.flagged {
            0 => String::new(),
            count => format!("   flagged in {count} of {n}"),
        };
        writeln!(out, "  {name}  {mean:.2} [{low:.2}–{high:.2}]   {lowest:.2} to {highest:.2}{flagged}")?;
    }
    Ok(())
}

/// From which angle on each class becomes another, both ways round; and what would help.
fn print_turning(
    document: &Document,
    robustness: &RobustnessSection,
    out: &mut impl Write,
    style: Style,
) -> io::Result<()> {
    let turned = |sign: f64, class: usize| {
        robustness
            .turning_points
            .iter()
            .find(|point| point.family == "rotate" && point.class == class && point.parameter * sign > 0.0)
    };
    let rows: Vec<usize> = (0..document.classes.len())
        .filter(|&class| turned(1.0, class).is_some() || turned(-1.0, class).is_some())
        .take(20)
        .collect();
    if !rows.is_empty() {
        writeln!(
            out,
            "\n{}",
            style.title(
                "From which angle on most images of a class are called another (95 % interval of their share)"
            )
        )?;
        let name = |class: usize| printable(&document.classes[class]);
        let widest = rows.iter().map(|&class| name(class).chars().count()).max().unwrap_or(0);
        for class in rows {
            let said = |sign: f64| {
                turned(sign, class).map_or("-".to_owned(), |point| {
                    let [low, high] = point.share_ci.map(|end| 100.0 * end);
                    format!("{:+}° {} ({low:.0}–{high:.0} %)", point.parameter, name(point.becomes))
                })
            };
            writeln!(out, "  {}  {}  {}", left(&name(class), widest), left(&said(-1.0), 30), said(1.0))?;
        }
    }
    let advice = robustness
        .sentences
        .iter()
        .filter(|sentence| sentence.starts_with("Against ") || sentence.starts_with("No transform"));
    for (row, sentence) in advice.enumerate() {
        if row == 0 {
            writeln!(out, "\n{}", style.title("What might help"))?;
        }
        for (row, line) in wrapped(sentence, style.width - 4).iter().enumerate() {
            writeln!(out, "  {} {line}", if row == 0 { "-" } else { " " })?;
        }
    }
    Ok(())
}

fn print_left_out(document: &Document, out: &mut impl Write, style: Style) -> io::Result<()> {
    if !document.excluded.is_empty() || !document.not_run.is_empty() {
        writeln!(out, "\n{}", style.title("Left out"))?;
    }
    for excluded in &document.excluded {
        let names = match excluded.names.len() {
            0 => String::new(),
            _ => format!(": {}", printable(&excluded.names.join(", "))),
        };
        let text = format!("{} {}{names}; from {}", thousands(excluded.count), excluded.what, excluded.from);
        print_item(&text, out, style)?;
    }
    for not_run in &document.not_run {
        let text = format!("{}: {}; {}", kind_name(not_run.kind), not_run.why, not_run.hint);
        print_item(&text, out, style)?;
    }
    Ok(())
}

fn print_item(text: &str, out: &mut impl Write, style: Style) -> io::Result<()> {
    wrapped(text, style.width - 4)
        .iter()
        .enumerate()
        .try_for_each(|(row, line)| writeln!(out, "  {} {line}", if row == 0 { "-" } else { " " }))
}
