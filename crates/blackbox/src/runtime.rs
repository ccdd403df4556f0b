//! The runtime, rten, behind a border that no panic passes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use seamripper_onnx::Described;

use crate::{Batch, BlackboxError};

/// What rten calls its threads. A number follows.
const THREAD: &str = "rten-";

/// A model that rten has loaded.
pub(crate) struct Runtime {
    model: Model,
    pool: Arc<ThreadPool>,
    image: NodeId,
    output: NodeId,
    output_name: String,
    input: [usize; 3],
    channels_last: bool,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("output", &self.output_name).finish_non_exhaustive()
    }
}

/// What a model says of some images.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// How many.
    pub(crate) images: usize,
    /// Of all of them.
    pub(crate) shape: Vec<usize>,
    /// Row-major.
    pub(crate) numbers: Vec<f32>,
}

impl Runtime {
    /// Loads a file, and those beside it with their names.
    pub(crate) fn load(
        bytes: Vec<u8>,
        files: Vec<(String, Vec<u8>)>,
        described: &Described,
        threads: usize,
    ) -> Result<Self, BlackboxError> {
        let pool = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        let load = |reason: String| BlackboxError::Load { reason };
        let loaded = guarded(&pool, || {
            let mut options = ModelOptions::with_all_ops();
            options.prepack_weights(true);
            for (name, bytes) in files {
                options.external_data(&name, bytes);
            }
            options.load(bytes).map_err(|error| error.to_string())
        });
        let model = loaded.and_then(|model| model).map_err(load)?;
        let find = |name: &str| model.node_id(name).map_err(|error| load(error.to_string()));
        let (image, output) = (find(&described.image)?, find(&described.output)?);
        let Described { output: output_name, input, channels_last, .. } = described.clone();
        Ok(Self { model, pool, image, output, output_name, input, channels_last })
    }

    /// What the output is called.
    pub(crate) fn output_name(&self) -> &str {
        &self.output_name
    }

    /// What the model says of `values`, images `[n, h, w, c]`, as many at a time as `batch` says.
    pub(crate) fn run(&self, values: &[f32], batch: Batch) -> Result<Answer, BlackboxError> {
        let length: usize = self.input.iter().product();
        assert!(values.len().is_multiple_of(length), "whole images");
        let images = values.len() / length;
        let (Batch::Exactly(most) | Batch::UpTo(most)) = batch;
        let mut answer = Answer { images, shape: Vec::new(), numbers: Vec::new() };
        for values in values.chunks(most * length) {
            let given = values.len() / length;
            let mut values = self.laid_out(values);
            let count = if batch == Batch::Exactly(most) { most } else { given };
            // What is left of a batch of a fixed size shows its first image again.
            (given..count).for_each(|_| values.extend_from_within(..length));
            let (shape, mut numbers) = self.run_batch(values, count)?;
            if shape.first() != Some(&count) || !answer.shape.is_empty() && answer.shape[1..] != shape[1..] {
                return Ok(Answer { images: count, shape, numbers });
            }
            numbers.truncate(numbers.len() / count * given);
            answer.numbers.extend(numbers);
            answer.shape = shape;
            answer.shape[0] = images;
        }
        Ok(answer)
    }

    fn run_batch(&self, values: Vec<f32>, count: usize) -> Result<(Vec<usize>, Vec<f32>), BlackboxError> {
        let [h, w, c] = self.input;
        let shape = if self.channels_last { [count, h, w, c] } else { [count, c, h, w] };
        let run = |reason: String| BlackboxError::Run { reason };
        let found = guarded(&self.pool, || {
            let image = Value::from_shape(shape, values).map_err(|error| error.to_string())?;
            let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
            let outputs = self.model.run(vec![(self.image, image.into())], &[self.output], Some(options));
            let mut outputs = outputs.map_err(|error| error.to_string())?;
            outputs.pop().ok_or_else(|| "no output".to_owned())
        });
        shape_and_numbers(found.and_then(|found| found).map_err(run)?).map_err(run)
    }

    /// Images `[n, h, w, c]` as the file wants them.
    fn laid_out(&self, values: &[f32]) -> Vec<f32> {
        let [h, w, c] = self.input;
        if self.channels_last || c == 1 {
            return values.to_vec();
        }
        let mut moved = Vec::with_capacity(values.len());
        for image in values.chunks_exact(h * w * c) {
            (0..c).for_each(|channel| moved.extend(image.iter().skip(channel).step_by(c)));
        }
        moved
    }
}

/// The shape and the numbers of an output of up to four dimensions.
fn shape_and_numbers(value: Value) -> Result<(Vec<usize>, Vec<f32>), String> {
    fn of<const N: usize>(value: &Value) -> Option<(Vec<usize>, Vec<f32>)> {
        let (shape, numbers) = value.clone().into_shape_vec::<f32, N>().ok()?;
        Some((shape.to_vec(), numbers))
    }
    let found = of::<2>(&value).or_else(|| of::<4>(&value)).or_else(|| of::<3>(&value));
    let found = found.or_else(|| of::<1>(&value)).or_else(|| of::<0>(&value));
    found.ok_or_else(|| {
        format!("an output that is no float tensor of up to four dimensions: {}", value.dtype())
    })
}

/// What `work` gives on the threads of `pool`, or what it said when it panicked. What was being worked on is dropped then, and nothing of it
/// is seen again: hence the assertion.
fn guarded<R: Send>(pool: &ThreadPool, work: impl FnOnce() -> R + Send) -> Result<R, String> {
    be_silent();
    pool.run(|| catch_unwind(AssertUnwindSafe(work))).map_err(|panic| format!("a panic: {}", said(&*panic)))
}

/// What a panic says on a thread of rten goes into an error and not to stderr.
fn be_silent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            let is_rten = std::thread::current().name().is_some_and(|name| name.starts_with(THREAD));
            if !is_rten {
                others(panic);
            }
        }));
    });
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let pool = ThreadPool::with_num_threads(2);
        let found = guarded(&pool, || -> u8 { panic!("at {}", 3) });
        assert_eq!(found, Err("a panic: at 3".to_owned()));
        assert_eq!(guarded(&pool, || 4), Ok(4));
    }
}
