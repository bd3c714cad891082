//! Submissions that come as an archive, `.zip` or `.tar.gz`: read without unpacking anything to the disk.
//!
//! Nothing in an archive is trusted: not a size, not a name, not a type. Names that lead out of the archive are refused, and so
//! are symlinks among the sources; what is no source file is never decompressed to the end.

#[cfg(test)]
mod tests;

use super::{
    DEPTH, FILE_SIZE, FILES, Sources, SourcesError, TOTAL_SIZE, is_program, is_source, read_error,
    rejected, text_of,
};
use crate::text::printable;
use rustix::fs::OFlags;
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};

/// The largest archive.
const ARCHIVE_SIZE: u64 = 32 << 20;
/// The most entries of an archive: a repository has hundreds.
const ENTRIES: usize = 10_000;
/// The most bytes that a compressed stream may become before it is called a bomb.
const INFLATED: u64 = 64 << 20;

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.zip`
    Zip,
    /// `.tar.gz`, `.tgz`
    TarGz,
}

impl Format {
    /// By the file's name.
    #[must_use]
    pub fn of(name: &str) -> Option<(Self, &str)> {
        let lower = name.to_ascii_lowercase();
        for (ending, format) in [
            (".zip", Self::Zip),
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
        ] {
            if lower.ends_with(ending) && lower.len() > ending.len() {
                return Some((format, &name[..name.len() - ending.len()]));
            }
        }
        None
    }
}

/// The sources of each exercise in an archive that `slugs` names.
///
/// The folder `exercises` may lie at the top, or in the one folder that is there, as in archives that GitHub makes.
///
/// # Errors
/// When the archive can't be read, isn't one, or breaks a rule.
pub fn read(
    path: &Path,
    format: Format,
    slugs: &[&str],
) -> Result<BTreeMap<String, Sources>, SourcesError> {
    let file = open(path)?;
    let mut collector = Collector::new(slugs);
    match format {
        Format::Zip => zip(file, &mut collector)?,
        Format::TarGz => tar_gz(file, &mut collector)?,
    }
    collector.finish()
}

fn open(path: &Path) -> Result<File, SourcesError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(|cause| read_error(path, cause))?;
    let found = file.metadata().map_err(|cause| read_error(path, cause))?;
    if !found.is_file() {
        return Err(rejected("the archive is not a file".to_owned()));
    }
    if found.len() > ARCHIVE_SIZE {
        let most = ARCHIVE_SIZE >> 20;
        return Err(rejected(format!(
            "the archive is larger than {most} MiB (hand in the sources alone, without target)"
        )));
    }
    Ok(file)
}

fn zip(file: File, collector: &mut Collector<'_>) -> Result<(), SourcesError> {
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
    if archive.len() > ENTRIES {
        return Err(too_many());
    }
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| broken(&error))?;
        let name = entry.name().to_owned();
        let kind = if entry.is_dir() {
            Kind::Folder
        } else if entry.is_symlink() {
            Kind::Symlink
        } else {
            Kind::File
        };
        collector.add(&name, kind, &mut entry)?;
    }
    Ok(())
}

fn tar_gz(file: File, collector: &mut Collector<'_>) -> Result<(), SourcesError> {
    // One byte more than allowed tells the end of the stream from the end of our patience.
    let inflated = Bounded {
        inner: flate2::read::MultiGzDecoder::new(file),
        left: INFLATED,
    };
    let mut archive = tar::Archive::new(inflated);
    let entries = archive.entries().map_err(|error| broken(&error))?;
    for (index, entry) in entries.enumerate() {
        if index >= ENTRIES {
            return Err(too_many());
        }
        let mut entry = entry.map_err(|error| broken(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => Kind::File,
            tar::EntryType::Directory => Kind::Folder,
            tar::EntryType::Symlink | tar::EntryType::Link => Kind::Symlink,
            // Extended headers, which `tar` has read already or GitHub's comment with the commit.
            tar::EntryType::XGlobalHeader | tar::EntryType::XHeader => continue,
            _ => Kind::Special,
        };
        collector.add(&name, kind, &mut entry)?;
    }
    Ok(())
}

/// A stream that fails once it has given too much.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("it inflates to more than {} MiB", INFLATED >> 20))
        })?;
        Ok(read)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Symlink,
    Special,
}

/// The exercises found so far.
struct Collector<'a> {
    slugs: &'a [&'a str],
    found: BTreeMap<String, Sources>,
    /// What `exercises` lies in: of two in one archive neither is *the* submission.
    prefix: Option<PathBuf>,
    bytes: u64,
}

impl<'a> Collector<'a> {
    fn new(slugs: &'a [&'a str]) -> Self {
        Self {
            slugs,
            found: BTreeMap::new(),
            prefix: None,
            bytes: 0,
        }
    }

    fn add(&mut self, name: &str, kind: Kind, content: &mut impl Read) -> Result<(), SourcesError> {
        let path = plain(name)?;
        let Some((prefix, slug, inside)) = self.place(&path) else {
            return Ok(());
        };
        let shown = || printable(name);
        match kind {
            Kind::File => {}
            Kind::Folder => return Ok(()),
            Kind::Symlink => return Err(rejected(format!("{} is a symlink", shown()))),
            Kind::Special => return Err(rejected(format!("{} is not a file", shown()))),
        }
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        if parts.iter().any(|part| part.starts_with('.')) || is_program(&inside) {
            return Ok(());
        }
        if parts.len() > DEPTH + 1 {
            return Err(rejected(format!(
                "{} lies deeper than {DEPTH} folders",
                shown()
            )));
        }
        if !is_source(&inside)? {
            return Ok(());
        }
        if self.prefix.get_or_insert_with(|| prefix.clone()) != &prefix {
            return Err(rejected(
                "it holds two folders called exercises (hand in one)".to_owned(),
            ));
        }
        let mut bytes = Vec::new();
        content
            .take(FILE_SIZE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| broken(&error))?;
        self.bytes += bytes.len() as u64;
        if bytes.len() as u64 > FILE_SIZE || self.bytes > TOTAL_SIZE {
            return Err(rejected(format!(
                "{} is too large: at most {} KiB for a file, {} KiB for all",
                shown(),
                FILE_SIZE / 1024,
                TOTAL_SIZE / 1024
            )));
        }
        let text = text_of(&inside, bytes)?;
        let sources = self.found.entry(slug).or_default();
        if sources.0.insert(inside.clone(), text).is_some() {
            return Err(rejected(format!("{} is there twice", shown())));
        }
        if sources.0.len() > FILES {
            return Err(rejected(format!(
                "src holds more than {FILES} source files"
            )));
        }
        Ok(())
    }

    /// The folder that `exercises` lies in, the exercise, and the path in its `src`.
    fn place(&self, path: &Path) -> Option<(PathBuf, String, PathBuf)> {
        let parts: Vec<&str> = path
            .iter()
            .map(|part| part.to_str())
            .collect::<Option<_>>()?;
        let at = parts.iter().take(2).position(|part| *part == "exercises")?;
        let [slug, "src", rest @ ..] = &parts[at + 1..] else {
            return None;
        };
        let known = self.slugs.contains(slug) && !rest.is_empty();
        known.then(|| {
            (
                parts[..at].iter().collect(),
                (*slug).to_owned(),
                rest.iter().collect(),
            )
        })
    }

    fn finish(self) -> Result<BTreeMap<String, Sources>, SourcesError> {
        for (slug, sources) in &self.found {
            if sources.get("lib.rs").is_none() {
                return Err(rejected(format!(
                    "exercises/{slug}/src/lib.rs is missing (hand in the whole src folder)"
                )));
            }
        }
        Ok(self.found)
    }
}

/// The path without `./`. One that is absolute or leads upwards is refused, wherever in the archive it is.
fn plain(name: &str) -> Result<PathBuf, SourcesError> {
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => path.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(rejected(format!(
                    "the archive names a file outside of itself: {}",
                    printable(name)
                )));
            }
        }
    }
    if name.contains(['\\', '\0']) {
        return Err(rejected(format!(
            "the archive names a file that no learner's system has: {}",
            printable(name)
        )));
    }
    Ok(path)
}

fn broken(error: &dyn std::error::Error) -> SourcesError {
    rejected(format!("the archive cannot be read: {error}"))
}

fn too_many() -> SourcesError {
    rejected(format!(
        "the archive has more than {ENTRIES} entries (hand in the sources alone)"
    ))
}
