//! What was seen, on the terminal.

use std::io::{self, Write};

use seamripper_core::see::document::{Layer, WindowSeen};
use seamripper_core::see::trust::{Areas, Judged};

use super::Seen;
use crate::eval_text::{left, right};
use crate::stages::Stages;

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
    seen.document.windows.iter().try_for_each(|window| print_window(window, out))?;
    if let Some(judged) = &seen.document.trust {
        print_trust(judged, seen.reused, out)?;
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
    let without = match (&layer.ablation, &layer.mean_ablation) {
        (Some(zero), Some(mean)) => format!(
            ", accuracy {:+.1} points without the layer, {:+.1} with its means",
            100.0 * zero.accuracy,
            100.0 * mean.accuracy
        ),
        _ => String::new(),
    };
    let sees = match &layer.field {
        Some(field) => {
            let [high, wide] = [field.rows, field.columns].map(|[start, end]| end - start);
            format!(", sees {high} x {wide} pixels, half of it in {}", field.half)
        }
        None => String::new(),
    };
    writeln!(
        out,
        "  {} {} filters, {} % active, {} dead, {} with a double{sees}{without}",
        left(&layer.name, 16),
        right(&layer.filters.len().to_string(), 4),
        right(&format!("{:.0}", 100.0 * rate), 3),
        count(|filter| filter.dead),
        count(|filter| !filter.duplicates.is_empty()),
    )
}

/// What a response is made of: as many channels as are worth reading.
fn print_window(window: &WindowSeen, out: &mut impl Write) -> io::Result<()> {
    /// Channels in full.
    const CHANNELS: usize = 4;
    let WindowSeen { id, layer, filter, row, column, rows, columns, shape: [kh, kw, c], .. } = window;
    writeln!(out, "{id}: what makes {layer} #{filter} respond at row {row}, column {column}")?;
    writeln!(
        out,
        "  the patch      rows {} to {}, columns {} to {} of the image",
        rows[0],
        rows[1].max(1) - 1,
        columns[0],
        columns[1].max(1) - 1
    )?;
    let [top, left] = window.corner;
    writeln!(
        out,
        "  the window     {kh} x {kw} places of {c} {} from row {top}, column {left} of what the layer reads",
        if *c == 1 { "channel" } else { "channels" }
    )?;
    let channels = channels_by_share(window);
    for &(channel, share) in channels.iter().take(CHANNELS) {
        writeln!(out, "  channel {} adds {share:+.4}: value x weight", window.channel + channel)?;
        for row in 0..*kh {
            let product = |column: usize| {
                let at = (row * kw + column) * c + channel;
                format!("{:>6.3} x {:>6.3}", window.input[at], window.weights[at])
            };
            writeln!(out, "    {}", (0..*kw).map(product).collect::<Vec<_>>().join("   "))?;
        }
    }
    if channels.len() > CHANNELS {
        let rest: f64 = channels[CHANNELS..].iter().map(|(_, share)| share).sum();
        writeln!(out, "  {} more channels add {rest:+.4}", channels.len() - CHANNELS)?;
    }
    let WindowSeen { bias, sum, response, .. } = window;
    let products: f64 = channels.iter().map(|(_, share)| share).sum();
    writeln!(out, "  products {products:+.4}, bias {bias:+.4}: sum {sum:+.4}")?;
    writeln!(out, "  after batch normalization and activation {response:.4}\n")
}

/// The channels a window reads, each with the sum of its products, the largest first.
pub fn channels_by_share(window: &WindowSeen) -> Vec<(usize, f64)> {
    let c = window.shape[2];
    let share = |channel: usize| window.products.iter().skip(channel).step_by(c).map(|&x| f64::from(x)).sum();
    let mut channels: Vec<(usize, f64)> = (0..c).map(|channel| (channel, share(channel))).collect();
    channels.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    channels
}

fn print_trust(judged: &Judged, reused: usize, out: &mut impl Write) -> io::Result<()> {
    let before = match reused {
        0 => String::new(),
        n => format!("; {n} checked by an earlier look, read from see.json"),
    };
    writeln!(out, "What saliency methods are worth on this model ({} images{before})", judged.images)?;
    writeln!(
        out,
        "  {} sanity                      blank image       blurred image   like the",
        left("", 22)
    )?;
    writeln!(
        out,
        "  {} as it is      smooth        del.    ins.      del.    ins.      edges",
        left("", 22)
    )?;
    let pair = |areas: &Areas| format!("{:>5.2}   {:>5.2}", areas.deletion, areas.insertion);
    let sanity = |passes: Option<bool>, score: Option<f64>| match (passes, score) {
        (Some(passes), Some(score)) => format!("{} {score:.2}", if passes { "passes" } else { "FAILS " }),
        _ => left("not checked", 11),
    };
    for verdict in &judged.verdicts {
        writeln!(
            out,
            "  {} {}   {}   {}     {}      {:>5.2}",
            left(verdict.method.name(), 22),
            sanity(verdict.passes_sanity, verdict.sanity.as_ref().map(|sanity| sanity.score)),
            sanity(verdict.passes_smooth_sanity, verdict.smooth_sanity),
            pair(&verdict.areas),
            pair(&verdict.blurred_areas),
            verdict.likeness_to_edges,
        )?;
    }
    let (blank, blurred) = (&judged.floor, &judged.blurred_floor);
    for (name, blank, blurred) in [
        ("random order", blank.random, blurred.random),
        ("the image's edges", blank.edges, blurred.edges),
        ("the middle", blank.center, blurred.center),
    ] {
        writeln!(out, "  {} {}{}     {}", left(name, 22), left("-", 28), pair(&blank), pair(&blurred))?;
    }
    if judged.verdicts.iter().all(|verdict| verdict.sanity.is_none()) {
        return writeln!(
            out,
            "  sanity: not checked, because the weights cannot be read and so not be put out of order\n  \
             del., deletion of the most salient pixels: small is good; ins., insertion: large is good"
        );
    }
    writeln!(
        out,
        "  sanity: how alike maps stay without what was learned, below 0.50 passes; smooth: of maps averaged over noisy copies\n  \
         del., deletion of the most salient pixels: small is good; ins., insertion: large is good"
    )
}
