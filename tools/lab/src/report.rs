//! Reports measurements on the terminal: progress, tables, verdicts.

use crate::format::spread;
use crate::{Claim, Error, Run, claims};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Progress on stderr: a bar on a terminal, a line for each experiment on a dumb one, nothing elsewhere.
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
}

/// One experiment under way. Dropping it counts all its rounds as done.
pub struct Step<'a> {
    bar: &'a ProgressBar,
    end: u64,
}

impl Progress {
    /// Begins a run of so many rounds.
    #[must_use]
    pub fn new(rounds: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bar = ProgressBar::new(rounds as u64);
        if dumb {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = "{msg:40} {wide_bar} {pos}/{len} rounds, {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self {
            bar,
            lines: dumb && io::stderr().is_terminal(),
        }
    }

    /// Begins an experiment.
    pub fn start(&self, name: &str, rounds: usize) -> Step<'_> {
        if self.lines {
            eprintln!("{name}: {rounds} rounds");
        }
        self.bar.set_message(name.to_owned());
        Step {
            bar: &self.bar,
            end: self.bar.position() + rounds as u64,
        }
    }

    /// Prints a line on stderr.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Runs `print` while the bar is hidden.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Step<'_> {
    /// Counts a round.
    pub fn round(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.bar.set_position(self.end);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Returns how wide a line may be: `COLUMNS`, else the terminal's width, else 100; between 40 and 160.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.trim().parse().ok());
    let terminal = || {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    };
    columns.or_else(terminal).unwrap_or(100).clamp(40, 160)
}

/// Writes the runs of a claim as a table, with their verdicts, and where they are kept.
///
/// # Errors
/// Those of writing.
pub fn report(
    out: &mut impl Write,
    claim: &Claim,
    runs: &[Run],
    written: &Path,
    kept: Option<&Path>,
) -> io::Result<()> {
    let width = width();
    runs_of(out, claim, runs, width)?;
    if let Some(kept) = kept {
        let why = "of another machine or course, or unreadable";
        writeln!(out, "  kept: {} ({why})", kept.display())?;
    }
    writeln!(out, "  written: {}\n", written.display())
}

/// A run's column: its heading, its cells, and its width.
struct Column {
    name: String,
    cells: Vec<String>,
    width: usize,
}

fn runs_of(out: &mut impl Write, claim: &Claim, runs: &[Run], line: usize) -> io::Result<()> {
    writeln!(out, "{}  {}\n", claim.id, claim.sentence)?;
    let chars = |text: &str| text.chars().count();
    let labels = claim.metrics.iter().map(|metric| chars(metric.label));
    let label = labels.max().unwrap_or(0);
    let columns = runs.iter().map(|run| {
        let cells = claim.metrics.iter().map(|metric| {
            let measured = run.get(metric.id);
            measured.map_or_else(String::new, |one| spread(one, &metric.unit))
        });
        let (name, cells) = (run.runtime.to_string(), cells.collect::<Vec<_>>());
        let width = cells.iter().map(|cell| chars(cell)).max().unwrap_or(0);
        let width = width.max(chars(&name));
        Column { name, cells, width }
    });
    let columns: Vec<_> = columns.collect();
    let mut rest = columns.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let mut total = 2 + label + 2 + first.width;
        let more = others.iter().take_while(|column| {
            total += 2 + column.width;
            total <= line
        });
        let (now, later) = rest.split_at(1 + more.count());
        rest = later;
        let mut row = |name: &str, cell: &dyn Fn(&Column) -> String| {
            let cells = now
                .iter()
                .map(|one| format!("  {:1$}", cell(one), one.width));
            let text = format!("  {name:label$}{}", cells.collect::<String>());
            writeln!(out, "{}", text.trim_end())
        };
        row("", &|column| column.name.clone())?;
        for (at, metric) in claim.metrics.iter().enumerate() {
            if now.iter().any(|column| !column.cells[at].is_empty()) {
                row(metric.label, &|column| column.cells[at].clone())?;
            }
        }
        writeln!(out)?;
    }
    for run in runs {
        wrapped(out, &format!("{}: {}", run.runtime, run.verdict), line)?;
    }
    let measured = runs.iter().flat_map(|run| &run.measurements);
    let rounds = measured.map(|one| one.samples).max().unwrap_or(0);
    let rule = claim.rule;
    let text = format!("medians of {rounds} rounds (10th–90th percentile). Rule: {rule}");
    wrapped(out, &text, line)
}

/// Writes a paragraph; further lines are indented.
fn wrapped(out: &mut impl Write, text: &str, width: usize) -> io::Result<()> {
    let mut line = String::from(" ");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > width && !line.trim().is_empty() {
            writeln!(out, "{line}")?;
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

/// Returns the claims with these names, each once, in the order asked; all when none is named.
///
/// # Errors
/// [`Error::UnknownClaim`].
pub fn named(names: &[String]) -> Result<Vec<&'static Claim>, Error> {
    if names.is_empty() {
        return Ok(claims::CLAIMS.to_vec());
    }
    let mut claims = Vec::new();
    for name in names {
        let claim = claims::find(name)?;
        if !claims.iter().any(|other: &&Claim| other.id == claim.id) {
            claims.push(claim);
        }
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Runtime, Verdict, sample};

    #[test]
    fn claims_are_taken_once_and_in_the_order_asked() {
        let ids = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            named(&names).map(|claims| claims.iter().map(|claim| claim.id).collect::<Vec<_>>())
        };
        let (first, second) = (claims::CLAIMS[0].id, claims::CLAIMS[1].id);
        assert_eq!(ids(&[]).unwrap().len(), claims::CLAIMS.len());
        let asked = [&second.to_lowercase(), first, second];
        assert_eq!(ids(&asked).unwrap(), [second, first]);
        assert!(matches!(
            ids(&[first, "nonsense"]),
            Err(Error::UnknownClaim { .. })
        ));
    }

    #[test]
    fn columns_that_do_not_fit_go_below() {
        let run = |version: &str| {
            let mut run = sample::run(Runtime::python(version, false, true), 500.0);
            run.verdict = Verdict::not_shown("because ".repeat(30).trim());
            run
        };
        let runs = ["3.9.1", "3.10.1", "3.11.1", "3.12.1"].map(run);
        for (line, tables) in [(100, 2), (60, 4)] {
            let mut out = Vec::new();
            runs_of(&mut out, &sample::CLAIM, &runs, line).unwrap();
            let text = String::from_utf8(out).unwrap();
            let fits = text.lines().all(|text| text.chars().count() <= line);
            assert!(fits, "{text}");
            assert_eq!(text.matches("additions lost  ").count(), tables, "{text}");
            assert_eq!(text.matches("500 additions (300–900)").count(), 4, "{text}");
            assert!(
                !text.contains("spins"),
                "a row without a value is left out: {text}"
            );
        }
    }
}
