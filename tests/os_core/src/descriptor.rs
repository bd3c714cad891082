//! Descriptors that a forked child must not keep.

use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a descriptor's number meant when it was registered. A number alone is reused: the end that had it may have
/// been closed, or moved out of its [`ParentOnly`], and the number may be somebody else's file by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meaning {
    device: u64,
    inode: u64,
    /// A pipe has one inode for both ends: they differ in the access mode.
    access: i32,
}

/// What an open descriptor of a pipe or socket means; `None` for other files and closed descriptors.
fn meaning(fd: RawFd) -> Option<Meaning> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat takes any number for a descriptor, and writes a whole `stat` when it returns 0.
    let stat = unsafe {
        if libc::fstat(fd, stat.as_mut_ptr()) != 0 {
            return None;
        }
        stat.assume_init()
    };
    if !matches!(stat.st_mode & libc::S_IFMT, libc::S_IFIFO | libc::S_IFSOCK) {
        return None; // nobody waits for the end of any other file
    }
    // SAFETY: F_GETFL takes any number for a descriptor and changes nothing.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    // The types of these fields differ between systems.
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)]
    (flags >= 0).then_some(Meaning {
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        access: flags & libc::O_ACCMODE,
    })
}

struct Registered {
    number: u64,
    fd: RawFd,
    meaning: Meaning,
}

#[derive(Default)]
struct Registry {
    last: u64,
    ends: Vec<Registered>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    last: 0,
    ends: Vec::new(),
});

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pipe's or socket's end that children made by [`fork`](crate::process::fork) do not inherit.
///
/// A child that keeps its parent's end of its own pipe never sees end of file on it.
///
/// ```
/// # extern crate os_core as os;
/// use std::io::Read;
/// # fn main() -> std::io::Result<()> {
/// let (mut reader, writer) = std::io::pipe()?;
/// let writer = os::process::ParentOnly::new(writer);
/// let child = os::process::fork(|| {
///     let mut text = String::new();
///     reader.read_to_string(&mut text)?; // ends: nobody else can write any more
///     Ok(text)
/// })?;
/// drop(writer);
/// assert_eq!(child.wait()?, "");
/// # Ok(())
/// # }
/// ```
///
/// In the child the value still exists, but its descriptor is an empty `/dev/null`: reading finds the end of file,
/// writing fails. The number stays taken, so closing it there closes nothing else.
#[derive(Debug)]
pub struct ParentOnly<F: AsRawFd> {
    end: F,
    number: u64,
}

impl<F: AsRawFd> ParentOnly<F> {
    /// Keeps `end` out of the children that are forked while the returned value lives.
    pub fn new(end: F) -> Self {
        let mut registry = registry();
        registry.last += 1;
        let number = registry.last;
        let fd = end.as_raw_fd();
        if let Some(meaning) = meaning(fd) {
            registry.ends.push(Registered {
                number,
                fd,
                meaning,
            });
        }
        Self { end, number }
    }
}

impl<F: AsRawFd> Deref for ParentOnly<F> {
    type Target = F;
    fn deref(&self) -> &F {
        &self.end
    }
}

impl<F: AsRawFd> DerefMut for ParentOnly<F> {
    fn deref_mut(&mut self) -> &mut F {
        &mut self.end
    }
}

impl<F: AsRawFd> Drop for ParentOnly<F> {
    fn drop(&mut self) {
        let number = self.number;
        registry()
            .ends
            .retain(|registered| registered.number != number);
    }
}

/// In a forked child: lets go of the ends that are the parent's alone.
///
/// Each is replaced by `/dev/null` under the same number, never closed: a value of the child may own the number and
/// close it later, when it would otherwise mean another file.
pub(crate) fn leave_to_parent() -> io::Result<()> {
    let ends = std::mem::take(&mut registry().ends);
    let ours = ends
        .iter()
        .filter(|end| meaning(end.fd) == Some(end.meaning));
    let mut nothing = None;
    for end in ours {
        let nothing: &File = match &mut nothing {
            Some(file) => file,
            none => none.insert(File::open("/dev/null")?),
        };
        // SAFETY: the number means the registered end right now (checked above) in a process of one thread, so it is
        // not an unrelated file; its owner, if any, keeps owning the number.
        let replaced = unsafe {
            libc::dup2(nothing.as_raw_fd(), end.fd) >= 0
                && libc::fcntl(end.fd, libc::F_SETFD, libc::FD_CLOEXEC) >= 0
        };
        if !replaced {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
