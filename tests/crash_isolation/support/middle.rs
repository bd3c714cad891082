//! A process between the test and the learner's code: it can be stopped and killed, and the test lives on.

use os_core::process::{Answer, Child, PidFd, die_with_parent, fork};
use std::io::{self, PipeReader, Read};
use std::time::{Duration, Instant};

/// How long processes may take to end after they were told to: less than the judge waits.
const PATIENCE: Duration = Duration::from_millis(1800);

/// Forks a process of the test's own. It ends with the subject, whatever it waits for: a judge that is killed half-way leaves
/// nobody behind.
pub fn child<T: Answer>(body: impl FnOnce() -> io::Result<T>) -> Child<T> {
    let dying = || {
        die_with_parent()?;
        body()
    };
    fork(dying).expect("a process can be forked")
}

/// Handles on these processes, which must be alive.
pub fn handles(pids: impl IntoIterator<Item = u32>) -> Vec<PidFd> {
    let open = |pid| PidFd::open(pid).expect("it has just announced itself");
    pids.into_iter().map(open).collect()
}

/// How many of these live on although it is time to end.
pub fn survivors(handles: &[PidFd]) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let lives = |handle: &&PidFd| {
        let left = deadline.saturating_duration_since(Instant::now());
        !handle
            .wait_timeout(left)
            .expect("a handle can be waited for")
    };
    let survivors: Vec<&PidFd> = handles.iter().filter(lives).collect();
    for survivor in &survivors {
        let _ = survivor.kill(); // nothing stays behind, whatever the verdict
    }
    survivors.len()
}

/// Reads one byte from each of so many processes; fewer if nobody can write any more.
pub fn announced(reader: &mut PipeReader, count: usize) -> io::Result<usize> {
    let mut buffer = vec![0; count];
    let mut seen = 0;
    while seen < count {
        match reader.read(&mut buffer[seen..])? {
            0 => break,
            more => seen += more,
        }
    }
    Ok(seen)
}

/// Waits until a process that was killed has ended.
pub fn wait_for(handle: &PidFd) {
    let ended = handle
        .wait_timeout(PATIENCE)
        .expect("a handle can be waited for");
    assert!(ended, "a process that was killed must end");
}
