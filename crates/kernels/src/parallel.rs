//! Work spread over threads in fixed pieces, so that no result depends on how many there are.

use rayon::prelude::*;

/// Calls `run(first index, piece)` on consecutive pieces of `items`, `chunk` long (the last may be shorter).
pub fn for_each_chunk<T: Send>(items: &mut [T], chunk: usize, run: impl Fn(usize, &mut [T]) + Sync) {
    items
        .par_chunks_mut(chunk.max(1))
        .with_max_len(1)
        .enumerate()
        .for_each(|(piece, items)| run(piece * chunk.max(1), items));
}

/// Calls `run(index, item)` on every item.
pub fn for_each<T: Send>(items: &mut [T], run: impl Fn(usize, &mut T) + Sync) {
    // A single image is not worth handing to another thread.
    if let [item] = items {
        return run(0, item);
    }
    items.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, item)| run(index, item));
}

/// How many threads the functions of this module use where it is called. No result may depend on it.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Does both, at the same time where there are threads for it.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(a, b)
}

/// A fixed number of threads to run things on.
#[derive(Debug)]
pub struct Threads(rayon::ThreadPool);

impl Threads {
    /// `count` threads, or one a core if `count` is `None`.
    ///
    /// # Errors
    /// If the system does not give that many.
    pub fn new(count: Option<usize>) -> Result<Self, std::io::Error> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(count.unwrap_or(0))
            .thread_name(|index| format!("seamripper-{index}"))
            .build()
            .map(Self)
            .map_err(std::io::Error::other)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Runs `work` on them: every function of this module called inside uses these threads.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }
}
