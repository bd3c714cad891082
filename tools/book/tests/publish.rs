//! The static site is replaced whole, or not at all, and nothing that is not ours is lost.

mod support;

use book::{Error, publish::publish};
use std::fs;
use std::path::Path;
use support::Fixture;

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_site_takes_the_place_of_the_one_before() {
    let (fixture, out) = (Fixture::new("# One\n"), tempfile::tempdir().unwrap());
    let dest = out.path().join("deep/site");
    publish(&fixture.book(), &dest, false, || false).unwrap();
    assert!(
        fs::read_to_string(dest.join("chapter.html"))
            .unwrap()
            .contains("One")
    );
    assert!(
        !fs::read_to_string(dest.join("chapter.html"))
            .unwrap()
            .contains("WebSocket"),
        "no live reload in a static site"
    );

    fixture.write("src/SUMMARY.md", "# Summary\n\n- [Other](other.md)\n");
    fixture.write("src/other.md", "# Two\n");
    publish(&fixture.book(), &dest, false, || false).unwrap();
    assert!(
        fs::read_to_string(dest.join("other.html"))
            .unwrap()
            .contains("Two")
    );
    assert!(!dest.join("chapter.html").exists(), "the old page is gone");
    assert_eq!(
        entries(&out.path().join("deep")),
        ["site"],
        "no half-written file beside it"
    );
}

#[test]
fn what_goes_wrong_leaves_the_old_site() {
    let (fixture, out) = (Fixture::new("# One\n"), tempfile::tempdir().unwrap());
    let dest = out.path().join("site");
    publish(&fixture.book(), &dest, false, || false).unwrap();

    let unchanged = |error: Error, expected: &str| {
        let error = error.to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        assert!(
            fs::read_to_string(dest.join("chapter.html"))
                .unwrap()
                .contains("One")
        );
        assert_eq!(entries(out.path()), ["site"]);
    };
    fixture.write("src/chapter.md", "# Two\n");
    unchanged(
        publish(&fixture.book(), &dest, false, || true).unwrap_err(),
        "stopped",
    );
    fixture.write(
        "src/chapter.md",
        "# Two\n\n[bad](#nowhere)\n\n{{#chart M1}}\n",
    );
    unchanged(
        publish(&fixture.book(), &dest, false, || false).unwrap_err(),
        "1 link in the book leads nowhere: chapter.html: #nowhere: no such anchor",
    );
    fixture.write("src/chapter.md", "{{#chart M9}}\n");
    unchanged(
        publish(&fixture.book(), &dest, false, || false).unwrap_err(),
        "src/chapter.md:1: ",
    );
    fixture.write("src/SUMMARY.md", "# Summary\n\n- [Gone](gone.md)\n");
    unchanged(
        publish(&fixture.book(), &dest, false, || false).unwrap_err(),
        "gone.md",
    );
    fs::remove_file(fixture.path("book.toml")).unwrap();
    unchanged(
        publish(&fixture.book(), &dest, false, || false).unwrap_err(),
        "book.toml: no such file",
    );
}

#[test]
fn a_folder_with_anything_else_in_it_is_refused() {
    let (fixture, out) = (Fixture::new("# One\n"), tempfile::tempdir().unwrap());
    let refused = |dest: &Path, expected: &str| {
        let error = publish(&fixture.book(), dest, false, || false)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    let thesis = out.path().join("thesis");
    fs::create_dir(&thesis).unwrap();
    fs::write(thesis.join("thesis.tex"), "years").unwrap();
    refused(&thesis, "holds files that no build of this book made");
    assert_eq!(
        fs::read_to_string(thesis.join("thesis.tex")).unwrap(),
        "years"
    );

    let site = out.path().join("site");
    publish(&fixture.book(), &site, false, || false).unwrap();
    fs::create_dir_all(site.join(".git")).unwrap();
    fs::write(site.join(".git/HEAD"), "ref").unwrap();
    refused(&site, "holds .git/HEAD, which no build of this book made");
    assert!(site.join(".git/HEAD").exists());

    let file = out.path().join("file");
    fs::write(&file, "text").unwrap();
    refused(&file, "not a folder");
    refused(&file.join("below"), "file");
    let error = publish(&fixture.book(), &file.join("below"), false, || false).unwrap_err();
    assert!(
        std::error::Error::source(&error).is_none(),
        "said once: {error}"
    );

    let empty = out.path().join("empty");
    fs::create_dir(&empty).unwrap();
    publish(&fixture.book(), &empty, false, || false).unwrap();
    // The project's own book/ may be stock mdbook's work, which keeps no list.
    publish(&fixture.book(), &thesis, true, || false).unwrap();
}

#[cfg(unix)]
#[test]
fn a_symlink_stays_one() {
    let (fixture, out) = (Fixture::new("# One\n"), tempfile::tempdir().unwrap());
    let (real, link) = (out.path().join("real"), out.path().join("link"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    publish(&fixture.book(), &link, false, || false).unwrap();
    assert!(link.is_symlink() && real.join("index.html").is_file());
}
