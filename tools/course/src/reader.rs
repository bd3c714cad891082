//! Where the reader stands in the course: which chapter, which step, how much is solved.

use crate::{
    progress::{self, Progress},
    section,
    text::outln,
};
use anyhow::{Context, Result, bail};
use files::names::nearest;
use grader::course::{Chapter, Course};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A course and what its reader did so far.
pub struct Reader {
    /// The chapters and their steps.
    pub course: Course,
    /// What was done.
    pub progress: Progress,
}

/// One step of one chapter.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its chapter.
    pub chapter: &'a Chapter,
    /// Its place among the chapter's steps, from 0.
    pub index: usize,
}

/// What a word on the command line names.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    /// A chapter, by its slug.
    Chapter(&'a Chapter),
    /// A step.
    Step(Place<'a>),
}

impl<'a> Named<'a> {
    /// The chapter, or that of the step.
    pub fn chapter(self) -> &'a Chapter {
        match self {
            Self::Chapter(chapter) => chapter,
            Self::Step(place) => place.chapter,
        }
    }

    /// The place of the step in its chapter, if a step was named.
    pub fn step(self) -> Option<usize> {
        match self {
            Self::Chapter(_) => None,
            Self::Step(place) => Some(place.index),
        }
    }
}

impl<'a> Place<'a> {
    /// The step's name.
    pub fn step(&self) -> &'a str {
        &self.chapter.steps[self.index]
    }

    /// The step's file, from the root of the course.
    pub fn file(&self) -> String {
        format!("exercises/{}/src/{}.rs", self.chapter.slug, self.step())
    }

    /// What the course ships as that file, from the root of the course.
    pub fn starter(&self) -> String {
        format!("tests/starters/{}/{}.rs", self.chapter.slug, self.step())
    }
}

impl Reader {
    /// Reads the course at `root` and the reader's progress.
    pub fn open(root: &Path) -> Result<Self> {
        let course = Course::open(root)?;
        if course.chapters.is_empty() {
            bail!(
                "{}: no exercise here (restore the folder with `git checkout exercises`)",
                root.join("exercises").display()
            );
        }
        // What a killed command left half written.
        files::write::sweep(&course.root);
        for chapter in &course.chapters {
            files::write::sweep(
                &course
                    .root
                    .join("exercises")
                    .join(&chapter.slug)
                    .join("src"),
            );
        }
        let progress = Progress::load(&course.root)?;
        Ok(Self { course, progress })
    }

    /// Changes the progress on disk, and here.
    pub fn record(&mut self, change: impl FnOnce(&mut Progress)) -> Result<()> {
        let order: Vec<_> = self
            .places()
            .map(|place| (place.chapter.slug.as_str(), place.step()))
            .collect();
        Progress::update(&self.course.root, &order, change)?;
        self.progress = Progress::load(&self.course.root)?;
        Ok(())
    }

