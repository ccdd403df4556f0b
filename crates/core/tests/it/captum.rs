//! Saliency maps of the 45,770-parameter network against Captum and pytorch-grad-cam.
//!
//! Golden files and how they were made: `tests/golden/captum/`.

use std::collections::HashMap;

use seamripper_core::engine::ReluRule;
use seamripper_core::graph::{Graph, Preprocessing, Weights};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::see::saliency::{
    Cam, CamRule, Gradient, MOST_STEPS, Method, Occlusion, Options, Steps, Target, input_x_gradient,
    integrated_gradients, occlusion, rise, smooth_gradient,
};
use seamripper_core::see::trust::{
    CURVE_BATCH, Verdict, curve, judge, judge_by_predictions, pixels_by_saliency,
};
use seamripper_core::see::{Model, Running, effective_field, layer_named};
use seamripper_kernels::Instructions;

use crate::keras::{difference, seed, weights};
use crate::npz::{Array, golden};

/// Largest difference from Captum, relative to the largest value of an image's map.
const BOUND: f64 = 1e-4;

const IMAGE: usize = 28 * 28;

struct Case {
    graph: Graph,
    weights: Weights,
    preprocessing: Preprocessing,
    images: Vec<f32>,
    targets: Vec<Target>,
}

impl Case {
    fn new() -> Self {
        let (_, graph) = seed();
        let weights = weights(&graph, &golden("keras/weights.npz"), "");
        let inputs = golden("captum/inputs.npz");
        let targets = inputs["targets"].values.iter().map(|&class| Target::Logit(class as usize)).collect();
        let images = inputs["images_u8"].values.iter().map(|&value| value as f32 / 255.0).collect();
        Self { graph, weights, preprocessing: Preprocessing::new(1), images, targets }
    }

