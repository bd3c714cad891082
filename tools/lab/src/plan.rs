//! Carries out a plan: measures claims one after the other, writes their records, reports.

use crate::measure::{Setup, Subject, measure};
use crate::record::Owner;
use crate::report::{Progress, report};
use crate::{Claim, Error, Record, machine::Machine};
use std::io::Write;

/// What to measure.
#[derive(Debug)]
pub struct Plan {
    /// The claims.
    pub claims: Vec<&'static Claim>,
    /// What runs the experiments.
    pub subjects: Vec<Subject>,
    /// Whether fewer rounds will do.
    pub quick: bool,
    /// Whose record is written.
    pub owner: Owner,
}

impl Plan {
    fn rounds(&self, claim: &Claim) -> usize {
        match self.quick {
            true => claim.rounds.quick,
            false => claim.rounds.full,
        }
    }

    fn subjects_of(&self, claim: &Claim) -> impl Iterator<Item = &Subject> {
        let subjects = self.subjects.iter();
        subjects.filter(|subject| subject.can_measure(claim))
    }
}

/// Measures, writes records, and writes a report to `out`. Returns how many experiments failed; each is named on stderr.
///
/// All measurements are taken and all records are written even if `out` fails: that is reported at the end.
///
/// # Errors
/// [`Error::Stopped`], those of writing a record, and that of writing the report.
pub fn run(setup: &Setup<'_>, plan: &Plan, out: &mut impl Write) -> Result<usize, Error> {
    let total = plan
        .claims
        .iter()
        .map(|claim| plan.rounds(claim) * plan.subjects_of(claim).count())
        .sum();
    let progress = Progress::new(total);
    let machine = Machine::this();
    let mut printed = Ok(());
    let mut failures = 0;
    for claim in &plan.claims {
        let mut runs = Vec::new();
        for subject in plan.subjects_of(claim) {
            let rounds = plan.rounds(claim);
            let step = progress.start(&format!("{} in {}", claim.id, subject.runtime()), rounds);
            match measure(setup, claim, subject, rounds, || step.round()) {
                Ok(run) => runs.push(run),
                Err(error @ Error::Stopped) => return Err(error),
                Err(error) => {
                    failures += 1;
                    progress.say(&format!("error: {error}"));
                }
            }
        }
        if runs.is_empty() {
            continue;
        }
        let on_wait = || {
            progress.say("waiting for another `cargo course lab` to write its record …");
        };
        let (_, kept) = Record::write(
            setup.root,
            claim,
            plan.owner,
            &machine,
            runs.clone(),
            on_wait,
        )?;
        let written = plan.owner.path(claim);
        if printed.is_ok() {
            printed = progress.suspend(|| report(out, claim, &runs, &written, kept.as_deref()));
        }
    }
    drop(progress);
    let printed = printed.and_then(|()| out.flush());
    printed.map_err(Error::io("print the report (the records are written)"))?;
    Ok(failures)
}
