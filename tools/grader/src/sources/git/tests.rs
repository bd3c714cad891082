//! Repositories as learners hand them in, those that try to steer git among them.

use super::*;
use crate::sandbox::Wanted;
use std::{os::unix::fs::symlink, sync::OnceLock};

const DAY: i64 = 86_400;
/// 2026-11-20T12:00:00Z.
const NOON: i64 = 1_795_176_000;

/// The sandbox that works here, or none.
fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::find(&Wanted::default()).unwrap_or_default())
}

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
        let (commit, sources) = super::read(self.0.path(), revision, &["sums"], sandbox())
            .map_err(|error| error.to_string())?;
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

/// What makes git faster may lie: which commits there are, of what tree, dated when, and where an object is.
#[test]
fn a_forged_index_or_graph_does_not_count() {
    let one = Repository::of(&[("// 1", NOON), ("// 2", NOON + 5 * DAY)]);
    one.git(NOON, &["repack", "-q", "-a", "-d"]);
    one.git(NOON, &["commit-graph", "write", "--reachable"]);
    let graph = one.path(".git/objects/info/commit-graph");
    let forge = |path: &Path, from: &[u8], to: &[u8]| {
        let mut bytes = fs::read(path).expect("a file");
        let at = bytes.windows(from.len()).position(|some| some == from);
        let at = at.expect("it is in there");
        bytes[at..at + to.len()].copy_from_slice(to);
        // Git checks its own sum, so the forger does it right.
        let body = bytes.len() - 20;
        let sum = sha1(&one, &bytes[..body]);
        bytes[body..].copy_from_slice(&sum);
        fs::remove_file(path).expect("it may be replaced");
        fs::write(path, bytes).expect("a file");
    };
    // The second commit is dated early: the low 32 bits of its date, as the graph has them.
    let (late, early) = ((NOON + 5 * DAY) as u32, (NOON - DAY) as u32);
    forge(&graph, &late.to_be_bytes(), &early.to_be_bytes());
    let told = one.git(NOON, &["log", "-1", "--format=%ct"]);
    let believes = one.git(NOON, &["rev-list", "-1", "--timestamp", "HEAD"]);
    assert!(
        believes.starts_with(&(NOON - DAY).to_string()) || told == (NOON - DAY).to_string(),
        "git doesn't look at the graph: {told}, {believes}"
    );
    assert_eq!(one.text(&Revision::Deadline(NOON)), "// 1");
    assert_eq!(one.text(&Revision::Head), "// 2");
    // Nor does one that is nonsense stop anybody.
    fs::write(&graph, "no graph").expect("a file");
    assert_eq!(one.text(&Revision::Head), "// 2");

    // An index over all packs that sends every object to the place of another.
    one.git(NOON, &["multi-pack-index", "write"]);
    let index = one.path(".git/objects/pack/multi-pack-index");
    fs::set_permissions(&index, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("ours");
    fs::write(&index, "MIDXnonsense").expect("a file");
    assert_eq!(one.text(&Revision::Head), "// 2");
    one.git(NOON, &["multi-pack-index", "write"]);
    swap_offsets(&one, &index, b"OOFF", 8);
    assert_eq!(one.text(&Revision::Deadline(NOON)), "// 1");
}

/// A pack's own index that gives one text's name to the other text.
#[test]
fn a_forged_pack_index_is_refused() {
    let one = Repository::of(&[("// honest", NOON)]);
    one.put("exercises/sums/src/swap.rs", "// swapped");
    one.git(NOON, &["add", "--all"]);
    one.git(NOON, &["commit", "-q", "-m", "two"]);
    one.git(NOON, &["repack", "-q", "-a", "-d", "--window=0"]);
    let packs = fs::read_dir(one.path(".git/objects/pack")).expect("packs");
    let index = packs
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|end| end == "idx"))
        .expect("an index");
    let count = one
        .git(NOON, &["rev-list", "--objects", "--all"])
        .lines()
        .count();
    let ids = |name: &str| {
        one.git(
            NOON,
            &["rev-parse", &format!("HEAD:exercises/sums/src/{name}")],
        )
    };
    let (honest, swapped) = (ids("lib.rs"), ids("swap.rs"));
    // Version 2: magic, version, fan-out, the names in order, their sums, their offsets of four bytes.
    let mut bytes = fs::read(&index).expect("an index");
    let place = |id: &str| {
        let raw: Vec<u8> = (0..20)
            .map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).expect("a digit"))
            .collect();
        let names = &bytes[8 + 1024..8 + 1024 + 20 * count];
        names
            .chunks(20)
            .position(|name| name == raw)
            .expect("it is in the pack")
    };
    let offsets = 8 + 1024 + 24 * count;
    let (a, b) = (offsets + 4 * place(&honest), offsets + 4 * place(&swapped));
    for byte in 0..4 {
        bytes.swap(a + byte, b + byte);
    }
    let body = bytes.len() - 20;
    let sum = sha1(&one, &bytes[..body]);
    bytes[body..].copy_from_slice(&sum);
    fs::remove_file(&index).expect("it may be replaced");
    fs::write(&index, bytes).expect("an index");
    // A git that trusts it shows the wrong text, or notices when it reads.
    let read = one.read(&Revision::Head);
    assert!(
        read.as_ref().is_err() || read.as_ref().is_ok_and(|(_, text)| text == "// honest"),
        "{read:?}"
    );
}

