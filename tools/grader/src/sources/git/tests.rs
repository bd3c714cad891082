//! Repositories as learners hand them in, those that try to steer git among them.

use super::*;
use std::os::unix::fs::symlink;

const DAY: i64 = 86_400;
/// 2026-11-20T12:00:00Z.
const NOON: i64 = 1_795_176_000;

/// A repository with a commit for each text of `src/lib.rs`, dated by the committer in seconds since 1970.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let one = Self(tempfile::tempdir().expect("a folder"));
        one.git(0, &["init", "-q", "-b", "main"]);
        one
    }

    fn of(commits: &[(&str, i64)]) -> Self {
        let one = Self::new();
        for (text, time) in commits {
            one.commit(text, *time);
        }
        one
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    fn git(&self, time: i64, args: &[&str]) -> String {
        let date = format!("@{time} +0000");
        let output = Command::new("git")
            .current_dir(self.0.path())
            .args(["-c", "user.name=ann", "-c", "user.email=ann@example.org"])
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "protocol.file.allow=always",
            ])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // The author's date lies in every test, and never counts.
            .env("GIT_AUTHOR_DATE", "@1000000000 +0000")
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("git starts");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn put(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn commit(&self, text: &str, time: i64) -> String {
        self.put("exercises/sums/src/lib.rs", text);
        self.git(time, &["add", "--all"]);
        self.git(time, &["commit", "-q", "-m", "work"]);
        self.git(time, &["rev-parse", "HEAD"])
    }

    fn read(&self, revision: &Revision) -> Result<(Commit, String), String> {
        let (commit, sources) =
            super::read(self.0.path(), revision, &["sums"]).map_err(|error| error.to_string())?;
        let sums = sources.get("sums").ok_or("no sums")?;
        Ok((commit, sums.get("lib.rs").unwrap_or_default().to_owned()))
    }

    fn text(&self, revision: &Revision) -> String {
        self.read(revision).expect("it can be read").1
    }
}

#[test]
fn a_commit_is_named_by_hash_branch_or_tag() {
    let one = Repository::new();
    let first = one.commit("// 1", NOON);
    one.git(NOON, &["tag", "-a", "-m", "handed in", "done"]);
    one.commit("// 2", NOON + DAY);
    one.git(NOON, &["branch", "later"]);
    one.git(NOON, &["pack-refs", "--all"]);
    // What lies in the folder doesn't count.
    one.put("exercises/sums/src/lib.rs", "// 3");
    let at = |name: &str| Revision::At(name.to_owned());
    assert_eq!(one.text(&Revision::Head), "// 2");
    assert_eq!(one.text(&at(&first)), "// 1");
    assert_eq!(one.text(&at(&first[..8].to_uppercase())), "// 1");
    assert_eq!(one.text(&at("done")), "// 1");
    assert_eq!(one.text(&at("later")), "// 2");
    let (commit, _) = one.read(&at("done")).expect("a commit");
    assert_eq!(commit.id, first);
    assert_eq!(commit.committer_date, "2026-11-20T12:00:00Z");
    for name in ["nobody", &"0".repeat(40), "../../x", "-x", "deadbeef"] {
        assert!(one.read(&at(name)).is_err(), "{name}");
    }
}

#[test]
fn the_last_commit_before_the_deadline_counts() {
    let one = Repository::of(&[
        ("// 1", NOON),
        ("// 2", NOON + DAY),
        ("// 3", NOON + 2 * DAY),
    ]);
    let (commit, text) = one.read(&Revision::Deadline(NOON + DAY)).expect("one");
    assert_eq!(text, "// 2", "to the second");
    assert_eq!(
        commit.note.as_deref(),
        Some("1 later on its branch left out")
    );
    assert_eq!(one.text(&Revision::Deadline(NOON + DAY - 1)), "// 1");
    let (last, text) = one.read(&Revision::Deadline(NOON + 9 * DAY)).expect("one");
    assert_eq!((text.as_str(), last.note), ("// 3", None));
    let error = one.read(&Revision::Deadline(NOON - 1)).expect_err("none");
    assert!(error.contains("2026-11-20T12:00:00Z"), "{error}");
}

#[test]
fn late_work_does_not_get_in_below_an_early_date() {
    let one = Repository::of(&[
        ("// 1", NOON),
        ("// late", NOON + 5 * DAY),
        ("// late, too", NOON),
    ]);
    let (commit, text) = one.read(&Revision::Deadline(NOON + DAY)).expect("one");
    assert_eq!(text, "// 1");
    let note = commit.note.expect("a note");
    assert!(note.contains("dates run backwards"), "{note}");
}

#[test]
fn a_merge_is_late_if_one_of_its_sides_is() {
    let one = Repository::of(&[("// 1", NOON)]);
    one.git(NOON, &["checkout", "-q", "-b", "side"]);
    one.commit("// late", NOON + 5 * DAY);
    one.git(NOON, &["checkout", "-q", "main"]);
    one.git(NOON, &["merge", "-q", "--no-ff", "-m", "merged", "side"]);
    assert_eq!(one.text(&Revision::Deadline(NOON + DAY)), "// 1");
}

