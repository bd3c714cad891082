//! Records: what was measured, on what, with which result. The book ships some, the reader makes others.

use crate::{Claim, Error, Runtime, Verdict, machine::Machine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The form of a record. Another number means: made by another version of the course.
pub const SCHEMA: u32 = 1;

/// What a measurement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Pages of memory.
    #[serde(rename = "pages")]
    Pages,
    /// Minor page faults.
    #[serde(rename = "faults")]
    Faults,
    /// Bytes.
    #[serde(rename = "bytes")]
    Bytes,
    /// Microseconds.
    #[serde(rename = "µs")]
    Micros,
    /// Additions to a counter.
    #[serde(rename = "additions")]
    Additions,
    /// Objects handed over.
    #[serde(rename = "objects")]
    Objects,
    /// Channels between processes.
    #[serde(rename = "channels")]
    Channels,
}

/// One thing measured, once per round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Its name, as in the claim's table.
    pub id: String,
    /// What it counts.
    pub unit: Unit,
    /// How many samples were taken, not counting warm-up.
    pub samples: usize,
    /// The middle of the samples.
    pub median: f64,
    /// A tenth of the samples is at most this.
    pub p10: f64,
    /// Nine tenths of the samples are at most this.
    pub p90: f64,
    /// The samples, in the order in which they were taken.
    pub values: Vec<f64>,
}

impl Measurement {
    /// Sums samples up; nothing when there are none.
    #[must_use]
    pub fn new(id: &str, unit: Unit, values: &[f64]) -> Option<Self> {
        // A nanosecond is the finest that the clocks tell, so the rest of the digits is noise.
        let values: Vec<f64> = values
            .iter()
            .map(|value| (value * 1e3).round() / 1e3)
            .collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            id: id.to_owned(),
            unit,
            samples: values.len(),
            median: quantile(&sorted, 0.5)?,
            p10: quantile(&sorted, 0.1)?,
            p90: quantile(&sorted, 0.9)?,
            values,
        })
    }

    /// The smallest sample.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The largest sample.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// In how many samples it was above zero.
    #[must_use]
    pub fn times(&self) -> usize {
        self.values.iter().filter(|value| **value > 0.0).count()
    }
}

/// The quantile of sorted values, linear between the two that it falls between.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(((low + (high - low) * at.fract()) * 1e3).round() / 1e3)
}

/// One experiment, run once in one runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What ran it.
    pub runtime: Runtime,
    /// When, in UTC: `2026-11-22T19:30:00Z`.
    pub taken_at: String,
    /// What it was given, and did not measure: sizes and counts.
    pub given: BTreeMap<String, u64>,
    /// What it measured.
    pub measurements: Vec<Measurement>,
    /// What the rule makes of it.
    pub verdict: Verdict,
}

impl Run {
    /// The measurement with this name; none when it could not be taken there.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Measurement> {
        self.measurements.iter().find(|one| one.id == id)
    }

    /// The median of a measurement.
    #[must_use]
    pub fn median(&self, id: &str) -> Option<f64> {
        self.get(id).map(|one| one.median)
    }

    /// The day on which it was taken: `2026-11-22`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.taken_at.split('T').next().unwrap_or_default()
    }
}

/// All runs of a claim on one machine, one per runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The claim's id.
    pub claim: String,
    /// The rule by which the verdicts were reached, in words.
    pub rule: String,
    /// What it was measured on.
    pub machine: Machine,
    /// What was measured, Rust first, then Python by version.
    pub runs: Vec<Run>,
}

/// Whose record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The book's: `records/reference/`.
    Reference,
    /// The reader's: `records/mine/`.
    Mine,
}

impl Owner {
    /// Where the record of a claim is, from the root of the course.
    #[must_use]
    pub fn path(self, claim: &Claim) -> PathBuf {
        let folder = match self {
            Self::Reference => "records/reference",
            Self::Mine => "records/mine",
        };
        Path::new(folder).join(format!("{}.json", claim.id))
    }

    /// The command that takes it.
    #[must_use]
    pub fn remedy(self, claim: &Claim) -> String {
        let flag = match self {
            Self::Reference => " --reference",
            Self::Mine => "",
        };
        format!("cargo course lab {}{flag}", claim.id)
    }
}

impl Record {
    /// A record without runs.
    #[must_use]
    pub fn new(claim: &Claim, machine: Machine) -> Self {
        Self {
            schema: SCHEMA,
            claim: claim.id.to_owned(),
            rule: claim.rule.to_owned(),
            machine,
            runs: Vec::new(),
        }
    }

