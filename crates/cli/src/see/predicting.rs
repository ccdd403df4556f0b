//! A look at a model that only predicts: occlusion and RISE, measured by insertion and deletion.

use seamripper_core::see::Classifier;
use seamripper_core::see::saliency::Perturber;
use seamripper_core::see::trust::judge_by_predictions;
use seamripper_core::tensor::argmax;

use super::asked::Asked;
use super::explain::JUDGES;
use super::maps::{self, Asking};
use super::pictures::find;
use super::{See, Seen};
use crate::blackbox_file::BlackboxFile;
use crate::diag::{Outcome, tell};
use crate::stages::Stages;
use crate::subject::Subject;

/// Looks at the images of `--image`, or says what the methods are worth on this model.
pub fn look(
    file: &BlackboxFile,
    subject: &Subject,
    verb: &See,
    asked: &Asked,
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let mut model = &file.model;
    let prepared = |pixels: &[u8]| {
        let mut values = vec![0.0; pixels.len()];
        file.model.preprocessing().apply(pixels, &mut values);
        values
    };
    let shown = find(&verb.image, &subject.images, verb.fit, stages.is_quiet())?;
    maps::judged(asked, seen, (stages, "saliency: what it is worth"), |methods, done| {
        let count = JUDGES.min(subject.images.len());
        let values: Vec<f32> = (0..count).flat_map(|index| prepared(&subject.images.image(index))).collect();
        let classes: Vec<usize> = model.logits(&values).chunks_exact(model.outputs()).map(argmax).collect();
        judge_by_predictions(&mut model, &asked.options, methods, &values, &classes, done)
    });
    let perturber = Perturber::new(asked.options.clone(), model.input());
    for image in &shown {
        let values = prepared(&image.pixels);
        let logits = model.logits(&values);
        let mut explained = &file.model;
        let mut explain =
            |method, values: &[f32], target| perturber.explain(&mut explained, method, values, target);
        let asking = Asking { image, values: &values, logits: &logits, classes: file.model.classes() };
        maps::maps(&mut model, &mut explain, asked, &asking, seen, stages)?.write(seen)?;
    }
    if shown.is_empty() && verb.only.is_empty() && !stages.is_quiet() {
        tell(
            "note: filters, ablation, fields, probes, dreams and the map need layers that can be read; --image ID shows maps of an image",
        );
    }
    file.check()
}
