//! Memory that is private to a process, shared with its children, or shared by name with any process.

use crate::harness;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU8, AtomicU64};

pub use std::sync::atomic::Ordering;

/// Bytes in a page of this machine, the unit in which the kernel maps memory.
#[must_use]
pub fn page_size() -> usize {
    // SAFETY: sysconf only reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// A mapping of this process; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    start: NonNull<u8>,
    bytes: usize,
    /// How many bytes at either end are guard pages that nobody may touch.
    guard: usize,
}

// SAFETY: a region is plain memory that is only reached through atomics.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn map(bytes: usize, flags: i32, file: Option<&OwnedFd>) -> io::Result<Self> {
        let fd = file.map_or(-1, AsRawFd::as_raw_fd);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice overlaps nothing of ours.
        let start = unsafe { libc::mmap(null_mut(), bytes.max(1), access, flags, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self {
            start,
            bytes: bytes.max(1),
            guard: 0,
        })
    }

    pub(crate) fn anonymous_shared(bytes: usize) -> io::Result<Self> {
        Self::map(bytes, libc::MAP_SHARED | libc::MAP_ANON, None)
    }

    /// With a guard page at either end, so that the kernel accounts for it apart from its neighbours.
    fn guarded(bytes: usize, flags: i32) -> io::Result<Self> {
        let guard = page_size();
        let mut region = Self::map(bytes + 2 * guard, flags | libc::MAP_ANON, None)?;
        for offset in [0, guard + bytes] {
            // SAFETY: both guard pages lie inside the mapping made above, which nobody uses yet.
            let done = unsafe {
                libc::mprotect(
                    region.start.add(offset).as_ptr().cast(),
                    guard,
                    libc::PROT_NONE,
                )
            };
            if done != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        region.guard = guard;
        #[cfg(target_os = "linux")]
        {
            // Pages are counted one by one below, so the kernel must not join them into huge ones.
            // SAFETY: the range is the mapping's own; this advice changes no contents.
            unsafe {
                libc::madvise(region.at(0).cast(), bytes.max(1), libc::MADV_NOHUGEPAGE);
            }
        }
        Ok(region)
    }

    fn len(&self) -> usize {
        self.bytes - 2 * self.guard
    }

    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: the callers keep `offset` within the mapping.
        unsafe { self.start.add(self.guard + offset).as_ptr() }
    }

    pub(crate) fn word(&self, index: usize) -> &AtomicU64 {
        assert!(
            (index + 1) * size_of::<u64>() <= self.len(),
            "word {index} lies beyond the {} bytes of the mapping",
            self.len()
        );
        // SAFETY: in bounds as asserted, aligned since mappings begin at a page, and shared only as atomics.
        unsafe { AtomicU64::from_ptr(self.at(index * size_of::<u64>()).cast()) }
    }

    fn byte(&self, offset: usize) -> &AtomicU8 {
        // SAFETY: the callers keep `offset` within the mapping; it is shared only as atomics.
        unsafe { AtomicU8::from_ptr(self.at(offset)) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's own, and no reference into it outlives the region.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

/// A row of pages, zeroed, of which the tests and you look at the first byte.
///
/// ```
/// let mut pages = os::memory::Pages::private(3).unwrap();
/// pages.set(2, 7);
/// assert_eq!((pages.get(0), pages.get(2)), (0, 7));
/// ```
#[derive(Debug)]
pub struct Pages {
    region: Region,
    count: usize,
}

impl Pages {
    /// Pages of this process alone: a forked child gets its own copy, page by page, as either writes.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn private(count: usize) -> io::Result<Self> {
        Self::new(count, libc::MAP_PRIVATE)
    }

    /// Pages that this process shares with the children it forks.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn shared(count: usize) -> io::Result<Self> {
        Self::new(count, libc::MAP_SHARED)
    }

    fn new(count: usize, flags: i32) -> io::Result<Self> {
        let region = Region::guarded(count * page_size(), flags)?;
        Ok(Self { region, count })
    }

    /// How many pages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first byte of a page.
    ///
    /// # Panics
    /// When there is no such page.
    #[must_use]
    #[track_caller] // a panic names the caller's line
    pub fn get(&self, page: usize) -> u8 {
        self.first_byte(page).load(Ordering::Relaxed)
    }

    /// Writes the first byte of a page.
    ///
    /// # Panics
    /// When there is no such page.
    #[track_caller]
    pub fn set(&mut self, page: usize, value: u8) {
        self.first_byte(page).store(value, Ordering::Relaxed);
    }

    #[track_caller]
    fn first_byte(&self, page: usize) -> &AtomicU8 {
        assert!(
            page < self.count,
            "there is no page {page}: the pages are 0 to {}",
            self.count.saturating_sub(1)
        );
        self.region.byte(page * page_size())
    }

    /// How the calling process holds these pages at this moment, by the kernel's own account
    /// (`/proc/self/smaps`, so on Linux only).
    ///
    /// A page that was never touched counts as neither.
    ///
    /// # Errors
    /// `Unsupported` where there is no `/proc`; else what reading it gave.
    pub fn usage(&self) -> io::Result<Usage> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                io::Error::new(
                    io::ErrorKind::Unsupported,
                    "counting pages needs Linux: there is no /proc/self/smaps here",
                )
            } else {
                error
            }
        })?;
        if self.is_empty() {
            return Ok(Usage::default());
        }
        let start = format!("{:x}-", self.region.at(0) as usize);
        // An entry is a header line and lines like `Shared_Clean:   12 kB`.
        let entry = smaps
            .lines()
            .skip_while(|line| !line.starts_with(&start))
            .skip(1)
            .take_while(|line| {
                line.split_whitespace()
                    .next()
                    .is_some_and(|w| w.ends_with(':'))
            });
        let (mut shared, mut private_dirty) = (0, 0);
        for line in entry {
            let mut words = line.split_whitespace();
            let (name, size) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let kib = || size.parse::<usize>().unwrap_or(0);
            match name {
                "Shared_Clean:" | "Shared_Dirty:" => shared += kib(),
                "Private_Dirty:" => private_dirty += kib(),
                _ => {}
            }
        }
        let pages = |kib: usize| kib * 1024 / page_size();
        Ok(Usage {
            shared: pages(shared),
            private_dirty: pages(private_dirty),
        })
    }
}

