//! Formats one measurement of the reference record for the prose. The crate's documentation describes the paths.

use crate::format::{count, digits, quantity};
use crate::record::Owner;
use crate::rule::upper_bound;
use crate::{Claim, Error, Record, Run, Unit, claims};
use std::path::Path;

/// Formats the figure at a path such as `M1/python-3.13.0/child_writes_private_dirty`: `2,560 pages`.
///
/// It always comes from the reference record: the prose was written about that one.
///
/// # Errors
/// [`Error::UnknownFigure`], with similar paths; and those of reading the record.
///
/// ```
/// # let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
/// let near = lab::figure(&root, "M1/python/child_write_private_dirty").unwrap_err();
/// assert!(near.to_string().contains("M1/python/child_writes_private_dirty"));
/// ```
pub fn figure(root: &Path, path: &str) -> Result<String, Error> {
    let (id, _) = path.split_once('/').unwrap_or((path, ""));
    let claim = claims::find(id)?;
    let record = Record::read(root, claim, Owner::Reference)?;
    find(claim, &record, path)
}

fn find(claim: &Claim, record: &Record, path: &str) -> Result<String, Error> {
    let unknown = |near: Vec<String>| Error::UnknownFigure {
        path: path.to_owned(),
        near: near.join(", "),
    };
    let (id, rest) = path.split_once('/').unwrap_or((path, ""));
    let keys = || record.runs.iter().map(|run| run.runtime.key());
    let Some((name, what)) = rest.split_once('/') else {
        return of_record(record, rest).ok_or_else(|| {
            let near = ["machine".to_owned(), "date".to_owned()].into_iter();
            let near = near.chain(keys().map(|key| format!("{key}/…")));
            unknown(near.map(|near| format!("{id}/{near}")).collect())
        });
    };
    let Some(run) = record.find_run(name) else {
        return Err(unknown(
            keys().map(|key| format!("{id}/{key}/{what}")).collect(),
        ));
    };
    of_run(claim, run, what).ok_or_else(|| {
        let mut near: Vec<_> = paths(claim, run).collect();
        near.sort_by(|a, b| strsim::jaro(b, what).total_cmp(&strsim::jaro(a, what)));
        near.truncate(4);
        unknown(
            near.iter()
                .map(|near| format!("{id}/{name}/{near}"))
                .collect(),
        )
    })
}

/// Lists all plain figures of a claim's reference record, with their paths. Ratios can be formed of any two.
///
/// # Errors
/// Those of reading the record.
pub fn figures(root: &Path, claim: &Claim) -> Result<Vec<(String, String)>, Error> {
    let record = Record::read(root, claim, Owner::Reference)?;
    Ok(all(claim, &record))
}

fn all(claim: &Claim, record: &Record) -> Vec<(String, String)> {
    let id = claim.id;
    let whats = ["machine", "date"].into_iter();
    let mut all: Vec<_> = whats
        .filter_map(|what| Some((format!("{id}/{what}"), of_record(record, what)?)))
        .collect();
    for run in &record.runs {
        let key = run.runtime.key();
        let paths = paths(claim, run);
        all.extend(paths.filter_map(|what| {
            let text = of_run(claim, run, &what)?;
            Some((format!("{id}/{key}/{what}"), text))
        }));
    }
    all
}

fn paths(claim: &Claim, run: &Run) -> impl Iterator<Item = String> {
    let measured = run.measurements.iter().flat_map(|one| {
        let counted = claim
            .metric(&one.id)
            .is_some_and(|metric| metric.unit.whole);
        let extra: &[&str] = if counted {
            &["max:", "times:", "bound:"]
        } else {
            &[]
        };
        let extra = extra
            .iter()
            .map(|statistic| format!("{statistic}{}", one.id));
        std::iter::once(one.id.clone()).chain(extra)
    });
    let given = run.given.keys().map(|name| format!("given:{name}"));
    let rest = ["name", "verdict"].map(str::to_owned);
    measured.chain(given).chain(rest)
}

fn of_record(record: &Record, what: &str) -> Option<String> {
    match what {
        "machine" => Some(record.machine.to_string()),
        "date" => record.runs.iter().map(|run| run.day().to_owned()).max(),
        _ => None,
    }
}