    /// Takes a run in; it replaces an older one of the same runtime.
    pub fn add(&mut self, run: Run) {
        self.runs
            .retain(|other| other.runtime.key() != run.runtime.key());
        self.runs.push(run);
        self.runs.sort_by_key(|run| {
            let rt = &run.runtime;
            let rust_first = rt.language == crate::Language::Python;
            (rust_first, rt.release(), rt.build.clone())
        });
    }

    /// The runs by Python with the GIL, and without, newest last; and by Rust.
    pub(crate) fn family(&self, name: &str) -> Option<&Run> {
        let of_line = |line: &str, free: bool| {
            let mut found = self.runs.iter().filter(|run| {
                let rt = &run.runtime;
                let fits = line.is_empty()
                    || rt.version == line
                    || rt
                        .version
                        .strip_prefix(line)
                        .is_some_and(|rest| rest.starts_with('.'));
                let build = if free {
                    rt.is_free_threaded()
                } else {
                    rt.build == "GIL"
                };
                rt.language == crate::Language::Python && build && fits
            });
            found.next_back()
        };
        let exact = self.runs.iter().find(|run| run.runtime.key() == name);
        exact.or_else(|| match name.strip_prefix("python") {
            None if name == "rust" => self
                .runs
                .iter()
                .find(|run| run.runtime.language == crate::Language::Rust),
            None => None,
            Some("") => of_line("", false),
            Some("-t") => of_line("", true),
            Some(rest) => {
                let line = rest.strip_prefix('-')?;
                match line.strip_suffix('t') {
                    Some(line) => of_line(line, true),
                    None => of_line(line, false),
                }
            }
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::NoRecord`] when there is none; [`Error::BadRecord`] when it is cut off, of another schema or claim,
    /// or changed by hand so that its figures do not follow from its samples.
    pub fn read(root: &Path, claim: &Claim, owner: Owner) -> Result<Self, Error> {
        let path = owner.path(claim);
        let remedy = owner.remedy(claim);
        let bad = |why: String| Error::BadRecord {
            path: path.clone(),
            why,
            remedy: remedy.clone(),
        };
        let text = match fs::read_to_string(root.join(&path)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoRecord { path, remedy });
            }
            Err(error) => return Err(bad(error.to_string())),
        };
        /// Read first, so that a record of another schema is told from a corrupt one.
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
            claim: String,
        }
        let head: Head = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if head.schema != SCHEMA {
            return Err(bad(format!(
                "its schema is {}, this course reads {SCHEMA}",
                head.schema
            )));
        }
        if head.claim != claim.id {
            return Err(bad(format!("it is about {}", head.claim)));
        }
        let record: Self = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        for run in &record.runs {
            for one in &run.measurements {
                let known = claim
                    .metric(&one.id)
                    .filter(|metric| metric.unit == one.unit);
                if known.is_none() {
                    return Err(bad(format!(
                        "{}: the claim has no such measurement",
                        one.id
                    )));
                }
                if Measurement::new(&one.id, one.unit, &one.values).as_ref() != Some(one) {
                    return Err(bad(format!(
                        "{}: its figures do not follow from its samples",
                        one.id
                    )));
                }
            }
        }
        Ok(record)
    }

    /// The reader's record, if there is one.
    ///
    /// # Errors
    /// As [`Record::read`], but for [`Error::NoRecord`].
    pub fn read_mine(root: &Path, claim: &Claim) -> Result<Option<Self>, Error> {
        match Self::read(root, claim, Owner::Mine) {
            Ok(record) => Ok(Some(record)),
            Err(Error::NoRecord { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes new runs into the record of a claim, and returns the whole of it with what was kept aside.
    ///
    /// Runs of other runtimes on the same machine stay. What cannot be joined (a file that is no record, or a
    /// record of another machine) is kept beside it as `.bak`; nothing is ever overwritten.
    ///
    /// # Errors
    /// The system's, when the file cannot be written; the old one is whole then.
    pub fn write(
        root: &Path,
        claim: &Claim,
        owner: Owner,
        machine: &Machine,
        runs: Vec<Run>,
    ) -> Result<(Self, Option<PathBuf>), Error> {
        let (path, shown) = (root.join(owner.path(claim)), owner.path(claim));
        let (mut record, aside) = match Self::read(root, claim, owner) {
            Ok(old) if old.machine.is_same_as(machine) => (old, false),
            Err(Error::NoRecord { .. }) => (Self::new(claim, machine.clone()), false),
            Ok(_) | Err(_) => (Self::new(claim, machine.clone()), true),
        };
        record.machine.clone_from(machine);
        claim.rule.clone_into(&mut record.rule);
        for run in runs {
            record.add(run);
        }
        for run in &mut record.runs {
            run.verdict = (claim.judge)(run); // runs that stayed may have been judged by an older rule
        }
        let failed = |what: &str| Error::io(format!("{what} {}", shown.display()));
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)
            .map_err(failed("write"))?;
        let text =
            serde_json::to_string_pretty(&record).map_err(|error| failed("write")(error.into()))?;
        writeln!(file, "{}", one_line_arrays(&text)).map_err(failed("write"))?;
        file.as_file().sync_all().map_err(failed("write"))?;
        let kept = if aside {
            Some(keep(&path).map_err(failed("keep the old"))?)
        } else {
            None
        };
        file.persist(&path)
            .map_err(|error| failed("write")(error.error))?;
        let kept = kept.and_then(|kept| kept.strip_prefix(root).ok().map(Path::to_owned));
        Ok((record, kept))
    }
}

/// Puts arrays of numbers on one line: a record is read by people too.
fn one_line_arrays(pretty: &str) -> String {
    let mut text = String::with_capacity(pretty.len());
    let mut rest = pretty;
    while let Some((before, after)) = rest.split_once("\"values\": [") {
        let (values, after) = after.split_once(']').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str("\"values\": [");
        text.push_str(&values.split_whitespace().collect::<Vec<_>>().join(" "));
        text.push(']');
        rest = after;
    }
    text + rest
}

/// Gives a file another name that nobody uses yet: `M1.json.bak`, `M1.json.bak2`, …
fn keep(path: &Path) -> io::Result<PathBuf> {
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 {
            ".bak".to_owned()
        } else {
            format!(".bak{number}")
        });
        let name = PathBuf::from(name);
        match fs::hard_link(path, &name) {
            Ok(()) => return fs::remove_file(path).map(|()| name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim;

    fn machine() -> Machine {
        Machine {
            os: "Linux".into(),
            kernel: "6.1.0".into(),
            arch: "x86_64".into(),
            cpu: "Test CPU".into(),
            cpus: 2,
        }
    }

    fn run(version: &str, free_threaded: bool, faults: f64) -> Run {
        let claim = claim::find("M1").unwrap();
        let values = [faults, faults + 1.5, faults + 0.25];
        let mut run = Run {
            runtime: Runtime::python(version, free_threaded, !free_threaded),
            taken_at: "2026-11-22T19:30:00Z".into(),
            given: [("pages".into(), 2560)].into(),
            measurements: Measurement::new("child_reads_faults", Unit::Faults, &values)
                .into_iter()
                .collect(),
            verdict: Verdict::not_shown(String::new()),
        };
        run.verdict = (claim.judge)(&run);
        run
    }

    #[test]
    fn samples_are_summed_up() {
        let values: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        let one = Measurement::new("x", Unit::Micros, &values).unwrap();
        assert_eq!((one.p10, one.median, one.p90), (1.0, 5.0, 9.0));
        assert_eq!(
            (one.min(), one.max(), one.samples, one.times()),
            (0.0, 10.0, 11, 10)
        );
        let two = Measurement::new("x", Unit::Micros, &[1.0, 2.0]).unwrap();
        assert_eq!((two.p10, two.median, two.p90), (1.1, 1.5, 1.9));
        assert_eq!(Measurement::new("x", Unit::Micros, &[]), None);
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let root = tempfile::tempdir().unwrap();
        let claim = claim::find("M1").unwrap();
        let runs = vec![run("3.13.0", false, 1.0 / 3.0), run("3.9.18", false, 2.0)];
        let (written, kept) =
            Record::write(root.path(), claim, Owner::Mine, &machine(), runs).unwrap();
        assert_eq!(kept, None);
        assert_eq!(
            Record::read(root.path(), claim, Owner::Mine).unwrap(),
            written
        );
        let keys: Vec<_> = written.runs.iter().map(|run| run.runtime.key()).collect();
        assert_eq!(
            keys,
            ["python-3.9.18", "python-3.13.0"],
            "sorted by version"
        );
        let left: Vec<_> = fs::read_dir(root.path().join("records/mine"))
            .unwrap()
            .collect();
        assert_eq!(left.len(), 1, "no temporary file stays: {left:?}");
    }

    #[test]
    fn a_new_run_replaces_that_of_its_runtime_and_leaves_the_others() {
        let root = tempfile::tempdir().unwrap();
        let claim = claim::find("M1").unwrap();
        let write =
            |runs| Record::write(root.path(), claim, Owner::Mine, &machine(), runs).unwrap();
        write(vec![run("3.13.0", false, 1.0), run("3.13.0", true, 2.0)]);
        let (record, kept) = write(vec![run("3.13.0", false, 7.0)]);
        assert_eq!(kept, None);
        let medians: Vec<_> = record
            .runs
            .iter()
            .map(|run| run.median("child_reads_faults").unwrap())
            .collect();
        assert_eq!(medians, [7.25, 2.25]);
    }

    #[test]
    fn what_cannot_be_joined_is_kept_aside() {
        let root = tempfile::tempdir().unwrap();
        let claim = claim::find("M1").unwrap();
        let file = root.path().join("records/mine/M1.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for (text, name) in [("not json", "M1.json.bak"), ("{}", "M1.json.bak2")] {
            fs::write(&file, text).unwrap();
            let (_, kept) =
                Record::write(root.path(), claim, Owner::Mine, &machine(), vec![]).unwrap();
            assert_eq!(kept.unwrap(), Path::new("records/mine").join(name));
            assert_eq!(
                fs::read_to_string(root.path().join("records/mine").join(name)).unwrap(),
                text
            );
        }
        let other = Machine {
            cpus: 64,
            ..machine()
        };
        let (record, kept) =
            Record::write(root.path(), claim, Owner::Mine, &other, vec![]).unwrap();
        assert_eq!((record.machine, kept.is_some()), (other, true));
    }

    #[test]
    fn an_unusable_record_is_refused_in_one_line_that_names_file_and_remedy() {
        let root = tempfile::tempdir().unwrap();
        let claim = claim::find("M1").unwrap();
        let file = root.path().join("records/mine/M1.json");
        Record::write(
            root.path(),
            claim,
            Owner::Mine,
            &machine(),
            vec![run("3.13.0", false, 1.0)],
        )
        .unwrap();
        let good = fs::read_to_string(&file).unwrap();
        let cases = [
            (good[..good.len() / 2].to_owned(), "EOF"),
            (
                good.replace("\"schema\": 1", "\"schema\": 9"),
                "its schema is 9",
            ),
            (
                good.replace("\"claim\": \"M1\"", "\"claim\": \"M2\""),
                "it is about M2",
            ),
            (
                good.replace("\"median\": 1.25", "\"median\": 1.0"),
                "do not follow from its samples",
            ),
            (
                good.replace("\"unit\": \"faults\"", "\"unit\": \"pages\""),
                "no such measurement",
            ),
            (
                good.replace("child_reads_faults", "child_dreams"),
                "no such measurement",
            ),
            (good.replace("\"cpus\"", "\"hostname\""), "hostname"),
            ("\u{0}".into(), "expected value"),
        ];
        for (text, why) in cases {
            assert_ne!(text, good, "{why}");
            fs::write(&file, text).unwrap();
            let error = Record::read(root.path(), claim, Owner::Mine)
                .unwrap_err()
                .to_string();
            assert!(error.contains(why), "{why}: {error}");
            assert!(error.starts_with("records/mine/M1.json: "), "{error}");
            assert!(
                error.contains("`cargo course lab M1`") && !error.contains('\n'),
                "{error}"
            );
        }
        fs::write(&file, [0xff, 0xfe]).unwrap();
        assert!(matches!(
            Record::read(root.path(), claim, Owner::Mine),
            Err(Error::BadRecord { .. })
        ));
        fs::remove_file(&file).unwrap();
        assert_eq!(Record::read_mine(root.path(), claim).unwrap(), None);
    }

    #[test]
    fn families_name_the_newest_of_a_line() {
        let mut record = Record::new(claim::find("M1").unwrap(), machine());
        for (version, free) in [
            ("3.9.18", false),
            ("3.13.0", false),
            ("3.13.5", true),
            ("3.1.0", false),
        ] {
            record.add(run(version, free, 1.0));
        }
        let key = |name: &str| record.family(name).map(|run| run.runtime.key());
        assert_eq!(key("python").as_deref(), Some("python-3.13.0"));
        assert_eq!(key("python-t").as_deref(), Some("python-3.13.5t"));
        assert_eq!(key("python-3.13t").as_deref(), Some("python-3.13.5t"));
        assert_eq!(key("python-3.9").as_deref(), Some("python-3.9.18"));
        assert_eq!(key("python-3.1").as_deref(), Some("python-3.1.0"));
        assert_eq!(key("python-3.13.0").as_deref(), Some("python-3.13.0"));
        assert_eq!(
            [key("rust"), key("python-3.12"), key("perl")],
            [None, None, None]
        );
    }
}
