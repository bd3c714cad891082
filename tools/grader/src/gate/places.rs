//! One slug, all its places: the files of a chapter, and what they say of each other.

use super::{Findings, Shipped, shipped, todos};
use crate::course::{Chapter, Course};
use files::markdown::headings;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What holds for the course as a whole.
pub(super) fn look_at_course(course: &Course, found: &mut Findings) {
    for (folder, others) in [
        ("exercises", &[][..]),
        ("solutions", &["Cargo.toml", "Cargo.lock"]),
    ] {
        let known = |name: &str| {
            others.contains(&name) || course.chapters.iter().any(|chapter| chapter.slug == name)
        };
        for name in names(&course.root.join(folder))
            .into_iter()
            .filter(|name| !known(name))
        {
            found.problem(
                format_args!("{folder}/{name}"),
                "belongs to no chapter (a chapter has an exercises/<slug>/Cargo.toml)",
            );
        }
    }
    look_at_locks(course, found);
    look_at_profile(course, found);
}

/// Judges run in every test. Cargo knows no pattern for them, so each has a line.
fn look_at_profile(course: &Course, found: &mut Findings) {
    let path = "Cargo.toml";
    let Ok(manifest) = toml::from_str::<toml::Table>(&read(course, path)) else {
        return found.problem(path, "isn't TOML");
    };
    let packages = ["profile", "dev", "package"]
        .iter()
        .try_fold(&manifest, |table, key| table.get(*key)?.as_table());
    for chapter in &course.chapters {
        let name = format!("{}_tests", chapter.slug);
        let level = packages
            .and_then(|packages| packages.get(&name)?.get("opt-level")?.as_integer())
            .unwrap_or(0);
        if level < 1 {
            found.problem(
                path,
                format_args!("[profile.dev.package] needs `{name}.opt-level = 1`"),
            );
        }
    }
}

/// What a solution is built with, the course is built with: a reader meets the version that the grader uses.
fn look_at_locks(course: &Course, found: &mut Findings) {
    let mut versions = |path: &str| {
        let text = fs::read_to_string(course.root.join(path)).unwrap_or_default();
        let lock = toml::from_str::<Lock>(&text)
            .map_err(|error| found.problem(path, error.message()))
            .unwrap_or_default();
        lock.package
            .into_iter()
            .map(|package| (package.name, package.version))
            .collect::<BTreeSet<_>>()
    };
    let (course, solutions) = (versions("Cargo.lock"), versions("solutions/Cargo.lock"));
    for (name, version) in solutions.difference(&course) {
        found.problem(
            "solutions/Cargo.lock",
            format_args!(
                "{name} {version} is not what Cargo.lock has (`cargo update {name} --precise …`)"
            ),
        );
    }
}

#[derive(Default, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
}

/// What holds for one chapter.
pub(super) fn look_at_chapter(
    course: &Course,
    chapter: &Chapter,
    shipped: &Shipped,
    found: &mut Findings,
) {
    let slug = &chapter.slug;
    for path in [
        format!("src/{slug}.md"),
        format!("tests/{slug}.rs"),
        format!("tests/benches/{slug}.rs"),
    ] {
        if !course.root.join(&path).is_file() {
            found.problem(path, "is missing");
        }
    }
    if !course.root.join("src/SUMMARY.md").is_file()
        || !crate::course::order(&read(course, "src/SUMMARY.md")).contains(slug)
    {
        found.problem("src/SUMMARY.md", format_args!("has no link to {slug}.md"));
    }
    let listings = names(&course.root.join("src").join(slug));
    if !listings.iter().any(|name| {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "py")
    }) {
        found.problem(format_args!("src/{slug}"), "has no Python listing");
    }
    look_at_crates(course, chapter, shipped, found);
    look_at_modules(course, chapter, found);
    if let Some(hints) = shipped.text("hints.md") {
        look_at_hints(chapter, &hints, found);
    }
    todos::look(course, chapter, found);
}