/// How a process holds its pages, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Pages of physical memory that another process maps too.
    pub shared: usize,
    /// Pages that only this process maps, and that were written to.
    pub private_dirty: usize,
}

/// Words of memory that a process and the children it forks map both.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use os::memory::{Mapping, Ordering::SeqCst};
/// let mapping = Mapping::shared(1)?;
/// let child = os::process::fork(|| Ok(mapping.word(0).store(42, SeqCst)))?;
/// child.wait()?;
/// assert_eq!(mapping.word(0).load(SeqCst), 42); // the child's write
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Mapping {
    region: Region,
    words: usize,
}

impl Mapping {
    /// `words` zeroed words; a write by any process is seen by all.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn shared(words: usize) -> io::Result<Self> {
        Self::new(words, libc::MAP_SHARED)
    }

    /// `words` zeroed words; a process that writes gets a copy of its own.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn private(words: usize) -> io::Result<Self> {
        Self::new(words, libc::MAP_PRIVATE)
    }

    fn new(words: usize, flags: i32) -> io::Result<Self> {
        let bytes = words * size_of::<u64>();
        let file = memory_file(bytes)?;
        let region = Region::map(bytes, flags, Some(&file))?;
        Ok(Self { region, words })
    }

    /// How many words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// A word of the mapping.
    ///
    /// # Panics
    /// When there is no such word.
    #[must_use]
    #[track_caller]
    pub fn word(&self, index: usize) -> &Word {
        assert!(
            index < self.words,
            "there is no word {index}: the words are 0 to {}",
            self.words.saturating_sub(1)
        );
        Word::wrap(self.region.word(index))
    }

    /// Copies `bytes` into the mapping, from its beginning on.
    ///
    /// Not atomic: tell other processes, by a word or otherwise, when they may look and when not.
    ///
    /// # Panics
    /// When the mapping is shorter.
    #[track_caller]
    pub fn copy_in(&self, bytes: &[u8]) {
        assert!(
            bytes.len() <= self.words * size_of::<u64>(),
            "the mapping is shorter than the bytes"
        );
        // SAFETY: in bounds as asserted. The mapping is reached through raw pointers and atomics only, so
        // no reference of this program sees it change.
        unsafe {
            self.region
                .at(0)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        }
    }

    /// Copies the beginning of the mapping into `bytes`, until they are full.
    ///
    /// # Panics
    /// When the mapping is shorter.
    #[track_caller]
    pub fn copy_out(&self, bytes: &mut [u8]) {
        assert!(
            bytes.len() <= self.words * size_of::<u64>(),
            "the mapping is shorter than the bytes"
        );
        // SAFETY: as in `copy_in`.
        unsafe {
            self.region
                .at(0)
                .copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len())
        }
    }
}

