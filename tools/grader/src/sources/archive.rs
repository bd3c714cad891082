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
    os::unix::fs::{FileExt, OpenOptionsExt},
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
    let file = open(path, &LEARNERS)?;
    let mut collector = Collector::new(slugs);
    match format {
        Format::Zip => zip(file, &LEARNERS, &mut collector)?,
        Format::TarGz => tar_gz(file, &LEARNERS, &mut collector)?,
    }
    collector.finish()
}

/// What was found of one submission in an archive.
pub type Unpacked = Result<BTreeMap<String, Sources>, SourcesError>;

/// The submissions in an archive that the instructor made of a class, each by the folder that holds its `exercises`: such as
/// `lab1-submissions/lab1-ann`. One that breaks a rule doesn't spoil the others.
///
/// # Errors
/// When the archive can't be read, or isn't one.
pub fn read_class(
    path: &Path,
    format: Format,
    slugs: &[&str],
) -> Result<BTreeMap<PathBuf, Unpacked>, SourcesError> {
    let file = open(path, &CLASS)?;
    let mut class = Class {
        slugs,
        found: BTreeMap::new(),
    };
    match format {
        Format::Zip => zip(file, &CLASS, &mut class)?,
        Format::TarGz => tar_gz(file, &CLASS, &mut class)?,
    }
    let found = class.found.into_iter();
    Ok(found
        .map(|(prefix, one)| (prefix, one.and_then(Collector::finish)))
        .collect())
}

/// How much of an archive is read.
struct Most {
    /// Bytes of the archive.
    size: u64,
    /// Entries: a repository has hundreds.
    entries: usize,
    /// Bytes that a compressed stream may become before it is called a bomb.
    inflated: u64,
    /// Folders that `exercises` may lie in.
    above: usize,
}

/// An archive that a learner made.
const LEARNERS: Most = Most {
    size: ARCHIVE_SIZE,
    entries: ENTRIES,
    inflated: INFLATED,
    above: 1,
};

/// An archive that an instructor made of a class.
const CLASS: Most = Most {
    size: 1 << 30,
    entries: 500_000,
    inflated: 4 << 30,
    above: 2,
};

/// Takes the entries of an archive.
trait Take {
    fn take(&mut self, name: &str, kind: Kind, content: &mut impl Read)
    -> Result<(), SourcesError>;
}

impl Take for Collector<'_> {
    fn take(
        &mut self,
        name: &str,
        kind: Kind,
        content: &mut impl Read,
    ) -> Result<(), SourcesError> {
        self.add(name, kind, content)
    }
}

/// The submissions found so far.
struct Class<'a> {
    slugs: &'a [&'a str],
    found: BTreeMap<PathBuf, Result<Collector<'a>, SourcesError>>,
}

impl Take for Class<'_> {
    fn take(
        &mut self,
        name: &str,
        kind: Kind,
        content: &mut impl Read,
    ) -> Result<(), SourcesError> {
        let path = plain(name)?;
        let Some((prefix, ..)) = place(&path, self.slugs, CLASS.above) else {
            return Ok(());
        };
        let inside = path.strip_prefix(&prefix).unwrap_or(&path);
        let inside = inside.to_string_lossy().into_owned();
        let one = self
            .found
            .entry(prefix)
            .or_insert_with(|| Ok(Collector::new(self.slugs)));
        if let Ok(collector) = one
            && let Err(error) = collector.add(&inside, kind, content)
        {
            *one = Err(error);
        }
        Ok(())
    }
}

fn open(path: &Path, most: &Most) -> Result<File, SourcesError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(|cause| read_error(path, cause))?;
    let found = file.metadata().map_err(|cause| read_error(path, cause))?;
    if !found.is_file() {
        return Err(rejected("the archive is not a file".to_owned()));
    }
    if found.len() > most.size {
        let most = most.size >> 20;
        return Err(rejected(format!(
            "the archive is larger than {most} MiB (hand in the sources alone, without target)"
        )));
    }
    Ok(file)
}

fn zip(file: File, most: &Most, to: &mut impl Take) -> Result<(), SourcesError> {
    let table = file.try_clone().map_err(|error| broken(&error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(broken_zip)?;
    if archive.len() > most.entries {
        return Err(too_many(most));
    }
    // Of two entries with one name the crate shows the last.
    if entries_from(&table, archive.central_directory_start(), most.entries) > archive.len() {
        return Err(rejected(
            "it has two files of the same name (pack it again)".to_owned(),
        ));
    }
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken_zip)?;
        let name = entry.name().to_owned();
        let kind = if entry.is_dir() {
            Kind::Folder
        } else if entry.is_symlink() {
            Kind::Symlink
        } else {
            Kind::File
        };
        to.take(&name, kind, &mut entry)?;
    }
    Ok(())
}