    fn each(&self, check: impl Fn(&Model<'_>)) {
        let Self { graph, weights, preprocessing, .. } = self;
        for isa in Instructions::available() {
            check(&Model { isa, graph, weights, preprocessing });
        }
    }

    fn image(&self, index: usize) -> &[f32] {
        &self.images[index * IMAGE..][..IMAGE]
    }
}

/// Compares image by image, so that a faint map is held to its own scale.
fn agree(what: &str, model: &Model<'_>, found: &[f32], expected: &Array, length: usize) {
    assert_eq!(found.len(), expected.values.len(), "{what}");
    for (image, (found, expected)) in found.chunks(length).zip(expected.values.chunks(length)).enumerate() {
        let wrong = difference(found, expected, BOUND);
        assert!(wrong.is_none(), "{what}, image {image}, on {}: {}", model.isa.name(), wrong.unwrap());
    }
}

#[test]
fn gradients() {
    let (case, golden) = (Case::new(), golden("captum/gradients.npz"));
    case.each(|model| {
        for (name, rule) in [
            ("gradient", ReluRule::Gradient),
            ("guided_backprop", ReluRule::Guided),
            ("deconvolution", ReluRule::Deconvolution),
        ] {
            let found = Gradient::new(model, rule).of(&case.images, &case.targets);
            agree(name, model, &found, &golden[name], IMAGE);
        }
        let mut gradient = Gradient::new(model, ReluRule::Gradient);
        let found = input_x_gradient(&mut gradient, &case.images, &case.targets);
        agree("input_x_gradient", model, &found, &golden["input_x_gradient"], IMAGE);
    });
}

#[test]
fn smooth_gradients() {
    let (case, golden) = (Case::new(), golden("captum/gradients.npz"));
    let noises = &golden["noise_u8"]; // [samples, images, h, w, c]
    let [samples, images] = [noises.shape[0], noises.shape[1]];
    case.each(|model| {
        let mut gradient = Gradient::new(model, ReluRule::Gradient);
        let mut found = Vec::new();
        for image in 0..images {
            let noise: Vec<f32> = (0..samples)
                .flat_map(|sample| &noises.values[(sample * images + image) * IMAGE..][..IMAGE])
                .map(|&value| (value as f32 - 128.0) / 255.0)
                .collect();
            found.extend(smooth_gradient(&mut gradient, case.image(image), case.targets[image], &noise));
        }
        agree("smooth_gradient", model, &found, &golden["smooth_gradient"], IMAGE);
    });
}

#[test]
fn integrated() {
    let (case, golden) = (Case::new(), golden("captum/gradients.npz"));
    case.each(|model| {
        let mut gradient = Gradient::new(model, ReluRule::Gradient);
        for steps in [32, 64] {
            let made: Vec<_> = (0..case.targets.len())
                .map(|index| {
                    let (image, target) = (case.image(index), case.targets[index]);
                    integrated_gradients(&mut gradient, image, &[0.0; IMAGE], target, Steps::Fixed(steps))
                })
                .collect();
            let maps: Vec<f32> = made.iter().flat_map(|made| made.map.clone()).collect();
            let name = format!("integrated_gradients_riemann_middle_{steps}");
            agree(&name, model, &maps, &golden[&name], IMAGE);
            for (made, expected) in made.iter().zip(&golden[&format!("delta_riemann_middle_{steps}")].values)
            {
                assert!((made.error - expected).abs() < 1e-4, "{} is not {expected}", made.error);
                assert_eq!(made.steps, steps);
            }
        }
    });
}

#[test]
fn class_activation_maps() {
    let (case, golden) = (Case::new(), golden("captum/cams.npz"));
    case.each(|model| {
        let mut found: HashMap<String, Vec<f32>> = HashMap::new();
        let mut cam = Cam::new(model);
        for index in 0..case.targets.len() {
            cam.run(case.image(index), case.targets[index]);
            for name in ["conv1", "conv2", "conv3"] {
                let layer = layer_named(model.graph, name).unwrap();
                for (method, rule) in [
                    ("grad_cam", CamRule::GradCam),
                    ("grad_cam_plus_plus", CamRule::GradCamPlusPlus),
                    ("layer_cam", CamRule::LayerCam),
                ] {
                    let map = cam.map(layer.response, layer.output, rule);
                    found.entry(format!("{method}.{name}_relu")).or_default().extend(map);
                }
            }
        }
        assert_eq!(found.len(), 9);
        for (name, maps) in &found {
            let expected = &golden[name];
            agree(name, model, maps, expected, expected.shape[1] * expected.shape[2]);
        }
    });
}

#[test]
fn perturbations() {
    let (case, golden) = (Case::new(), golden("captum/perturbations.npz"));
    case.each(|model| {
        for stride in [1, 2] {
            let windows = Occlusion { window: [5, 5], stride: [stride, stride] };
            let maps: Vec<f32> = (0..case.targets.len())
                .flat_map(|index| {
                    let mut running = Running::new(model, 128);
                    occlusion(&mut running, case.image(index), &[0.0; IMAGE], case.targets[index], windows)
                })
                .collect();
            let name = format!("occlusion_5_stride_{stride}");
            agree(&name, model, &maps, &golden[&name], IMAGE);
        }
        let masks: Vec<f32> =
            golden["rise_masks_u8"].values.iter().map(|&value| value as f32 / 255.0).collect();
        let map = rise(
            &mut Running::new(model, 128),
            case.image(0),
            &[0.0; IMAGE],
            case.targets[0].class(),
            &masks,
        );
        agree("rise", model, &map, &golden["rise"], IMAGE);
    });
}

#[test]
fn insertion_and_deletion() {
    let (case, golden) = (Case::new(), golden("captum/perturbations.npz"));
    let maps = &crate::npz::golden("captum/gradients.npz")["integrated_gradients_riemann_middle_64"];
    case.each(|model| {
        let mut running = Running::new(model, CURVE_BATCH);
        for image in 0..2 {
            let map: Vec<f32> =
                maps.values[image * IMAGE..][..IMAGE].iter().map(|&value| value as f32).collect();
            let class = case.targets[image].class();
            let order = pixels_by_saliency(&map);
            let curve = curve(&mut running, case.image(image), &[0.0; IMAGE], class, &order);
            let [deletion, insertion] = curve.areas();
            for (found, name) in [(&curve.deletion, "deletion"), (&curve.insertion, "insertion")] {
                let expected = &golden[name].values[image * found.len()..][..found.len()];
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < BOUND,
                        "{name}, image {image}: {found} is not {expected}"
                    );
                }
            }
            for (found, name) in [(deletion, "deletion_area"), (insertion, "insertion_area")] {
                assert!((found - golden[name].values[image]).abs() < BOUND, "{name}, image {image}");
            }
        }
    });
}