    /// Every step of the course, in reading order.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.course.chapters.iter().flat_map(steps_of)
    }

    /// The file of a step.
    pub fn path(&self, place: Place<'_>) -> PathBuf {
        self.course.root.join(place.file())
    }

    /// Whether the step's tests all passed on what its file holds now.
    pub fn solved(&self, place: Place<'_>) -> bool {
        let digest = progress::digest(&self.path(place));
        self.progress
            .step(&place.chapter.slug, place.step())
            .solves(digest.as_deref())
    }

    /// Steps solved, and steps there are.
    pub fn count(&self) -> (usize, usize) {
        (
            self.places().filter(|place| self.solved(*place)).count(),
            self.places().count(),
        )
    }

    /// The first step of the chapter that is not solved.
    pub fn next_step<'a>(&self, chapter: &'a Chapter) -> Option<Place<'a>> {
        steps_of(chapter).find(|place| !self.solved(*place))
    }

    /// The step among `places` whose file was modified last, of those that are no longer as the course ships them: a clone
    /// gives every file a time of its own.
    fn edited_last<'a>(&self, places: impl Iterator<Item = Place<'a>>) -> Option<Place<'a>> {
        let edited = places.filter_map(|place| {
            let path = self.path(place);
            let mine = progress::digest(&path)?;
            let shipped = progress::digest(&self.course.root.join(place.starter()))?;
            let modified = fs::metadata(&path).ok()?.modified().ok()?;
            (mine != shipped).then_some((modified, place))
        });
        edited
            .max_by_key(|(modified, _)| *modified)
            .map(|(_, place)| place)
    }

    /// The chapter asked for, else that of the current folder, else the unfinished one that was edited last, else the first
    /// unfinished one, else the last.
    pub fn chapter(&self, asked: Option<&str>) -> Result<&Chapter> {
        if let Some(slug) = asked {
            return Ok(self.course.chapter(slug)?);
        }
        let chapters = &self.course.chapters;
        let here = std::env::current_dir().ok();
        let inside = |chapter: &&Chapter| {
            let folder = self.course.root.join("exercises").join(&chapter.slug);
            here.as_ref().is_some_and(|here| here.starts_with(folder))
        };
        let unfinished = |chapter: &&Chapter| self.next_step(chapter).is_some();
        let edited = || {
            let open = chapters.iter().filter(unfinished).flat_map(steps_of);
            self.edited_last(open).map(|place| place.chapter)
        };
        let found = chapters
            .iter()
            .find(inside)
            .or_else(edited)
            .or_else(|| chapters.iter().find(unfinished));
        found
            .or(chapters.last())
            .context("the course has no exercise")
    }

    /// What is asked for: a chapter by its slug or folder, or a step as `lost_updates`, `memory::lost_updates`,
    /// its number, or its file; without a word, the chapter at hand.
    pub fn named(&self, asked: Option<&str>) -> Result<Named<'_>> {
        let at_hand = self.chapter(None)?;
        let Some(asked) = asked else {
            return Ok(Named::Chapter(at_hand));
        };
        let name = asked.strip_suffix(".rs").unwrap_or(asked);
        let name = name.trim_end_matches('/').replace('-', "_");
        let name = name.replace("::", "/");
        let mut parts = name
            .rsplit('/')
            .filter(|part| !matches!(*part, "src" | "."));
        let (name, above) = (parts.next().unwrap_or_default(), parts.next());
        let chapter = self.course.chapters.iter().find(|chapter| {
            name == chapter.slug && above.is_none_or(|folder| folder == "exercises")
        });
        let matches = |place: &Place<'_>| {
            above.is_none_or(|slug| slug == place.chapter.slug)
                && (name == place.step() || name.parse() == Ok(place.index + 1))
        };
        // The chapter at hand first: another may have a step of the same name.
        let step = || {
            steps_of(at_hand)
                .find(matches)
                .or_else(|| self.places().find(matches))
        };
        let found = chapter
            .map(Named::Chapter)
            .or_else(|| step().map(Named::Step));
        found.with_context(|| self.unknown(asked, name, above))
    }

    /// What to say of a word that names nothing.
    fn unknown(&self, asked: &str, name: &str, above: Option<&str>) -> String {
        // `lost_updates::no_update_is_lost`, copied from a verdict, names a test.
        if let Some(place) = self.places().find(|place| Some(place.step()) == above) {
            return format!(
                "`{asked}` is no step; tests are judged by step (`cargo course check {}`)",
                place.step()
            );
        }
        let chapters = &self.course.chapters;
        let inside = chapters
            .iter()
            .find(|chapter| above == Some(chapter.slug.as_str()));
        let near = match inside {
            Some(chapter) => {
                let near = nearest(name, chapter.steps.iter().map(String::as_str));
                near.map(|step| format!("{}::{step}", chapter.slug))
            }
            None => {
                let slugs = chapters.iter().map(|chapter| chapter.slug.as_str());
                let steps = self.places().map(|place| place.step());
                nearest(name, slugs.chain(steps)).map(str::to_owned)
            }
        };
        let unknown = format!("no chapter or step is called `{asked}`");
        if let Some(near) = near {
            return format!("{unknown} (did you mean `{near}`?)");
        }
        let chapters = chapters.iter();
        let known = chapters
            .map(|chapter| format!("\n  {} with {}", chapter.slug, chapter.steps.join(", ")));
        format!("{unknown}; there are{}", known.collect::<String>())
    }

    /// The step asked for. Else, of the chapter asked for or at hand, the step that was edited last, if it is open, or the
    /// next one to solve.
    ///
    /// When there is none to solve, it says so and how to ask for one with `command`, and answers nothing.
    pub fn step(&self, asked: Option<&str>, command: &str) -> Result<Option<Place<'_>>> {
        let chapter = match self.named(asked)? {
            Named::Step(place) => return Ok(Some(place)),
            Named::Chapter(chapter) => chapter,
        };
        let edited = self.edited_last(steps_of(chapter));
        let open = edited.filter(|place| !self.solved(*place));
        let next = open.or_else(|| self.next_step(chapter));
        if next.is_none() {
            outln!(
                "Every step of {} is solved. Name a step, as in `cargo course {command} {}`.",
                self.title(&chapter.slug),
                chapter.steps.first().map_or("1", String::as_str)
            );
        }
        Ok(next)
    }

    /// What a sentence calls a chapter: its title in the summary, else its slug.
    pub fn title(&self, slug: &str) -> String {
        section::short_title(&self.course.root, slug).unwrap_or_else(|| slug.to_owned())
    }
}

