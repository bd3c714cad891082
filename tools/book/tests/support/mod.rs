//! A small book in a folder of its own, with the settings and styles of the real one.
#![allow(dead_code)] // each test file uses its part

use book::{Book, Evidence};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the whole project.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Charts and figures that need no records.
pub const EVIDENCE: Evidence = Evidence {
    chart: |_, claim| match claim {
        "M1" => Ok(
            "<figure class=\"chart\">\n\n<svg role=\"img\"><title>pages</title></svg>\n</figure>"
                .into(),
        ),
        _ => Err(format!("no claim is called {claim} (there is M1)")),
    },
    figure: |_, path| match path {
        "M1/pages" => Ok("2,560 pages & <more>".into()),
        _ => Err("no such figure (there is M1/pages)".into()),
    },
    peers: |_, slug| match slug {
        "memory" => Ok("<table class=\"peers\">\n\n</table>".into()),
        _ => Err(format!("no record of {slug}")),
    },
};

/// A book that goes when it is dropped.
pub struct Fixture(tempfile::TempDir);

impl Fixture {
    /// A book of one chapter, `src/chapter.md`, with this text.
    pub fn new(chapter: &str) -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        fixture.write(
            "book.toml",
            &fs::read_to_string(project().join("book.toml")).unwrap(),
        );
        for entry in fs::read_dir(project().join("theme")).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            if file != "head.hbs" {
                let text = fs::read_to_string(project().join("theme").join(&file)).unwrap();
                fixture.write(&format!("theme/{file}"), &text);
            }
        }
        fixture.write(
            "src/SUMMARY.md",
            "# Summary\n\n- [Chapter](chapter.md)\n- [Draft]()\n",
        );
        fixture.write("src/chapter.md", chapter);
        fixture
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn book(&self) -> Book {
        Book::new(self.root(), EVIDENCE)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The chapter's page, built.
    pub fn page(&self) -> String {
        let warnings = self.book().build(&self.path("out"), None).unwrap();
        assert_eq!(warnings, [""; 0]);
        fs::read_to_string(self.path("out/chapter.html")).unwrap()
    }

    /// Why the book does not build.
    pub fn error(&self) -> String {
        self.book()
            .build(&self.path("out"), None)
            .unwrap_err()
            .to_string()
    }
}

/// The `<main>` of a page.
pub fn main_of(page: &str) -> &str {
    page.split_once("<main>")
        .unwrap()
        .1
        .split_once("</main>")
        .unwrap()
        .0
}
