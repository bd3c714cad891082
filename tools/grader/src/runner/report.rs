//! What the judge said of its tests: in its report, a line of JSON per test, and on its standard output, as libtest does.

use crate::scratch;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};
use wire::status::Report;

/// The most that is read of a report: far more than any judge writes.
const MOST: u64 = 16 << 20;

/// A report file that the judge appends to while we read.
#[derive(Debug)]
pub(super) struct Reports {
    file: scratch::TempFile,
    read: u64,
    /// A line that is not complete yet.
    rest: Vec<u8>,
    latest: BTreeMap<String, Report>,
}

impl Reports {
    pub(super) fn create() -> io::Result<Self> {
        Ok(Self {
            file: scratch::file("report-")?,
            read: 0,
            rest: Vec::new(),
            latest: BTreeMap::new(),
        })
    }

    /// For `CHECKS_REPORT`.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads what was added, and returns how many reports that were. Lines that are no report are passed over.
    pub(super) fn refresh(&mut self) -> io::Result<usize> {
        let room = MOST.saturating_sub(self.read);
        let file: &mut File = self.file.as_file_mut();
        file.seek(SeekFrom::Start(self.read))?;
        let mut added = Vec::new();
        self.read += file.take(room).read_to_end(&mut added)? as u64;
        self.rest.extend_from_slice(&added);
        let Some(end) = self.rest.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(0);
        };
        let mut count = 0;
        let complete: Vec<u8> = self.rest.drain(..=end).collect();
        for line in complete.split(|&byte| byte == b'\n') {
            if let Ok(report) = serde_json::from_slice::<Report>(line) {
                self.latest.insert(report.test.clone(), report);
                count += 1;
            }
        }
        Ok(count)
    }

    /// The last that the judge reported of a test.
    pub(super) fn get(&self, test: &str) -> Option<&Report> {
        self.latest.get(test)
    }
}

/// What libtest's line says of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    Ok,
    Failed,
}

/// The test and its result, if this is a line such as `test memory::a ... ok`.
pub(super) fn parse_line(line: &str) -> Option<(&str, Printed)> {
    let (test, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match result.split_whitespace().next()? {
        "ok" => Some((test, Printed::Ok)),
        "FAILED" => Some((test, Printed::Failed)),
        _ => None,
    }
}

/// What libtest shows of a failed test.
pub(super) fn shown(test: &str, stdout: &str) -> String {
    let start = format!("---- {test} stdout ----\n");
    let shown = stdout.split_once(&start).map_or(stdout, |(_, rest)| rest);
    let end = ["\n\nfailures:\n", "\n---- "]
        .iter()
        .filter_map(|mark| shown.find(mark))
        .min()
        .unwrap_or(shown.len());
    shown[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtests_lines_are_read_and_others_are_not() {
        assert_eq!(parse_line("test a::x ... ok"), Some(("a::x", Printed::Ok)));
        assert_eq!(
            parse_line("test a::x ... FAILED"),
            Some(("a::x", Printed::Failed))
        );
        assert_eq!(
            parse_line("test a::x ... ok <0.012s>"),
            Some(("a::x", Printed::Ok))
        );
        for other in [
            "",
            "running 2 tests",
            "test result: ok. 1 passed; 0 failed",
            "test a::x ... ",
            "test a::x ... ignored",
            " test a::x ... ok",
        ] {
            assert_eq!(parse_line(other), None, "{other}");
        }
    }

    #[test]
    fn a_failures_text_ends_where_the_next_begins() {
        let stdout = "failures:\n\n---- a::x stdout ----\nleft: 1\n\n---- a::y stdout ----\nleft: 2\n\n\nfailures:\n    a::x\n";
        assert_eq!(shown("a::x", stdout), "left: 1");
        assert_eq!(shown("a::y", stdout), "left: 2");
    }
}
