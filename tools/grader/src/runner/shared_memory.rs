//! Whether this machine's shared memory can be used: without it, code that is right fails, and that is nobody's zero.

use super::{Status, TestResult};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// As much as any exercise's blocks take.
const ROOM: usize = 256 << 10;

/// Creates a file in `folder`, where the kernel keeps POSIX shared memory, and fills it. `None` if that works.
pub(super) fn problem(folder: &Path) -> Option<io::Error> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("course-probe-{}-{number}", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(&vec![0; ROOM]));
    let _ = fs::remove_file(&path);
    written.err()
}

/// A failure that the machine may have caused is no verdict.
pub(super) fn excuse(result: TestResult, folder: &Path, problem: &io::Error) -> TestResult {
    if !matches!(
        result.status,
        Status::Failed | Status::Crash | Status::Timeout | Status::OutputLimit
    ) {
        return result;
    }
    let said = format!("{}: {}", result.status, result.message);
    TestResult {
        status: Status::InfrastructureError,
        message: format!(
            "shared memory cannot be used here: {}: {problem} (free some of it, or make it writable, and try again)\n\n\
             Without it this test failed, which says nothing about the code. It said:\n{said}",
            folder.display()
        ),
        why: None,
        section: None,
        ..result
    }
}
