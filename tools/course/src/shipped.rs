//! Finds a step's starter as the course ships it, in git's history: the file of today is the reader's.
//!
//! Readers commit their own work, so the newest commit proves nothing. The search begins where the history
//! meets the course's own (the branch that `upstream`, else `origin`, offers), and among the versions of the
//! file there it takes the newest that still holds a `todo!`. Is that one a starter half solved, which an older
//! version tells by holding the same `todo!`s and more, then the older one is taken.

use anyhow::{Context, Result, bail};
use std::{collections::BTreeSet, path::Path, process::Command};

/// A file as the course ships it.
#[derive(Debug)]
pub struct Starter {
    /// What the file holds.
    pub text: Vec<u8>,
    /// The commit that it comes from, and its day: `1a2b3c4 of 2026-11-22`.
    pub commit: String,
}

/// The starter at `file` (from `root`), or that file as of commit `from`.
pub fn starter(root: &Path, file: &str, from: Option<&str>) -> Result<Starter> {
    if let Some(from) = from {
        return version(root, file, from)
            .with_context(|| format!("no {file} in commit {from} (see `git log -- {file}`)"));
    }
    let git_says = || format!("cannot look {file} up in git's history");
    let mut commits = String::new();
    for start in starts(root).with_context(git_says)? {
        commits = git(root, &["log", "--format=%H", &start, "--", file]).with_context(git_says)?;
        if !commits.is_empty() {
            break;
        }
    }
    let mut best: Option<(&str, BTreeSet<String>)> = None;
    for commit in commits.lines() {
        let Ok(found) = version(root, file, commit) else {
            continue; // the commit deleted it
        };
        let todos = todos(&String::from_utf8_lossy(&found.text));
        let better = match &best {
            None => !todos.is_empty(),
            Some((_, best)) => todos.len() > best.len() && todos.is_superset(best),
        };
        if better {
            best = Some((commit, todos));
        }
    }
    match best {
        Some((commit, _)) => version(root, file, commit),
        None => bail!(
            "no commit holds {file} with a `todo!` left (name one yourself: `git log -- {file}`, then `--from COMMIT`)"
        ),
    }
}

/// Where to begin: the last commit shared with the course's own branch, where one is known; then HEAD.
fn starts(root: &Path) -> Result<Vec<String>> {
    let head = git(root, &["rev-parse", "HEAD"])?;
    let shared = ["upstream", "origin"].iter().find_map(|remote| {
        let branch = format!("refs/remotes/{remote}/HEAD");
        git(root, &["merge-base", "HEAD", &branch]).ok()
    });
    Ok(shared.into_iter().chain([head]).collect())
}

fn version(root: &Path, file: &str, commit: &str) -> Result<Starter> {
    let spec = format!("{commit}:./{file}"); // `./`: from `root`, wherever in its repository that is
    let text = git_bytes(root, &["show", "--no-textconv", &spec])?;
    let name = git(root, &["log", "-1", "--format=%h of %cs", commit])?;
    Ok(Starter { text, commit: name })
}

fn git(root: &Path, args: &[&str]) -> Result<String> {
    let bytes = git_bytes(root, args)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

fn git_bytes(root: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("git").arg("-C").arg(root).args(args).output();
    let output = output
        .context("cannot run git (install it, or fetch the file from the course's web page)")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}",
            said.lines()
                .next()
                .unwrap_or("git failed and did not say why")
        );
    }
    Ok(output.stdout)
}

/// The messages of the `todo!`s in a Rust text.
fn todos(text: &str) -> BTreeSet<String> {
    let after = text.split("todo!(").skip(1).map(str::trim_start);
    after
        .map(|rest| {
            let end = match rest.strip_prefix('"') {
                Some(message) => closing_quote(message),
                None => rest.find(')'),
            };
            rest[..end.unwrap_or(rest.len())]
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// Where a string literal ends, counted from its opening quote; `message` begins after that.
fn closing_quote(message: &str) -> Option<usize> {
    let mut escaped = false;
    let end = message.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map(|(at, _)| at + '"'.len_utf8() * 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const FILE: &str = "exercises/memory/src/a.rs";
    const STARTER: &str =
        "fn a() { todo!(\"count (all) \\\" of them\") }\nfn b() { todo!(\n  \"then sum\") }\n";

    /// A repository with one commit per text given.
    fn repository(texts: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "--quiet", "--initial-branch=main"]).unwrap();
        fs::create_dir_all(root.path().join("exercises/memory/src")).unwrap();
        for text in texts {
            commit(root.path(), text);
        }
        root
    }

    fn commit(root: &Path, text: &str) {
        fs::write(root.join(FILE), text).unwrap();
        git(root, &["add", "--", FILE]).unwrap();
        let author = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "-c",
            "commit.gpgsign=false",
        ];
        git(
            root,
            &[&author[..], &["commit", "--quiet", "--message=x"]].concat(),
        )
        .unwrap();
    }

    fn text(root: &Path) -> String {
        String::from_utf8(starter(root, FILE, None).unwrap().text).unwrap()
    }

    #[test]
    fn messages_are_read_whatever_stands_in_them() {
        let found = todos(&format!("{STARTER} todo!() todo!(\"open"));
        let expected = ["\"count (all) \\\" of them\"", "\"then sum\"", "", "\"open"];
        assert_eq!(found, expected.map(str::to_owned).into());
    }

    #[test]
    fn a_clone_with_nothing_committed_gives_head() {
        let root = repository(&[STARTER]);
        fs::write(root.path().join(FILE), "fn a() {}").unwrap();
        assert_eq!(text(root.path()), STARTER);
    }

    #[test]
    fn work_committed_by_the_reader_is_passed_over() {
        let half = "fn a() { 1 }\nfn b() { todo!(\"then sum\") }\n";
        let root = repository(&[STARTER, half, "fn a() { 1 }\nfn b() { 2 }\n"]);
        assert_eq!(text(root.path()), STARTER);
    }

    #[test]
    fn a_starter_that_the_course_mended_is_taken_as_mended() {
        let mended = STARTER.replace("then sum", "then add them up");
        let root = repository(&[STARTER, &mended, "fn a() {}"]);
        assert_eq!(text(root.path()), mended);
    }

    #[test]
    fn what_upstream_ships_comes_before_what_the_reader_committed() {
        let course = repository(&[STARTER]);
        let mine = tempfile::tempdir().unwrap();
        let [from, to] = [course.path(), mine.path()].map(|p| p.to_str().unwrap());
        git(mine.path(), &["clone", "--quiet", from, to]).unwrap();
        let commented = format!("// my notes\n{STARTER}");
        commit(mine.path(), &commented);
        assert_eq!(text(mine.path()), STARTER);
    }

    #[test]
    fn a_commit_can_be_named() {
        let root = repository(&[STARTER, "fn a() {}"]);
        let named = starter(root.path(), FILE, Some("HEAD")).unwrap();
        assert_eq!(named.text, b"fn a() {}");
        let wrong = starter(root.path(), FILE, Some("v9")).unwrap_err();
        assert!(
            wrong
                .to_string()
                .starts_with("no exercises/memory/src/a.rs in commit v9"),
            "{wrong}"
        );
    }

    #[test]
    fn without_history_the_error_names_the_file() {
        let root = tempfile::tempdir().unwrap();
        let error = starter(root.path(), FILE, None).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
