//! Files that live in memory: unnamed ones, and those with a name in `/dev/shm`.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};

/// Makes an unnamed file of `bytes` zero bytes (at least one); `name` is what `/proc` shows.
#[cfg(target_os = "linux")]
pub(crate) fn memory_file(name: &CStr, bytes: usize) -> io::Result<File> {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    let file = owned(fd)?;
    set_len(&file, bytes.max(1))?;
    Ok(file)
}

fn owned(fd: i32) -> io::Result<File> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the callers pass a descriptor that the kernel has just opened for them, so it is nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn set_len(file: &File, bytes: usize) -> io::Result<()> {
    let bytes = u64::try_from(bytes).map_err(io::Error::other)?;
    // `set_len` refuses what does not fit the kernel's type.
    file.set_len(bytes)
}

/// Gives a named file its size and reserves the memory, so that a full `/dev/shm` is an error here and not a SIGBUS
/// at the first access.
pub(crate) fn reserve(file: &File, bytes: usize) -> io::Result<()> {
    set_len(file, bytes)?;
    #[cfg(target_os = "linux")]
    if bytes > 0 {
        let len = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
        loop {
            // SAFETY: the descriptor is open; the other arguments are plain numbers.
            match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, len) } {
                0 => break,
                libc::EINTR => {}
                code => return Err(io::Error::from_raw_os_error(code)),
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file.as_raw_fd();
    Ok(())
}

/// The kernel's spelling of a name that Python knows without its slash.
pub(crate) fn kernel_name(name: &str) -> io::Result<CString> {
    let invalid = |why| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} cannot name a block: {why}"),
        )
    };
    if name.is_empty() {
        return Err(invalid("it is empty"));
    }
    if name.starts_with('.') {
        return Err(invalid("it begins with a dot"));
    }
    if name.contains('/') {
        return Err(invalid("it has a slash; Python's names have none"));
    }
    CString::new(format!("/{name}")).map_err(|_| invalid("it has a zero byte"))
}

/// Creates a named file that must not exist yet.
pub(crate) fn create(name: &CStr) -> io::Result<File> {
    open_with(name, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL)
}

/// Opens a named file.
pub(crate) fn open(name: &CStr) -> io::Result<File> {
    open_with(name, libc::O_RDWR)
}

fn open_with(name: &CStr, flags: i32) -> io::Result<File> {
    let mode = 0o600 as libc::c_uint;
    // SAFETY: the name is a C string.
    owned(unsafe { libc::shm_open(name.as_ptr(), flags | libc::O_CLOEXEC, mode) })
}

/// Removes a name.
pub(crate) fn unlink(name: &CStr) -> io::Result<()> {
    // SAFETY: the name is a C string.
    match unsafe { libc::shm_unlink(name.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
