//! Shared memory with a name, as CPython's `multiprocessing.shared_memory` makes it.

use crate::flock::{self, Held};
use crate::hook::{self, Event, Space, When};
use crate::region::{Region, Sharing, WORD};
use crate::word::Word;
use crate::{shm, spaces};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::MetadataExt;

/// Shared memory with a name: what CPython calls `multiprocessing.shared_memory.SharedMemory`.
///
/// Any process that knows the name can open it, whatever language it is written in. The name lives until
/// somebody unlinks it, even after all who used it have ended.
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// use os::memory::{Block, Ordering::Relaxed};
/// let name = format!("example-{}", std::process::id());
/// let ours = Block::create(&name, 8)?;
/// let theirs = Block::open(&name)?; // by any process
/// theirs.word(0)?.store(42, Relaxed);
/// assert_eq!(ours.word(0)?.load(Relaxed), 42);
/// ours.unlink()?;
/// # Ok(())
/// # }
/// ```
///
/// The kernel lets any process that opened the file make it shorter. An access to a word that is gone kills the
/// accessing process (SIGBUS). [`word`](Self::word) checks the file's present size, and neither this crate nor
/// CPython ever shortens a block.
#[derive(Debug)]
pub struct Block {
    region: Region,
    file: File,
    name: CString,
    space: Space,
}

impl Block {
    /// Makes a zeroed block of `bytes` under a name that nobody uses yet.
    ///
    /// `name` is what Python knows it by, without a slash.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `InvalidInput` for a name that cannot be one, `StorageFull` when
    /// shared memory is.
    pub fn create(name: &str, bytes: usize) -> io::Result<Self> {
        hook::emit(&Event::BlockCreate {
            when: When::Before,
            name,
        })?;
        let kernel_name = shm::kernel_name(name)?;
        let file = shm::create(&kernel_name)?;
        let mapped = shm::reserve(&file, bytes).and_then(|()| Self::map(kernel_name.clone(), file));
        match mapped {
            Ok(block) => {
                hook::notify(&Event::BlockCreate {
                    when: When::After,
                    name,
                });
                Ok(block)
            }
            Err(error) => {
                let _ = shm::unlink(&kernel_name); // the error of the cause is the one to tell
                Err(error)
            }
        }
    }

    /// Attaches to the block that somebody made under this name.
    ///
    /// # Errors
    /// `NotFound` when there is none, `InvalidInput` for a name that cannot be one.
    pub fn open(name: &str) -> io::Result<Self> {
        hook::emit(&Event::BlockOpen {
            when: When::Before,
            name,
        })?;
        let kernel_name = shm::kernel_name(name)?;
        let file = shm::open(&kernel_name)?;
        let block = Self::map(kernel_name, file)?;
        hook::notify(&Event::BlockOpen {
            when: When::After,
            name,
        });
        Ok(block)
    }

    fn map(name: CString, file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let bytes = usize::try_from(metadata.len()).map_err(io::Error::other)?;
        let space = Space::Block {
            device: metadata.dev(),
            inode: metadata.ino(),
        };
        let region = Region::of_file(&file, bytes, Sharing::Shared)?;
        let start = region.address();
        spaces::add(start..start + region.len(), space);
        Ok(Self {
            region,
            file,
            name,
            space,
        })
    }

    /// The size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// Whether it has no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.region.len() == 0
    }

    /// Returns the `index`-th group of eight bytes, in this machine's byte order (`struct` format `=Q`).
    ///
    /// # Errors
    /// `InvalidData` when the block is too short for it.
    pub fn word(&self, index: usize) -> io::Result<&Word> {
        let now = self.file.metadata()?.len();
        let end = index
            .checked_add(1)
            .and_then(|count| count.checked_mul(WORD));
        let still_there = end
            .and_then(|end| u64::try_from(end).ok())
            .is_some_and(|end| end <= now);
        match self.region.word(index).filter(|_| still_there) {
            Some(word) => Ok(Word::wrap(word)),
            None => {
                let bytes = now.min(self.len() as u64);
                Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the block has no word {index}: it has {bytes} bytes, so {} words",
                        bytes / WORD as u64
                    ),
                ))
            }
        }
    }

    /// Waits until nobody else holds the block's lock, and holds it until the guard is dropped.
    ///
    /// It is an advisory lock, `flock` on the block's file: the one that Python takes with
    /// `fcntl.flock(open("/dev/shm/" + name), fcntl.LOCK_EX)`. It excludes other processes and other threads, through
    /// whichever handle, as long as they ask for it too.
    ///
    /// # Errors
    /// `Deadlock` when this thread holds the lock already, through this handle or another; the kernel's otherwise.
    /// `Unsupported` on macOS, where blocks cannot be locked.
    pub fn lock(&self) -> io::Result<BlockLock<'_>> {
        let space = self.space;
        hook::emit(&Event::Lock {
            when: When::Before,
            space,
        })?;
        let held = flock::lock(&self.file, &self.name)?;
        hook::notify(&Event::Lock {
            when: When::After,
            space,
        });
        Ok(BlockLock {
            held: Some(held),
            space,
            block: PhantomData,
        })
    }

    /// Removes the name. Whoever has the block open keeps it; nobody else can find it.
    ///
    /// # Errors
    /// `NotFound` when the name is gone already.
    pub fn unlink(&self) -> io::Result<()> {
        let shown = self.name.to_string_lossy();
        let name = shown.trim_start_matches('/');
        hook::emit(&Event::BlockUnlink {
            when: When::Before,
            name,
        })?;
        shm::unlink(&self.name)?;
        hook::notify(&Event::BlockUnlink {
            when: When::After,
            name,
        });
        Ok(())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let space = self.space;
        hook::notify(&Event::Unmap {
            when: When::Before,
            space,
        });
        spaces::remove(self.region.address(), space);
    }
}

/// Exclusive use of a [`Block`], among all who ask for its lock. Dropping it releases the lock.
///
/// The lock belongs to the process that acquired it: a guard that a forked child inherits holds nothing there.
#[must_use = "the lock is released at once when the guard is not kept"]
#[derive(Debug)]
pub struct BlockLock<'a> {
    held: Option<Held>,
    space: Space,
    /// Not `Send`: a lock is held by a thread, as in the standard library.
    block: PhantomData<(&'a Block, *const ())>,
}

impl Drop for BlockLock<'_> {
    fn drop(&mut self) {
        let space = self.space;
        let ours = self.held.as_ref().is_some_and(Held::is_ours);
        if ours {
            hook::notify(&Event::Unlock {
                when: When::Before,
                space,
            });
        }
        self.held = None;
        if ours {
            hook::notify(&Event::Unlock {
                when: When::After,
                space,
            });
        }
    }
}
