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
