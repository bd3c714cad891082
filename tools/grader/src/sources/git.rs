//! A git repository as a submission: the sources at a commit, or at the last commit before a deadline.
//!
//! Nothing in the repository is trusted. Git never sees its folder: not its configuration, hooks, attributes, grafts, replaced
//! objects or refs. A private repository takes the history over, as a fetch would, and computes the name of each object anew,
//! so a tampered pack or commit graph can't put other content under a commit's name. Files are read as they are stored: no
//! filter, no line-end conversion, no submodule, no symlink. Git runs in the sandbox that it is given, since it parses what a stranger
//! wrote: it sees their objects for reading, our repository, and nothing else of the machine.
//!
//! **Which date counts**: the committer's, which the learner's machine wrote. Only the server that got a push knows when it came.

#[cfg(test)]
mod tests;

use super::{
    FILE_SIZE, Sources, SourcesError,
    archive::{Collector, Kind},
    read_error, rejected,
};
use crate::{
    sandbox::{Compiler, Contained, Sandbox},
    stop::Stop,
    text::printable,
};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    ops::ControlFlow,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::OpenOptionsExt,
    },
    path::{Component, Path, PathBuf},
    process::Command,
    time::Duration,
};
use supervise::{End, Keep, Options};

/// The largest object database, in bytes, and the largest pack made of it.
const OBJECTS_SIZE: u64 = 512 << 20;
/// The most files in it.
const OBJECTS: usize = 100_000;
/// The longest history.
const COMMITS: usize = 20_000;
/// How long git may take for a step.
const DEADLINE: Duration = Duration::from_secs(60);

/// Which commit of a repository is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// What `HEAD` names.
    Head,
    /// A commit by its hash, or a branch or tag by its name.
    At(String),
    /// The last commit before a moment, in seconds since 1970, on the branch that `HEAD` names.
    Deadline(i64),
}

impl Revision {
    /// A deadline as RFC 3339 writes it: `2026-11-20T23:59:59+01:00`.
    ///
    /// # Errors
    /// When it is something else: the message says what is missing.
    pub fn deadline(text: &str) -> Result<Self, String> {
        chrono::DateTime::parse_from_rfc3339(text)
            .map(|time| Self::Deadline(time.timestamp()))
            .map_err(|error| {
                format!("{error} (write date, time and offset, as 2026-11-20T23:59:59+01:00)")
            })
    }
}

/// The commit that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its hash.
    pub id: String,
    /// The committer's date, which the learner's machine wrote: RFC 3339, UTC.
    pub committer_date: String,
    /// What an instructor should know about the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whether a folder is a repository, bare or not.
#[must_use]
pub fn is_repository(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(".git")).is_ok() || is_bare(folder)
}

fn is_bare(folder: &Path) -> bool {
    ["HEAD", "objects", "refs"]
        .iter()
        .all(|name| fs::symlink_metadata(folder.join(name)).is_ok())
}

/// The sources of each exercise that `slugs` names, at a revision.
///
/// # Errors
/// When there is no such commit, the repository breaks a rule, or git fails.
pub fn read(
    folder: &Path,
    revision: &Revision,
    slugs: &[&str],
    sandbox: &Sandbox,
) -> Result<(Commit, BTreeMap<String, Sources>), SourcesError> {
    let theirs = Untrusted::open(folder)?;
    let (tip, short) = theirs.tip(revision)?;
    let ours = Private::take_over(&theirs, &tip, sandbox)?;
    let history = ours.history(&tip)?;
    let commit = match revision {
        Revision::Head | Revision::At(_) => ours.resolve(&tip, short.as_deref(), &history)?,
        Revision::Deadline(deadline) => {
            let mut commit = last_before(&history, &tip, *deadline)?;
            // Whoever hands in the folder may have written that file: late work could hide below its line.
            if theirs.text("shallow")?.is_some() {
                let note = commit.note.map_or(String::new(), |note| note + "; ");
                commit.note = Some(note + "the history is shallow: what is below it has no dates");
            }
            commit
        }
    };
    let sources = ours.sources(&commit.id, slugs)?;
    Ok((commit, sources))
}

/// The repository of a learner: files, read without following links.
struct Untrusted {
    git: PathBuf,
}

