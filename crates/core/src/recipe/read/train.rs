//! `[train]`.

use super::value::{Bound, Fields, Reader, Value};
use crate::recipe::{
    ClassWeights, EarlyStopping, EpsilonForm, Initializer, Loss, Optimizer, Progressive, Sampling, Schedule,
    Teacher, TrainOptions,
};

pub(super) const KEYS: [&str; 18] = [
    "epochs",
    "batch",
    "optimizer",
    "rate",
    "schedule",
    "seed",
    "sampling",
    "loss",
    "class_weights",
    "label_smoothing",
    "weight_decay",
    "clip_norm",
    "ema",
    "swa",
    "progressive",
    "teacher",
    "initializer",
    "early_stopping",
];

pub(super) const OPTIMIZERS: [&str; 5] = ["adam", "adamw", "sgd", "nesterov", "muon"];
pub(super) const LOSSES: [&str; 2] = ["cross-entropy", "focal"];
pub(super) const SCHEDULES: [&str; 5] = ["constant", "step", "cosine", "cosine-restarts", "one-cycle"];

/// Keras' `AdamW` decays by this where nothing is said.
const ADAMW_DECAY: f64 = 0.004;
/// Momentum of `"nesterov"` where nothing is said (Sutskever et al. 2013, and every library's example).
const NESTEROV_MOMENTUM: f64 = 0.9;
/// Its authors' and PyTorch's default.
const MUON_MOMENTUM: f64 = 0.95;

pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>, options: &mut TrainOptions) {
    let Some(fields) = Fields::of(reader, value, "train", &KEYS) else { return };
    fields.size(reader, "epochs", 1, |epochs| options.epochs = epochs);
    fields.size(reader, "batch", 1, |batch| options.batch = batch);
    fields.number(reader, "rate", Bound::POSITIVE, |rate| options.rate = rate);
    if let Some(seed) = fields.get("seed").and_then(|value| reader.whole(value, "train.seed", 0)) {
        options.seed = seed;
    }
    fields.number(reader, "label_smoothing", Bound::SHARE, |share| options.label_smoothing = share);
    fields.number(reader, "weight_decay", Bound::NOT_NEGATIVE, |decay| options.weight_decay = decay);
    fields.number(reader, "clip_norm", Bound::NOT_NEGATIVE, |norm| options.clip_norm = norm);
    fields.number(reader, "ema", Bound::SHARE, |decay| options.ema = decay);
    fields.number(reader, "swa", Bound::SHARE, |from| options.swa = from);
    if let Some(value) = fields.get("swa").filter(|_| options.ema > 0.0 && options.swa > 0.0) {
        let hint = Some("set train.ema = 0, or train.swa = 0".to_owned());
        let rest = "expected one kind of average, found train.ema above 0 too";
        reader.problem("train.swa", "train.swa", Some(value.span()), rest, hint);
    }
    progressive(reader, &fields, options);
    teacher(reader, &fields, options);
    fields.word(reader, "sampling", &["plain", "balanced"], |word| {
        options.sampling = if word == "balanced" { Sampling::Balanced } else { Sampling::Plain };
    });
    fields.word(reader, "initializer", &["glorot-uniform", "he-normal", "he-uniform"], |word| {
        options.initializer = match word {
            "he-normal" => Initializer::HeNormal,
            "he-uniform" => Initializer::HeUniform,
            _ => Initializer::GlorotUniform,
        };
    });
    optimizer(reader, &fields, options);
    schedule(reader, &fields, options);
    early_stopping(reader, &fields, options);
    loss(reader, &fields, options);
    class_weights(reader, &fields, options);
}

fn loss(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("loss");
    let Some(value) = fields.get("loss") else { return };
    let Some((word, body)) = reader.choice(value, &key, &LOSSES) else { return };
    let known: &[&str] = if word == "focal" { &["gamma"] } else { &[] };
    let body = body.and_then(|body| Fields::of(reader, body, &format!("{key}.{word}"), known));
    options.loss = match word {
        "focal" => {
            let mut gamma = Loss::DEFAULT_GAMMA;
            if let Some(fields) = body {
                fields.number(reader, "gamma", Bound::NOT_NEGATIVE, |x| gamma = x);
            }
            Loss::Focal { gamma }
        }
        _ => Loss::CrossEntropy,
    };
}

