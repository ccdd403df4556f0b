//! A recipe as TOML, every default written out.

use toml::Value;

use super::short::write_layer;
use super::{
    AugmentOptions, ClassWeights, DataOptions, EarlyStopping, EpsilonForm, Freeze, Initializer, Loss,
    ModelOptions, Optimizer, Progressive, Recipe, Sampling, Schedule, Teacher, TrainOptions, Transfer,
};
use crate::augment::{Affine, Crop, Erase, Transform};
use crate::graph::LayerSpec;

pub(super) fn recipe(recipe: &Recipe) -> String {
    let Recipe { data, augment, model, train } = recipe;
    [self::data(data), self::augment(augment), self::model(model), self::train(train)].join("\n")
}

fn text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn data(data: &DataOptions) -> String {
    let DataOptions { source, validation, test, fit, resize, folds, relabel, drop } = data;
    let file = |file: &Option<String>| file.as_deref().map_or_else(|| "false".to_owned(), text);
    format!(
        "[data]\nsource = {}\nvalidation = {validation:?}\ntest = {test:?}\nfit = \"{}\"\nresize = \"{}\"\nfolds = {folds}\nrelabel = {}\ndrop = {}\n",
        text(source),
        fit.name(),
        resize.name(),
        file(relabel),
        file(drop)
    )
}

fn augment(augment: &AugmentOptions) -> String {
    let AugmentOptions { expand, online, until } = augment;
    let list = |transforms: &[Transform]| array(transforms.iter().map(transform));
    format!("[augment]\nexpand = {}\nonline = {}\nuntil = {until:?}\n", list(expand), list(online))
}

/// `[]`, or one item a line.
fn array(items: impl Iterator<Item = String>) -> String {
    let lines: String = items.map(|item| format!("  {item},\n")).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[\n{lines}]") }
}

fn transform(transform: &Transform) -> String {
    match transform {
        Transform::Rotate(range) => format!("{{ rotate = {range:?} }}"),
        Transform::Translate(range) => format!("{{ translate = {range:?} }}"),
        Transform::Affine(Affine { rotate, translate, scale, shear }) => format!(
            "{{ affine = {{ rotate = {rotate:?}, translate = {translate:?}, scale = {scale:?}, shear = {shear:?} }} }}"
        ),
        Transform::Flip(probability) => format!("{{ flip = {probability:?} }}"),
        Transform::Crop(Crop { pad }) => format!("{{ crop = {{ pad = {pad} }} }}"),
        Transform::Erase(Erase { probability, area, aspect }) => {
            format!("{{ erase = {{ probability = {probability:?}, area = {area:?}, aspect = {aspect:?} }} }}")
        }
        Transform::Noise(sd) => format!("{{ noise = {sd:?} }}"),
        Transform::Mixup(alpha) => format!("{{ mixup = {alpha:?} }}"),
        Transform::Cutmix(alpha) => format!("{{ cutmix = {alpha:?} }}"),
    }
}

fn model(model: &ModelOptions) -> String {
    let ModelOptions { input, layers, transfer } = model;
    let list = |layers: &[LayerSpec]| array(layers.iter().map(|layer| text(&write_layer(layer))));
    let mut written = "[model]\n".to_owned();
    if model.filled_in() {
        written += &format!("input = {input:?}\nlayers = {}\n", list(layers));
    }
    if let Some(Transfer { from, head, freeze }) = transfer {
        written += &format!("from = {}\n", text(from));
        if !head.is_empty() {
            written += &format!("head = {}\n", list(head));
        }
        let freeze = match freeze {
            Freeze::Nothing => "false".to_owned(),
            Freeze::AllButHead => text(Freeze::ALL_BUT_HEAD),
            Freeze::UpTo(name) => text(name),
        };
        written += &format!("freeze = {freeze}\n");
    }
    written
}

