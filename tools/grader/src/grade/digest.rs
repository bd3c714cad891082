//! Digests of what a verdict depends on, so that a second start knows which verdicts still hold.

use crate::submission::Submission;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Changes when a grader of the same version would judge otherwise.
const POLICY: u32 = 1;

/// A digest of the course's side: all tests, the solution and the manifests, the compiler, this grader.
pub(super) fn surroundings(root: &Path, slug: &str) -> io::Result<String> {
    let mut hash = Sha256::new();
    let version = compiler()?;
    for part in [
        &version[..],
        env!("CARGO_PKG_VERSION").as_bytes(),
        &POLICY.to_be_bytes(),
    ] {
        field(&mut hash, part);
    }
    let solutions = root.join("solutions");
    let mut files = vec![
        root.join("Cargo.toml"),
        solutions.join("Cargo.toml"),
        solutions.join("Cargo.lock"),
    ];
    collect(&root.join("tests"), &mut files)?;
    collect(&solutions.join(slug), &mut files)?;
    files.sort();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file);
        field(&mut hash, name.as_os_str().as_encoded_bytes());
        field(&mut hash, &fs::read(&file).unwrap_or_default());
    }
    Ok(hex(hash))
}

/// What the compiler says of its version. Without it another compiler's verdicts would be taken over.
fn compiler() -> io::Result<Vec<u8>> {
    let ask = || {
        let output = Command::new("rustc").arg("-vV").output()?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(io::Error::other(format!("`rustc -vV`: {}", output.status))),
        }
    };
    // It may have been killed along with something else.
    ask().or_else(|_| ask())
}

/// The regular files below `folder`, but for what compilers put there.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() && name != "target" && name != "node_modules" {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// A digest of one exercise of a submission, in these surroundings.
pub(super) fn unit(submission: &Submission, slug: &str, surroundings: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in [&submission.name, slug]
        .into_iter()
        .chain(surroundings.iter().copied())
    {
        field(&mut hash, part.as_bytes());
    }
    match submission.sources.get(slug) {
        Some(Ok(sources)) => {
            for (path, text) in sources.iter() {
                field(&mut hash, path.as_os_str().as_encoded_bytes());
                field(&mut hash, text.as_bytes());
            }
        }
        other => field(
            &mut hash,
            format!("{other:?} {:?}", submission.problem).as_bytes(),
        ),
    }
    hex(hash)
}

/// With its length, so that no two lists of fields are the same bytes.
fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

fn hex(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
