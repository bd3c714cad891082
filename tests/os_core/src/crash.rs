//! Crashes on demand, for drills.

use std::fmt;
use std::ptr::null_mut;

/// A way to crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crash {
    /// Panics. Nothing is printed.
    Panic,
    /// Calls `std::process::exit` with this code.
    Exit(i32),
    /// Calls `std::process::abort`, as C's `abort()`.
    Abort,
    /// Reads memory that it must not read: a segmentation fault.
    Segfault,
    /// Calls itself until the stack is used up.
    StackOverflow,
    /// Sends SIGKILL to its own process, as `kill -9` and the kernel's OOM killer do.
    Kill,
    /// Allocates more than its process may have: the process first limits itself.
    OutOfMemory,
}

impl Crash {
    /// One of each kind; `Exit` has the code 3.
    pub const ALL: [Self; 7] = [
        Self::Panic,
        Self::Exit(3),
        Self::Abort,
        Self::Segfault,
        Self::StackOverflow,
        Self::Kill,
        Self::OutOfMemory,
    ];

    /// Crashes, right now, the thread or process that calls it. Leaves no core file.
    ///
    /// # Panics
    /// If it is `Crash::Panic`.
    pub fn now(self) -> ! {
        if self != Self::Panic {
            be_quiet();
        }
        match self {
            Self::Panic => std::panic::resume_unwind(Box::new("a panic on purpose")),
            Self::Exit(code) => std::process::exit(code),
            Self::Abort => std::process::abort(),
            Self::Segfault => segfault(),
            Self::StackOverflow => {
                overflow(0);
                std::process::abort() // never reached
            }
            Self::Kill => kill_this_process(),
            Self::OutOfMemory => run_out_of_memory(),
        }
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Panic => "panic",
            Self::Exit(_) => "exit",
            Self::Abort => "abort",
            Self::Segfault => "segmentation fault",
            Self::StackOverflow => "stack overflow",
            Self::Kill => "SIGKILL",
            Self::OutOfMemory => "out of memory",
        })
    }
}

/// The process is about to end: it writes no core file, and says nothing of it on standard error.
fn be_quiet() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit is ours to read; a limit can always be lowered. Descriptor 2 keeps its number, and nobody in this
    // process relies on what it means: the standard library's handle on it works with any file.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if nothing >= 0 {
            libc::dup2(nothing, 2);
            libc::close(nothing);
        }
    }
}

fn segfault() -> ! {
    // SAFETY: the page is a new mapping, which overlaps nothing of ours and allows no access. So the volatile read doesn't
    // return: the kernel sends SIGSEGV. Should mmap fail, nothing is read.
    unsafe {
        let page = libc::mmap(
            null_mut(),
            crate::region::page_size(),
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
            -1,
            0,
        );
        if page != libc::MAP_FAILED {
            std::ptr::read_volatile(page.cast::<u8>());
        }
        libc::raise(libc::SIGSEGV);
    }
    std::process::abort() // never reached
}

/// Every call needs a frame of its own, which the compiler can't merge with the next one.
#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 512]);
    if frame[0] == u64::MAX {
        return 0;
    }
    overflow(depth + 1) + std::hint::black_box(frame[1])
}

fn kill_this_process() -> ! {
    loop {
        // SAFETY: kill takes plain numbers, and the process is this one.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
}

/// Bytes of address space: less than what one of our processes has, so the next mapping fails.
const TOO_LITTLE: libc::rlim_t = 1 << 20;

fn run_out_of_memory() -> ! {
    // A stack that has to grow under the limit would end in a segmentation fault instead.
    std::hint::black_box([1u8; 1 << 16]);
    let limit = libc::rlimit {
        rlim_cur: TOO_LITTLE,
        rlim_max: TOO_LITTLE,
    };
    // SAFETY: the limit is ours to read. Nothing is allocated beyond it, and nothing that exists goes away.
    let limited = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) == 0 };
    if limited {
        // Larger than any gap in the heap, and never written to: it fails at once, and the standard library aborts.
        std::hint::black_box(Vec::<u8>::with_capacity(1 << 30));
    }
    std::process::abort() // where the limit can't be set
}
