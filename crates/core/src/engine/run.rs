//! Runs a compiled graph over shards.

use seamripper_kernels::{Instructions, elementwise, parallel, softmax};

use super::SHARD;
use super::buffers::{Shard, Slot};
use super::cost::costs;
use super::ops::Step;
use super::plan::{Plan, Wants};
use super::profile::{BACKWARD, Clock, EngineProfile, FORWARD, Laps, Meter, Part, Profiler, Spent};
use crate::graph::{Graph, NodeId, Weights};
use crate::tensor::Tensor;

/// Ops without a meeting in between.
#[derive(Debug)]
struct Stretch {
    /// `(op, phase)`
    ops: Vec<(usize, usize)>,
    /// Images that go through them at a time.
    block: usize,
}

/// Parameters whose gradients are summed in one piece of work.
const PIECE: usize = 4096;

/// What a training step makes small.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// `-sum(target ln p)`.
    #[default]
    CrossEntropy,
    /// `-sum(target (1 - p)^gamma ln p)`: what is right already counts less ([`softmax::focal`]).
    Focal(f64),
}

/// What a teacher says of a batch (`train::teacher`).
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// `[n, k]`
    pub logits: &'a [f32],
    /// Its share of the loss.
    pub weight: f64,
    /// Of both distributions.
    pub temperature: f64,
}

/// Something that runs a graph forward and backward: this engine, or another to check it against.
pub trait Executor {
    /// Logits `[n, k]` of images `[n, h, w, c]`, `n` at most the batch size. Of a part that ends before it is flat, `k` is all
    /// the values of its last node.
    fn forward(&mut self, weights: &Weights, images: &[f32]) -> Tensor;
    /// After `forward`: the gradients of `sum(logits * logit_gradient)`, `logit_gradient` `[n, k]`.
    fn backward(&mut self, logit_gradient: &[f32]) -> Gradients;
    /// After `forward`: the output of `node`, `[n, h, w, c]`; `None` if it was not kept ([`Wants::taps`] keeps all, [`Wants::tap`] one).
    fn tap(&self, node: NodeId) -> Option<Tensor>;
    /// After `backward`: the gradient of `node`'s output, `[n, h, w, c]`, likewise.
    fn tap_gradient(&self, node: NodeId) -> Option<Tensor>;
}

/// What a backward pass gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// Of every parameter, laid out as the weights; empty unless [`Wants::weight_gradients`].
    pub weights: Vec<f32>,
    /// Of the images `[n, h, w, c]`, if [`Wants::input_gradient`].
    pub input: Option<Tensor>,
}

/// A graph compiled for a batch size, with all memory it needs.
#[derive(Debug)]
pub struct Engine {
    plan: Plan,
    isa: Instructions,
    shards: Vec<Shard>,
    batch: usize,
    images: usize,
    input: usize,
    /// Images of a shard.
    each: usize,
    /// Values of the last node for an image: as many as classes, unless the graph is a part that ends before it is flat.
    classes: usize,
    parameters: usize,
    node_shapes: Vec<[usize; 3]>,
    /// Stretches of `(op, phase)` between which the shards meet; each but the last ends with the meeting op's phase 0.
    stretches: Vec<Stretch>,
    loss: Loss,
    seed: u64,
    step: u64,
    profiler: Option<Profiler>,
    /// Time of what the shards do together.
    spent: Spent,
    /// Time of summing gradients.
    summing: Meter,
}