impl Untrusted {
    fn open(folder: &Path) -> Result<Self, SourcesError> {
        let dot = folder.join(".git");
        let git = match fs::symlink_metadata(&dot) {
            Ok(found) if found.is_dir() => dot,
            Ok(_) => {
                return Err(rejected(
                    ".git is no folder: a worktree or a submodule has its history elsewhere (clone it)"
                        .to_owned(),
                ));
            }
            Err(_) if is_bare(folder) => folder.to_owned(),
            Err(cause) => return Err(read_error(&dot, cause)),
        };
        for elsewhere in [
            "commondir",
            "objects/info/alternates",
            "objects/info/http-alternates",
        ] {
            if fs::symlink_metadata(git.join(elsewhere)).is_ok() {
                return Err(rejected(format!(
                    "{elsewhere}: a part of the repository is elsewhere (clone it)"
                )));
            }
        }
        if fs::symlink_metadata(git.join("reftable")).is_ok() {
            return Err(rejected(
                "its refs are in a reftable, which is not supported (clone it with --ref-format=files)".to_owned(),
            ));
        }
        let (mut files, mut bytes) = (0, 0);
        look_through(&git.join("objects"), &mut files, &mut bytes)?;
        Ok(Self { git })
    }

    /// The text of a small file, or none if it is missing.
    fn text(&self, inside: &str) -> Result<Option<String>, SourcesError> {
        let mut path = self.git.clone();
        for part in Path::new(inside).components() {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_symlink() => {
                    return Err(rejected(format!("{} is a symlink", printable(inside))));
                }
                Ok(_) => {}
                Err(_) => return Ok(None),
            }
        }
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .map_err(|cause| read_error(&path, cause))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Ok(None);
        }
        let mut text = String::new();
        match file.take(4 << 20).read_to_string(&mut text) {
            Ok(_) => Ok(Some(text)),
            Err(_) => Err(rejected(format!("{} is no text", printable(inside)))),
        }
    }

    /// The hash that a ref holds. A ref may name another one, as `HEAD` does.
    fn follow(&self, name: &str) -> Result<Option<String>, SourcesError> {
        let mut name = name.to_owned();
        for _ in 0..5 {
            let is_plain = |part| matches!(part, Component::Normal(_));
            if !Path::new(&name).components().all(is_plain) || name.contains('\0') {
                return Ok(None);
            }
            let Some(text) = self.text(&name)? else {
                return self.packed(&name);
            };
            match text.trim().strip_prefix("ref: ") {
                Some(next) if next.starts_with("refs/") => next.clone_into(&mut name),
                _ => return Ok(hash(text.trim())),
            }
        }
        Ok(None)
    }

    fn packed(&self, name: &str) -> Result<Option<String>, SourcesError> {
        let all = self.text("packed-refs")?.unwrap_or_default();
        let mut refs = all.lines().filter_map(|line| line.split_once(' '));
        Ok(refs
            .find(|(_, found)| *found == name)
            .and_then(|(id, _)| hash(id)))
    }

    /// Where the history begins that has to be taken over; and the beginning of the hash to look for in it, if that is all that
    /// was given.
    fn tip(&self, revision: &Revision) -> Result<(String, Option<String>), SourcesError> {
        let head = || {
            let head = self.follow("HEAD")?;
            head.ok_or_else(|| rejected("the repository has no commit".to_owned()))
        };
        let Revision::At(wanted) = revision else {
            return Ok((head()?, None));
        };
        for name in [
            format!("refs/heads/{wanted}"),
            format!("refs/tags/{wanted}"),
            format!("refs/remotes/origin/{wanted}"),
        ] {
            if let Some(id) = self.follow(&name)? {
                return Ok((id, None));
            }
        }
        if let Some(id) = hash(wanted) {
            return Ok((id, None));
        }
        if wanted.len() >= 7 && wanted.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Ok((head()?, Some(wanted.to_ascii_lowercase())));
        }
        Err(no_commit(wanted))
    }
}

