//! Ctrl-C: the first asks for a stop after the present step, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::diag::tell;

/// Whether a stop was asked for.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// Whether it was.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Asks for a stop, as when another training has failed.
    pub fn request(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Watches from now on. Where the system does not let us, Ctrl-C ends the program as ever, and the last epoch's
/// checkpoint remains.
pub fn watch() -> Interrupt {
    let interrupt = Interrupt(Arc::new(AtomicU8::new(0)));
    let seen = interrupt.0.clone();
    let watching = ctrlc::set_handler(move || {
        if seen.fetch_add(1, Ordering::Relaxed) == 0 {
            tell("\nfinishing the step and writing a checkpoint; Ctrl-C again ends at once");
        } else {
            std::process::exit(130);
        }
    });
    if let Err(error) = watching {
        tell(format_args!("note: Ctrl-C will lose the epoch it falls into ({error})"));
    }
    interrupt
}
