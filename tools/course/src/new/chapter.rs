//! Begins a chapter: one slug, all its places.

use crate::text::errln;
use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;
use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// What `cargo course new chapter` is asked.
#[derive(clap::Args)]
pub struct Args {
    /// The one word for the chapter everywhere, such as `ipc` or `crash_isolation`.
    pub slug: String,

    /// Its title; without it, that of the draft in src/SUMMARY.md whose title holds the slug.
    #[arg(long)]
    title: Option<String>,

    /// The name of its first step, a Rust module.
    #[arg(long, default_value = "first")]
    step: String,
}

/// Each file of a new chapter, and what it begins with. In both, `@NAME@` stands for a name.
const FILES: [(&str, &str); 21] = [
    ("src/@SLUG@.md", include_str!("chapter/chapter.md")),
    (
        "src/@SLUG@/exercise.md",
        include_str!("chapter/exercise.md"),
    ),
    (
        "src/@SLUG@/recall.toml",
        include_str!("chapter/recall.toml"),
    ),
    (
        "src/@SLUG@/evidence.toml",
        include_str!("chapter/evidence.toml"),
    ),
    ("src/@SLUG@/first.py", include_str!("chapter/listing.py")),
    (
        "exercises/@SLUG@/Cargo.toml",
        include_str!("chapter/package.toml"),
    ),
    (
        "exercises/@SLUG@/hints.md",
        include_str!("chapter/hints.md"),
    ),
    (
        "exercises/@SLUG@/src/lib.rs",
        include_str!("chapter/lib.rs"),
    ),
    (
        "exercises/@SLUG@/src/@STEP@.rs",
        include_str!("chapter/starter.rs"),
    ),
    (
        "tests/starters/@SLUG@/lib.rs",
        include_str!("chapter/lib.rs"),
    ),
    (
        "tests/starters/@SLUG@/@STEP@.rs",
        include_str!("chapter/starter.rs"),
    ),
    (
        "solutions/@SLUG@/Cargo.toml",
        include_str!("chapter/package.toml"),
    ),
    (
        "solutions/@SLUG@/src/lib.rs",
        include_str!("chapter/lib.rs"),
    ),
    (
        "solutions/@SLUG@/src/@STEP@.rs",
        include_str!("chapter/solution.rs"),
    ),
    ("tests/@SLUG@.rs", include_str!("chapter/glue.rs")),
    (
        "tests/@SLUG@/Cargo.toml",
        include_str!("chapter/tests.toml"),
    ),
    ("tests/@SLUG@/lib.rs", include_str!("chapter/tests_lib.rs")),
    (
        "tests/@SLUG@/@STEP@.rs",
        include_str!("chapter/tests_step.rs"),
    ),
    (
        "tests/@SLUG@/sentences.md",
        include_str!("chapter/sentences.md"),
    ),
    ("tests/benches/@SLUG@.rs", include_str!("chapter/bench.rs")),
    (
        "tests/wrong/@SLUG@/the_number_itself.rs",
        include_str!("chapter/wrong.rs"),
    ),
];

const SUMMARY: &str = "src/SUMMARY.md";
const MANIFEST: &str = "Cargo.toml";
/// Below this line of the manifest, each chapter has one. Cargo knows no pattern for members of a workspace.
const PROFILES: &str = "# The judge's side of each chapter.\n";

/// Names that a Rust module or package cannot have, or that would hide another.
const RESERVED: [&str; 14] = [
    "core", "std", "alloc", "test", "self", "super", "crate", "mod", "fn", "use", "type", "loop",
    "match", "move",
];

