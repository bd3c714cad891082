//! `cargo course watch`: checks on every save.

use crate::{
    check,
    reader::{Reader, joined, steps_of},
    text::{self, DIM, outln},
};
use anyhow::{Context, Result};
use grader::stop::Stop;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

/// How often the files are looked at: a dozen `stat` calls, cheaper than a watcher that every editor confuses in its own way.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What `cargo course watch` is asked.
#[derive(clap::Args)]
pub struct Args {
    /// The chapter or the step, such as `memory` or `lost_updates`; without it, the chapter whose file you save. Until
    /// the first save: the chapter of the current folder, else the one you edited last, else the first one not finished.
    ///
    /// A step may follow its chapter, as in `gil lock`.
    #[arg(num_args = 0..=2)]
    what: Vec<String>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let signal = Stop::on_signals().context("cannot catch Ctrl-C")?;
    // An unknown name or a broken progress file ends the command now; later errors are shown and waited out.
    let named = joined(&args.what);
    Reader::open(root)?.named(named.as_deref())?;
    let mut last: Option<Seen> = None;
    let mut followed: Option<String> = None; // the chapter whose file was saved last
    while !signal.is_requested() && !text::output_failed() {
        let seen = look(root);
        let saved = last
            .as_ref()
            .map_or(Vec::new(), |last| changed(last, &seen));
        if let Some(chapter) = saved.last().and_then(|path| chapter_of(root, path)) {
            followed = Some(chapter);
        }
        let saved = match &saved[..] {
            [path] => Some(path.as_path()),
            _ => None, // of several, none says where the reader is
        };
        last = Some(seen.clone());
        clear_screen();
        let finished = until_saved(root, &seen, &signal, |stop| {
            let what = named.as_deref().or(followed.as_deref());
            once(root, what, saved, stop)
        });
        match finished {
            Ok(None) => continue, // interrupted by a save, or by Ctrl-C
            Ok(Some(_)) => {}
            Err(error) => outln!("error: {error:#}"),
        }
        outln!("{DIM}Waiting for the next save; Ctrl-C ends.{DIM:#}");
        while !signal.is_requested() && look(root) == seen {
            thread::sleep(POLL_INTERVAL);
        }
    }
    outln!("");
    Ok(ExitCode::SUCCESS)
}

/// One check of what was asked for, or of the chapter at hand, which may be another one after each save. The step whose
/// file was saved comes first, else the next one to solve.
fn once(
    root: &Path,
    what: Option<&str>,
    saved: Option<&Path>,
    stop: &Stop,
) -> Result<Option<bool>> {
    let mut reader = Reader::open(root)?;
    let named = reader.named(what)?;
    let (slug, only) = (named.chapter().slug.clone(), named.step());
    let chapter = named.chapter();
    let edited = steps_of(chapter).find(|place| Some(reader.path(*place).as_path()) == saved);
    let at_hand = edited.or_else(|| reader.next_step(chapter));
    let at_hand = at_hand.map(|place| place.index);
    check::check(&mut reader, &slug, only, at_hand, stop)
}

/// The files that were saved, the latest last.
fn changed(before: &Seen, now: &Seen) -> Vec<PathBuf> {
    let mut changed: Vec<_> = now
        .iter()
        .filter(|(path, stamp)| before.get(*path) != Some(stamp))
        .collect();
    changed.sort_by_key(|(_, (_, modified))| *modified);
    changed.into_iter().map(|(path, _)| path.clone()).collect()
}

/// The slug of the chapter whose exercise holds this file.
fn chapter_of(root: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root.join("exercises")).ok()?;
    let slug = inside.iter().next()?.to_str()?;
    Some(slug.to_owned())
}

/// Runs `work` with a stop flag that a save or a signal sets.
fn until_saved<T>(root: &Path, seen: &Seen, signal: &Stop, work: impl FnOnce(&Stop) -> T) -> T {
    let stop = Stop::new();
    let finished = AtomicBool::new(false);
    thread::scope(|scope| {
        let guard = scope.spawn(|| {
            while !finished.load(Ordering::Relaxed) {
                if signal.is_requested() || look(root) != *seen {
                    stop.request();
                    return;
                }
                thread::park_timeout(POLL_INTERVAL);
            }
        });
        let answer = work(&stop);
        finished.store(true, Ordering::Relaxed);
        guard.thread().unpark();
        answer
    })
}

/// What is watched, and what a save changes of it.
type Seen = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// The exercises' sources and manifests. What editors leave beside them (`.x.rs.swp`, `4913`, `x.rs~`) is no save.
fn look(root: &Path) -> Seen {
    let mut seen = Seen::new();
    let exercises = fs::read_dir(root.join("exercises"))
        .into_iter()
        .flatten()
        .flatten();
    for exercise in exercises {
        note(&exercise.path().join("Cargo.toml"), &mut seen);
        walk(&exercise.path().join("src"), &mut seen);
    }
    seen
}

fn walk(folder: &Path, seen: &mut Seen) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, seen);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            note(&path, seen);
        }
    }
}

fn note(path: &Path, seen: &mut Seen) {
    if let Ok(metadata) = fs::metadata(path) {
        seen.insert(path.to_owned(), (metadata.len(), metadata.modified().ok()));
    }
}

fn clear_screen() {
    if text::can_clear_stdout() {
        // The window, not what was scrolled away: that is the reader's.
        text::print(format_args!("\x1b[2J\x1b[H"));
    } else {
        outln!("{DIM}----{DIM:#}");
    }
}
