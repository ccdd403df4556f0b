//! What was seen, on the terminal.

use std::io::{self, Write};

use seamripper_core::see::document::Layer;
use seamripper_core::see::trust::Judged;

use super::Seen;
use super::stages::Stages;
use crate::eval_text::{left, right};

/// Prints layers, sentences, probes, what saliency methods are worth, times, and the sheets.
pub fn print(seen: &Seen, stages: &Stages, out: &mut impl Write) -> io::Result<()> {
    if !seen.document.layers.is_empty() {
        writeln!(out, "Layers, over {} images", seen.document.images)?;
        seen.document.layers.iter().try_for_each(|layer| print_layer(layer, out))?;
        writeln!(out)?;
    }
    if !seen.text.is_empty() {
        writeln!(out, "What stands out")?;
        seen.text.iter().try_for_each(|sentence| writeln!(out, "  - {sentence}"))?;
        writeln!(out)?;
    }
    if let Some(n) = seen.document.probes.first().map(|probe| probe.n) {
        writeln!(out, "What a linear classifier reads from each layer (n = {n})")?;
        for probe in &seen.document.probes {
            let name = probe.layer.as_deref().unwrap_or("the pixels");
            writeln!(out, "  {} {:>6.2} %", left(name, 24), 100.0 * probe.accuracy)?;
        }
        writeln!(out)?;
    }
    if let Some(judged) = &seen.document.trust {
        print_trust(judged, out)?;
        writeln!(out)?;
    }
    writeln!(out, "Times")?;
    for (name, time) in &stages.times {
        writeln!(out, "  {} {:>8.2} s", left(name, 28), time.as_secs_f64())?;
    }
    writeln!(out, "\nIn {}", seen.folder.display())?;
    let widest = seen.sheets.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, about) in &seen.sheets {
        writeln!(out, "  {}  {about}", left(name, widest))?;
    }
    writeln!(out, "  {}  all of it as data", left("see.json", widest))
}

fn print_layer(layer: &Layer, out: &mut impl Write) -> io::Result<()> {
    let count = |of: fn(&seamripper_core::see::document::Filter) -> bool| {
        layer.filters.iter().filter(|f| of(f)).count()
    };
    let rate = layer.filters.iter().map(|filter| filter.activation_rate).sum::<f64>()
        / layer.filters.len().max(1) as f64;
    let without = match &layer.ablation {
        Some(effect) => format!(", accuracy without the layer {:+.1} points", 100.0 * effect.accuracy),
        None => String::new(),
    };
    writeln!(
        out,
        "  {} {} filters, {} % active, {} dead, {} with a double{without}",
        left(&layer.name, 16),
        right(&layer.filters.len().to_string(), 4),
        right(&format!("{:.0}", 100.0 * rate), 3),
        count(|filter| filter.dead),
        count(|filter| !filter.duplicates.is_empty()),
    )
}

fn print_trust(judged: &Judged, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "What saliency methods are worth on this model ({} images)", judged.images)?;
    writeln!(out, "  {} sanity         deletion  insertion  like the edges", left("", 22))?;
    for verdict in &judged.verdicts {
        writeln!(
            out,
            "  {} {}      {:>6.2}     {:>6.2}          {:>6.2}",
            left(verdict.method.name(), 22),
            left(
                &format!(
                    "{} {:.2}",
                    if verdict.passes_sanity { "passes" } else { "FAILS " },
                    verdict.sanity.score
                ),
                12
            ),
            verdict.areas.deletion,
            verdict.areas.insertion,
            verdict.likeness_to_edges,
        )?;
    }
    let floor = &judged.floor;
    for (name, areas) in
        [("random order", floor.random), ("the image's edges", floor.edges), ("the middle", floor.center)]
    {
        writeln!(
            out,
            "  {} {}      {:>6.2}     {:>6.2}",
            left(name, 22),
            left("-", 12),
            areas.deletion,
            areas.insertion
        )?;
    }
    writeln!(
        out,
        "  sanity: how alike maps stay without what was learned, below 0.50 passes; deletion: small is good; insertion: large is good"
    )
}