impl Engine {
    /// Compiles `graph` for up to `batch` images at a time.
    pub fn new(graph: &Graph, isa: Instructions, batch: usize, wants: Wants) -> Self {
        let batch = batch.max(1);
        let plan = Plan::new(graph, isa, batch, wants);
        let step = Step { isa, images: batch, seed: 0, step: 0, block: plan.most };
        let classes = graph.nodes.last().map_or(graph.input, |node| node.output).iter().product();
        // Images of a shard, and how many of them it has memory for. Without a backward pass nothing depends on either.
        let (each, held) = if plan.passes_through() {
            (SHARD.min(batch.div_ceil(parallel::threads())), plan.block)
        } else {
            (SHARD, SHARD)
        };
        let shard = |first: usize| {
            let images = each.min(batch - first);
            let mut shard = plan.shard(&step, first, images.min(held));
            if plan.passes_through() {
                shard.logits = vec![0.0; images * classes];
            }
            shard
        };
        let shards = (0..batch).step_by(each).map(shard).collect();
        Self {
            stretches: stretches(&plan),
            plan,
            isa,
            shards,
            batch,
            images: 0,
            input: graph.input.iter().product(),
            classes,
            each,
            parameters: graph.parameters.iter().map(|parameter| parameter.len()).sum(),
            node_shapes: graph.nodes.iter().map(|node| node.output).collect(),
            loss: Loss::default(),
            seed: 0,
            step: 0,
            profiler: None,
            spent: Spent::default(),
            summing: Meter::default(),
        }
    }

    /// From now on measures where its time goes; `graph` is the one it was compiled from.
    pub fn watch(&mut self, graph: &Graph, clock: Clock) {
        let inputs: Vec<_> = self.plan.ops.iter_mut().map(|op| op.inputs_mut().to_vec()).collect();
        self.profiler = Some(Profiler { clock, costs: costs(graph, self.plan.wants, &inputs) });
        self.summing = Meter::new(clock);
        let shards = self.shards.iter_mut().map(|shard| &mut shard.spent);
        for spent in shards.chain([&mut self.spent]) {
            *spent = Spent::new(inputs.len());
        }
    }

    /// Where its time went since [`Engine::watch`], if it was called.
    pub fn profile(&self) -> Option<EngineProfile> {
        let spent = self.shards.iter().map(|shard| &shard.spent).chain([&self.spent]);
        Some(self.profiler.as_ref()?.profile(spent, &self.summing))
    }

    fn laps(&self) -> Laps {
        Laps::begin(self.clock())
    }

    fn clock(&self) -> Option<Clock> {
        self.profiler.as_ref().map(|profiler| profiler.clock)
    }

    /// Most images of a forward pass.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Images of the last forward pass.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Names the random draws (dropout) of the next forward passes.
    pub fn set_step(&mut self, seed: u64, step: u64) {
        (self.seed, self.step) = (seed, step);
    }

    /// From now on [`Engine::loss_gradient`] is of this loss.
    pub fn set_loss(&mut self, loss: Loss) {
        self.loss = loss;
    }

    /// One training step's gradient: forward, the loss against `targets` (`[n, k]`, rows sum to 1 or to an image's weight), backward.
    /// Writes the gradient of the mean loss and returns the summed loss in nats.
    ///
    /// # Panics
    /// If the engine was not compiled with [`Wants::weight_gradients`], or lengths do not agree.
    pub fn loss_gradient(
        &mut self,
        weights: &Weights,
        images: &[f32],
        targets: &[f32],
        gradient: &mut [f32],
    ) -> f64 {
        self.taught_gradient(weights, images, targets, None, gradient)
    }

