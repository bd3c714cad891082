//! `cargo course lab` for people: progress, tables, verdicts.

use crate::record::Owner;
use crate::run::{Setup, Subject, measure};
use crate::wording::spread;
use crate::{Claim, Error, Record, Run, machine::Machine};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What to measure.
#[derive(Debug)]
pub struct Plan {
    /// The claims.
    pub claims: Vec<&'static Claim>,
    /// What runs the experiments.
    pub subjects: Vec<Subject>,
    /// Fewer rounds.
    pub quick: bool,
    /// Whose record is written.
    pub owner: Owner,
}

/// A flag that Ctrl-C and `kill` set, for [`Setup::stop`]; asked a second time, the process ends at once.
///
/// # Errors
/// The system's.
pub fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Measures, writes records, and tells on `out`. Returns how many experiments failed; each was named on stderr.
///
/// # Errors
/// [`Error::Stopped`], and what writing a record gives.
pub fn run(setup: &Setup<'_>, plan: &Plan, out: &mut impl Write) -> Result<usize, Error> {
    let rounds = |claim: &Claim| claim.rounds[usize::from(plan.quick)];
    let total: usize = plan
        .claims
        .iter()
        .map(|claim| rounds(claim) * plan.subjects.len())
        .sum();
    // On stderr, and only where that is a terminal.
    let bar = ProgressBar::new(total as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{msg:40} {wide_bar} {pos}/{len} rounds, {elapsed}")
    {
        bar.set_style(style);
    }
    let machine = Machine::this();
    let mut failures = 0;
    for claim in &plan.claims {
        let mut runs = Vec::new();
        for subject in &plan.subjects {
            bar.set_message(format!("{} in {}", claim.id, subject.runtime()));
            let before = bar.position();
            match measure(setup, claim, subject, rounds(claim), || bar.inc(1)) {
                Ok(run) => runs.push(run),
                Err(error @ Error::Stopped) => {
                    bar.finish_and_clear();
                    return Err(error);
                }
                Err(error) => {
                    failures += 1;
                    bar.suspend(|| eprintln!("error: {error}"));
                    bar.set_position(before + rounds(claim) as u64);
                }
            }
        }
        if runs.is_empty() {
            continue;
        }
        let (_, kept) = Record::write(setup.root, claim, plan.owner, &machine, runs.clone())?;
        let told = bar.suspend(|| {
            tell(out, claim, &runs)?;
            if let Some(kept) = kept {
                writeln!(
                    out,
                    "  kept: {} (of another machine or course, or unreadable)",
                    kept.display()
                )?;
            }
            writeln!(out, "  written: {}\n", plan.owner.path(claim).display())
        });
        told.map_err(Error::io("print the result"))?;
    }
    bar.finish_and_clear();
    Ok(failures)
}

/// How wide a line may be.
const LINE: usize = 100;

fn tell(out: &mut impl Write, claim: &Claim, runs: &[Run]) -> io::Result<()> {
    writeln!(out, "{}  {}\n", claim.id, claim.sentence)?;
    let width = |text: &str| text.chars().count();
    let label = claim
        .metrics
        .iter()
        .map(|metric| width(metric.label))
        .max()
        .unwrap_or(0);
    let mut columns = Vec::new();
    for run in runs {
        let cells: Vec<_> = claim
            .metrics
            .iter()
            .map(|metric| run.get(metric.id).map_or_else(String::new, spread))
            .collect();
        let name = run.runtime.to_string();
        let wide = cells
            .iter()
            .map(|cell| width(cell))
            .max()
            .unwrap_or(0)
            .max(width(&name));
        columns.push((name, cells, wide));
    }
    let mut rest = columns.as_slice();
    while let Some((first, _)) = rest.split_first() {
        let mut total = 2 + label + 2 + first.2;
        let more = rest[1..].iter().take_while(|(_, _, wide)| {
            total += 2 + wide;
            total <= LINE
        });
        let (now, later) = rest.split_at(1 + more.count());
        rest = later;
        let mut row = |name: &str, cells: &mut dyn Iterator<Item = (&str, usize)>| {
            let mut line = format!("  {name:label$}");
            for (cell, wide) in cells {
                line += &format!("  {cell:wide$}");
            }
            writeln!(out, "{}", line.trim_end())
        };
        row(
            "",
            &mut now.iter().map(|(name, _, wide)| (name.as_str(), *wide)),
        )?;
        for (at, metric) in claim.metrics.iter().enumerate() {
            if now.iter().any(|(_, cells, _)| !cells[at].is_empty()) {
                row(
                    metric.label,
                    &mut now
                        .iter()
                        .map(|(_, cells, wide)| (cells[at].as_str(), *wide)),
                )?;
            }
        }
        writeln!(out)?;
    }
    for run in runs {
        wrapped(out, &format!("{}: {}", run.runtime, run.verdict))?;
    }
    let samples = runs
        .iter()
        .flat_map(|run| &run.measurements)
        .map(|one| one.samples)
        .max()
        .unwrap_or(0);
    wrapped(
        out,
        &format!(
            "medians of {samples} rounds (10th–90th percentile). Rule: {}",
            claim.rule
        ),
    )
}

/// Prints a paragraph, further lines indented.
fn wrapped(out: &mut impl Write, text: &str) -> io::Result<()> {
    let mut line = String::from(" ");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > LINE {
            writeln!(out, "{line}")?;
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measurement, Runtime, Unit, Verdict, claim};

    #[test]
    fn columns_that_do_not_fit_go_below() {
        let claim = claim::find("M4").unwrap();
        let run = |version: &str| Run {
            runtime: Runtime::python(version, false, true),
            taken_at: String::new(),
            given: [].into(),
            measurements: Measurement::new("lost_bare", Unit::Additions, &[0.0, 1000.0])
                .into_iter()
                .collect(),
            verdict: Verdict::not_shown("because ".repeat(30).trim().to_owned()),
        };
        let mut out = Vec::new();
        tell(
            &mut out,
            claim,
            &["3.9.1", "3.10.1", "3.11.1", "3.12.1"].map(run),
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.lines().all(|line| line.chars().count() <= LINE),
            "{text}"
        );
        assert_eq!(text.matches("n += 1: additions lost").count(), 2, "{text}");
        assert_eq!(text.matches("500 additions (100–900)").count(), 4, "{text}");
        assert!(
            !text.contains("fetch_add: additions"),
            "rows without a value are left out: {text}"
        );
    }
}
