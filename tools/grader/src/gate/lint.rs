//! Clippy over the solutions: what a learner is shown is to be as good as we can make it.

use super::{Findings, GateError};
use crate::{build, course::Course, grade::Interrupted, stop::Stop};
use std::{ops::ControlFlow, path::Path, time::Duration};
use supervise::{End, Keep, Options};

/// How long clippy may take, with all that it needs.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// Runs clippy over the solutions: its usual lints and the pedantic ones.
///
/// # Errors
/// When the course can't be read, or on a stop.
pub fn lint(root: &Path, stop: &Stop) -> Result<Findings, GateError> {
    let course = Course::open(root)?;
    let mut found = Findings::default();
    let solutions = course.root.join("solutions");
    let clippy = |offline: bool| {
        let mut command = build::cargo();
        command
            .args(["clippy", "--quiet", "--workspace", "--locked"])
            .args(offline.then_some("--offline"));
        command
            .arg("--target-dir")
            .arg(course.target_dir())
            .current_dir(&solutions);
        command.args(["--", "-D", "warnings", "-D", "clippy::pedantic"]);
        let mut options = Options::new(DEADLINE);
        options.stderr = Keep::Last(1 << 20);
        options.sweep = false;
        supervise::run(command, &options, stop, |_, _| ControlFlow::Continue(()))
    };
    let outcome = match clippy(true) {
        Ok(outcome) if outcome.stderr.text().contains("--offline") => clippy(false),
        other => other,
    };
    match outcome {
        Ok(outcome) if outcome.end == End::Stopped => return Err(Interrupted.into()),
        Ok(outcome) if outcome.end.is_success() => {}
        Ok(outcome) => {
            let said = outcome.stderr.text();
            if said.contains("no such command") || said.contains("is not installed") {
                found.notes.push("skipped: clippy over the solutions: cargo has no clippy (`rustup component add clippy`)".to_owned());
            } else {
                found.problem(
                    "solutions",
                    format_args!("clippy {}:\n{}", outcome.end, said.trim()),
                );
            }
        }
        Err(error) => found.problem(
            "solutions",
            format_args!("cannot start cargo clippy: {error}"),
        ),
    }
    Ok(found)
}