/// The words of a command line as one name: `gil lock` is `gil::lock`.
pub fn joined(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join("::"))
}

/// The steps of a chapter.
pub fn steps_of(chapter: &Chapter) -> impl Iterator<Item = Place<'_>> {
    (0..chapter.steps.len()).map(move |index| Place { chapter, index })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    /// A course of two chapters: `alpha` with steps one and two, `beta` with steps two and three.
    fn course() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("src")).unwrap();
        fs::write(
            root.path().join("src/SUMMARY.md"),
            "- [A](alpha.md)\n- [B](beta.md)\n",
        )
        .unwrap();
        for (slug, steps) in [("alpha", ["one", "two"]), ("beta", ["two", "three"])] {
            let folder = root.path().join("exercises").join(slug);
            fs::create_dir_all(folder.join("src")).unwrap();
            let manifest = format!(
                "[package]\nname = \"{slug}\"\n[package.metadata.course]\nsteps = {steps:?}\n"
            );
            fs::write(folder.join("Cargo.toml"), manifest).unwrap();
            for step in steps {
                fs::write(folder.join(format!("src/{step}.rs")), "todo!()").unwrap();
            }
        }
        root
    }

    fn named(reader: &Reader, asked: Option<&str>) -> String {
        match reader.named(asked) {
            Ok(Named::Chapter(chapter)) => chapter.slug.clone(),
            Ok(Named::Step(place)) => shown(place),
            Err(error) => error.to_string(),
        }
    }

    fn step(reader: &Reader, asked: Option<&str>) -> String {
        let place = reader.step(asked, "hint").unwrap();
        place.map_or("none".to_owned(), shown)
    }

    fn shown(place: Place<'_>) -> String {
        format!("{}::{}", place.chapter.slug, place.step())
    }

    fn solve(reader: &mut Reader, slug: &str, step: &str) {
        let file = reader
            .course
            .root
            .join(format!("exercises/{slug}/src/{step}.rs"));
        let source = progress::digest(&file);
        let record = |progress: &mut Progress| {
            *progress.step_mut(slug, step) = progress::Step {
                passed: 3,
                total: 3,
                source,
                ..Default::default()
            };
        };
        reader.record(record).unwrap();
    }

    #[test]
    fn a_step_is_found_by_name_number_and_file() {
        let root = course();
        let reader = Reader::open(root.path()).unwrap();
        for (asked, found) in [
            ("one", "alpha::one"),
            ("two", "alpha::two"), // the chapter at hand before the later one
            ("three", "beta::three"),
            ("beta::two", "beta::two"),
            ("beta/two", "beta::two"),
            ("exercises/beta/src/two.rs", "beta::two"),
            ("2", "alpha::two"),
            ("beta::1", "beta::two"),
            ("./src/one.rs", "alpha::one"),
            ("alpha", "alpha"),
            ("exercises/beta/", "beta"),
            ("exercises/beta/src", "beta"),
        ] {
            assert_eq!(named(&reader, Some(asked)), found, "{asked}");
        }
        let known = "there are\n  alpha with one, two\n  beta with two, three";
        for wrong in ["seven", "", "0", "::"] {
            let expected = format!("no chapter or step is called `{wrong}`; {known}");
            assert_eq!(named(&reader, Some(wrong)), expected);
        }
        for (wrong, near) in [
            ("thre", "three"),
            ("alhpa", "alpha"),
            ("beta::treee", "beta::three"),
        ] {
            let says = format!("`{wrong}` (did you mean `{near}`?)");
            let error = named(&reader, Some(wrong));
            assert!(error.contains(&says), "{error}");
        }
        assert_eq!(
            named(&reader, Some("three::it_is_three")),
            "`three::it_is_three` is no step; tests are judged by step (`cargo course check three`)"
        );
    }

    #[test]
    fn what_was_edited_last_is_at_hand_until_its_chapter_is_finished() {
        let root = course();
        for file in ["alpha/one", "alpha/two", "beta/two", "beta/three"] {
            let starter = root.path().join(format!("tests/starters/{file}.rs"));
            fs::create_dir_all(starter.parent().unwrap()).unwrap();
            fs::write(starter, "todo!()").unwrap();
        }
        let edit = |slug: &str, step: &str, text: &str, second: u64| {
            let path = root.path().join(format!("exercises/{slug}/src/{step}.rs"));
            fs::write(&path, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        let at_hand = |reader: &Reader| (named(reader, None), step(reader, None));
        let are = |chapter: &str, step: &str| (chapter.to_owned(), step.to_owned());
        let mut reader = Reader::open(root.path()).unwrap();
        edit("beta", "three", "todo!()", 9); // new, but as shipped
        assert_eq!(at_hand(&reader), are("alpha", "alpha::one"));
        edit("alpha", "one", "edited", 1);
        edit("beta", "three", "edited", 2);
        assert_eq!(at_hand(&reader), are("beta", "beta::three"));
        assert_eq!(step(&reader, Some("alpha")), "alpha::one");
        solve(&mut reader, "beta", "three");
        assert_eq!(at_hand(&reader), are("beta", "beta::two"));
        solve(&mut reader, "beta", "two");
        assert_eq!(at_hand(&reader), are("alpha", "alpha::one"));
    }

    #[test]
    fn the_reader_moves_on_as_steps_are_solved_and_back_when_one_is_edited() {
        let root = course();
        let mut reader = Reader::open(root.path()).unwrap();
        assert_eq!(named(&reader, None), "alpha");
        assert_eq!(step(&reader, None), "alpha::one");
        assert_eq!(step(&reader, Some("beta")), "beta::two");
        assert_eq!(step(&reader, Some("three")), "beta::three");
        solve(&mut reader, "alpha", "one");
        assert_eq!(
            (step(&reader, None), reader.count()),
            ("alpha::two".to_owned(), (1, 4))
        );
        solve(&mut reader, "alpha", "two");
        assert_eq!(reader.chapter(None).unwrap().slug, "beta");
        fs::write(root.path().join("exercises/alpha/src/one.rs"), "edited").unwrap();
        assert_eq!(
            (step(&reader, None), reader.count()),
            ("alpha::one".to_owned(), (1, 4))
        );
        fs::write(root.path().join("exercises/alpha/src/one.rs"), "todo!()").unwrap();
        solve(&mut reader, "beta", "two");
        solve(&mut reader, "beta", "three");
        assert_eq!(step(&reader, None), "none");
        assert_eq!(step(&reader, Some("alpha")), "none");
        assert_eq!(step(&reader, Some("alpha::two")), "alpha::two");
        assert_eq!(reader.count(), (4, 4));
    }
}
