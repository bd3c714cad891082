//! A process between the test and the learner's code: it can be stopped and killed, and the test lives on.

use checks::outside;
use os_core::process::{Answer, Child, PidFd, die_with_parent, fork};
use std::io::{self, PipeReader, Read};
use std::time::{Duration, Instant};

/// How long a process may wait for something when it is time to end: less than the judge waits. One that waits for the processor
/// has all the time that it needs.
const PATIENCE: Duration = Duration::from_millis(1800);

/// A handle on a process, and its number.
#[derive(Debug)]
pub struct Handle {
    pid: u32,
    process: PidFd,
}

impl Handle {
    /// Opens a handle on this process, which must be alive or a child.
    pub fn open(pid: u32) -> io::Result<Self> {
        let process = PidFd::open(pid)?;
        Ok(Self { pid, process })
    }

    /// Kills it by SIGKILL.
    pub fn kill(&self) -> io::Result<()> {
        self.process.kill()
    }

    /// Whether it ends before the deadline, or later because it has to wait for the processor.
    pub fn ends(&self, deadline: Instant) -> bool {
        const LOOK: Duration = Duration::from_millis(50);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let ended = self.process.wait_timeout(left.max(LOOK));
            if ended.expect("a handle can be waited for") {
                return true;
            }
            if !outside::wants_to_run(self.pid) {
                return false;
            }
        }
    }
}

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
pub fn handles(pids: impl IntoIterator<Item = u32>) -> Vec<Handle> {
    let open = |pid| Handle::open(pid).expect("it has just announced itself");
    pids.into_iter().map(open).collect()
}

/// How many of these live on although it is time to end.
pub fn survivors(handles: &[Handle]) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let survivors: Vec<&Handle> = handles
        .iter()
        .filter(|handle| !handle.ends(deadline))
        .collect();
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
pub fn wait_for(handle: &Handle) {
    assert!(
        handle.ends(Instant::now() + PATIENCE),
        "a process that was killed must end"
    );
}