#[test]
fn nothing_in_the_repository_runs_or_redirects() {
    let one = Repository::of(&[("// stored\r\n", NOON)]);
    let trace = one.path("trace");
    let run = format!("touch {}", trace.display());
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "core.pager",
        "uploadpack.packObjectsHook",
        "filter.x.smudge",
        "filter.x.clean",
        "diff.external",
    ] {
        one.git(NOON, &["config", key, &run]);
    }
    one.git(NOON, &["config", "core.autocrlf", "input"]);
    one.put(".git/config.extra", "[core]\n\tbare = nonsense\n");
    one.put(".git/info/attributes", "*.rs filter=x text eol=lf ident\n");
    for hook in [
        "post-checkout",
        "post-index-change",
        "reference-transaction",
    ] {
        one.put(
            &format!(".git/hooks/{hook}"),
            &format!("#!/bin/sh\n{run}\n"),
        );
        let path = one.path(&format!(".git/hooks/{hook}"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).expect("a mode");
    }
    // An invalid configuration would stop a git that reads it.
    one.put(".git/config", "[core\nnonsense");
    assert_eq!(one.text(&Revision::Head), "// stored\r\n");
    assert!(!trace.exists());
}

#[test]
fn replaced_objects_and_grafts_do_not_count() {
    let one = Repository::of(&[("// 1", NOON), ("// 2", NOON + 5 * DAY)]);
    let (first, second) = (
        one.git(NOON, &["rev-parse", "HEAD~1"]),
        one.git(NOON, &["rev-parse", "HEAD"]),
    );
    one.git(NOON, &["replace", &first, &second]);
    assert_eq!(one.text(&Revision::At(first.clone())), "// 1");
    one.put(".git/info/grafts", &format!("{second}\n"));
    assert_eq!(one.text(&Revision::Deadline(NOON)), "// 1");
}

/// A loose object under a name that isn't its own.
#[test]
fn content_under_a_false_name_is_refused() {
    let one = Repository::of(&[("// honest", NOON)]);
    let blob = |rev: &str| one.git(NOON, &["rev-parse", rev]);
    let honest = blob("HEAD:exercises/sums/src/lib.rs");
    one.put("other.rs", "// swapped in");
    let other = one.git(NOON, &["hash-object", "-w", "other.rs"]);
    let place = |id: &str| one.path(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    fs::remove_file(place(&honest)).expect("removed");
    fs::copy(place(&other), place(&honest)).expect("copied");
    let read = one.read(&Revision::Head);
    assert!(read.is_err(), "{read:?}");
}

#[test]
fn what_leads_elsewhere_is_refused() {
    let refused = |prepare: &dyn Fn(&Repository), why: &str| {
        let one = Repository::of(&[("// 1", NOON)]);
        prepare(&one);
        let error = one.read(&Revision::Head).expect_err(why);
        assert!(error.contains(why), "{error} does not say {why:?}");
    };
    refused(
        &|one| one.put(".git/objects/info/alternates", "/tmp\n"),
        "alternates",
    );
    refused(&|one| one.put(".git/commondir", "/tmp\n"), "commondir");
    refused(
        &|one| {
            fs::rename(one.path(".git"), one.path("git")).expect("moved");
            one.put(".git", "gitdir: git\n");
        },
        "worktree",
    );
    refused(
        &|one| symlink("/tmp", one.path(".git/objects/ff")).expect("a link"),
        "is not a file",
    );
    refused(
        &|one| {
            fs::remove_file(one.path(".git/HEAD")).expect("removed");
            symlink("/etc/passwd", one.path(".git/HEAD")).expect("a link");
        },
        "symlink",
    );
    refused(
        &|one| one.put(".git/HEAD", "ref: refs/heads/../../../secret\n"),
        "no commit",
    );
    refused(
        &|one| {
            symlink("/etc/passwd", one.path("exercises/sums/src/one.rs")).expect("a link");
            one.git(NOON, &["add", "--all"]);
            one.git(NOON, &["commit", "-q", "-m", "a link"]);
        },
        "is a symlink",
    );
    refused(
        &|one| {
            let head = one.git(NOON, &["rev-parse", "HEAD"]);
            let module = format!("160000,{head},exercises/sums/src/sub");
            one.git(NOON, &["update-index", "--add", "--cacheinfo", &module]);
            one.git(NOON, &["commit", "-q", "-m", "a submodule"]);
        },
        "is not a file",
    );
    refused(
        &|one| {
            one.commit(&"x".repeat(300 << 10), NOON);
        },
        "too large",
    );
}

#[test]
fn bare_and_shallow_clones_are_read() {
    let one = Repository::of(&[("// 1", NOON), ("// 2", NOON + DAY)]);
    let from = format!("file://{}", one.0.path().display());
    for (kind, args) in [
        ("bare", &["clone", "-q", "--bare"][..]),
        ("shallow", &["clone", "-q", "--depth=1"]),
    ] {
        let to = one.path(kind).display().to_string();
        one.git(NOON, &[args, &[&from, &to]].concat());
        let (commit, sources) = super::read(&one.path(kind), &Revision::Head, &["sums"])
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(sources["sums"].get("lib.rs"), Some("// 2"), "{kind}");
        assert_eq!(commit.committer_date, "2026-11-21T12:00:00Z");
    }
}

#[test]
fn a_deadline_needs_its_offset() {
    let at = Revision::deadline("2026-11-20T13:00:00+01:00");
    assert_eq!(at, Ok(Revision::Deadline(NOON)));
    for text in ["2026-11-20", "2026-11-20T13:00:00", "tomorrow", ""] {
        let error = Revision::deadline(text).expect_err(text);
        assert!(error.contains("+01:00"), "{error}");
    }
}
