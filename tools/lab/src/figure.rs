//! Words one measurement of the reference record for the prose; the paths are described in the crate's documentation.

use crate::record::Owner;
use crate::wording::{count, digits, quantity};
use crate::{Claim, Error, Record, Run, Unit, claim};
use std::path::Path;

/// The figure at a path such as `M1/python-3.13.0/child_writes_private_dirty`: `2,560 pages`.
///
/// It is always taken from the reference record: the prose was written about that one.
///
/// # Errors
/// [`Error::UnknownFigure`], with paths near it; and what reading the record gives.
///
/// ```
/// # let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
/// let near = lab::figure(&root, "M1/python/child_write_private_dirty").unwrap_err();
/// assert!(near.to_string().contains("M1/python/child_writes_private_dirty"));
/// ```
pub fn figure(root: &Path, path: &str) -> Result<String, Error> {
    let unknown = |near: Vec<String>| Error::UnknownFigure {
        path: path.to_owned(),
        near: near.join(", "),
    };
    let (id, rest) = path.split_once('/').unwrap_or((path, ""));
    let claim = claim::find(id)?;
    let record = Record::read(root, claim, Owner::Reference)?;
    let Some((name, what)) = rest.split_once('/') else {
        return of_record(&record, rest).ok_or_else(|| {
            let keys = record
                .runs
                .iter()
                .map(|run| format!("{id}/{}/…", run.runtime.key()));
            unknown(
                [format!("{id}/machine"), format!("{id}/date")]
                    .into_iter()
                    .chain(keys)
                    .collect(),
            )
        });
    };
    let Some(run) = record.family(name) else {
        return Err(unknown(
            record
                .runs
                .iter()
                .map(|run| format!("{id}/{}/{what}", run.runtime.key()))
                .collect(),
        ));
    };
    of_run(run, what).ok_or_else(|| {
        let mut near: Vec<_> = paths(run).collect();
        near.sort_by(|a, b| strsim::jaro(b, what).total_cmp(&strsim::jaro(a, what)));
        near.truncate(4);
        unknown(
            near.into_iter()
                .map(|near| format!("{id}/{name}/{near}"))
                .collect(),
        )
    })
}

/// All plain figures of a claim's reference record, with their paths; ratios can be formed of any two.
///
/// # Errors
/// What reading the record gives.
pub fn figures(root: &Path, claim: &Claim) -> Result<Vec<(String, String)>, Error> {
    let record = Record::read(root, claim, Owner::Reference)?;
    let mut all = Vec::new();
    for what in ["machine", "date"] {
        all.extend(of_record(&record, what).map(|text| (format!("{}/{what}", claim.id), text)));
    }
    for run in &record.runs {
        let key = run.runtime.key();
        all.extend(
            paths(run).filter_map(|what| {
                Some((format!("{}/{key}/{what}", claim.id), of_run(run, &what)?))
            }),
        );
    }
    Ok(all)
}

fn paths(run: &Run) -> impl Iterator<Item = String> {
    let measured = run.measurements.iter().flat_map(|one| {
        let counted = one.unit == Unit::Additions;
        let extra = counted.then(|| [format!("max:{}", one.id), format!("times:{}", one.id)]);
        std::iter::once(one.id.clone()).chain(extra.into_iter().flatten())
    });
    let given = run.given.keys().map(|name| format!("given:{name}"));
    measured
        .chain(given)
        .chain(["name".to_owned(), "verdict".to_owned()])
}

fn of_record(record: &Record, what: &str) -> Option<String> {
    match what {
        "machine" => Some(record.machine.to_string()),
        "date" => record.runs.iter().map(|run| run.day().to_owned()).max(),
        _ => None,
    }
}

fn of_run(run: &Run, what: &str) -> Option<String> {
    let quotient = |operands: &str| {
        let (a, b) = operands.split_once('/')?;
        let (a, b) = (value(run, a)?.0, value(run, b)?.0);
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
        None if what == "name" => Some(run.runtime.to_string()),
        None if what == "verdict" => Some(run.verdict.to_string()),
        _ => value(run, what).map(|(value, unit)| match unit {
            Some(unit) => quantity(value, unit),
            None => count(value),
        }),
    }
}