/// How many entries the table of a zip has, which begins at `at`: `most` and one at most.
fn entries_from(file: &File, mut at: u64, most: usize) -> usize {
    const LENGTH: usize = 46;
    for count in 0..=most {
        let mut header = [0; LENGTH];
        if file.read_exact_at(&mut header, at).is_err() || !header.starts_with(b"PK\x01\x02") {
            return count;
        }
        // The lengths of the name, of what belongs to it, and of a comment follow one another.
        let lengths = header[28..34].chunks(2);
        let lengths = lengths.map(|two| u64::from(u16::from_le_bytes([two[0], two[1]])));
        at += LENGTH as u64 + lengths.sum::<u64>();
    }
    most + 1
}

fn tar_gz(file: File, most: &Most, to: &mut impl Take) -> Result<(), SourcesError> {
    // One byte more than allowed tells the end of the stream from the end of our patience.
    let inflated = Bounded {
        inner: flate2::read::MultiGzDecoder::new(file),
        left: most.inflated,
        all: most.inflated,
    };
    let mut archive = tar::Archive::new(inflated);
    let entries = archive.entries().map_err(|error| broken(&error))?;
    for (index, entry) in entries.enumerate() {
        if index >= most.entries {
            return Err(too_many(most));
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
        to.take(&name, kind, &mut entry)?;
    }
    Ok(())
}

/// A stream that fails once it has given too much.
struct Bounded<R> {
    inner: R,
    left: u64,
    all: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let why = format!("it inflates to more than {} MiB", self.all >> 20);
            io::Error::new(io::ErrorKind::FileTooLarge, why)
        })?;
        Ok(read)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Symlink,
    Special,
}

/// The exercises found so far.
pub(super) struct Collector<'a> {
    slugs: &'a [&'a str],
    found: BTreeMap<String, Sources>,
    /// What `exercises` lies in: of two in one archive neither is *the* submission.
    prefix: Option<PathBuf>,
    bytes: u64,
}

impl<'a> Collector<'a> {
    pub(super) fn new(slugs: &'a [&'a str]) -> Self {
        Self {
            slugs,
            found: BTreeMap::new(),
            prefix: None,
            bytes: 0,
        }
    }

    pub(super) fn add(
        &mut self,
        name: &str,
        kind: Kind,
        content: &mut impl Read,
    ) -> Result<(), SourcesError> {
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
        let is_within = |other: &PathBuf| {
            *other != inside && (other.starts_with(&inside) || inside.starts_with(other))
        };
        if sources.0.keys().any(is_within) {
            return Err(rejected(format!(
                "{} is a file and a folder at once, or lies in a file",
                shown()
            )));
        }
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

    pub(super) fn place(&self, path: &Path) -> Option<(PathBuf, String, PathBuf)> {
        place(path, self.slugs, LEARNERS.above)
    }

    pub(super) fn finish(self) -> Result<BTreeMap<String, Sources>, SourcesError> {
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

/// The folder that `exercises` lies in, the exercise, and the path in its `src`.
fn place(path: &Path, slugs: &[&str], above: usize) -> Option<(PathBuf, String, PathBuf)> {
    let parts: Vec<&str> = path
        .iter()
        .map(|part| part.to_str())
        .collect::<Option<_>>()?;
    let mut first = parts.iter().take(above + 1);
    let at = first.position(|part| *part == "exercises")?;
    let [slug, "src", rest @ ..] = &parts[at + 1..] else {
        return None;
    };
    let known = slugs.contains(slug) && !rest.is_empty();
    known.then(|| {
        (
            parts[..at].iter().collect(),
            (*slug).to_owned(),
            rest.iter().collect(),
        )
    })
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

/// Where its content ends or makes no sense. Which part of the format is wrong tells its author nothing.
fn broken(error: &io::Error) -> SourcesError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => rejected(format!("the archive cannot be read: {error}")),
        _ => damaged(),
    }
}

fn broken_zip(error: zip::result::ZipError) -> SourcesError {
    use zip::result::ZipError;
    match error {
        ZipError::Io(error) => broken(&error),
        ZipError::InvalidArchive(_) => damaged(),
        // Such as one that needs a password.
        other => rejected(format!("the archive cannot be read: {other}")),
    }
}

fn damaged() -> SourcesError {
    rejected(
        "the archive is damaged or incomplete (pack the folder again, and hand in the new archive)"
            .to_owned(),
    )
}

fn too_many(most: &Most) -> SourcesError {
    let most = most.entries;
    rejected(format!(
        "the archive has more than {most} entries (hand in the sources alone)"
    ))
}
