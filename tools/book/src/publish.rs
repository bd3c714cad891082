//! Writes the book as a static site: all of it, or nothing.

use crate::{Book, Error, links};
use files::scratch::Scratch;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lists every file of the site. It tells a site of ours from a folder that only has the same name.
const MANIFEST: &str = ".site-files";

/// What [`publish`] made.
#[derive(Debug)]
pub struct Site {
    /// The folder with `index.html`.
    pub dest: PathBuf,
    /// What mdBook warned about.
    pub warnings: Vec<String>,
}

/// Builds `book`, checks its links, and puts it at `dest` in place of the site that is there.
///
/// A book that does not build leaves the old site as it is. So does a folder that holds anything but a site of ours,
/// unless `may_replace` says that it is ours anyway. The old site also stays when `stop` says so before the new is there.
pub fn publish(
    book: &Book,
    dest: &Path,
    may_replace: bool,
    stop: impl Fn() -> bool,
) -> Result<Site, Error> {
    // Through a symlink, so that the link itself stays.
    let dest = match dest.canonicalize() {
        Ok(real) => real,
        Err(_) => std::path::absolute(dest).map_err(Error::io(dest))?,
    };
    if !may_replace {
        check_is_ours(&dest)?;
    }
    let parent = dest.parent().ok_or_else(|| Error::NotOurs {
        dest: dest.clone(),
        what: "it is the root of the file system".into(),
    })?;
    fs::create_dir_all(parent).map_err(Error::io(parent))?;
    // A neighbour, since only within one file system can a folder be renamed.
    let staging = Scratch::create(parent, ".site-").map_err(Error::io(parent))?;

    let new = staging.path().join("new");
    let warnings = book.build(&new, None)?;
    let broken = links::check(&new)?;
    if !broken.is_empty() {
        return Err(Error::BrokenLinks(broken));
    }
    let files = files_in(&new)?;
    let list: String = files
        .iter()
        .map(|file| format!("{}\n", file.display()))
        .collect();
    fs::write(new.join(MANIFEST), list).map_err(Error::io(&new))?;

    if stop() {
        return Err(Error::Stopped { dest });
    }
    let old = staging.path().join("old");
    let had_one = dest.exists();
    if had_one {
        fs::rename(&dest, &old).map_err(Error::io(&dest))?;
    }
    if let Err(error) = fs::rename(&new, &dest) {
        if had_one {
            fs::rename(&old, &dest).map_err(Error::io(&dest))?;
        }
        return Err(Error::io(&dest)(error));
    }
    Ok(Site { dest, warnings })
}

/// Refuses a folder that holds what the last build did not put there.
fn check_is_ours(dest: &Path) -> Result<(), Error> {
    let refuse = |what: String| {
        Err(Error::NotOurs {
            dest: dest.to_owned(),
            what,
        })
    };
    if !dest.exists() {
        return Ok(());
    }
    if !dest.is_dir() {
        return refuse("not a folder".into());
    }
    if fs::read_dir(dest)
        .map_err(Error::io(dest))?
        .next()
        .is_none()
    {
        return Ok(());
    }
    let Ok(list) = fs::read_to_string(dest.join(MANIFEST)) else {
        return refuse("holds files that no build of this book made".into());
    };
    let present = files_in(dest)?;
    let ours: BTreeSet<_> = list.lines().chain([MANIFEST]).map(Path::new).collect();
    match present.iter().find(|file| !ours.contains(file.as_path())) {
        Some(file) => refuse(format!(
            "holds {}, which no build of this book made",
            file.display()
        )),
        None => Ok(()),
    }
}

/// Every file under `dir`, relative to it.
fn files_in(dir: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let mut files = BTreeSet::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let entry = entry.map_err(Error::io(&folder))?;
            // Not through a symlink: what is behind it is not in here.
            if entry.file_type().map_err(Error::io(entry.path()))?.is_dir() {
                folders.push(entry.path());
            } else {
                files.insert(
                    entry
                        .path()
                        .strip_prefix(dir)
                        .unwrap_or(&entry.path())
                        .to_owned(),
                );
            }
        }
    }
    Ok(files)
}
