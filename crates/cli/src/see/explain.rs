//! A few images: saliency maps with their badges, and what every layer responds.

use seamripper_core::engine::{Executor, Wants};
use seamripper_core::see::document::Speaks;
use seamripper_core::see::saliency::{Cam, Explainer, Target};
use seamripper_core::see::trust::{CURVE_BATCH, judge};
use seamripper_core::see::{Model, Running, contributions};

use seamripper_core::tensor::argmax;

use super::asked::Asked;
use super::maps::{self, Asking};
use super::nearest;
use super::pictures::{Shown, find};
use super::sheets;
use super::{See, Seen, windows};
use crate::diag::Outcome;
use crate::stages::Stages;
use crate::subject::Subject;

/// Images by which methods are judged.
pub const JUDGES: usize = 16;

/// Filters that are named as speaking most for a class, and against it.
const SPEAKERS: usize = 3;

/// Looks at the images of `--image`.
pub fn look(
    model: &Model<'_>,
    subject: &Subject,
    verb: &See,
    asked: &Asked,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let shown = find(&verb.image, &subject.images, verb.fit, stages.is_quiet())?;
    judged(model, subject, asked, seen, stages);
    let explainer = Explainer::new(*model, asked.options.clone());
    let running = Running::new(model, CURVE_BATCH);
    let mut looking = Looking { model, subject, asked, explainer, running };
    for image in &shown {
        one(&mut looking, image, seen, stages)?;
    }
    match &subject.training {
        Some(training) => nearest::look(model, training, &shown, seen, stages),
        None => Ok(()),
    }
}

/// The methods, judged by the first images of the split. What an earlier look has found is not made again.
pub fn judged(model: &Model<'_>, subject: &Subject, asked: &Asked, seen: &mut Seen, stages: &mut Stages) {
    maps::judged(asked, seen, (stages, "saliency: sanity checks"), |methods, done| {
        let count = JUDGES.min(subject.images.len());
        let values = model.values_of(&subject.images, &(0..count).collect::<Vec<_>>());
        let classes: Vec<usize> =
            model.logits(&values).data().chunks_exact(model.graph.outputs()).map(argmax).collect();
        judge(model, &asked.options, methods, &values, &classes, done)
    });
}

/// What all images are looked at with.
struct Looking<'a> {
    model: &'a Model<'a>,
    subject: &'a Subject,
    asked: &'a Asked,
    explainer: Explainer<'a>,
    running: Running,
}

fn one(looking: &mut Looking<'_>, image: &Shown, seen: &mut Seen, stages: &mut Stages) -> Outcome {
    let Looking { model, subject, asked, explainer, running } = looking;
    let classes = subject.model.classes();
    let values = model.values(&image.pixels);
    let logits = model.logits(&values).into_data();
    let asking = Asking { image, values: &values, logits: &logits, classes };
    let mut explain = |method, values: &[f32], target| explainer.explain(method, values, target);
    let mapped = maps::maps(running, &mut explain, asked, &asking, seen, stages)?;
    let (predicted, class) = (mapped.predicted, mapped.class);
    let mut cam = Cam::new(model);
    // An image that the model gets wrong is asked the question that matters: why this and not what it is?
    let speaks = match (asked.against, image.label) {
        (None, Some(label)) if asked.target.is_none() && label != predicted => (class, Some(label)),
        _ => (class, asked.against),
    };
    let question = match speaks {
        (class, Some(against)) => Target::Contrast { class, against },
        (class, None) => Target::Logit(class),
    };
    let layers = contributions(model, &mut cam, &values, question);
    let [for_class, against] =
        [Some(speaks.0), speaks.1].map(|class| class.map(|class| classes[class].clone()));
    let for_class = for_class.unwrap_or_default();
    let opposed = against.as_ref().map(|against| format!(" and not {against}")).unwrap_or_default();
    for layer in &layers {
        let numbers = |filters: &[usize]| {
            filters.iter().map(|filter| format!("#{filter}")).collect::<Vec<_>>().join(", ")
        };
        let [pro, con] = layer.extremes(SPEAKERS).map(|filters| numbers(&filters));
        let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        seen.text.push(format!(
            "{}: for {for_class}{opposed} speak filters {} of {}; against it {}",
            image.id,
            or_none(pro),
            layer.layer,
            or_none(con)
        ));
    }
    seen.document.contributions.push(Speaks { id: image.id.clone(), target: for_class, against, layers });
    mapped.write(seen)?;
    windows::look(model, asked, image, &values, seen)?;
    responses(model, asked, image, &values, seen, stages)
}

/// A sheet a layer: what every filter responds to the image.
fn responses(
    model: &Model<'_>,
    asked: &Asked,
    image: &Shown,
    values: &[f32],
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let mut engine = model.engine(1, Wants { taps: true, ..Wants::INFERENCE });
    engine.run_forward(values);
    let layers: Vec<_> = asked.layers.iter().filter(|layer| layer.is_convolution(model.graph)).collect();
    let mut canvases = Vec::new();
    stages.run(&format!("{}: activations", image.id), layers.len(), |done| {
        for (index, layer) in layers.iter().enumerate() {
            let response = engine.tap(layer.response).expect("compiled with taps");
            let sheet = sheets::responses(layer, &image.id, response.data());
            canvases.push((
                format!("activations-{}-{}.png", Seen::file_name(&image.id), Seen::file_name(&layer.name)),
                sheet.draw(),
            ));
            done(index + 1);
        }
    });
    for (layer, (name, canvas)) in layers.iter().zip(canvases) {
        seen.sheet(name, &canvas, format!("{}: what the filters of {} respond", image.id, layer.name))?;
    }
    Ok(())
}
