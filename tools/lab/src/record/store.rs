//! Reads records, and writes new runs into them.

use super::{Measurement, Record, Run, SCHEMA};
use crate::{Claim, Error, machine::Machine};
use files::write::AtomicFile;
use serde::Deserialize;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Whose record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The book's: `records/reference/`.
    Reference,
    /// The reader's: `records/mine/`.
    Mine,
}

impl Owner {
    /// Returns the path of a claim's record, relative to the root of the course.
    #[must_use]
    pub fn path(self, claim: &Claim) -> PathBuf {
        let folder = match self {
            Self::Reference => "records/reference",
            Self::Mine => "records/mine",
        };
        Path::new(folder).join(format!("{}.json", claim.id))
    }

    /// Returns the command that takes the record.
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
    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::NoRecord`] when there is none. [`Error::BadRecord`] when it is cut off, of another schema or claim,
    /// or edited so that its figures no longer follow from its samples.
    pub fn read(root: &Path, claim: &Claim, owner: Owner) -> Result<Self, Error> {
        let path = owner.path(claim);
        let remedy = owner.remedy(claim);
        let file = root.join(&path);
        // A FIFO or a device would block the reader.
        let text = fs::metadata(&file).and_then(|meta| match meta.is_file() {
            true => fs::read_to_string(&file),
            false => Err(io::Error::other("it is not a regular file")),
        });
        match text {
            Ok(text) => parse(&text, claim).map_err(|why| Error::BadRecord { path, why, remedy }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoRecord { path, remedy })
            }
            Err(error) => {
                let why = error.to_string();
                Err(Error::BadRecord { path, why, remedy })
            }
        }
    }

    /// Reads the reader's record, if there is one.
    ///
    /// # Errors
    /// As [`Record::read`], except for [`Error::NoRecord`].
    pub fn read_mine(root: &Path, claim: &Claim) -> Result<Option<Self>, Error> {
        match Self::read(root, claim, Owner::Mine) {
            Ok(record) => Ok(Some(record)),
            Err(Error::NoRecord { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes new runs into the record of a claim. Returns the whole record, and where the old file was kept.
    ///
    /// Runs of other runtimes on the same machine stay. A file that cannot be merged (not a record, or a record of
    /// another machine) is kept beside the new one as `M1.json.1`: nothing is lost. Several processes may write at the same
    /// time: they take turns, and `on_wait` is called before this one waits.
    ///
    /// # Errors
    /// The system's, when the file cannot be written. The old file is intact then.
    pub fn write(
        root: &Path,
        claim: &Claim,
        owner: Owner,
        machine: &Machine,
        runs: Vec<Run>,
        on_wait: impl FnOnce(),
    ) -> Result<(Self, Option<PathBuf>), Error> {
        let shown = owner.path(claim);
        let path = root.join(&shown);
        let failed = |what: &str| Error::io(format!("{what} {}", shown.display()));
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
        // Held from reading to replacing, so that a run that another process adds meanwhile is not lost.
        let _turn = lock(folder, on_wait).map_err(failed("lock the folder of"))?;

        let (mut record, keep_old) = match Self::read(root, claim, owner) {
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
            run.verdict = (claim.judge)(run); // the runs that stay may have been judged by an older rule
        }
        let text =
            serde_json::to_string_pretty(&record).map_err(|error| failed("write")(error.into()))?;
        let text = one_line_arrays(&text) + "\n";
        let mut file = AtomicFile::create(&path).map_err(failed("write"))?;
        file.write_all(text.as_bytes()).map_err(failed("write"))?;
        let kept = match keep_old {
            true => file.commit_with_backup(),
            false => file.commit().map(|()| None),
        };
        let kept = kept.map_err(failed("write"))?;
        let kept = kept.and_then(|kept| kept.strip_prefix(root).ok().map(Path::to_owned));
        Ok((record, kept))
    }
}

fn parse(text: &str, claim: &Claim) -> Result<Record, String> {
    /// Read first, to tell a record of another schema from a corrupt one.
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
        claim: String,
    }
    let head: Head = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if head.schema != SCHEMA {
        let schema = head.schema;
        return Err(format!(
            "its schema is {schema}, this course reads {SCHEMA}"
        ));
    }
    if head.claim != claim.id {
        return Err(format!("it is about {}", head.claim));
    }
    let record: Record = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for one in record.runs.iter().flat_map(|run| &run.measurements) {
        let id = &one.id;
        let metric = claim.metric(id);
        if metric.is_none_or(|metric| metric.unit.name != one.unit) {
            return Err(format!("{id}: the claim has no such measurement"));
        }
        if Measurement::new(id, &one.unit, &one.values).as_ref() != Some(one) {
            return Err(format!("{id}: its figures do not follow from its samples"));
        }
    }
    Ok(record)
}

/// Locks a folder against other writers, until the result is dropped.
///
/// Locks the folder itself: a lock file would stay behind. Returns `None` on a file system without locks; the write is
/// atomic all the same.
fn lock(folder: &Path, on_wait: impl FnOnce()) -> io::Result<Option<File>> {
    let file = File::open(folder)?;
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) => on_wait(),
        Err(TryLockError::Error(_)) => return Ok(None),
    }
    Ok(file.lock().is_ok().then_some(file))
}

/// Puts each array of numbers on one line, for people who read records.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Runtime, sample};
    use std::sync::mpsc::channel;

    fn run(version: &str, free_threaded: bool, value: f64) -> Run {
        sample::run(
            Runtime::python(version, free_threaded, !free_threaded),
            value,
        )
    }

    fn write(root: &Path, runs: Vec<Run>) -> (Record, Option<PathBuf>) {
        let machine = sample::machine();
        Record::write(root, &sample::CLAIM, Owner::Mine, &machine, runs, || {}).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let root = tempfile::tempdir().unwrap();
        let runs = vec![run("3.13.0", false, 1.0 / 3.0), run("3.9.18", false, 2.0)];
        let (written, kept) = write(root.path(), runs);
        assert_eq!(kept, None);
        let read = Record::read(root.path(), &sample::CLAIM, Owner::Mine).unwrap();
        assert_eq!(read, written);
        let keys: Vec<_> = written.runs.iter().map(|run| run.runtime.key()).collect();
        assert_eq!(
            keys,
            ["python-3.9.18", "python-3.13.0"],
            "sorted by version"
        );
    }

    #[test]
    fn a_new_run_replaces_that_of_its_runtime_and_leaves_the_others() {
        let root = tempfile::tempdir().unwrap();
        let runs = vec![run("3.13.0", false, 1.0), run("3.13.0", true, 2.0)];
        write(root.path(), runs);
        let (record, kept) = write(root.path(), vec![run("3.13.0", false, 7.0)]);
        assert_eq!(kept, None);
        let medians = record.runs.iter().map(|run| run.median("lost").unwrap());
        assert_eq!(medians.collect::<Vec<_>>(), [7.0, 2.0]);
    }

    #[test]
    fn writers_at_the_same_time_lose_no_run() {
        let root = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for minor in 0..16 {
                let root = root.path();
                scope.spawn(move || write(root, vec![run(&format!("3.{minor}.0"), false, 1.0)]));
            }
        });
        let record = Record::read(root.path(), &sample::CLAIM, Owner::Mine).unwrap();
        assert_eq!(record.runs.len(), 16);
        assert_eq!(names(&root.path().join("records/mine")), ["S1.json"]);
    }

    #[test]
    fn a_writer_that_has_to_wait_says_so() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("records/mine");
        fs::create_dir_all(&folder).unwrap();
        let held = lock(&folder, || panic!("nobody holds it")).unwrap();
        let (sender, waits) = channel();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let machine = sample::machine();
                let said = move || sender.send(()).unwrap();
                let runs = vec![run("3.13.0", false, 1.0)];
                Record::write(
                    root.path(),
                    &sample::CLAIM,
                    Owner::Mine,
                    &machine,
                    runs,
                    said,
                )
            });
            waits.recv().unwrap();
            assert!(!writer.is_finished());
            drop(held);
            assert_eq!(writer.join().unwrap().unwrap().0.runs.len(), 1);
        });
    }

    #[test]
    fn a_file_that_cannot_be_merged_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("records/mine/S1.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for (text, name) in [("not json", "S1.json.1"), ("{}", "S1.json.2")] {
            fs::write(&file, text).unwrap();
            let (_, kept) = write(root.path(), vec![]);
            assert_eq!(kept.unwrap(), Path::new("records/mine").join(name));
            let kept = root.path().join("records/mine").join(name);
            assert_eq!(fs::read_to_string(kept).unwrap(), text);
        }
        let other = Machine {
            cpus: 64,
            ..sample::machine()
        };
        let claim = &sample::CLAIM;
        let (record, kept) =
            Record::write(root.path(), claim, Owner::Mine, &other, vec![], || {}).unwrap();
        assert_eq!((record.machine, kept.is_some()), (other, true));
    }

    #[test]
    fn an_unusable_record_is_refused_in_one_line_that_names_file_and_remedy() {
        let root = tempfile::tempdir().unwrap();
        let claim = &sample::CLAIM;
        let file = root.path().join("records/mine/S1.json");
        write(root.path(), vec![run("3.13.0", false, 1.25)]);
        let good = fs::read_to_string(&file).unwrap();
        let change = |from: &str, to: &str| good.replace(from, to);
        let cases = [
            (good[..good.len() / 2].to_owned(), "EOF"),
            (change("\"schema\": 1", "\"schema\": 9"), "its schema is 9"),
            (
                change("\"claim\": \"S1\"", "\"claim\": \"M2\""),
                "it is about M2",
            ),
            (
                change("\"median\": 1.25", "\"median\": 1.0"),
                "do not follow from its samples",
            ),
            (
                change("\"unit\": \"additions\"", "\"unit\": \"pages\""),
                "no such measurement",
            ),
            (change("\"lost\"", "\"dreams\""), "no such measurement"),
            (change("\"cpus\"", "\"hostname\""), "hostname"),
            ("\u{0}".into(), "expected value"),
        ];
        for (text, why) in cases {
            assert_ne!(text, good, "{why}");
            fs::write(&file, text).unwrap();
            let error = Record::read(root.path(), claim, Owner::Mine).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(why), "{why}: {error}");
            assert!(error.starts_with("records/mine/S1.json: "), "{error}");
            let one_line = error.contains("`cargo course lab S1`") && !error.contains('\n');
            assert!(one_line, "{error}");
        }
        fs::write(&file, [0xff, 0xfe]).unwrap();
        let refused = || Record::read(root.path(), claim, Owner::Mine).unwrap_err();
        assert!(matches!(refused(), Error::BadRecord { .. }));
        fs::remove_file(&file).unwrap();
        assert_eq!(Record::read_mine(root.path(), claim).unwrap(), None);
        fs::create_dir(&file).unwrap();
        assert!(refused().to_string().contains("not a regular file"));
    }
}