fn train(train: &TrainOptions) -> String {
    let TrainOptions {
        epochs,
        batch,
        optimizer,
        rate,
        schedule,
        seed,
        sampling,
        loss,
        class_weights,
        label_smoothing,
        weight_decay,
        clip_norm,
        ema,
        swa,
        progressive,
        teacher,
        initializer,
        early_stopping,
    } = train;
    let optimizer = self::optimizer(optimizer);
    let schedule = self::schedule(schedule);
    let initializer = match initializer {
        Initializer::GlorotUniform => "glorot-uniform",
        Initializer::HeNormal => "he-normal",
        Initializer::HeUniform => "he-uniform",
    };
    let loss = match loss {
        Loss::CrossEntropy => "\"cross-entropy\"".to_owned(),
        Loss::Focal { gamma } => format!("{{ focal = {{ gamma = {gamma:?} }} }}"),
    };
    let class_weights = match class_weights {
        ClassWeights::Equal => "false".to_owned(),
        ClassWeights::Balanced => "\"balanced\"".to_owned(),
        ClassWeights::Named(weights) => {
            let each: Vec<_> =
                weights.iter().map(|(class, weight)| format!("{} = {weight:?}", text(class))).collect();
            format!("{{ {} }}", each.join(", "))
        }
    };
    let sampling = match sampling {
        Sampling::Plain => "plain",
        Sampling::Balanced => "balanced",
    };
    let early_stopping = early_stopping.as_ref().map_or_else(
        || "false".to_owned(),
        |EarlyStopping { patience, min_delta }| {
            format!("{{ patience = {patience}, min_delta = {min_delta:?} }}")
        },
    );
    let progressive = progressive.as_ref().map_or_else(
        || "false".to_owned(),
        |Progressive { from, until }| format!("{{ from = {from:?}, until = {until:?} }}"),
    );
    let teacher = teacher.as_ref().map_or_else(
        || "false".to_owned(),
        |Teacher { model, weight, temperature }| {
            format!("{{ model = {}, weight = {weight:?}, temperature = {temperature:?} }}", text(model))
        },
    );
    format!(
        "[train]\nepochs = {epochs}\nbatch = {batch}\noptimizer = {optimizer}\nrate = {rate:?}\nschedule = {schedule}\n\
         seed = {seed}\nsampling = \"{sampling}\"\nloss = {loss}\nclass_weights = {class_weights}\nlabel_smoothing = {label_smoothing:?}\nweight_decay = {weight_decay:?}\n\
         clip_norm = {clip_norm:?}\nema = {ema:?}\nswa = {swa:?}\nprogressive = {progressive}\nteacher = {teacher}\ninitializer = \"{initializer}\"\nearly_stopping = {early_stopping}\n"
    )
}

fn optimizer(optimizer: &Optimizer) -> String {
    match optimizer {
        Optimizer::Adam { beta1, beta2, epsilon, epsilon_form } => {
            let form = match epsilon_form {
                EpsilonForm::Corrected => "corrected",
                EpsilonForm::Keras => "keras",
            };
            format!(
                "{{ adam = {{ beta1 = {beta1:?}, beta2 = {beta2:?}, epsilon = {epsilon:?}, epsilon_form = \"{form}\" }} }}"
            )
        }
        Optimizer::Sgd { momentum, nesterov } => {
            format!("{{ sgd = {{ momentum = {momentum:?}, nesterov = {nesterov} }} }}")
        }
        Optimizer::Muon { momentum, nesterov } => {
            format!("{{ muon = {{ momentum = {momentum:?}, nesterov = {nesterov} }} }}")
        }
    }
}

fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Constant => "\"constant\"".to_owned(),
        Schedule::Step { every, factor } => {
            format!("{{ step = {{ every = {every}, factor = {factor:?} }} }}")
        }
        Schedule::Cosine { warmup, floor } => {
            format!("{{ cosine = {{ warmup = {warmup:?}, floor = {floor:?} }} }}")
        }
        Schedule::CosineRestarts { first, factor, floor } => {
            format!("{{ cosine-restarts = {{ first = {first:?}, factor = {factor:?}, floor = {floor:?} }} }}")
        }
        Schedule::OneCycle { rise, start, end } => {
            format!("{{ one-cycle = {{ rise = {rise:?}, start = {start:?}, end = {end:?} }} }}")
        }
    }
}
