//! Finds the folder of the course, at run time: the program may have been built from another checkout.

use anyhow::{Context, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
};

/// Finds the folder given, else the nearest course at or above the current folder, else the one whose `cargo` runs
/// this program (`cargo run --manifest-path …` from elsewhere).
///
/// Nothing is compiled in: two clones may share one build folder, and a clone may be moved or copied.
pub fn find(given: Option<PathBuf>) -> Result<PathBuf> {
    let here =
        env::current_dir().context("cannot tell the current folder (change to one that exists)")?;
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    choose(given.as_deref(), &here, package.as_deref())
}

fn choose(given: Option<&Path>, here: &Path, package: Option<&Path>) -> Result<PathBuf> {
    if let Some(dir) = given {
        if !is_root(dir) {
            bail!(
                "{}: not the folder of the course (give one that holds Cargo.toml, src/SUMMARY.md and exercises)",
                dir.display()
            );
        }
        return std::path::absolute(dir)
            .with_context(|| format!("cannot resolve {}", dir.display()));
    }
    let above = |dir: &Path| dir.ancestors().find(|dir| is_root(dir)).map(Path::to_owned);
    match above(here).or_else(|| package.and_then(above)) {
        Some(root) => Ok(root),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn course(at: &Path) -> PathBuf {
        fs::create_dir_all(at.join("src")).unwrap();
        fs::create_dir_all(at.join("exercises/memory/src")).unwrap();
        fs::create_dir_all(at.join("tools/course")).unwrap();
        fs::write(at.join("Cargo.toml"), "").unwrap();
        fs::write(at.join("src/SUMMARY.md"), "").unwrap();
        at.to_owned()
    }

    #[test]
    fn the_checkout_at_hand_comes_before_the_one_that_cargo_built() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| course(&folder.path().join(name)));
        let package = one.join("tools/course");
        let found = |given: Option<&Path>, here: &Path, package: Option<&Path>| {
            choose(given, here, package).map_err(|error| error.to_string())
        };
        let inside = two.join("exercises/memory/src");
        assert_eq!(found(None, &inside, Some(&package)), Ok(two.clone()));
        assert_eq!(found(Some(&one), &inside, None), Ok(one.clone()));
        assert_eq!(found(None, folder.path(), Some(&package)), Ok(one));
        let nowhere = found(None, folder.path(), None).unwrap_err();
        assert!(nowhere.contains("no course here or above"), "{nowhere}");
        let wrong = found(Some(&inside), &two, None).unwrap_err();
        assert!(wrong.contains("not the folder of the course"), "{wrong}");
    }
}