    /// The same with a teacher, whose lesson has a share of the loss.
    ///
    /// # Panics
    /// As [`Engine::loss_gradient`].
    pub fn taught_gradient(
        &mut self,
        weights: &Weights,
        images: &[f32],
        targets: &[f32],
        lesson: Option<Lesson<'_>>,
        gradient: &mut [f32],
    ) -> f64 {
        assert!(self.plan.wants.weight_gradients, "compiled without weight gradients");
        assert_eq!(targets.len(), images.len() / self.input * self.classes, "targets");
        assert!(lesson.is_none_or(|lesson| lesson.logits.len() == targets.len()), "a lesson");
        let logits = self.logit_slot();
        let (classes, loss, scale) = (self.classes, self.loss, 1.0 / (images.len() / self.input) as f32);
        self.load(weights);
        self.forward_stretches(images);
        self.backward_stretches(|shard| {
            let mut gradient = shard.take_gradient(logits);
            let count = shard.images * classes;
            let targets = &targets[shard.first * classes..][..count];
            let values = &shard.value(logits)[..count];
            let own = &mut gradient[..count];
            let of_targets = |scale: f32, own: &mut [f32]| match loss {
                Loss::CrossEntropy => softmax::cross_entropy(values, targets, classes, scale, own),
                Loss::Focal(gamma) => softmax::focal(values, targets, classes, gamma, scale, own),
            };
            shard.loss = match lesson {
                None => of_targets(scale, own),
                Some(Lesson { logits, weight, temperature }) => {
                    let rest = (1.0 - weight) as f32 * scale;
                    let logits = &logits[shard.first * classes..][..count];
                    let loss = (1.0 - weight) * of_targets(rest, own);
                    let share = weight as f32 * scale;
                    loss + weight * softmax::imitation(values, logits, classes, temperature, share, own)
                }
            };
            shard.put_gradient(logits, gradient);
        });
        self.sum_gradients(gradient);
        self.shards.iter().filter(|shard| shard.images > 0).map(|shard| shard.loss).sum()
    }

    /// After a training forward pass: moves the running statistics of batch normalization.
    pub fn update_moving(&self, weights: &mut Weights) {
        for op in &self.plan.ops {
            op.update_moving(weights);
        }
    }

    /// After a training forward pass: moves the running statistics of batch normalization by `share` of the way to the batch's.
    pub fn average_moving(&self, weights: &mut Weights, share: f32) {
        for op in &self.plan.ops {
            op.average_moving(weights, share);
        }
    }

    /// After a forward pass: copies the logits `[n, k]` out.
    pub fn copy_logits(&self, logits: &mut [f32]) {
        let slot = self.logit_slot();
        for shard in self.shards.iter().filter(|shard| shard.images > 0) {
            let count = shard.images * self.classes;
            let own = if self.plan.passes_through() { &shard.logits } else { shard.value(slot) };
            logits[shard.first * self.classes..][..count].copy_from_slice(&own[..count]);
        }
    }

    /// After a forward pass with [`Wants::taps`]: the output of `node` for one image of the batch, `[h, w, c]`, where it lies;
    /// [`Executor::tap`] without the copy.
    pub fn tap_of(&self, node: NodeId, image: usize) -> Option<&[f32]> {
        let slot = self.plan.outputs[node].filter(|_| self.plan.wants.keeps(node))?;
        let length: usize = self.plan.slots[slot].iter().product();
        let shard = self.shards.get(image / SHARD).filter(|_| image < self.images)?;
        Some(&shard.value(slot)[image % SHARD * length..][..length])
    }

    /// Packs `weights` for the passes that follow.
    pub fn load(&mut self, weights: &Weights) {
        let (step, mut laps) = (self.step(), self.laps());
        parallel::for_each(&mut self.plan.ops, |_, op| op.prepare(&step, weights));
        laps.end(&mut self.spent, Part::Packing);
    }

    /// Runs the forward pass with the weights loaded last, and keeps the result inside.
    pub fn run_forward(&mut self, images: &[f32]) {
        self.forward_stretches(images);
    }

    fn logit_slot(&self) -> Slot {
        self.plan.outputs.last().copied().flatten().unwrap_or(0)
    }

    fn step(&self) -> Step {
        Step { isa: self.isa, images: self.images, seed: self.seed, step: self.step, block: self.plan.most }
    }