/// An unnamed file that lives in memory, of `bytes` zero bytes (at least one).
fn memory_file(bytes: usize) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    // SAFETY: the name is a C string; the descriptor that comes back is nobody else's.
    let file = unsafe {
        let fd = libc::memfd_create(c"mapping".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    #[cfg(not(target_os = "linux"))]
    let file = {
        // No memfd: a named block that loses its name at once.
        let name = format!("/mapping-{}-{:x}", std::process::id(), fastrand::u32(..));
        let name = CString::new(name)?;
        let file = shm_open(&name, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL)?;
        // SAFETY: the name is a C string.
        unsafe { libc::shm_unlink(name.as_ptr()) };
        file
    };
    truncate(&file, bytes.max(1))?;
    Ok(file)
}

fn truncate(file: &OwnedFd, bytes: usize) -> io::Result<()> {
    let bytes = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open.
    match unsafe { libc::ftruncate(file.as_raw_fd(), bytes) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A `u64` in memory that several processes may map: all access is atomic.
#[repr(transparent)]
#[derive(Debug)]
pub struct Word(AtomicU64);

impl Word {
    fn wrap(atomic: &AtomicU64) -> &Self {
        // SAFETY: `Word` is a transparent wrapper of `AtomicU64`.
        unsafe { &*std::ptr::from_ref(atomic).cast() }
    }

    fn address(&self) -> *const u8 {
        std::ptr::from_ref(self).cast()
    }

    /// Reads the word.
    pub fn load(&self, order: Ordering) -> u64 {
        harness::before_access();
        let seen = self.0.load(order);
        harness::after_load();
        seen
    }

    /// Writes the word.
    pub fn store(&self, value: u64, order: Ordering) {
        harness::before_access();
        self.0.store(value, order);
        harness::after_write(self.address());
    }

    /// Adds to the word, wrapping around, and returns what was there before, in one step.
    pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        harness::before_access();
        let before = self.0.fetch_add(value, order);
        harness::after_write(self.address());
        before
    }

    /// Writes `new` if the word holds `current`, in one step.
    ///
    /// # Errors
    /// What was there instead of `current`; nothing was written.
    pub fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        harness::before_access();
        let outcome = self.0.compare_exchange(current, new, success, failure);
        if outcome.is_ok() {
            harness::after_write(self.address());
        }
        outcome
    }
}

/// Shared memory with a name: what CPython calls `multiprocessing.shared_memory.SharedMemory`.
///
/// Any process that knows the name can open it, whatever language it is written in. The name lives until
/// somebody unlinks it, also when all who used it have ended.
#[derive(Debug)]
pub struct Block {
    region: Region,
    file: File,
    name: CString,
    bytes: usize,
}

impl Block {
    /// Makes a zeroed block of `bytes` under a name that nobody uses yet.
    ///
    /// `name` is what Python knows it by, without a slash.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `InvalidInput` for a name that cannot be one.
    pub fn create(name: &str, bytes: usize) -> io::Result<Self> {
        let name = block_name(name)?;
        let file = shm_open(&name, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL)?;
        let block = truncate(&file, bytes).and_then(|()| Self::map(name.clone(), file));
        if block.is_err() {
            unlink(&name)?;
        }
        block
    }

    /// Attaches to the block that somebody made under this name.
    ///
    /// # Errors
    /// `NotFound` when there is none, `InvalidInput` for a name that cannot be one.
    pub fn open(name: &str) -> io::Result<Self> {
        let name = block_name(name)?;
        let file = shm_open(&name, libc::O_RDWR)?;
        Self::map(name, file)
    }

    fn map(name: CString, file: OwnedFd) -> io::Result<Self> {
        let file = File::from(file);
        let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let fd = OwnedFd::from(file.try_clone()?);
        let region = Region::map(bytes, libc::MAP_SHARED, Some(&fd))?;
        let start = region.start.as_ptr() as usize;
        harness::block_opened(start..start + bytes, true);
        Ok(Self {
            region,
            file,
            name,
            bytes,
        })
    }

    /// The size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether it has no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The `index`-th group of eight bytes, in this machine's byte order (`struct` format `=Q`).
    ///
    /// # Errors
    /// `InvalidData` when the block is too short for it.
    pub fn word(&self, index: usize) -> io::Result<&Word> {
        let end = (index + 1) * size_of::<u64>();
        if end > self.bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "word {index} ends at byte {end}, but the block has only {}",
                    self.bytes
                ),
            ));
        }
        Ok(Word::wrap(self.region.word(index)))
    }

    /// Waits until nobody else holds the block's lock, and takes it until the guard is dropped.
    ///
    /// It is `flock` on the block's file: the lock that Python takes with
    /// `fcntl.flock(open("/dev/shm/" + name), fcntl.LOCK_EX)`. It binds only those who ask for it.
    ///
    /// # Errors
    /// The kernel's; on macOS blocks cannot be locked so.
    pub fn lock(&self) -> io::Result<BlockLock<'_>> {
        loop {
            match self.file.lock() {
                Ok(()) => {
                    harness::block_locked(self.region.start.as_ptr() as usize, true);
                    return Ok(BlockLock(self));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the name away. Who has the block open keeps it; nobody else can find it.
    ///
    /// # Errors
    /// `NotFound` when the name is gone already.
    pub fn unlink(&self) -> io::Result<()> {
        unlink(&self.name)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let start = self.region.start.as_ptr() as usize;
        harness::block_opened(start..start, false);
    }
}

/// The right to change what is in a [`Block`], as long as all who change it ask for it.
#[must_use = "the lock is given back at once when the guard is not kept"]
#[derive(Debug)]
pub struct BlockLock<'a>(&'a Block);

impl Drop for BlockLock<'_> {
    fn drop(&mut self) {
        harness::block_locked(self.0.region.start.as_ptr() as usize, false);
        let _ = self.0.file.unlock(); // fails only for a descriptor that is not open
    }
}

fn block_name(name: &str) -> io::Result<CString> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} {why}"));
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(invalid(
            "cannot name a block: it is empty, begins with a dot or has a slash",
        ));
    }
    CString::new(format!("/{name}")).map_err(|_| invalid("cannot name a block: it has a zero byte"))
}

fn shm_open(name: &CString, flags: i32) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string; the descriptor that comes back is nobody else's.
    unsafe {
        let fd = libc::shm_open(
            name.as_ptr(),
            flags | libc::O_CLOEXEC,
            0o600 as libc::c_uint,
        );
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

fn unlink(name: &CString) -> io::Result<()> {
    // SAFETY: the name is a C string.
    match unsafe { libc::shm_unlink(name.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