/// `"balanced"`, a table of weights by class, or `false`.
fn class_weights(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("class_weights");
    let Some(value) = fields.get("class_weights") else { return };
    options.class_weights = match (value.get_ref().as_bool(), value.get_ref().as_str()) {
        (Some(false), _) => ClassWeights::Equal,
        (_, Some("balanced")) => ClassWeights::Balanced,
        _ => {
            let Some(table) = value.get_ref().as_table() else {
                let expected = "\"balanced\", a table of weights by class such as { Shirt = 2.0 }, or false";
                return reader.unlike(value, &key, expected);
            };
            let weights = table.iter().filter_map(|(class, value)| {
                let class = class.get_ref().as_ref();
                let weight = reader.number(value, &format!("{key}.{class}"), Bound::POSITIVE)?;
                Some((class.to_owned(), weight))
            });
            ClassWeights::Named(weights.collect())
        }
    };
}

fn optimizer(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("optimizer");
    let Some(value) = fields.get("optimizer") else { return };
    let Some((word, body)) = reader.choice(value, &key, &OPTIMIZERS) else { return };
    let body_key = format!("{key}.{word}");
    let known: &[&str] = match word {
        "sgd" | "muon" => &["momentum", "nesterov"],
        "nesterov" => &["momentum"],
        _ => &["beta1", "beta2", "epsilon", "epsilon_form"],
    };
    let body = body.and_then(|body| Fields::of(reader, body, &body_key, known));
    options.optimizer = match word {
        "sgd" | "nesterov" => sgd(reader, body.as_ref(), word == "nesterov"),
        "muon" => muon(reader, body.as_ref()),
        _ => adam(reader, body.as_ref()),
    };
    if word == "adamw" {
        if fields.get("weight_decay").is_none() {
            options.weight_decay = ADAMW_DECAY;
        } else if options.weight_decay == 0.0 {
            let hint = format!("set train.weight_decay = {ADAMW_DECAY}, or take adam");
            let rest = "expected train.weight_decay above 0 with adamw, found 0";
            reader.problem(&key, &key, Some(value.span()), rest, Some(hint));
        }
    }
}

fn adam(reader: &mut Reader<'_>, body: Option<&Fields<'_, '_>>) -> Optimizer {
    let mut adam = Optimizer::default();
    let (Some(fields), Optimizer::Adam { beta1, beta2, epsilon, epsilon_form }) = (body, &mut adam) else {
        return adam;
    };
    fields.number(reader, "beta1", Bound::SHARE, |x| *beta1 = x);
    fields.number(reader, "beta2", Bound::SHARE, |x| *beta2 = x);
    fields.number(reader, "epsilon", Bound::POSITIVE, |x| *epsilon = x);
    fields.word(reader, "epsilon_form", &["corrected", "keras"], |word| {
        *epsilon_form = if word == "keras" { EpsilonForm::Keras } else { EpsilonForm::Corrected };
    });
    adam
}

fn muon(reader: &mut Reader<'_>, body: Option<&Fields<'_, '_>>) -> Optimizer {
    let (mut momentum, mut nesterov) = (MUON_MOMENTUM, true);
    if let Some(fields) = body {
        fields.number(reader, "momentum", Bound::SHARE, |x| momentum = x);
        fields.flag(reader, "nesterov", |x| nesterov = x);
    }
    Optimizer::Muon { momentum, nesterov }
}

fn sgd(reader: &mut Reader<'_>, body: Option<&Fields<'_, '_>>, mut nesterov: bool) -> Optimizer {
    let mut momentum = if nesterov { NESTEROV_MOMENTUM } else { 0.0 };
    if let Some(fields) = body {
        fields.number(reader, "momentum", Bound::SHARE, |x| momentum = x);
        fields.flag(reader, "nesterov", |x| nesterov = x);
    }
    Optimizer::Sgd { momentum, nesterov }
}