    fn forward_stretches(&mut self, images: &[f32]) {
        let count = images.len() / self.input;
        assert_eq!(images.len(), count * self.input, "whole images");
        assert!(count <= self.batch, "{count} images in a batch of {}", self.batch);
        self.images = count;
        let (step, input, clock) = (self.step(), self.input, self.clock());
        for shard in &mut self.shards {
            shard.images = count.saturating_sub(shard.first).min(self.each);
        }
        if self.plan.passes_through() {
            return self.pass_through(images);
        }
        for (index, stretch) in self.stretches.iter().enumerate() {
            let ops = &self.plan.ops;
            parallel::for_each(&mut self.shards, |_, shard| {
                let mut laps = Laps::begin(clock);
                for block in blocks(shard.images, stretch.block) {
                    if index == 0 {
                        let from = (shard.first + block.start) * input..(shard.first + block.end) * input;
                        shard.value_mut(0)[block.start * input..block.end * input]
                            .copy_from_slice(&images[from]);
                        laps.count(&mut shard.spent, FORWARD, block.len());
                        laps.end(&mut shard.spent, Part::Input);
                    }
                    shard.active = block;
                    for &(op, phase) in &stretch.ops {
                        ops[op].forward(&step, phase, shard);
                        laps.end(&mut shard.spent, Part::Op(op, FORWARD));
                    }
                }
            });
            if let Some(&(op, 0)) = stretch.ops.last().filter(|(op, _)| self.plan.ops[*op].phases() == 2) {
                let mut laps = Laps::begin(clock);
                self.plan.ops[op].meet_forward(&step, &self.shards);
                laps.end(&mut self.spent, Part::Op(op, FORWARD));
            }
        }
    }

    /// The forward pass of a plan that keeps nothing: each block of images goes through all ops in the same memory.
    fn pass_through(&mut self, images: &[f32]) {
        let (step, input, clock, classes) = (self.step(), self.input, self.clock(), self.classes);
        let (ops, logits) = (&self.plan.ops, self.logit_slot());
        parallel::for_each(&mut self.shards, |_, shard| {
            let mut laps = Laps::begin(clock);
            for block in blocks(shard.images, step.block) {
                shard.active = 0..block.len();
                let from = (shard.first + block.start) * input..(shard.first + block.end) * input;
                shard.value_mut(0)[..block.len() * input].copy_from_slice(&images[from]);
                laps.count(&mut shard.spent, FORWARD, block.len());
                laps.end(&mut shard.spent, Part::Input);
                for (index, op) in ops.iter().enumerate() {
                    op.forward(&step, 0, shard);
                    laps.end(&mut shard.spent, Part::Op(index, FORWARD));
                }
                let mut own = std::mem::take(&mut shard.logits);
                own[block.start * classes..block.end * classes]
                    .copy_from_slice(&shard.value(logits)[..block.len() * classes]);
                shard.logits = own;
            }
        });
    }

    fn backward_stretches(&mut self, begin: impl Fn(&mut Shard) + Sync) {
        let (step, clock) = (self.step(), self.clock());
        for (index, stretch) in self.stretches.iter().enumerate().rev() {
            let last = index + 1 == self.stretches.len();
            let (ops, backward) = (&self.plan.ops, &self.plan.backward);
            parallel::for_each(&mut self.shards, |_, shard| {
                if shard.images == 0 {
                    return;
                }
                let mut laps = Laps::begin(clock);
                if last {
                    for own in &mut shard.weights {
                        own.fill(0.0);
                    }
                    laps.end(&mut shard.spent, Part::Clearing);
                    begin(shard);
                    laps.end(&mut shard.spent, Part::Loss);
                }
                for block in blocks(shard.images, stretch.block) {
                    if last {
                        laps.count(&mut shard.spent, BACKWARD, block.len());
                    }
                    shard.active = block;
                    for &(op, phase) in stretch.ops.iter().rev().filter(|(op, _)| backward[*op]) {
                        ops[op].backward(&step, phase, shard);
                        laps.end(&mut shard.spent, Part::Op(op, BACKWARD));
                    }
                }
            });
            if let Some(&(op, 1)) = stretch.ops.first() {
                let mut laps = Laps::begin(clock);
                self.plan.ops[op].meet_backward(&step, &self.shards);
                laps.end(&mut self.spent, Part::Op(op, BACKWARD));
            }
        }
    }

