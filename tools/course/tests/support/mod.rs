//! A tiny course in a temporary folder, and the `course` command run in it.
//!
//! Its one chapter, `alpha`, has two steps. Its tests keep the contract between runner and test binary, with no
//! dependency at all, so that a check takes a second.

#![allow(dead_code)] // each test file uses its part

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub const ONE: &str =
    "//! Step 1.\n\n/// One.\npub fn one() -> u32 {\n    todo!(\"answer one\")\n}\n";
pub const ONE_SOLVED: &str = "//! Step 1.\n\n/// One.\npub fn one() -> u32 {\n    1\n}\n";
pub const TWO: &str =
    "//! Step 2.\n\n/// Twice.\npub fn two(n: u32) -> u32 {\n    todo!(\"answer twice {n}\")\n}\n";
pub const TWO_SOLVED: &str =
    "//! Step 2.\n\n/// Twice.\npub fn two(n: u32) -> u32 {\n    2 * n\n}\n";

const FILES: [(&str, &str); 14] = [
    (
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"exercises/*\"]\nexclude = [\"solutions\"]\n\n\
         [profile.dev.package]\n# The judge's side of each chapter.\n",
    ),
    (
        "src/SUMMARY.md",
        "# Summary\n\n- [Alpha](alpha.md)\n- [To come]()\n",
    ),
    (
        "src/alpha.md",
        "# Alpha: the first letter\n\n## Step 1: one\n\n## Step 2: two\n\n## What one is\n",
    ),
    (
        "exercises/alpha/Cargo.toml",
        "[package]\nname = \"alpha\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [package.metadata.course]\nsteps = [\"one\", \"two\"]\n\n[lib]\ntest = false\ndoctest = false\n\n\
         [[test]]\nname = \"alpha\"\npath = \"../../tests/alpha.rs\"\n",
    ),
    (
        "exercises/alpha/src/lib.rs",
        "//! Alpha.\npub mod one;\npub mod two;\n",
    ),
    ("exercises/alpha/src/one.rs", ONE),
    ("exercises/alpha/src/two.rs", TWO),
    (
        "exercises/alpha/hints.md",
        "# Hints\n\n## one\n\n### 1\n\nThink of a number.\n\n### 2\n\nA small one.\n\n### 3\n\n```rust\n## 1\n```\n\n\
         ## two\n\n### 1\n\nTwice.\n\n### 2\n\nAdd.\n\n### 3\n\nMultiply.\n",
    ),
    ("tests/starters/alpha/one.rs", ONE),
    ("tests/starters/alpha/two.rs", TWO),
    ("solutions/alpha/src/one.rs", ONE_SOLVED),
    ("solutions/alpha/src/two.rs", TWO_SOLVED),
    (".gitignore", "target/\n.backup/\nprogress.toml*\n"),
    ("tests/alpha.rs", include_str!("alpha.rs")),
];

/// A course that nobody has begun, removed in the end.
pub struct Course {
    folder: tempfile::TempDir,
}

impl Course {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("course-test-")
            .tempdir()
            .expect("a temporary folder");
        let course = Self { folder };
        for (path, text) in FILES {
            course.write(path, text);
        }
        course
    }

    /// Adds a chapter like `alpha` to the end of the course.
    pub fn add_chapter(&self, slug: &str) {
        let title = format!("{}{}", slug[..1].to_uppercase(), &slug[1..]);
        for (path, text) in FILES.iter().filter(|(path, _)| path.contains("alpha")) {
            let text = text
                .replace(
                    "Alpha: the first letter",
                    &format!("{title}: the next letter"),
                )
                .replace("alpha", slug)
                .replace("Alpha", &title);
            self.write(&path.replace("alpha", slug), &text);
        }
        let summary = self.read("src/SUMMARY.md");
        let entry = format!("- [{title}]({slug}.md)\n- [To come]()\n");
        self.write(
            "src/SUMMARY.md",
            &summary.replace("- [To come]()\n", &entry),
        );
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes the learner's text of a step.
    pub fn answer(&self, step: &str, text: &str) {
        self.write(&format!("exercises/alpha/src/{step}.rs"), text);
    }

    /// `cargo course …` in this course, as a program reads it: no terminal, no colours.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
        command
            .args(args)
            .arg("--root")
            .arg(self.root())
            .current_dir(self.root());
        command
            .env_remove("COLUMNS")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("course starts"))
    }
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// It ended with `code` and printed each of these, in this order.
    #[track_caller]
    pub fn says(&self, code: i32, parts: &[&str]) -> &Self {
        let mut shown = String::new();
        let _ = write!(
            shown,
            "exit {:?}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.out, self.err
        );
        assert_eq!(self.code, Some(code), "{shown}");
        let mut rest = self.out.as_str();
        for part in parts {
            let Some(at) = rest.find(part) else {
                panic!("no {part:?} where it should be:\n{shown}");
            };
            rest = &rest[at + part.len()..];
        }
        self
    }

    /// It failed with this one line on standard error, and printed nothing.
    #[track_caller]
    pub fn fails(&self, error: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        assert_eq!(self.err.trim_end(), format!("error: {error}"), "{self:?}");
    }
}
