//! What every tool of the course needs of files, once: atomic writes that keep a backup ([`write`]), scratch
//! folders that the next start sweeps after a crash ([`scratch`]), the headings of a page ([`markdown`]), and the
//! nearest name for a typo ([`names`]).

pub mod markdown;
pub mod names;
pub mod scratch;
pub mod write;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Whether `path` still names the open file: somebody may have removed it between its creation and its lock.
fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A name that no other running process and no other call in this one chooses.
fn unique() -> String {
    use std::{
        process,
        sync::atomic::{AtomicU32, Ordering},
        time::SystemTime,
    };
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{nanos}-{counter}", process::id())
}