    /// Sums the shards' weight gradients into the first shard, in order, and from there into the graph's layout.
    fn sum_gradients(&mut self, gradient: &mut [f32]) {
        assert_eq!(gradient.len(), self.parameters, "gradient");
        let (isa, summing) = (self.isa, &self.summing);
        let (first, others) = self.shards.split_first_mut().expect("a batch has a shard");
        for (op, own) in first.weights.iter_mut().enumerate() {
            let others: Vec<&[f32]> =
                others.iter().filter(|shard| shard.images > 0).map(|shard| &shard.weights[op][..]).collect();
            parallel::for_each_chunk(own, PIECE, |start, sum| {
                let began = summing.begin();
                for other in &others {
                    elementwise::add_to(isa, &other[start..][..sum.len()], sum);
                }
                summing.end(began);
            });
        }
        let began = summing.begin();
        gradient.fill(0.0);
        for (op, own) in self.plan.ops.iter().zip(&first.weights) {
            if !own.is_empty() {
                op.finish_gradient(own, gradient);
            }
        }
        summing.end(began);
    }

    /// Gathers a slot of all shards.
    fn gather(&self, slot: Slot, shape: [usize; 3], of: impl Fn(&Shard) -> &[f32]) -> Tensor {
        let length: usize = self.plan.slots[slot].iter().product();
        let mut data = Vec::with_capacity(self.images * length);
        for shard in &self.shards {
            data.extend_from_slice(&of(shard)[..shard.images * length]);
        }
        let [h, w, c] = shape;
        Tensor::new([self.images, h, w, c], data)
    }
}

/// Ranges of up to `block` of `images` images.
fn blocks(images: usize, block: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..images).step_by(block).map(move |first| first..images.min(first + block))
}

fn stretches(plan: &Plan) -> Vec<Stretch> {
    let mut stretches = vec![Stretch { ops: Vec::new(), block: plan.block }];
    for (index, op) in plan.ops.iter().enumerate() {
        let stretch = stretches.last_mut().expect("never empty");
        stretch.ops.push((index, 0));
        stretch.block = stretch.block.max(op.together()).min(plan.most);
        if op.phases() == 2 {
            stretches.push(Stretch { ops: vec![(index, 1)], block: plan.block });
        }
    }
    stretches
}

impl Executor for Engine {
    fn forward(&mut self, weights: &Weights, images: &[f32]) -> Tensor {
        self.load(weights);
        self.forward_stretches(images);
        let mut logits = Tensor::zeros([self.images, self.classes]);
        self.copy_logits(logits.data_mut());
        logits
    }

    fn backward(&mut self, logit_gradient: &[f32]) -> Gradients {
        assert_eq!(logit_gradient.len(), self.images * self.classes, "logit_gradient");
        let (logits, classes) = (self.logit_slot(), self.classes);
        self.backward_stretches(|shard| {
            let count = shard.images * classes;
            let gradient = &logit_gradient[shard.first * classes..][..count];
            if let Some(slot) = shard.gradient_mut(logits).get_mut(..count) {
                slot.copy_from_slice(gradient);
            }
        });
        let mut weights = Vec::new();
        if self.plan.wants.weight_gradients {
            weights = vec![0.0; self.parameters];
            self.sum_gradients(&mut weights);
        }
        let input = self
            .plan
            .wants
            .input_gradient
            .then(|| self.gather(0, self.plan.slots[0], |shard| shard.gradient(0)));
        Gradients { weights, input }
    }

    fn tap(&self, node: NodeId) -> Option<Tensor> {
        let slot = self.plan.outputs[node].filter(|_| self.plan.wants.keeps(node))?;
        Some(self.gather(slot, self.node_shapes[node], |shard| shard.value(slot)))
    }

    fn tap_gradient(&self, node: NodeId) -> Option<Tensor> {
        let slot = self.plan.outputs[node]
            .filter(|&slot| self.plan.wants.keeps(node) && self.plan.gradients[slot])?;
        Some(self.gather(slot, self.node_shapes[node], |shard| shard.gradient(slot)))
    }
}
