//! x
#[cfg(test)]
mod trials;
