//! Runs one experiment in Rust: `experiment M1 11`. The tests start it; `cargo course lab` brings its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [claim, rounds] = args.as_slice() else {
        eprintln!("error: name a claim and a number of rounds, as in `experiment M1 11`");
        return ExitCode::from(2);
    };
    let (claim, rounds) = match (lab::claims::find(claim), rounds.parse()) {
        (Ok(claim), Ok(rounds)) => (claim, rounds),
        (Err(error), _) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
        (_, Err(error)) => {
            eprintln!("error: {rounds} is not a number of rounds: {error}");
            return ExitCode::from(2);
        }
    };
    match lab::experiment::run(claim, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
