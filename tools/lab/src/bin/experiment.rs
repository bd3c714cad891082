//! Runs one experiment in Rust: `experiment M1 11`. The lab starts it; `cargo course lab` brings its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let claim = args.next().as_deref().map(lab::claim::find);
    let rounds = args.next().and_then(|rounds| rounds.parse().ok());
    let done = match (claim, rounds, args.next()) {
        (Some(Ok(claim)), Some(rounds), None) => lab::rust::experiment(claim, rounds),
        (Some(Err(error)), ..) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
        _ => {
            eprintln!(
                "error: not an experiment (call it as `experiment M1 11`: the claim, and how many rounds)"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
