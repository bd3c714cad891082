//! `cargo course reset`: puts a step back as the course ships it, and keeps what was there.

use crate::{
    progress,
    reader::{Named, Reader, joined},
    text::{BOLD, DIM, outln},
};
use anyhow::{Context, Result, bail};
use files::names::list_available;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

/// What `cargo course reset` is asked.
#[derive(clap::Args)]
#[command(after_help = "\
Your file goes to exercises/<chapter>/.backup/ first, so nothing is lost.
The starter comes from tests/starters/<chapter>, whatever you have edited or committed since.")]
pub struct Args {
    /// The step, by its name or number; without it, the one you edited last, else the next to solve.
    #[arg(num_args = 0..=2)]
    step: Vec<String>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let reader = Reader::open(root)?;
    // A chapter means its next step elsewhere; what takes a file away wants to be told which.
    let asked = joined(&args.step);
    if let Some(asked) = asked.as_deref()
        && let Named::Chapter(chapter) = reader.named(Some(asked))?
    {
        bail!(
            "`{asked}` is a chapter, and reset takes one step ({})",
            list_available(&chapter.steps)
        );
    }
    let Some(place) = reader.step(asked.as_deref(), "reset")? else {
        return Ok(ExitCode::SUCCESS);
    };
    let (file, path) = (place.file(), reader.path(place));
    let shipped = place.starter();
    let starter = fs::read(reader.course.root.join(&shipped)).with_context(|| {
        format!("cannot read {shipped} (restore it with `git checkout {shipped}`)")
    })?;
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        bail!("{file} is not a regular file (move it away, then reset again)");
    }
    let mine = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        other => Some(other.with_context(|| format!("cannot read {file}"))?),
    };
    if mine.as_ref() == Some(&starter) {
        outln!("{file} is as the course ships it; nothing to do.");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(mine) = mine {
        let folder = format!("exercises/{}/.backup", place.chapter.slug);
        let name =
            back_up(&reader.course.root.join(&folder), place.step(), &mine).with_context(|| {
                format!("cannot keep your version in {folder} (nothing was changed)")
            })?;
        outln!("{DIM}yours is kept{DIM:#}  {folder}/{name}");
    }
    let kept = "cannot write (your version is unchanged, and kept as said above)";
    files::write::write_atomic(&path, &starter).with_context(|| format!("{file}: {kept}"))?;
    outln!("{DIM}as shipped{DIM:#}     {file}");
    outln!("\nStart over: {BOLD}{file}{BOLD:#}, then `cargo course check`.");
    Ok(ExitCode::SUCCESS)
}

/// Writes a new file for the backup, never over an older one, and answers its name.
fn back_up(folder: &Path, step: &str, mine: &[u8]) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let time = progress::now().replace(':', "");
    for attempt in 1.. {
        let again = if attempt == 1 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let name = format!("{step}.{time}{again}.rs");
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(folder.join(&name))
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(mut file) => {
                let written = file.write_all(mine).and_then(|()| file.sync_all());
                if let Err(error) = written {
                    let _ = fs::remove_file(folder.join(&name)); // half a backup looks like a whole one
                    return Err(error);
                }
                return Ok(name);
            }
        }
    }
    unreachable!("the numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_backups_in_one_second_are_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(".backup");
        for text in ["one", "two", "three"] {
            let name = back_up(&folder, "a", text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
    }
}