fn of_run(claim: &Claim, run: &Run, what: &str) -> Option<String> {
    let quotient = |operands: &str| {
        let (a, b) = operands.split_once('/')?;
        let (a, b) = (value(claim, run, a)?.0, value(claim, run, b)?.0);
        (b != 0.0).then(|| a / b)
    };
    match what.split_once(':') {
        Some(("ratio", operands)) => quotient(operands).map(digits),
        Some(("percent", operands)) => {
            quotient(operands).map(|quotient| format!("{} %", count(quotient * 100.0)))
        }
        Some(("samples", id)) => run.get(id).map(|one| count(one.samples as f64)),
        Some(("times", id)) => run
            .get(id)
            .map(|one| format!("{} of {}", one.times(), one.samples)),
        Some(("bound", id)) => {
            let one = run.get(id).filter(|one| one.times() == 0)?;
            Some(format!("{} %", count(100.0 * upper_bound(one.samples))))
        }
        None if what == "name" => Some(run.runtime.to_string()),
        None if what == "verdict" => Some(run.verdict.to_string()),
        _ => value(claim, run, what).map(|(value, unit)| match unit {
            Some(unit) => quantity(value, &unit),
            None => count(value),
        }),
    }
}

/// Returns the value of `thread_64_b`, `max:lost_call` or `given:pages`; what is given has no unit.
fn value(claim: &Claim, run: &Run, what: &str) -> Option<(f64, Option<Unit>)> {
    let (statistic, id) = what.split_once(':').unwrap_or(("median", what));
    if statistic == "given" {
        return Some((run.given(id)?, None));
    }
    let one = run.get(id)?;
    let value = match statistic {
        "median" => one.median,
        "min" => one.min(),
        "max" => one.max(),
        "p10" => one.p10,
        "p90" => one.p90,
        _ => return None,
    };
    Some((value, Some(claim.metric(id)?.unit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Runtime, sample};

    fn record() -> Record {
        let mut record = Record::new(&sample::CLAIM, sample::machine());
        let runtimes = [
            ("3.13.0", false, 1234.0),
            ("3.12.1", false, 0.0),
            ("3.13.5", true, 200_000.0),
        ];
        for (version, free, value) in runtimes {
            record.add(sample::run(Runtime::python(version, free, !free), value));
        }
        record
    }

    fn look_up(path: &str) -> Result<String, String> {
        find(&sample::CLAIM, &record(), path).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_lead_to_words() {
        let cases = [
            ("S1/python-3.13.0/lost", "1,234 additions"),
            ("S1/python/time", "1.23 ms"),
            ("S1/python-t/max:lost", "400,000 additions"),
            ("S1/python-3.12/lost", "0 additions"),
            ("S1/python-t/times:lost", "3 of 3"),
            ("S1/python-3.12/times:lost", "0 of 3"),
            ("S1/python-3.12/bound:lost", "63 %"),
            ("S1/python-t/samples:lost", "3"),
            ("S1/python/given:additions", "800,000"),
            ("S1/python-t/percent:lost/given:additions", "25 %"),
            ("S1/python/ratio:max:lost/lost", "2.00"),
            ("S1/python-t/name", "Python 3.13.5 (free-threaded)"),
            ("S1/machine", "Test CPU, 2 CPUs, Linux 6.1.0 x86_64"),
            ("S1/date", "2026-11-22"),
            ("S1/python/verdict", "holds: additions were lost"),
        ];
        for (path, text) in cases {
            assert_eq!(look_up(path).as_deref(), Ok(text), "{path}");
        }
    }

    #[test]
    fn an_unknown_path_names_those_like_it() {
        let says = |path: &str| look_up(path).unwrap_err();
        let near = "no figure is called `S1/python/lots` (near: S1/python/lost, ";
        assert!(
            says("S1/python/lots").starts_with(near),
            "{}",
            says("S1/python/lots")
        );
        let keys = "near: S1/python-3.12.1/lost, S1/python-3.13.0/lost";
        assert!(says("S1/python-3.9/lost").contains(keys));
        assert!(says("S1/where").contains("near: S1/machine, S1/date, S1/python-3.12.1/…"));
        let by_zero = says("S1/python-3.12/ratio:lost/lost");
        assert!(by_zero.contains("no figure"), "nothing is divided by zero");
        assert!(
            says("S1/python/bound:lost").contains("no figure"),
            "it did happen"
        );
        let root = tempfile::tempdir().unwrap();
        let unknown = figure(root.path(), "nonsense/python/x").unwrap_err();
        assert!(matches!(unknown, Error::UnknownClaim { .. }));
    }

    #[test]
    fn all_that_are_listed_can_be_looked_up() {
        let all = all(&sample::CLAIM, &record());
        assert!(all.len() > 20, "{}", all.len());
        for (path, text) in all {
            assert_eq!(look_up(&path).as_deref(), Ok(text.as_str()), "{path}");
        }
    }
}
