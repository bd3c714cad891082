//! Finds the folder of the course.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The folder given, else the one that this command was built from, else the nearest one above the current folder.
pub fn find(given: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(dir) = given {
        if !is_root(&dir) {
            bail!(
                "{}: not the folder of the course (give one that holds Cargo.toml, src/SUMMARY.md and exercises)",
                dir.display()
            );
        }
        return std::path::absolute(&dir)
            .with_context(|| format!("cannot resolve {}", dir.display()));
    }
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if is_root(&built_from) {
        return built_from
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", built_from.display()));
    }
    let here = std::env::current_dir()
        .context("cannot tell the current folder (change to one that exists)")?;
    match here.ancestors().find(|dir| is_root(dir)) {
        Some(dir) => Ok(dir.to_owned()),
        None => bail!(
            "{}: no course here or above (change to the folder that you cloned)",
            here.display()
        ),
    }
}

fn is_root(dir: &Path) -> bool {
    dir.join("Cargo.toml").is_file()
        && dir.join("src/SUMMARY.md").is_file()
        && dir.join("exercises").is_dir()
}
