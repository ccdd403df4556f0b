//! How the program says what went wrong: `error: …`, then `hint: …`, and an exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a verb stopped.
#[derive(Debug)]
pub enum Stop {
    /// Bad usage or bad input: exit code 2.
    Problem {
        /// `<what> <where>: expected X, found Y`; several lines where a file is quoted.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// A check did not hold: exit code 1.
    Failed(String),
    /// Ctrl-C, after a checkpoint was written: exit code 130.
    Interrupted,
}

impl Stop {
    /// A problem with a way out.
    pub fn problem(message: impl Display, hint: Option<String>) -> Self {
        Self::Problem { message: message.to_string(), hint }
    }

    /// A check that did not hold: what was expected, and what was found.
    pub fn failed(message: impl Display) -> Self {
        Self::Failed(message.to_string())
    }
}

/// Writes a line to stderr. That its reader has gone (`2>&1 | head`) is no reason to end a run, so a failed write is
/// passed over; `eprintln!` would panic.
pub fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a verb's result to stdout. A reader that has seen enough (`| head`) is no problem.
pub fn print(write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) -> Outcome {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::problem(format!("stdout: expected to write the report, found: {error}"), None))
        }
        _ => Ok(()),
    }
}

/// What a verb returns.
pub type Outcome = Result<(), Stop>;

/// Prints the problem, if any, to stderr and gives the exit code: 0 done, 1 a check that did not hold, 2 bad usage or input, 130 interrupted.
pub fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(130),
        Err(Stop::Failed(message)) => {
            tell(format_args!("error: {message}"));
            ExitCode::from(1)
        }
        Err(Stop::Problem { message, hint }) => {
            tell(format_args!("error: {message}"));
            if let Some(hint) = hint {
                tell(format_args!("hint: {hint}"));
            }
            ExitCode::from(2)
        }
    }
}
