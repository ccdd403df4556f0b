//! How the program says what went wrong: `error: …`, then `hint: …`, and an exit code.

use std::fmt::Display;
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
    /// Ctrl-C, after a checkpoint was written: exit code 130.
    Interrupted,
}

impl Stop {
    /// A problem with a way out.
    pub fn problem(message: impl Display, hint: Option<String>) -> Self {
        Self::Problem { message: message.to_string(), hint }
    }
}

/// What a verb returns.
pub type Outcome = Result<(), Stop>;

/// Prints the problem, if any, to stderr and gives the exit code: 0 done, 2 bad usage or input, 130 interrupted.
pub fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(130),
        Err(Stop::Problem { message, hint }) => {
            eprintln!("error: {message}");
            if let Some(hint) = hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(2)
        }
    }
}
