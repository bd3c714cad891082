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
/// [`Error::UnknownFigure`], with the path that was probably meant; and those of reading the record.
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
    let (_, rest) = path.split_once('/').unwrap_or((path, ""));
    let found = match rest.split_once('/') {
        None => of_record(record, rest),
        Some((name, what)) => record
            .find_run(name)
            .and_then(|run| of_run(claim, run, what)),
    };
    found.ok_or_else(|| {
        let id = claim.id;
        let name = rest.split_once('/').map(|(name, _)| name);
        let run = name.and_then(|name| Some((name, record.find_run(name)?)));
        let near: Vec<_> = match run {
            Some((name, run)) => {
                let paths = paths(claim, run);
                paths.map(|what| format!("{id}/{name}/{what}")).collect()
            }
            None => all(claim, record)
                .into_iter()
                .map(|(path, _)| path)
                .collect(),
        };
        let list = format!("`cargo course lab {id} --figures` lists them");
        let offer = match files::names::nearest(path, near.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`? {list}"),
            None => list,
        };
        Error::UnknownFigure {
            path: path.to_owned(),
            offer,
        }
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
    fn an_unknown_path_names_the_one_that_was_meant() {
        let cases = [
            ("S1/python/lsot", "did you mean `S1/python/lost`?"),
            ("S1/python-3.9/lost", "did you mean `S1/python-3.1"),
            ("S1/machin", "did you mean `S1/machine`?"),
            (
                "S1/q",
                "no figure is called `S1/q` (`cargo course lab S1 --figures` lists them)",
            ),
            ("S1/python-3.12/ratio:lost/lost", "no figure"), // nothing is divided by zero
            ("S1/python/bound:lost", "no figure"),           // it did happen
        ];
        for (path, says) in cases {
            let error = look_up(path).unwrap_err();
            assert!(error.contains(says), "{path}: {error}");
        }
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