/// Writes every file of the chapter and links it in the summary. Returns the paths that were written.
///
/// Nothing is overwritten: if one of the places is taken, nothing is written.
pub fn create(root: &Path, args: &Args) -> Result<Vec<PathBuf>> {
    let Args { slug, title, step } = args;
    for (what, name) in [("slug", slug), ("step", step)] {
        check_name(what, name)?;
    }
    let summary = fs::read_to_string(root.join(SUMMARY))
        .with_context(|| format!("cannot read {SUMMARY} (is this the folder of the course?)"))?;
    let (summary, title) = link(&summary, slug, title.as_deref())?;
    let manifest = fs::read_to_string(root.join(MANIFEST))
        .with_context(|| format!("cannot read {MANIFEST}"))?;
    let manifest = optimize(&manifest, slug)?;
    let step_title = step.replace('_', " ");
    let fill = |text: &str| {
        text.replace("@SLUG@", slug)
            .replace("@STEP@", step)
            .replace("@TITLE@", &title)
            .replace("@STEP_TITLE@", &step_title)
            .replace("@STEP_ID@", &step_title.replace(' ', "-"))
    };
    let files = FILES.map(|(path, text)| (PathBuf::from(fill(path)), fill(text)));
    if let Some((taken, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        bail!(
            "{} exists (remove it or choose another slug; nothing was written)",
            taken.display()
        );
    }
    check_package(root, slug)?;
    let mut written = Vec::new();
    for (path, text) in &files {
        if let Err(error) = write_new(&root.join(path), text) {
            for path in &written {
                let _ = fs::remove_file(root.join(path)); // all or nothing
            }
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
        written.push(path.clone());
    }
    files::write::write_atomic(&root.join(SUMMARY), summary.as_bytes())
        .with_context(|| format!("cannot write {SUMMARY}"))?;
    written.push(SUMMARY.into());
    files::write::write_atomic(&root.join(MANIFEST), manifest.as_bytes())
        .with_context(|| format!("cannot write {MANIFEST}"))?;
    written.push(MANIFEST.into());
    written.extend(lock(root));
    Ok(written)
}

fn check_name(what: &str, name: &str) -> Result<()> {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_lowercase());
    let rest = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !(first && rest) || RESERVED.contains(&name) {
        bail!(
            "`{name}` cannot be a {what} (give a Rust module's name: small letters, digits and `_`, as in `crash_isolation`)"
        );
    }
    Ok(())
}

/// One workspace cannot hold two packages of one name.
fn check_package(root: &Path, slug: &str) -> Result<()> {
    let manifests = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace")?;
    let tests = format!("{slug}_tests");
    match manifests
        .packages
        .iter()
        .find(|package| *package.name == slug || *package.name == tests)
    {
        Some(package) => bail!(
            "a package is called `{}` already, in {} (choose another slug)",
            package.name,
            package.manifest_path
        ),
        None => Ok(()),
    }
}

/// The manifest, with a line that has the judge's side of the chapter optimized.
fn optimize(manifest: &str, slug: &str) -> Result<String> {
    let Some(at) = manifest.find(PROFILES) else {
        bail!(
            "{MANIFEST} has no line `{}` (put one into [profile.dev.package])",
            PROFILES.trim_end()
        );
    };
    let (before, after) = manifest.split_at(at + PROFILES.len());
    Ok(format!("{before}{slug}_tests.opt-level = 1\n{after}"))
}

/// The summary with the chapter in it, and the chapter's title: a draft becomes its line, or it comes after the last
/// chapter.
fn link(summary: &str, slug: &str, title: Option<&str>) -> Result<(String, String)> {
    if summary.contains(&format!("]({slug}.md)")) {
        bail!("{SUMMARY} has a link to {slug}.md already (choose another slug)");
    }
    let word = slug.replace('_', " ");
    let draft = |line: &str| {
        let title = line.trim().strip_prefix("- [")?.strip_suffix("]()")?;
        Some(title.to_owned())
    };
    let is_ours = |found: &str| match title {
        Some(title) => found == title,
        None => found.to_lowercase().contains(&word),
    };
    let mut drafts = summary
        .lines()
        .filter_map(draft)
        .filter(|found| is_ours(found));
    let (found, another) = (drafts.next(), drafts.next());
    let title = match (title, &found) {
        (Some(title), _) => title.to_owned(),
        (None, Some(found)) if another.is_none() => found.clone(),
        _ => bail!(
            "no draft in {SUMMARY} has a title that contains `{word}` (give one with --title)"
        ),
    };
    let entry = format!("- [{title}]({slug}.md)\n  - [Exercise: {title}]({slug}/exercise.md)");
    let mut lines: Vec<&str> = summary.lines().collect();
    let place = lines
        .iter()
        .position(|line| draft(line).as_ref() == Some(&title));
    match place {
        Some(place) => lines[place] = &entry,
        None => {
            let is_item = |line: &&str| line.trim_start().starts_with("- ");
            let after = lines
                .iter()
                .rposition(is_item)
                .map_or(lines.len(), |at| at + 1);
            lines.insert(after, &entry);
        }
    }
    Ok((lines.join("\n") + "\n", title))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Enters the new packages into the lock files, as the next build would: the grader builds with `--locked`.
fn lock(root: &Path) -> Vec<PathBuf> {
    let mut changed = Vec::new();
    for folder in ["", "solutions"] {
        let lock = Path::new(folder).join("Cargo.lock");
        let before = fs::read(root.join(&lock)).ok();
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["update", "--workspace", "--offline", "--quiet"])
            .current_dir(root.join(folder));
        if !cargo.status().is_ok_and(|status| status.success()) {
            errln!(
                "warning: cannot bring {} up to date; the next `cargo build` in its folder will",
                lock.display()
            );
        }
        if fs::read(root.join(&lock)).ok() != before {
            changed.push(lock);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Summary\n\n[Introduction](introduction.md)\n\n- [Memory](memory.md)\n- [IPC: across the wall]()\n- [Crash isolation: who dies?]()\n\n---\n\n[End](end.md)\n";

    #[test]
    fn a_draft_becomes_the_chapter() {
        let (text, title) = link(TEXT, "crash_isolation", None).unwrap();
        assert_eq!(title, "Crash isolation: who dies?");
        let entry = "\n- [Crash isolation: who dies?](crash_isolation.md)\n  - [Exercise: Crash isolation: who dies?](crash_isolation/exercise.md)\n\n---";
        assert!(text.contains(entry), "{text}");
        let (text, _) = link(TEXT, "wall", Some("IPC: across the wall")).unwrap();
        assert!(
            text.contains("(wall.md)") && !text.contains("wall]()"),
            "{text}"
        );
    }

    #[test]
    fn without_a_draft_it_comes_after_the_last_chapter() {
        let (text, _) = link(TEXT, "gil", Some("The GIL")).unwrap();
        assert!(
            text.contains(
                "]()\n- [The GIL](gil.md)\n  - [Exercise: The GIL](gil/exercise.md)\n\n---"
            ),
            "{text}"
        );
        for (slug, says) in [("gil", "--title"), ("memory", "already")] {
            let error = link(TEXT, slug, None).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn the_judge_of_a_chapter_is_optimized() {
        let text = format!("[profile.dev.package]\n{PROFILES}ipc_tests.opt-level = 1\n");
        let text = optimize(&text, "gil").unwrap();
        assert!(text.ends_with("chapter.\ngil_tests.opt-level = 1\nipc_tests.opt-level = 1\n"));
        assert!(optimize("[workspace]\n", "gil").is_err());
    }

    #[test]
    fn a_name_that_rust_cannot_take_is_refused() {
        for name in [
            "",
            "Gil",
            "2gil",
            "use-cases",
            "a b",
            "../x",
            "std",
            "mod",
            "ü",
        ] {
            assert!(check_name("slug", name).is_err(), "{name}");
        }
        for name in ["gil", "use_cases", "step2"] {
            check_name("slug", name).unwrap();
        }
    }
}