/// Checks that the object database consists of regular files in folders, and isn't huge.
fn look_through(folder: &Path, files: &mut usize, bytes: &mut u64) -> Result<(), SourcesError> {
    for entry in fs::read_dir(folder).map_err(|cause| read_error(folder, cause))? {
        let entry = entry.map_err(|cause| read_error(folder, cause))?;
        let path = entry.path();
        let found = fs::symlink_metadata(&path).map_err(|cause| read_error(&path, cause))?;
        *files += 1;
        *bytes += found.len();
        if *files > OBJECTS || *bytes > OBJECTS_SIZE {
            let most = OBJECTS_SIZE >> 20;
            return Err(rejected(format!(
                "the repository is larger than {most} MiB or {OBJECTS} files"
            )));
        }
        if found.is_dir() {
            look_through(&path, files, bytes)?;
        } else if !found.is_file() {
            return Err(rejected(format!(
                "{} in the repository's objects is not a file",
                printable(&entry.file_name().to_string_lossy())
            )));
        }
    }
    Ok(())
}

fn no_commit(name: &str) -> SourcesError {
    rejected(format!("it has no commit {}", printable(name)))
}

/// The text, if it is a full hash: 40 hexadecimal digits, or 64.
fn hash(text: &str) -> Option<String> {
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|c| c.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}

/// A commit of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    time: i64,
    id: String,
    parents: Vec<String>,
}

/// A repository of our own, removed when dropped.
struct Private<'a> {
    folder: tempfile::TempDir,
    /// Where git runs.
    sandbox: &'a Sandbox,
    /// What git reads beside it.
    theirs: PathBuf,
}

impl<'a> Private<'a> {
    /// Copies the history below `tip`, and names each object anew.
    fn take_over(
        theirs: &Untrusted,
        tip: &str,
        sandbox: &'a Sandbox,
    ) -> Result<Self, SourcesError> {
        let folder = tempfile::Builder::new().prefix("course-git-").tempdir();
        let ours = Self {
            folder: folder.map_err(|cause| read_error(&std::env::temp_dir(), cause))?,
            sandbox,
            theirs: theirs.git.join("objects"),
        };
        let put = |inside: &str, text: &str| {
            let path = ours.folder.path().join(inside);
            fs::write(&path, text).map_err(|cause| read_error(&path, cause))
        };
        for inside in ["objects/pack", "objects/info", "refs/heads", "taken"] {
            let path = ours.folder.path().join(inside);
            fs::create_dir_all(&path).map_err(|cause| read_error(&path, cause))?;
        }
        let format = match tip.len() {
            64 => "repositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n[core]\n",
            _ => "repositoryformatversion = 0\n",
        };
        // A commit graph or an index over packs of the learner's may lie.
        let rest = "bare = true\ncommitGraph = false\nmultiPackIndex = false\n";
        put("config", &format!("[core]\n{format}{rest}"))?;
        put("HEAD", "ref: refs/heads/main\n")?;
        put("tip", &format!("{tip}\n"))?;
        if let Some(shallow) = theirs.text("shallow")? {
            let lines: Vec<_> = shallow.lines().filter_map(hash).collect();
            put("shallow", &(lines.join("\n") + "\n"))?;
        }
        let mut pack = ours.shell("exec git pack-objects -q --revs --window=0 taken/pack < tip")?;
        // Objects are read there; what git writes meanwhile is ours.
        let from = quoted(&ours.theirs);
        pack.command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", from);
        let name = ours.run(pack)?;
        let name = name.trim();
        let taken = ours.folder.path().join("taken");
        let from = taken.join(format!("pack-{name}.pack"));
        let index = ours.folder.path().join("objects/pack/pack-1.idx");
        let to = index.with_extension("pack");
        fs::rename(&from, &to).map_err(|cause| read_error(&from, cause))?;
        let mut reindex = ours.git(&["index-pack", "-o"])?;
        reindex.command.arg(&index).arg(&to);
        ours.run(reindex)?;
        let _ = fs::remove_dir_all(taken);
        Ok(ours)
    }

    fn git(&self, args: &[&str]) -> Result<Contained, SourcesError> {
        self.prepare("git", args)
    }

    fn shell(&self, script: &str) -> Result<Contained, SourcesError> {
        self.prepare("sh", &["-c", script])
    }

