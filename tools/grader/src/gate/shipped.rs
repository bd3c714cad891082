//! The exercise as the course ships it: in an author's tree the files that stand there, in a reader's those of git's history.

use crate::{
    course::{Chapter, Course},
    sources::{Sources, SourcesError},
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// What the course ships of an exercise: the files of `exercises/<slug>` by their path in it.
///
/// - Unchanged since HEAD: the files as they stand.
/// - Changed: those of HEAD; the change is work in progress.
/// - HEAD holds work that the course's own branch (of the remote `upstream`, else `origin`) does not: those of the last
///   commit shared with that branch, if a step in HEAD has fewer `todo!`s than there.
/// - No git: the files as they stand, if every step has a `todo!`; otherwise nothing can be said.
///
/// In strict mode, for the course's own checks, it is HEAD, or without git the files as they stand.
#[derive(Debug)]
pub struct Shipped {
    files: Option<BTreeMap<PathBuf, Vec<u8>>>,
    note: Option<String>,
}

impl Shipped {
    /// What the course at hand ships of a chapter's exercise.
    #[must_use]
    pub fn of(course: &Course, chapter: &Chapter, strict: bool) -> Self {
        let folder = format!("exercises/{}", chapter.slug);
        let git = Git(&course.root);
        let standing = || walk(&course.root.join(&folder)).ok();
        let Some(head) = git.tree("HEAD", &folder) else {
            return match standing() {
                Some(files) if strict || !todos(chapter, &files).contains(&0) => Self {
                    files: Some(files),
                    note: None,
                },
                _ => Self {
                    files: None,
                    note: Some(
                        "skipped: the starter: no git history tells how the course ships it"
                            .to_owned(),
                    ),
                },
            };
        };
        if !strict
            && let Some(base) = git.shared_with_course()
            && let Some(files) = git.tree(&base, &folder)
            && less_to_do(&todos(chapter, &head), &todos(chapter, &files))
        {
            let note = format!(
                "work in progress: commits since {} change {folder}; judged as of that commit",
                short(&base)
            );
            return Self {
                files: Some(files),
                note: Some(note),
            };
        }
        let changed = head.iter().filter(|(path, text)| {
            fs::read(course.root.join(&folder).join(path)).ok().as_ref() != Some(text)
        });
        let changed: Vec<_> = changed
            .map(|(path, _)| path.display().to_string())
            .collect();
        let note = (!changed.is_empty()).then(|| {
            format!(
                "work in progress: {folder} differs from HEAD in {}; judged as HEAD has it",
                changed.join(", ")
            )
        });
        Self {
            files: Some(head),
            note,
        }
    }

    /// The files, by their path in the exercise's folder, in the order of the paths; none when nothing can be said.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files
            .iter()
            .flatten()
            .map(|(path, text)| (path.as_path(), text.as_slice()))
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        let bytes = self.files.as_ref()?.get(Path::new(path))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether it is known what the course ships.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.files.is_some()
    }

    /// What to tell about the choice, if it was not the plain one.
    #[must_use]
    pub fn note(&self, slug: &str) -> Option<String> {
        self.note.as_ref().map(|note| format!("{slug}: {note}"))
    }

    pub(crate) fn sources(&self) -> Result<Sources, SourcesError> {
        let refuse =
            |path: &Path| SourcesError::Rejected(format!("{} is not UTF-8 text", path.display()));
        let sources = self
            .files()
            .filter_map(|(path, text)| Some((path.strip_prefix("src").ok()?, text)));
        let sources =
            sources.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"));
        sources
            .map(|(path, text)| Ok((path, std::str::from_utf8(text).map_err(|_| refuse(path))?)))
            .collect::<Result<Vec<_>, _>>()
            .map(Sources::from_iter)
    }
}

/// How many `todo!`s each step has; a step without a file counts for nothing here.
fn todos(chapter: &Chapter, files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<usize> {
    let text = |name: &String| files.get(&PathBuf::from(format!("src/{name}.rs")));
    let texts = chapter
        .steps
        .iter()
        .filter_map(text)
        .map(|text| String::from_utf8_lossy(text));
    texts.map(|text| text.matches("todo!(").count()).collect()
}

fn less_to_do(now: &[usize], before: &[usize]) -> bool {
    now.len() == before.len() && now.iter().zip(before).any(|(now, before)| now < before)
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// The files below `folder` but for hidden ones and cargo's `target`.
pub(super) fn walk(folder: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inside))? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".")
                || name == "target"
                || name == "__pycache__"
            {
                continue;
            }
            let path = inside.join(&name);
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.insert(path, fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    Ok(files)
}

struct Git<'a>(&'a Path);

impl Git<'_> {
    fn run(&self, args: &[&str]) -> Option<Vec<u8>> {
        let mut git = Command::new("git");
        // A hook that runs the tests names its own repository, which need not be the course's.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            git.env_remove(name);
        }
        let output = git.arg("-C").arg(self.0).args(args).output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    fn line(&self, args: &[&str]) -> Option<String> {
        String::from_utf8(self.run(args)?)
            .ok()
            .map(|text| text.trim().to_owned())
    }

    /// The files that `commit` has below `folder`; none without git or without such files.
    fn tree(&self, commit: &str, folder: &str) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
        // Names relative to the course, wherever in its repository that is.
        let names = self.run(&["ls-tree", "-r", "-z", "--name-only", commit, "--", folder])?;
        let names = String::from_utf8(names).ok()?;
        let files: BTreeMap<_, _> = names
            .split_terminator('\0')
            .map(|name| {
                let text = self
                    .run(&["show", "--no-textconv", &format!("{commit}:./{name}")])
                    .unwrap_or_default();
                (
                    Path::new(name)
                        .strip_prefix(folder)
                        .unwrap_or(Path::new(name))
                        .to_owned(),
                    text,
                )
            })
            .collect();
        (!files.is_empty()).then_some(files)
    }

    /// The last commit that HEAD shares with the course's own branch.
    fn shared_with_course(&self) -> Option<String> {
        ["upstream", "origin"].iter().find_map(|remote| {
            self.line(&["merge-base", "HEAD", &format!("refs/remotes/{remote}/HEAD")])
        })
    }
}
