//! What the Rust experiments ask of the system: fork, memory that is shared or private, one CPU, a certain end.
//!
//! The exercises have safe types for this in the `os` crate. They are not used here: `os` brings a model checker along,
//! which the book's own build need not wait for, and its memory is reached word by word, where IPC copies blocks.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null_mut};

/// Seconds after which a process of an experiment is ended by the kernel, whatever it waits for.
const LIMIT_SECONDS: u32 = 300;

/// Ends this process with its parent (PDEATHSIG, Linux), and by a 300 s alarm.
pub fn limit_lifetime() {
    // SAFETY: alarm takes a plain number.
    unsafe {
        libc::alarm(LIMIT_SECONDS);
    }
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

/// A forked child. Dropping it ends it.
pub struct Child {
    pid: Pid,
    answer: File,
}

/// Forks a child that runs `work` and ends; what `work` returns comes back through a pipe.
///
/// Experiments fork before they start any thread, so the child is a whole copy.
pub fn fork<T: Serialize>(work: impl FnOnce() -> io::Result<T>) -> io::Result<Child> {
    let (answer, mut report) = io::pipe()?;
    io::stdout().flush()?; // else the child would print it again
    // SAFETY: experiments run in a process of their own, and fork while it has one thread.
    let pid = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            limit_lifetime();
            let done = catch_unwind(AssertUnwindSafe(work)).map_err(|_| "it panicked".to_owned());
            let done = done.and_then(|done| done.map_err(|error| error.to_string()));
            let text = serde_json::to_vec(&done).unwrap_or_default();
            let sent = report.write_all(&text).is_ok();
            // SAFETY: ends this process at once; what the parent's copy of the program does at exit is not its own.
            unsafe { libc::_exit(if sent { 0 } else { 1 }) }
        }
        pid => Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?,
    };
    Ok(Child {
        pid,
        answer: File::from(OwnedFd::from(answer)),
    })
}

impl Child {
    /// Waits for the child to end, and takes what it returned.
    pub fn result<T: DeserializeOwned>(mut self) -> io::Result<T> {
        let mut text = Vec::new();
        self.answer.read_to_end(&mut text)?;
        let done: Result<T, String> = serde_json::from_slice(&text)
            .map_err(|_| io::Error::other("a child of the experiment died"))?;
        done.map_err(|why| io::Error::other(format!("a child of the experiment failed: {why}")))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = kill_process(self.pid, Signal::KILL); // not reaped yet, so the id is still its own
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
    }
}

/// Bytes in a page.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// Pages between two that nobody may touch, so that the kernel accounts for them apart from their neighbours.
pub struct Region {
    start: NonNull<u8>,
    bytes: usize,
}