    fn prepare(&self, program: &str, args: &[&str]) -> Result<Contained, SourcesError> {
        let mut contained = self
            .sandbox
            .compiler(&Compiler {
                program: program.into(),
                readable: vec![self.theirs.clone()],
                writable: vec![self.folder.path().to_owned()],
                hidden: Vec::new(),
                visible: Vec::new(),
            })
            .map_err(|cause| read_error(self.folder.path(), cause))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        contained
            .command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .env("GIT_DIR", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        Ok(contained)
    }

    /// Runs git to its end, within limits. What it prints is returned.
    fn run(&self, mut contained: Contained) -> Result<String, SourcesError> {
        let command = std::mem::replace(&mut contained.command, Command::new("true"));
        let mut options = Options::new(DEADLINE);
        options.stdout = Keep::First(16 << 20);
        options.flood = Some(16 << 20);
        options.limits.memory = Some(2 << 30);
        options.limits.file_size = Some(OBJECTS_SIZE);
        options.sweep = false;
        let go_on = |_, _: &str| ControlFlow::Continue(());
        let outcome = supervise::run(command, &options, &Stop::new(), go_on).map_err(|cause| {
            let cause = io::Error::new(cause.kind(), format!("{cause} (is git installed?)"));
            read_error(Path::new("git"), cause)
        })?;
        if outcome.end.is_success() {
            return Ok(outcome.stdout.text());
        }
        // A slow machine costs nobody a mark.
        if let End::TimeUp(_) = outcome.end {
            return Err(read_error(
                self.folder.path(),
                io::ErrorKind::TimedOut.into(),
            ));
        }
        let said = outcome.stderr.text();
        let why = said.lines().find(|line| !line.trim().is_empty());
        let why = why.map_or_else(|| outcome.end.to_string(), printable);
        Err(rejected(format!("git can't read the repository: {why}")))
    }

    /// The commits, each after all of its children.
    fn history(&self, tip: &str) -> Result<Vec<Node>, SourcesError> {
        let most = format!("--max-count={}", COMMITS + 1);
        let mut command = self.git(&[
            "rev-list",
            "--timestamp",
            "--parents",
            "--topo-order",
            &most,
        ])?;
        // A tag that isn't of a commit has no history.
        command.command.args([tip, "--"]);
        let text = self.run(command)?;
        let nodes: Vec<Node> = text.lines().filter_map(node).collect();
        if nodes.is_empty() {
            return Err(rejected("it is no commit".to_owned()));
        }
        if nodes.len() > COMMITS {
            return Err(rejected(format!(
                "its history has more than {COMMITS} commits"
            )));
        }
        Ok(nodes)
    }

    /// The commit that the tip is, or a tag's commit; with `short`, the one of its history whose hash begins so.
    fn resolve(
        &self,
        tip: &str,
        short: Option<&str>,
        history: &[Node],
    ) -> Result<Commit, SourcesError> {
        if let Some(short) = short {
            let mut named = history.iter().filter(|node| node.id.starts_with(short));
            return match (named.next(), named.next()) {
                (Some(one), None) => Ok(commit(one, None)),
                (None, _) => Err(no_commit(short)),
                _ => Err(rejected(format!("{short} names more than one commit"))),
            };
        }
        let mut command = self.git(&["rev-parse", "--verify", "--quiet", "--end-of-options"])?;
        command.command.arg(format!("{tip}^{{commit}}"));
        let id = self.run(command)?;
        let found = history.iter().find(|node| node.id == id.trim());
        found
            .map(|node| commit(node, None))
            .ok_or_else(|| no_commit(tip))
    }

    /// The sources at a commit, by the same rules as those of an archive.
    fn sources(
        &self,
        commit: &str,
        slugs: &[&str],
    ) -> Result<BTreeMap<String, Sources>, SourcesError> {
        let listed =
            self.run(self.git(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit])?)?;
        let mut collector = Collector::new(slugs);
        for entry in listed.split_terminator('\0') {
            let Some((facts, name)) = entry.split_once('\t') else {
                continue;
            };
            if collector.place(Path::new(name)).is_none() {
                continue;
            }
            let mut facts = facts.split_ascii_whitespace();
            let (mode, _, id, size) = (facts.next(), facts.next(), facts.next(), facts.next());
            let kind = match mode {
                Some("100644" | "100755" | "100664") => Kind::File,
                Some("120000") => Kind::Symlink,
                _ => Kind::Special,
            };
            let size = size.and_then(|size| size.parse().ok()).unwrap_or(0_u64);
            let is_source = kind == Kind::File && name.ends_with(".rs");
            let content = match id {
                Some(id) if is_source && size <= FILE_SIZE => self.blob(id)?,
                // One byte too much is enough to be refused.
                _ if is_source => vec![b' '; FILE_SIZE as usize + 1],
                _ => Vec::new(),
            };
            collector.add(name, kind, &mut content.as_slice())?;
        }
        collector.finish()
    }

