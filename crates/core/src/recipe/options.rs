//! `[train]`: how weights are fitted. Plain data; `train` gives it meaning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::Initializer;

/// The `[train]` table, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Passes over the (expanded) training images.
    pub epochs: usize,
    /// Images a step.
    pub batch: usize,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Learning rate; the peak, where the schedule has one.
    pub rate: f64,
    /// How the rate changes over the run.
    pub schedule: Schedule,
    /// Names every random draw of the run.
    pub seed: u64,
    /// How often an image of a class is shown.
    pub sampling: Sampling,
    /// What is made small.
    pub loss: Loss,
    /// How much an image of each class counts.
    pub class_weights: ClassWeights,
    /// Share of the target taken from the true class and spread evenly over all classes.
    pub label_smoothing: f64,
    /// Decoupled weight decay of kernels (Loshchilov & Hutter 2017): `w -= rate * weight_decay * w`.
    pub weight_decay: f64,
    /// Scale the gradient down to this global norm if it is longer; 0 = never.
    pub clip_norm: f64,
    /// Decay of the exponential moving average of the weights that the run ends with and validation images are shown;
    /// 0 = none, the weights themselves.
    pub ema: f64,
    /// Share of the run after which the weights of each epoch go into the plain average that it ends with and validation images are
    /// shown; 0 = no such average.
    pub swa: f64,
    /// Small images first.
    pub progressive: Option<Progressive>,
    /// Another model's probabilities beside the labels.
    pub teacher: Option<Teacher>,
    /// How kernels start.
    pub initializer: Initializer,
    /// Stop when the validation loss no longer falls.
    pub early_stopping: Option<EarlyStopping>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 128,
            optimizer: Optimizer::default(),
            rate: 1e-3,
            schedule: Schedule::Constant,
            seed: 0,
            sampling: Sampling::Plain,
            loss: Loss::CrossEntropy,
            class_weights: ClassWeights::Equal,
            label_smoothing: 0.0,
            weight_decay: 0.0,
            clip_norm: 0.0,
            ema: 0.0,
            swa: 0.0,
            progressive: None,
            teacher: None,
            initializer: Initializer::GlorotUniform,
            early_stopping: None,
        }
    }
}

/// How often the images of a class are shown in an epoch, which has as many images either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each image once.
    #[default]
    Plain,
    /// Each class equally often: of a small class each image more than once, of a large one not every image in every epoch.
    Balanced,
}

/// What training makes small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Loss {
    /// `-ln p` of the right class.
    #[default]
    CrossEntropy,
    /// `-(1 - p)^gamma ln p` (Lin et al. 2017): what is right already counts less.
    Focal {
        /// At least 0, where it is cross-entropy.
        gamma: f64,
    },
}

impl Loss {
    /// Of the paper, where it did best.
    pub const DEFAULT_GAMMA: f64 = 2.0;
}

/// How much an image of each class counts in the loss, whose mean is taken with these weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All alike.
    #[default]
    Equal,
    /// `n / (classes * n_class)` of the training images (King & Zeng 2001): every class as much as any other.
    Balanced,
    /// By name; 1 where a class is not named.
    Named(BTreeMap<String, f64>),
}

/// Update rule and its constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam (Kingma & Ba 2014). With `weight_decay` above 0 this is AdamW.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root of the second moment.
        epsilon: f64,
        /// Where epsilon is added.
        epsilon_form: EpsilonForm,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last step carried over.
        momentum: f64,
        /// Nesterov's look-ahead form, as Keras writes it.
        nesterov: bool,
    },
    /// Steps of orthogonal matrices for the kernels of hidden layers (Jordan et al. 2024), scaled to the length of Adam's (Liu et al.
    /// 2025); Adam with its default constants for everything else.
    Muon {
        /// Share of the past in the momentum.
        momentum: f64,
        /// Whether the step looks ahead.
        nesterov: bool,
    },
}

impl Optimizer {
    /// Adam's decays where nothing is said: the paper's, and Keras'.
    pub const BETAS: (f64, f64) = (0.9, 0.999);
    /// Likewise its epsilon: Keras'.
    pub const EPSILON: f64 = 1e-7;
}

impl Default for Optimizer {
    /// Adam with Keras' constants.
    fn default() -> Self {
        let (beta1, beta2) = Self::BETAS;
        Self::Adam { beta1, beta2, epsilon: Self::EPSILON, epsilon_form: EpsilonForm::Corrected }
    }
}

/// The two published places of Adam's epsilon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpsilonForm {
    /// `m_hat / (sqrt(v_hat) + epsilon)`: algorithm 1 of the paper, PyTorch.
    #[default]
    Corrected,
    /// `rate sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon)`: the paper's section 2 remark, Keras.
    Keras,
}

/// The learning rate over the run, as a factor of `rate`; updated every step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// 1 throughout.
    Constant,
    /// Multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs.
        every: usize,
        /// Usually 0.1 to 0.5.
        factor: f64,
    },
    /// Linear warm-up, then half a cosine down to `floor` (Loshchilov & Hutter 2016, without restarts).
    Cosine {
        /// Epochs of warm-up; may be a fraction.
        warmup: f64,
        /// Last factor.
        floor: f64,
    },
    /// Half a cosine down to `floor`, again and again, each time `factor` times as long (Loshchilov & Hutter 2016, "SGDR",
    /// equation 5 with its `T_0` and `T_mult`).
    CosineRestarts {
        /// Epochs of the first; may be a fraction.
        first: f64,
        /// At least 1.
        factor: f64,
        /// Lowest factor.
        floor: f64,
    },
    /// Cosine up from 1/`start` to 1 in the first `rise` share of the run, then cosine down to 1/(`start` * `end`)
    /// (Smith & Topin 2017; PyTorch's `OneCycleLR` with its defaults 0.3, 25, 1e4).
    OneCycle {
        /// Share of the run.
        rise: f64,
        /// First rate is the peak divided by this.
        start: f64,
        /// Last rate is the first divided by this.
        end: f64,
    },
}

/// Training images that begin small and grow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Progressive {
    /// Share of their sides that they begin with.
    pub from: f64,
    /// Share of the run after which they are whole.
    pub until: f64,
}

impl Default for Progressive {
    fn default() -> Self {
        Self { from: 0.5, until: 0.75 }
    }
}

/// A model whose probabilities are learnt beside the labels (Hinton, Vinyals & Dean 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teacher {
    /// A run folder or a file, as it was typed.
    pub model: String,
    /// Its share of the loss.
    pub weight: f64,
    /// What logits are divided by before they become probabilities to learn.
    pub temperature: f64,
}

impl Teacher {
    /// What is taken of `model` where a recipe says no more.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), weight: 0.7, temperature: 2.0 }
    }
}

/// Stop when the validation loss has not fallen for `patience` epochs, and keep the best epoch's weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without improvement.
    pub patience: usize,
    /// Improvements smaller than this do not count.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 5, min_delta: 0.0 }
    }
}
