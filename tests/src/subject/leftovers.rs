//! What a call left behind, by the kernel's account: children, threads, descriptors, mappings.

use crate::account::{self, SelfReported};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, Instant};

/// What there is more of than before a call, by the subject's account.
pub type Leftovers = SelfReported<Counts, account::Leftovers>;

/// How many of each there are, or there are more than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Children that run or are zombies.
    pub children: usize,
    /// Threads.
    pub threads: usize,
    /// Open file descriptors.
    pub descriptors: usize,
    /// Mappings of memory files and named blocks.
    pub mappings: usize,
}

impl Counts {
    /// What exists at this moment. Zero where the system doesn't tell (no `/proc`), but for children.
    #[must_use]
    pub fn now() -> Self {
        Self {
            children: usize::from(has_children()),
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
            mappings: mappings(),
        }
    }

    /// What there is more of than `before`.
    ///
    /// A thread that was joined may take a moment to leave the kernel's tables, so it is given that.
    #[must_use]
    pub fn since(before: Self) -> Self {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let now = Self::now();
            let left = Self {
                children: now.children,
                threads: now.threads.saturating_sub(before.threads),
                descriptors: now.descriptors.saturating_sub(before.descriptors),
                mappings: now.mappings.saturating_sub(before.mappings),
            };
            if left.threads == 0 || Instant::now() > deadline {
                return left;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether nothing was left.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.children, "a child process", "child processes"),
            (self.threads, "a thread", "threads"),
            (
                self.descriptors,
                "an open file descriptor",
                "open file descriptors",
            ),
            (self.mappings, "a memory mapping", "memory mappings"),
        ];
        let words: Vec<String> = counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many)| match count {
                1 => one.to_owned(),
                _ => format!("{count} {many}"),
            })
            .collect();
        match words.as_slice() {
            [] => f.write_str("nothing"),
            words => f.write_str(&words.join(" and ")),
        }
    }
}

/// Runs `body`; returns beside its result what it left behind.
pub fn watch<T>(body: impl FnOnce() -> T) -> (T, Leftovers) {
    let before = Counts::now();
    let value = body();
    (value, Leftovers::new(Counts::since(before)))
}

/// Whether this process has children that nobody has waited for, running or ended.
fn has_children() -> bool {
    // SAFETY: a zeroed siginfo is valid, and it is ours to write to. Nobody is reaped (WNOWAIT).
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_ALL, 0, &raw mut info, options) == 0
    }
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter(|line| line.contains("/memfd:") || line.contains("/dev/shm/"))
        .count()
}