fn schedule(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("schedule");
    let Some(value) = fields.get("schedule") else { return };
    let Some((word, body)) = reader.choice(value, &key, &SCHEDULES) else { return };
    let known: &[&str] = match word {
        "step" => &["every", "factor"],
        "cosine" => &["warmup", "floor"],
        "cosine-restarts" => &["first", "factor", "floor"],
        "one-cycle" => &["rise", "start", "end"],
        _ => &[],
    };
    let body = body.and_then(|body| Fields::of(reader, body, &format!("{key}.{word}"), known));
    options.schedule = default_schedule(word);
    let Some(fields) = body else { return };
    match &mut options.schedule {
        Schedule::Constant => {}
        Schedule::Step { every, factor } => {
            fields.size(reader, "every", 1, |x| *every = x);
            fields.number(reader, "factor", Bound::FACTOR, |x| *factor = x);
        }
        Schedule::Cosine { warmup, floor } => {
            fields.number(reader, "warmup", Bound::NOT_NEGATIVE, |x| *warmup = x);
            fields.number(reader, "floor", Bound::PROBABILITY, |x| *floor = x);
        }
        Schedule::CosineRestarts { first, factor, floor } => {
            fields.number(reader, "first", Bound::POSITIVE, |x| *first = x);
            fields.number(reader, "factor", Bound::ONE_OR_MORE, |x| *factor = x);
            fields.number(reader, "floor", Bound::PROBABILITY, |x| *floor = x);
        }
        Schedule::OneCycle { rise, start, end } => {
            fields.number(reader, "rise", Bound::PROBABILITY, |x| *rise = x);
            fields.number(reader, "start", Bound::ONE_OR_MORE, |x| *start = x);
            fields.number(reader, "end", Bound::ONE_OR_MORE, |x| *end = x);
        }
    }
}

fn default_schedule(word: &str) -> Schedule {
    match word {
        "step" => Schedule::Step { every: 10, factor: 0.1 },
        "cosine" => Schedule::Cosine { warmup: 0.0, floor: 0.0 },
        "cosine-restarts" => Schedule::CosineRestarts { first: 10.0, factor: 2.0, floor: 0.0 },
        "one-cycle" => Schedule::OneCycle { rise: 0.3, start: 25.0, end: 1e4 },
        _ => Schedule::Constant,
    }
}

/// `"runs/strong"`, a table, or `false`.
fn teacher(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("teacher");
    let Some(value) = fields.get("teacher") else { return };
    options.teacher = None;
    if value.get_ref().as_bool() == Some(false) {
        return;
    }
    if let Some(model) = value.get_ref().as_str() {
        options.teacher = Some(Teacher::new(model));
        return;
    }
    if !value.get_ref().is_table() {
        return reader.unlike(
            value,
            &key,
            "a model in quotes, a table of model, weight and temperature, or false",
        );
    }
    let Some(fields) = Fields::of(reader, value, &key, &["model", "weight", "temperature"]) else { return };
    let Some(model) = fields.get("model") else {
        return fields.missing(reader, "model", "model = \"runs/strong\"");
    };
    let Some(model) = reader.text(model, &fields.key("model")) else { return };
    let mut teacher = Teacher::new(model);
    fields.number(reader, "weight", Bound::PROBABILITY, |x| teacher.weight = x);
    fields.number(reader, "temperature", Bound::POSITIVE, |x| teacher.temperature = x);
    options.teacher = Some(teacher);
}

/// `0.5` (where it begins), a table, or `false`.
fn progressive(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("progressive");
    let Some(value) = fields.get("progressive") else { return };
    let mut progressive = Progressive::default();
    if value.get_ref().as_bool() == Some(false) {
        options.progressive = None;
        return;
    }
    if value.get_ref().is_table() {
        let Some(fields) = Fields::of(reader, value, &key, &["from", "until"]) else { return };
        fields.number(reader, "from", Bound::FACTOR, |x| progressive.from = x);
        fields.number(reader, "until", Bound::FACTOR, |x| progressive.until = x);
    } else if value.get_ref().is_float() {
        fields.number(reader, "progressive", Bound::FACTOR, |x| progressive.from = x);
    } else {
        reader.unlike(
            value,
            &key,
            "the share of the sides to begin with, a table of from and until, or false",
        );
    }
    options.progressive = Some(progressive);
}

/// `5` (epochs), a table, or `false`.
fn early_stopping(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, options: &mut TrainOptions) {
    let key = fields.key("early_stopping");
    let Some(value) = fields.get("early_stopping") else { return };
    let mut stopping = EarlyStopping::default();
    if value.get_ref().as_bool() == Some(false) {
        options.early_stopping = None;
        return;
    }
    if value.get_ref().is_table() {
        let known = ["patience", "min_delta"];
        let Some(fields) = Fields::of(reader, value, &key, &known) else { return };
        fields.size(reader, "patience", 1, |x| stopping.patience = x);
        fields.number(reader, "min_delta", Bound::NOT_NEGATIVE, |x| stopping.min_delta = x);
    } else if value.get_ref().is_integer() {
        fields.size(reader, "early_stopping", 1, |x| stopping.patience = x);
    } else {
        reader.unlike(value, &key, "epochs of patience, a table of patience and min_delta, or false");
    }
    options.early_stopping = Some(stopping);
}