/// The value of `thread_64_b`, `max:lost_call` or `given:pages`; what is given has no unit.
fn value(run: &Run, what: &str) -> Option<(f64, Option<Unit>)> {
    let (statistic, id) = what.split_once(':').unwrap_or(("median", what));
    if statistic == "given" {
        return Some((*run.given.get(id)? as f64, None));
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
    Some((value, Some(one.unit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measurement, Runtime, Verdict, machine::Machine};

    /// A course with a reference record of M4.
    fn course() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let claim = claim::find("M4").unwrap();
        let measured = [
            ("lost_bare", [0.0, 0.0, 0.0]),
            ("lost_call", [0.0, 200_000.0, 1234.0]),
            ("lost_locked", [0.0, 0.0, 0.0]),
        ];
        let run = |runtime| Run {
            runtime,
            taken_at: "2026-11-22T19:30:00Z".into(),
            given: [("additions".into(), 800_000)].into(),
            measurements: measured
                .iter()
                .filter_map(|(id, values)| Measurement::new(id, Unit::Additions, values))
                .collect(),
            verdict: Verdict::not_shown(String::new()),
        };
        let runs = vec![
            run(Runtime::python("3.13.0", false, true)),
            run(Runtime::python("3.13.5", true, false)),
        ];
        let machine = Machine {
            os: "Linux".into(),
            kernel: "6.1".into(),
            arch: "x86_64".into(),
            cpu: "Test".into(),
            cpus: 1,
        };
        Record::write(root.path(), claim, Owner::Reference, &machine, runs).unwrap();
        root
    }

    #[test]
    fn paths_lead_to_words() {
        let root = course();
        let cases = [
            ("M4/python-3.13.0/lost_call", "1,234 additions"),
            ("M4/python/max:lost_call", "200,000 additions"),
            ("M4/python-3.13/lost_bare", "0 additions"),
            ("M4/python-t/times:lost_call", "2 of 3"),
            ("M4/python-t/samples:lost_call", "3"),
            ("M4/python/given:additions", "800,000"),
            ("M4/python/percent:max:lost_call/given:additions", "25 %"),
            ("M4/python/ratio:max:lost_call/lost_call", "162"),
            ("M4/python-t/name", "Python 3.13.5 (free-threaded)"),
            ("M4/machine", "Test, 1 CPU, Linux 6.1 x86_64"),
            ("M4/date", "2026-11-22"),
        ];
        for (path, text) in cases {
            assert_eq!(figure(root.path(), path).unwrap(), text, "{path}");
        }
        assert!(
            figure(root.path(), "M4/python/verdict")
                .unwrap()
                .starts_with("holds, but")
        );
    }

    #[test]
    fn an_unknown_path_names_those_near_it() {
        let root = course();
        let says = |path: &str| figure(root.path(), path).unwrap_err().to_string();
        assert!(
            says("M4/python/lost_cal").starts_with(
                "no figure is called `M4/python/lost_cal` (near: M4/python/lost_call, "
            )
        );
        assert!(
            says("M4/python-3.9/lost_call")
                .contains("near: M4/python-3.13.0/lost_call, M4/python-3.13.5t/lost_call")
        );
        assert!(says("M4/where").contains("near: M4/machine, M4/date, M4/python-3.13.0/…"));
        assert!(
            says("M4/python/ratio:lost_call/lost_bare").contains("no figure"),
            "nothing is divided by zero"
        );
        assert!(says("M9/python/x").contains("there are M1"));
        assert!(says("M1/python/x").contains("records/reference/M1.json: no such record"));
    }

    #[test]
    fn all_that_are_listed_can_be_looked_up() {
        let root = course();
        let all = figures(root.path(), claim::find("M4").unwrap()).unwrap();
        assert!(all.len() > 20, "{}", all.len());
        for (path, text) in all {
            assert_eq!(figure(root.path(), &path).unwrap(), text, "{path}");
        }
    }
}
