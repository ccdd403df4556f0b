//! The images of an epoch, in order, as arrays a network reads.

use seamripper_kernels::parallel;

use super::class_weights;
use crate::augment::{Online, Scratch, Shrink};
use crate::engine::Meter;
use crate::graph::Preprocessing;
use crate::random::{Purpose, Stream};
use crate::recipe::{Sampling, TrainOptions};
use crate::sample::ImageSet;

/// Images prepared in one piece of work.
const PIECE: usize = 8;

/// One batch: `images` `[n, h, w, c]` and soft `targets` `[n, k]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub(super) images: Vec<f32>,
    /// The images before they were made smaller, if they were.
    whole: Vec<f32>,
    pub(super) targets: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

impl Batch {
    /// The images in the size of the set, `[n, h, w, c]`.
    pub(super) fn whole(&self) -> &[f32] {
        if self.whole.is_empty() { &self.images } else { &self.whole }
    }
}

/// How batches are made of a set.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    set: &'a ImageSet,
    online: Online,
    /// What is done to images where nothing changes them.
    plain: Online,
    /// The first epoch whose images are not changed.
    until: u64,
    /// From values of `[0, 1]` to what the first layer reads, if that is something else.
    preprocessing: Option<Preprocessing>,
    batch: usize,
    seed: u64,
    sampling: Sampling,
    smoothing: f32,
    /// Of the classes, if they are not alike.
    pub(super) class_weights: Option<Vec<f32>>,
    /// Makes the images of a finished batch smaller.
    pub(super) shrink: Option<Shrink>,
    epoch: u64,
    order: Vec<u32>,
    /// Time of making batches.
    pub(super) meter: Meter,
}

impl<'a> Batches<'a> {
    /// Images are changed by `online` in the epochs before `until`.
    pub(super) fn new(set: &'a ImageSet, (online, until): (Online, u64), options: &TrainOptions) -> Self {
        let mut batches = Self {
            set,
            online,
            plain: Online::new(&[], set.size()).expect("no transform is wrong"),
            until,
            preprocessing: None,
            batch: options.batch,
            seed: options.seed,
            sampling: options.sampling,
            smoothing: options.label_smoothing as f32,
            class_weights: None,
            shrink: None,
            epoch: u64::MAX,
            order: Vec::new(),
            meter: Meter::default(),
        };
        batches.begin(0);
        batches
    }

    /// From now on prepares images as `preprocessing` says.
    pub(super) fn prepare(&mut self, preprocessing: &Preprocessing) {
        self.preprocessing = (!preprocessing.is_plain()).then(|| preprocessing.clone());
    }

    /// Steps in an epoch; the last may be a smaller batch.
    pub(super) fn steps(&self) -> u64 {
        self.set.len().div_ceil(self.batch) as u64
    }

    /// Images in an epoch.
    pub(super) fn images(&self) -> u64 {
        self.set.len() as u64
    }

    /// Names of the classes.
    pub(super) fn classes(&self) -> &[String] {
        self.set.classes()
    }

    /// Shuffles for `epoch`.
    pub(super) fn begin(&mut self, epoch: u64) {
        if self.epoch == epoch {
            return;
        }
        let began = self.meter.begin();
        self.epoch = epoch;
        self.order = match self.sampling {
            Sampling::Plain => (0..self.set.len() as u32).collect(),
            Sampling::Balanced => self.balanced(epoch),
        };
        Stream::new(self.seed, Purpose::Shuffle, epoch, 0).shuffle(&mut self.order);
        self.meter.end(began);
    }

    /// As many images as there are, of each class equally many (the first classes one more, if that does not come out even).
    /// A class goes through all its images before one comes again, in an order drawn from `(seed, Balance, epoch, class)`.
    fn balanced(&self, epoch: u64) -> Vec<u32> {
        let mut members = vec![Vec::new(); self.set.classes().len()];
        for (index, &label) in (0..).zip(self.set.labels()) {
            members[label as usize].push(index);
        }
        let there: Vec<(usize, Vec<u32>)> =
            members.into_iter().enumerate().filter(|(_, members)| !members.is_empty()).collect();
        let (n, classes) = (self.set.len(), there.len());
        let mut order = Vec::with_capacity(n);
        for (place, (class, mut members)) in there.into_iter().enumerate() {
            Stream::new(self.seed, Purpose::Balance, epoch, class as u64).shuffle(&mut members);
            let count = n / classes + usize::from(place < n % classes);
            order.extend(members.iter().cycle().take(count));
        }
        order
    }

    /// What changes the images of the epoch begun.
    fn online(&self) -> &Online {
        if self.epoch < self.until { &self.online } else { &self.plain }
    }

    /// Whether labels are mixed in the epoch begun, so that an image no longer has one class.
    pub(super) fn mixes(&self) -> bool {
        self.online().mixes()
    }

    fn smaller(&self, shrink: &Shrink, images: &[f32]) -> Vec<f32> {
        let length = |size: [usize; 3]| size.iter().product::<usize>();
        let (from, to) = (length(self.set.size()), length(shrink.size()));
        let mut out = vec![0.0; images.len() / from * to];
        parallel::for_each_chunk(&mut out, PIECE * to, |start, out| {
            let mut between = Vec::new();
            let images = images[start / to * from..].chunks_exact(from);
            for (image, out) in images.zip(out.chunks_exact_mut(to)) {
                shrink.apply(image, &mut between, out);
            }
        });
        out
    }

    /// Prepares batch `step` of the epoch begun.
    pub(super) fn fill(&self, step: u64, batch: &mut Batch) {
        let first = step as usize * self.batch;
        let indices = &self.order[first.min(self.order.len())..self.order.len().min(first + self.batch)];
        batch.whole.clear();
        let (k, length) = (self.set.classes().len(), self.set.size().iter().product::<usize>());
        batch.images.resize(indices.len() * length, 0.0);
        parallel::for_each_chunk(&mut batch.images, PIECE * length, |start, images| {
            let began = self.meter.begin();
            let mut scratch = Scratch::default();
            for (offset, image) in images.chunks_exact_mut(length).enumerate() {
                let place = start / length + offset;
                let (index, position) = (indices[place] as usize, (first + place) as u64);
                self.online().image(self.set, index, self.seed, self.epoch, position, &mut scratch, image);
                if let Some(preprocessing) = &self.preprocessing {
                    preprocessing.apply_to_units(image);
                }
            }
            self.meter.end(began);
        });
        let began = self.meter.begin();
        batch.labels.clear();
        batch.labels.extend(indices.iter().map(|&index| self.set.labels()[index as usize]));
        batch.targets.clear();
        batch.targets.resize(indices.len() * k, self.smoothing / k as f32);
        for (row, &label) in batch.targets.chunks_exact_mut(k).zip(&batch.labels) {
            row[label as usize] += 1.0 - self.smoothing;
        }
        self.online().mix(&mut batch.images, &mut batch.targets, indices.len(), self.seed, self.epoch, step);
        if let Some(shrink) = &self.shrink {
            let smaller = self.smaller(shrink, &batch.images);
            batch.whole = std::mem::replace(&mut batch.images, smaller);
        }
        if let Some(weights) = &self.class_weights {
            class_weights::weigh(weights, self.smoothing, &mut batch.targets);
        }
        self.meter.end(began);
    }
}
