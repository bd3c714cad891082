//! The exercise as the course ships it. The folder of the exercise is its reader's; `tests/starters/<slug>` is ours.

use crate::{
    course::{Chapter, Course},
    sources::{Sources, SourcesError},
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What the course ships of an exercise: the files of `exercises/<slug>` by their path in it.
///
/// Its sources are those of `tests/starters/<slug>`, its manifest is the solution's. Where `exercises/<slug>` differs,
/// a reader has begun; in strict mode, for the course's own checks, an author forgot one of the two places.
#[derive(Debug)]
pub struct Shipped {
    files: BTreeMap<PathBuf, Vec<u8>>,
    differing: Vec<PathBuf>,
    strict: bool,
}

impl Shipped {
    /// Returns what the course at hand ships of a chapter's exercise.
    #[must_use]
    pub fn of(course: &Course, chapter: &Chapter, strict: bool) -> Self {
        let slug = &chapter.slug;
        let standing = walk(&course.root.join("exercises").join(slug)).unwrap_or_default();
        let starters = walk(&course.root.join("tests/starters").join(slug)).unwrap_or_default();
        let mut files: BTreeMap<_, _> = starters
            .into_iter()
            .map(|(path, text)| (Path::new("src").join(path), text))
            .collect();
        let manifest = course.root.join("solutions").join(slug).join("Cargo.toml");
        if let Ok(manifest) = fs::read(manifest) {
            files.insert("Cargo.toml".into(), manifest);
        }
        if let Some(hints) = standing.get(Path::new("hints.md")) {
            files.insert("hints.md".into(), hints.clone());
        }
        let paths = files.keys().chain(standing.keys());
        let mut differing: Vec<_> = paths
            .filter(|path| files.get(*path) != standing.get(*path))
            .cloned()
            .collect();
        differing.sort();
        differing.dedup();
        Self {
            files,
            differing,
            strict,
        }
    }

    /// The files, by their path in the exercise's folder, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_path(), text.as_slice()))
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        let bytes = self.files.get(Path::new(path))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// In strict mode, the files of `exercises/<slug>` that are not what the course ships.
    pub(super) fn unequal(&self) -> impl Iterator<Item = &Path> {
        let strict = self.strict;
        self.differing
            .iter()
            .map(PathBuf::as_path)
            .filter(move |_| strict)
    }

    /// What to tell about a reader's work in progress, which is not judged.
    #[must_use]
    pub fn note(&self, slug: &str) -> Option<String> {
        if self.strict || self.differing.is_empty() {
            return None;
        }
        let names: Vec<_> = self
            .differing
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Some(format!(
            "{slug}: work in progress: exercises/{slug} differs from tests/starters/{slug} in {}; judged as shipped",
            names.join(", ")
        ))
    }

    pub(crate) fn sources(&self) -> Result<Sources, SourcesError> {
        let refuse =
            |path: &Path| SourcesError::Rejected(format!("{} is not UTF-8 text", path.display()));
        let sources = self
            .files()
            .filter_map(|(path, text)| Some((path.strip_prefix("src").ok()?, text)));
        let sources =
            sources.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"));
        sources
            .map(|(path, text)| Ok((path, std::str::from_utf8(text).map_err(|_| refuse(path))?)))
            .collect::<Result<Vec<_>, _>>()
            .map(Sources::from_iter)
    }
}

/// The files below `folder` but for hidden ones and cargo's `target`.
pub(super) fn walk(folder: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inside))? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".")
                || name == "target"
                || name == "__pycache__"
            {
                continue;
            }
            let path = inside.join(&name);
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.insert(path, fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    Ok(files)
}