impl Region {
    /// Zeroed pages, shared with the children that this process forks, or copied for them when written to.
    pub fn new(pages: usize, shared: bool) -> io::Result<Self> {
        let (page, bytes) = (page_size(), pages * page_size());
        let sharing = if shared {
            libc::MAP_SHARED
        } else {
            libc::MAP_PRIVATE
        };
        let flags = sharing | libc::MAP_ANON;
        // SAFETY: a new mapping at an address of the kernel's choice overlaps nothing of ours.
        let all =
            unsafe { libc::mmap(null_mut(), bytes + 2 * page, libc::PROT_NONE, flags, -1, 0) };
        if all == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let all = NonNull::new(all.cast::<u8>()).ok_or(io::ErrorKind::InvalidData)?;
        // SAFETY: one page further is still inside the mapping, which has two pages more than `bytes`.
        let start = unsafe { all.add(page) };
        let region = Self { start, bytes };
        // SAFETY: the range is the mapping without its first and last page, and nobody uses it yet.
        let opened = unsafe {
            libc::mprotect(
                region.start.as_ptr().cast(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        if opened != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(region)
    }

    fn at(&self, page: usize) -> *mut u8 {
        assert!(
            (page + 1) * page_size() <= self.bytes,
            "page {page} lies beyond the region"
        );
        // SAFETY: inside the region, as asserted.
        unsafe { self.start.as_ptr().add(page * page_size()) }
    }

    /// The first byte of a page.
    pub fn get(&self, page: usize) -> u8 {
        // SAFETY: `at` points into the region; volatile, since another process may have written there.
        unsafe { self.at(page).read_volatile() }
    }

    /// Writes the first byte of a page.
    pub fn set(&mut self, page: usize, value: u8) {
        // SAFETY: as in `get`.
        unsafe { self.at(page).write_volatile(value) }
    }

    /// Copies bytes to the beginning of the region. The other process must not touch it meanwhile.
    pub fn copy_in(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.bytes, "more bytes than the region has");
        // SAFETY: in bounds as asserted; a slice of this process's cannot overlap the region, which lends none.
        unsafe {
            self.start
                .as_ptr()
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        }
    }

    /// Copies bytes from the beginning of the region. The other process must not touch it meanwhile.
    pub fn copy_out(&self, bytes: &mut [u8]) {
        assert!(bytes.len() <= self.bytes, "more bytes than the region has");
        // SAFETY: as in `copy_in`.
        unsafe {
            self.start
                .as_ptr()
                .copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len())
        }
    }

    /// How this process holds the region, in pages: those it alone maps and wrote to, and those others map too.
    pub fn usage(&self) -> Option<(u64, u64)> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").ok()?;
        let start = format!("{:08x}-", self.start.as_ptr() as usize);
        let mut lines = smaps.lines().skip_while(|line| !line.starts_with(&start));
        lines.next()?;
        let (mut own, mut shared) = (0, 0);
        for line in lines {
            let (name, rest) = line.split_once(':')?;
            if name.contains('-') {
                break; // the next mapping
            }
            let kib = || {
                rest.split_whitespace()
                    .next()
                    .and_then(|kib| kib.parse::<u64>().ok())
            };
            match name {
                "Private_Dirty" => own += kib()?,
                "Shared_Dirty" | "Shared_Clean" => shared += kib()?,
                "VmFlags" => break,
                _ => {}
            }
        }
        let page = page_size() as u64;
        Some((own * 1024 / page, shared * 1024 / page))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped: a page before and a page after included.
        unsafe {
            let all = self.start.as_ptr().sub(page_size());
            libc::munmap(all.cast(), self.bytes + 2 * page_size());
        }
    }
}

/// Minor page faults of this process until now, where the system tells.
pub fn faults() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(7)?.parse().ok()
}

/// Keeps the kernel from joining pages to huge ones: they are counted one by one.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The CPUs that this process may use.
#[cfg(target_os = "linux")]
pub fn cpus() -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None);
    set.map(|set| {
        (0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|cpu| set.is_set(*cpu))
            .collect()
    })
    .unwrap_or_default()
}

/// The CPUs that this process may use, where the system tells.
#[cfg(not(target_os = "linux"))]
pub fn cpus() -> Vec<usize> {
    Vec::new()
}

/// Binds the calling thread to one CPU of the list, by number; an empty list binds nothing.
pub fn pin(cpus: &[usize], which: usize) {
    #[cfg(target_os = "linux")]
    if !cpus.is_empty() {
        let mut set = rustix::thread::CpuSet::new();
        set.set(cpus[which % cpus.len()]);
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (cpus, which);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_keeps_what_is_copied_in() {
        let mut region = Region::new(2, false).unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(2 * page_size()).collect();
        region.copy_in(&bytes);
        let mut back = vec![0; bytes.len()];
        region.copy_out(&mut back);
        assert_eq!(back, bytes);
        region.set(1, 7);
        assert_eq!((region.get(0), region.get(1)), (0, 7));
        if cfg!(target_os = "linux") {
            assert_eq!(
                region.usage(),
                Some((2, 0)),
                "two pages of this process alone"
            );
        }
    }

    #[test]
    #[should_panic(expected = "beyond the region")]
    fn a_page_beyond_the_region_is_refused() {
        Region::new(2, true).unwrap().get(2);
    }
}
