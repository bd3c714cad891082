//! Tells which files changed, by looking at them.
//!
//! Looking at a few dozen files several times a second costs next to nothing, and works alike for every editor's way of
//! saving, for folders that do not exist yet, on every system, in containers and on network drives. The system's own
//! file events fail in each of these somewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a book is made of, relative to its folder.
const WATCHED: [&str; 4] = ["book.toml", "src", "theme", "records"];

/// The files of a book with the time and length of each.
#[derive(Clone, PartialEq, Eq)]
pub struct Stamp(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Stamp {
    /// How the book in `root` is at present.
    pub fn take(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for part in WATCHED {
            visit(&root.join(part), root, &mut files);
        }
        Self(files)
    }

    /// The files that are new, gone or different in `later`, relative to the book's folder.
    pub fn changes<'a>(&'a self, later: &'a Self) -> Vec<&'a Path> {
        let mut changed: Vec<_> = self
            .0
            .iter()
            .filter(|&(path, file)| later.0.get(path) != Some(file))
            .map(|(path, _)| path.as_path())
            .collect();
        changed.extend(
            later
                .0
                .keys()
                .filter(|path| !self.0.contains_key(*path))
                .map(PathBuf::as_path),
        );
        changed
    }
}

fn visit(path: &Path, root: &Path, files: &mut BTreeMap<PathBuf, (Option<SystemTime>, u64)>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') || name.ends_with('~') || name == "__pycache__" {
        return; // an editor's own
    }
    // A file may vanish while we look: then it is gone, which is the answer.
    let Ok(found) = std::fs::metadata(path) else {
        return;
    };
    if found.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            visit(&entry.path(), root, files);
        }
    } else {
        let relative = path.strip_prefix(root).unwrap_or(path);
        files.insert(relative.to_owned(), (found.modified().ok(), found.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn names_what_is_new_gone_and_different() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("src");
        fs::create_dir_all(src.join("memory")).unwrap();
        for file in ["stays.md", "grows.md", "goes.md"] {
            fs::write(src.join(file), "text").unwrap();
        }
        let before = Stamp::take(dir.path());
        assert!(before.changes(&Stamp::take(dir.path())).is_empty());

        fs::write(src.join("grows.md"), "more text").unwrap();
        fs::remove_file(src.join("goes.md")).unwrap();
        fs::write(src.join("memory/new.py"), "").unwrap();
        fs::write(src.join("memory/.new.py.swp"), "an editor's own").unwrap();
        fs::create_dir(dir.path().join("records")).unwrap(); // a folder that was not there
        fs::write(dir.path().join("records/M1.json"), "{}").unwrap();
        let after = Stamp::take(dir.path());
        let mut changed = before.changes(&after);
        changed.sort();
        let expected = [
            "records/M1.json",
            "src/goes.md",
            "src/grows.md",
            "src/memory/new.py",
        ]
        .map(Path::new);
        assert_eq!(changed, expected);
    }

    #[test]
    fn a_file_as_long_as_before_is_told_by_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("book.toml");
        fs::write(&file, "a").unwrap();
        let before = Stamp::take(dir.path());
        fs::write(&file, "b").unwrap();
        let earlier = SystemTime::UNIX_EPOCH; // as after `git checkout` or `cp -p`: older than what was there
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(earlier)
            .unwrap();
        assert_eq!(
            before.changes(&Stamp::take(dir.path())),
            [Path::new("book.toml")]
        );
    }
}