/// A file that says that history begins later than it does: late work below it isn't seen, and the instructor is told.
#[test]
fn a_shallow_history_is_told_at_a_deadline() {
    let one = Repository::of(&[
        ("// 1", NOON),
        ("// late", NOON + 5 * DAY),
        ("// late, too", NOON - DAY),
    ]);
    let tip = one.git(NOON, &["rev-parse", "HEAD"]);
    one.put(".git/shallow", &format!("{tip}\n"));
    let (commit, text) = one.read(&Revision::Deadline(NOON)).expect("the tip alone");
    assert_eq!(text, "// late, too");
    let note = commit.note.expect("an instructor is told");
    assert!(note.contains("shallow"), "{note}");
}

/// The SHA-1 of these bytes, by a git hash of a file that needs none of git's own headers.
fn sha1(one: &Repository, bytes: &[u8]) -> Vec<u8> {
    let path = one.path("sum");
    fs::write(&path, bytes).expect("a file");
    let output = Command::new("sha1sum")
        .arg(&path)
        .output()
        .expect("sha1sum starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (0..20)
        .map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).expect("a digit"))
        .collect()
}

/// Swaps the first two entries of a chunk, which then lie about where their objects are.
fn swap_offsets(one: &Repository, index: &Path, chunk: &[u8; 4], width: usize) {
    let mut bytes = fs::read(index).expect("an index");
    let entry = bytes
        .windows(4)
        .position(|some| some == chunk)
        .expect("a chunk");
    let at = u64::from_be_bytes(
        bytes[entry + 4..entry + 12]
            .try_into()
            .expect("eight bytes"),
    );
    let at = usize::try_from(at).expect("a small file");
    for byte in 0..width {
        bytes.swap(at + byte, at + width + byte);
    }
    let body = bytes.len() - 20;
    let sum = sha1(one, &bytes[..body]);
    bytes[body..].copy_from_slice(&sum);
    fs::remove_file(index).expect("it may be replaced");
    fs::write(index, bytes).expect("an index");
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
        let (commit, sources) = super::read(&one.path(kind), &Revision::Head, &["sums"], sandbox())
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(sources["sums"].get("lib.rs"), Some("// 2"), "{kind}");
        assert_eq!(commit.committer_date, "2026-11-21T12:00:00Z");
    }
}

#[test]
fn a_path_may_be_odd_and_the_repository_stays_as_it_is() {
    let one = Repository::of(&[("// 1", NOON)]);
    let odd = one.path("a:b \"c\" \\d");
    fs::create_dir(&odd).expect("a folder");
    fs::rename(one.path(".git"), odd.join(".git")).expect("moved");
    let objects = || {
        let (mut files, mut bytes) = (0, 0);
        look_through(&odd.join(".git/objects"), &mut files, &mut bytes).expect("it can be read");
        (files, bytes)
    };
    let before = objects();
    let read = super::read(&odd, &Revision::Head, &["sums"], sandbox());
    let (_, sources) = read.expect("it can be read");
    assert_eq!(sources["sums"].get("lib.rs"), Some("// 1"));
    assert_eq!(objects(), before);
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