    /// The bytes of a file as they are stored.
    fn blob(&self, id: &str) -> Result<Vec<u8>, SourcesError> {
        let id = hash(id).ok_or_else(|| rejected("git lists no hash".to_owned()))?;
        self.run(self.shell(&format!("exec git cat-file blob {id} > blob"))?)?;
        let path = self.folder.path().join("blob");
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(FILE_SIZE + 1).read_to_end(&mut bytes))
            .map_err(|cause| read_error(&path, cause))?;
        Ok(bytes)
    }
}

/// A path in double quotes, as git unquotes it: a colon would end it otherwise.
fn quoted(path: &Path) -> OsString {
    let mut bytes = vec![b'"'];
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'"' | b'\\' => bytes.extend([b'\\', byte]),
            b'\n' => bytes.extend(b"\\n"),
            _ => bytes.push(byte),
        }
    }
    bytes.push(b'"');
    OsString::from_vec(bytes)
}

/// A line of `rev-list --timestamp --parents`.
fn node(line: &str) -> Option<Node> {
    let mut parts = line.split(' ');
    Some(Node {
        time: parts.next()?.parse().ok()?,
        id: hash(parts.next()?)?,
        parents: parts.filter_map(hash).collect(),
    })
}

fn commit(node: &Node, note: Option<String>) -> Commit {
    Commit {
        id: node.id.clone(),
        committer_date: date(node.time),
        note,
    }
}

fn date(time: i64) -> String {
    chrono::DateTime::from_timestamp(time, 0).map_or_else(
        || format!("{time} s after 1970"),
        |time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    )
}

/// The first commit, from the tip along first parents, that is dated before the deadline and has no ancestor dated after it.
/// Work that was dated late doesn't get in as the ancestor of a commit that was dated early.
fn last_before(history: &[Node], tip: &str, deadline: i64) -> Result<Commit, SourcesError> {
    let nodes: HashMap<&str, &Node> = history.iter().map(|node| (&*node.id, node)).collect();
    // Parents come last, so that in reverse each one is known before its children ask.
    let mut latest: HashMap<&str, i64> = HashMap::new();
    for node in history.iter().rev() {
        let known = node.parents.iter().filter_map(|id| latest.get(&**id));
        let time = known.copied().chain([node.time]).max();
        latest.insert(&node.id, time.unwrap_or(node.time));
    }
    // A tag's commit is the first of the list.
    let first = nodes.get(tip).copied().or(history.first());
    let mut at = first;
    let (mut passed, mut lies) = (0, false);
    while let Some(node) = at {
        let is_early = node.time <= deadline;
        if is_early && latest.get(&*node.id).is_some_and(|time| *time <= deadline) {
            let mut notes = Vec::new();
            if passed > 0 {
                notes.push(format!("{passed} later on its branch left out"));
            }
            let backwards = |child: &&Node| {
                let parents = child.parents.iter().filter_map(|id| nodes.get(&**id));
                parents.into_iter().any(|parent| parent.time > child.time)
            };
            if lies || history.iter().any(|node| backwards(&node)) {
                notes.push("dates run backwards: look at its history".to_owned());
            }
            let note = (!notes.is_empty()).then(|| notes.join("; "));
            return Ok(commit(node, note));
        }
        lies |= is_early;
        passed += 1;
        at = node
            .parents
            .first()
            .and_then(|id| nodes.get(&**id))
            .copied();
    }
    let first = history.iter().map(|node| node.time).min().unwrap_or(0);
    Err(rejected(format!(
        "no commit before the deadline: the earliest is dated {} by its committer",
        date(first)
    )))
}
