//! Begins a new claim: its Rust file, its Python twin, and its line in the registry.

use crate::{Error, claims};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const RUST: &str = include_str!("scaffold/claim.rs.txt");
const PYTHON: &str = include_str!("scaffold/claim.py.txt");

/// Creates the files of a claim and adds it to the registry. Returns the paths that were written, relative to `root`.
///
/// `id` is a letter and a number: `C1`. What is to be done is marked `TODO` in the files, and a test of the lab fails as
/// long as one is left.
///
/// # Errors
/// [`Error::BadId`] for a name that a claim cannot have or another claim has; the system's. Existing files are never
/// overwritten: if one is in the way, nothing is written.
pub fn new_claim(root: &Path, id: &str) -> Result<Vec<PathBuf>, Error> {
    let bad = |why: &str| Error::BadId {
        given: id.to_owned(),
        why: why.to_owned(),
    };
    let mut chars = id.chars();
    let letter = chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    let digits = chars.as_str();
    if !letter || digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(bad("it must be a letter and a number, such as C1"));
    }
    if claims::find(id).is_ok() {
        return Err(bad("there is a claim of that name"));
    }
    let (id, stem) = (id.to_ascii_uppercase(), id.to_ascii_lowercase());
    let registry = PathBuf::from("tools/lab/src/claims.rs");
    let files = [
        (format!("tools/lab/src/claims/{stem}.rs"), RUST),
        (format!("tools/lab/experiments/{stem}.py"), PYTHON),
    ];
    let read = fs::read_to_string(root.join(&registry));
    let listed = read.map_err(Error::io(format!("read {}", registry.display())))?;
    let listed = with_line(&listed, &stem).ok_or_else(|| bad("the registry lists it already"))?;
    if let Some((taken, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(bad(&format!("{taken} exists (remove or rename it)")));
    }

    let mut written: Vec<PathBuf> = Vec::new();
    for (path, template) in &files {
        let text = template.replace("@ID@", &id).replace("@STEM@", &stem);
        if let Err(error) = create(&root.join(path), &text) {
            for path in &written {
                let _ = fs::remove_file(root.join(path)); // all or nothing
            }
            return Err(Error::io(format!("create {path}"))(error));
        }
        written.push(path.into());
    }
    let saved = fs::write(root.join(&registry), listed);
    saved.map_err(Error::io(format!("write {}", registry.display())))?;
    written.push(registry);
    Ok(written)
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let done = file.write_all(text.as_bytes());
    if done.is_err() {
        let _ = fs::remove_file(path);
    }
    done
}

/// Returns the registry with a line for a claim, after the last one of the same letter, else at the end of the list.
fn with_line(registry: &str, stem: &str) -> Option<String> {
    let line = format!("mod {stem};");
    let mut lines: Vec<_> = registry.lines().collect();
    if lines.contains(&line.as_str()) {
        return None;
    }
    let module = |text: &str| Some(text.strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    let last = |letter: &str| {
        let fits = |text: &&str| module(text).is_some_and(|found| found.starts_with(letter));
        lines.iter().rposition(fits)
    };
    match last(&stem[..1]) {
        Some(at) => lines.insert(at + 1, &line),
        None => {
            // The first of its chapter: a group of its own, which rustfmt does not merge with the others.
            let at = last("")? + 1;
            let group = [
                "",
                "// TODO: the slug of its chapter; move the group where the chapter is",
                &line,
            ];
            lines.splice(at..at, group);
        }
    }
    Some(lines.join("\n") + "\n")
}

/// The claim that [`new_claim`] creates, compiled.
#[cfg(test)]
#[path = "scaffold/z9.rs"]
mod z9;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A course with nothing but a registry.
    fn course() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in ["src/claims", "experiments"] {
            fs::create_dir_all(root.path().join("tools/lab").join(folder)).unwrap();
        }
        let registry = "//! The registry.\n\n// memory\nmod m1;\nmod m2;\n\nuse crate::Claim;\n";
        fs::write(root.path().join("tools/lab/src/claims.rs"), registry).unwrap();
        root
    }

    fn read(root: &Path, path: &str) -> String {
        fs::read_to_string(root.join(path)).unwrap()
    }

    #[test]
    fn a_new_claim_is_two_files_and_a_line_of_the_registry() {
        let root = course();
        let written = new_claim(root.path(), "z9").unwrap();
        let paths = [
            "tools/lab/src/claims/z9.rs",
            "tools/lab/experiments/z9.py",
            "tools/lab/src/claims.rs",
        ];
        assert_eq!(written, paths.map(PathBuf::from));
        assert_eq!(
            read(root.path(), paths[0]),
            include_str!("scaffold/z9.rs"),
            "it is compiled as z9"
        );
        assert_eq!(z9::CLAIM.id, "Z9");
        assert_eq!(z9::CLAIM.chart.check(&z9::CLAIM), Ok(()));
        let registry = read(root.path(), paths[2]);
        assert!(
            registry.contains("mod m2;\n\n// TODO: the slug of its chapter"),
            "{registry}"
        );
        assert!(
            registry.contains("\nmod z9;\n\nuse crate::Claim;\n"),
            "{registry}"
        );

        new_claim(root.path(), "Z10").unwrap();
        assert!(read(root.path(), paths[2]).contains("mod z9;\nmod z10;\n"));
    }

    #[test]
    fn a_name_that_cannot_be_is_refused_and_nothing_overwritten() {
        let root = course();
        for id in ["", "9", "Z", "Z9x", "../Z9", "ZZ9", "É1"] {
            let error = new_claim(root.path(), id).unwrap_err().to_string();
            assert!(error.contains("a letter and a number"), "{id}: {error}");
        }
        let taken = new_claim(root.path(), claims::CLAIMS[0].id).unwrap_err();
        assert!(taken.to_string().contains("there is a claim of that name"));

        let twin = root.path().join("tools/lab/experiments/z9.py");
        fs::write(&twin, "mine").unwrap();
        let error = new_claim(root.path(), "Z9").unwrap_err().to_string();
        assert!(
            error.contains("tools/lab/experiments/z9.py exists"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&twin).unwrap(), "mine");
        assert!(!root.path().join("tools/lab/src/claims/z9.rs").exists());
        assert!(!read(root.path(), "tools/lab/src/claims.rs").contains("z9"));
    }

    #[test]
    fn the_python_twin_is_python() {
        let root = course();
        new_claim(root.path(), "Z9").unwrap();
        let text = read(root.path(), "tools/lab/experiments/z9.py");
        let parse = "import ast, sys; ast.parse(sys.argv[1])";
        match Command::new("python3").args(["-c", parse, &text]).output() {
            Ok(output) => assert!(output.status.success(), "{output:?}"),
            Err(error) => eprintln!("skipped: {error}"),
        }
    }
}