fn look_at_crates(course: &Course, chapter: &Chapter, shipped: &Shipped, found: &mut Findings) {
    let slug = &chapter.slug;
    let sources = ["lib".to_owned()]
        .into_iter()
        .chain(chapter.steps.iter().cloned());
    let sources = sources.map(|name| PathBuf::from(format!("src/{name}.rs")));
    let common: BTreeSet<_> = sources.chain([PathBuf::from("Cargo.toml")]).collect();
    let solution = shipped::walk(&course.root.join("solutions").join(slug)).unwrap_or_default();
    let mut compare = |folder: &str, files: BTreeSet<PathBuf>, expected: &BTreeSet<PathBuf>| {
        for path in files.difference(expected) {
            found.problem(
                format_args!("{folder}/{slug}/{}", path.display()),
                "is a stray file (a step's file needs its name in Cargo.toml)",
            );
        }
        for path in expected.difference(&files) {
            found.problem(
                format_args!("{folder}/{slug}/{}", path.display()),
                "is missing",
            );
        }
    };
    compare("solutions", solution.keys().cloned().collect(), &common);
    let starters = shipped::walk(&course.root.join("tests/starters").join(slug));
    let sources = common
        .iter()
        .filter_map(|path| path.strip_prefix("src").ok());
    compare(
        "tests/starters",
        starters.unwrap_or_default().into_keys().collect(),
        &sources.map(Path::to_owned).collect(),
    );
    if shipped.text("hints.md").is_none() {
        found.problem(format_args!("exercises/{slug}/hints.md"), "is missing");
    }

    for path in shipped.unequal() {
        let whose = match path.strip_prefix("src") {
            Ok(file) => format!("tests/starters/{slug}/{}", file.display()),
            Err(_) => format!("solutions/{slug}/{}", path.display()),
        };
        let place = format!("exercises/{slug}/{}", path.display());
        match shipped.text(&path.to_string_lossy()) {
            Some(_) => found.problem(
                place,
                format_args!("differs from {whose} (they are one file, twice: copy the newer one)"),
            ),
            None => found.problem(
                place,
                "is a stray file (a step's file needs its name in Cargo.toml)",
            ),
        }
    }
    let manifest = solution.get(Path::new("Cargo.toml"));
    let manifest = String::from_utf8_lossy(manifest.map_or(&[], Vec::as_slice)).into_owned();
    let forbids = toml::from_str::<Manifest>(&manifest)
        .is_ok_and(|manifest| manifest.lints.rust.unsafe_code.as_deref() == Some("forbid"));
    if !forbids {
        found.problem(
            format_args!("solutions/{slug}/Cargo.toml"),
            "does not forbid unsafe code (`[lints.rust] unsafe_code = \"forbid\"`)",
        );
    }
    let mut seen = BTreeSet::new();
    for step in &chapter.steps {
        if !seen.insert(step) {
            found.problem(
                format_args!("exercises/{slug}/Cargo.toml"),
                format_args!("names the step `{step}` twice"),
            );
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    lints: Lints,
}

#[derive(Default, Deserialize)]
struct Lints {
    #[serde(default)]
    rust: RustLints,
}

#[derive(Default, Deserialize)]
struct RustLints {
    unsafe_code: Option<String>,
}

/// A file of tests for each step, in `tests/<slug>` or in its `src`.
///
/// A step may have a folder of its name, for the modules of its file. Beside them stand only the package's manifest and root, its
/// private modules, a folder `support` with modules that several tests need, the table of sentences, the list of self-reported tests, and
/// Python programs that the tests talk to.
fn look_at_modules(course: &Course, chapter: &Chapter, found: &mut Findings) {
    const OTHERS: [&str; 6] = [
        "Cargo.toml",
        "lib.rs",
        "self_reported.toml",
        "sentences.md",
        "src",
        "support",
    ];
    let folder = format!("tests/{}", chapter.slug);
    let mut sources = folder.clone();
    if course.root.join(&folder).join("src").is_dir() {
        sources += "/src";
    }
    let expected: BTreeSet<_> = chapter
        .steps
        .iter()
        .map(|step| format!("{step}.rs"))
        .collect();
    let files = names(&course.root.join(&sources));
    for name in &expected {
        if !files.contains(name) {
            found.problem(format_args!("{sources}/{name}"), "is missing");
        }
    }
    // What several steps have in common is a module that no other crate sees.
    let root = read(course, &format!("{sources}/lib.rs"));
    let is_common = |name: &str| {
        let module = name.strip_suffix(".rs").unwrap_or_default();
        root.lines().any(|line| line == format!("mod {module};"))
    };
    let strangers = files.iter().filter(|name| {
        !expected.contains(*name)
            && !chapter.steps.contains(*name)
            && !OTHERS.contains(&name.as_str())
            && !name.ends_with(".py")
            && !is_common(name)
    });
    for name in strangers {
        found.problem(
            format_args!("{sources}/{name}"),
            "is a stray file (its name is no step's)",
        );
    }
}

/// Under a heading for each step, in their order, the hints 1, 2 and 3, each with something to read.
fn look_at_hints(chapter: &Chapter, text: &str, found: &mut Findings) {
    let place = format!("exercises/{}/hints.md", chapter.slug);
    let sections = headings(text);
    let steps: Vec<_> = sections
        .iter()
        .filter(|section| section.level == 2)
        .map(|section| section.title.as_str())
        .collect();
    if steps != chapter.steps {
        found.problem(
            &place,
            format_args!(
                "its headings are {}, the steps are {}",
                steps.join(", "),
                chapter.steps.join(", ")
            ),
        );
        return;
    }
    let mut hints: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut step = "";
    for section in &sections {
        match section.level {
            2 => step = &section.title,
            3 if section.is_empty => found.problem(
                &place,
                format_args!("hint {} of `{step}` says nothing", section.title),
            ),
            3 => hints.entry(step).or_default().push(&section.title),
            _ => {}
        }
    }
    for step in &chapter.steps {
        let titles = hints.remove(step.as_str()).unwrap_or_default();
        if titles != ["1", "2", "3"] {
            found.problem(
                &place,
                format_args!(
                    "`{step}` has the hints [{}], not 1, 2 and 3",
                    titles.join(", ")
                ),
            );
        }
    }
}

/// Whether the book has a section at an address such as `memory.md#copy-on-write`.
pub(super) fn has_section(course: &Course, address: &str) -> bool {
    let Some((page, id)) = address.split_once('#') else {
        return false;
    };
    headings(&read(course, &format!("src/{page}")))
        .iter()
        .any(|section| section.id == id)
}

fn read(course: &Course, path: &str) -> String {
    fs::read_to_string(course.root.join(path)).unwrap_or_default()
}

/// What stands in a folder, by name, but for what is hidden and for cargo's and Python's own.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names
        .filter(|name| !name.starts_with('.') && name != "target" && name != "__pycache__")
        .collect();
    names.sort();
    names
}