/// Of all filters of a layer at once, and the mean of those of each filter alone. Fields are of the response, `_relu` in the file.
#[test]
fn effective_fields() {
    let (case, golden) = (Case::new(), golden("captum/fields.npz"));
    let pixels: Vec<u8> =
        self::golden("captum/inputs.npz")["images_u8"].values.iter().map(|&value| value as u8).collect();
    let images = case.targets.len();
    let classes: Vec<String> = (0..10).map(|class| format!("class {class}")).collect();
    let ids = Ids::Rows { prefix: "image".into(), rows: (0..images as u32).collect() };
    let set = ImageSet::new([28, 28, 1], pixels, vec![0; images], classes.into(), ids);
    let all: Vec<usize> = (0..images).collect();
    case.each(|model| {
        for name in ["conv1", "conv2", "conv3"] {
            let layer = layer_named(model.graph, name).unwrap();
            let field = |filter| effective_field(model, &set, &all, &layer, filter);
            let narrow = |field: &[f64]| field.iter().map(|&value| value as f32).collect::<Vec<f32>>();
            agree("summed", model, &narrow(&field(None)), &golden[&format!("summed.{name}_relu")], IMAGE);
            // One run a filter: on one instruction set.
            if model.isa.name() != Instructions::detect().unwrap().name() {
                continue;
            }
            let filters = layer.filters();
            let mut mean = vec![0.0; IMAGE];
            for filter in 0..filters {
                mean.iter_mut().zip(field(Some(filter))).for_each(|(sum, x)| *sum += x / filters as f64);
            }
            agree("each", model, &narrow(&mean), &golden[&format!("each.{name}_relu")], IMAGE);
        }
    });
}

/// The check has teeth: what is known to show the image fails, what needs the model passes.
#[test]
fn sanity_of_methods() {
    let case = Case::new();
    let Case { graph, weights, preprocessing, .. } = &case;
    let model = Model { isa: Instructions::detect().unwrap(), graph, weights, preprocessing };
    let classes: Vec<usize> = case.targets.iter().map(|target| target.class()).collect();
    let options = Options { masks: 200, ..Options::new(&model) };
    let judged = judge(&model, &options, &Method::ALL, &case.images, &classes, |_| {});
    assert_eq!(judged.verdicts.len(), Method::ALL.len());
    for Verdict {
        method,
        sanity,
        passes_sanity,
        passes_smooth_sanity,
        smooth_sanity,
        areas,
        blurred_areas,
        ..
    } in &judged.verdicts
    {
        let sanity = sanity.as_ref().unwrap();
        assert_eq!(*passes_sanity, Some(!method.known_to_fail()), "{}: {sanity:?}", method.name());
        assert_eq!(
            *passes_smooth_sanity,
            Some(!method.known_to_fail()),
            "{}, smooth: {smooth_sanity:?}",
            method.name()
        );
        assert!((0.0..=1.0).contains(&blurred_areas.insertion) && areas != blurred_areas);
        assert_eq!(sanity.course.len(), 5);
        assert!((0.0..=1.0).contains(&areas.insertion) && (0.0..=1.0).contains(&areas.deletion));
    }
    let areas = |method| judged.verdicts.iter().find(|verdict| verdict.method == method).unwrap().areas;
    let (rise, random) = (areas(Method::Rise), judged.floor.random);
    assert!(rise.deletion < random.deletion && rise.insertion > random.insertion, "{judged:?}");
    // A model that only predicts is judged alike, as far as predictions go.
    let mut running = Running::new(&model, 7);
    let by_predictions =
        judge_by_predictions(&mut running, &options, &Method::ALL, &case.images, &classes, |_| {});
    assert_eq!((&by_predictions.floor, by_predictions.images), (&judged.floor, judged.images));
    let methods: Vec<Method> = by_predictions.verdicts.iter().map(|verdict| verdict.method).collect();
    assert_eq!(methods, [Method::Occlusion, Method::Rise]);
    for verdict in &by_predictions.verdicts {
        let whole = judged.verdicts.iter().find(|other| other.method == verdict.method).unwrap();
        let without = Verdict {
            sanity: None,
            passes_sanity: None,
            smooth_sanity: None,
            passes_smooth_sanity: None,
            ..whole.clone()
        };
        assert_eq!(*verdict, without);
    }
}

/// As many steps as it takes: complete on every image, with less than the most.
#[test]
fn integrated_gradients_are_complete() {
    let case = Case::new();
    case.each(|model| {
        let mut gradient = Gradient::new(model, ReluRule::Gradient);
        for (index, &target) in case.targets.iter().enumerate() {
            let image = case.image(index);
            let made = integrated_gradients(&mut gradient, image, &[0.0; IMAGE], target, Steps::Adaptive);
            assert!(made.is_complete() && made.steps < MOST_STEPS, "image {index}: {:?}", made.steps);
            let sum: f64 = made.map.iter().map(|&value| f64::from(value)).sum();
            assert!((sum - made.difference - made.error).abs() < 1e-3);
        }
    });
}
