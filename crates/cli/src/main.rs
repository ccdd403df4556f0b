//! `seamripper`: one program, one file a verb.

mod args;
mod audit;
mod blackbox_file;
mod corrections;
mod data;
mod data_source;
mod diag;
mod digest;
mod doctor;
mod eval;
mod eval_model;
mod eval_text;
mod export;
mod foundation;
mod import;
mod kept_model;
mod lr_find;
mod model;
mod model_source;
mod onnx_file;
mod predictions_source;
mod report;
mod runnable;
mod see;
mod selftest;
mod stages;
mod subject;
mod sweep;
mod teacher;
mod train;

use std::process::ExitCode;

use args::Verb;
use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    diag::exit_code(run(&args))
}

fn run(args: &args::Args) -> diag::Outcome {
    // Before anything is done, so that a mistyped SEAMRIPPER_ISA never goes unnoticed.
    train::instructions()?;
    match &args.verb {
        Verb::Train(verb) => train::run(verb, &args.global),
        Verb::Sweep(verb) => sweep::run(verb, &args.global),
        Verb::LrFind(verb) => lr_find::run(verb, &args.global),
        Verb::Eval(verb) => eval::run(verb, &args.global),
        Verb::Audit(verb) => audit::run(verb, &args.global),
        Verb::See(verb) => see::run(verb, &args.global),
        Verb::Report(verb) => report::run(verb, &args.global),
        Verb::Data(verb) => data::run(verb, &args.global),
        Verb::Model(verb) => model::run(verb, &args.global),
        Verb::Selftest(verb) => selftest::run(verb, &args.global),
        Verb::Import(verb) => import::run(verb, &args.global),
        Verb::Doctor(verb) => doctor::run(verb, &args.global),
        Verb::Export(verb) => export::run(verb, &args.global),
    }
}
