//! The book itself: it builds without a warning, and every link and anchor in it leads somewhere.

mod support;

use book::{Book, Error, Evidence, publish::publish};
use std::fs;
use std::path::Path;
use support::project;

const EVIDENCE: Evidence = Evidence {
    chart: |root, claim| lab::chart(root, claim).map_err(|error| error.to_string()),
    figure: |root, path| lab::figure(root, path).map_err(|error| error.to_string()),
    peers: |root, slug| lab::peers(root, slug).map_err(|error| error.to_string()),
};

#[test]
fn it_builds_without_a_warning_and_no_link_leads_nowhere() {
    let out = tempfile::tempdir().unwrap();
    let site = publish(
        &Book::new(project(), EVIDENCE),
        &out.path().join("site"),
        false,
        || false,
    )
    .unwrap();
    assert_eq!(site.warnings, [""; 0]);
    for page in [
        "index.html",
        "introduction.html",
        "memory.html",
        "instructors.html",
        "404.html",
        "print.html",
    ] {
        assert!(site.dest.join(page).is_file(), "{page}");
    }
}

/// A check that finds nothing proves nothing: plant what it must find.
#[test]
fn a_planted_bad_link_is_found() {
    let copy = tempfile::tempdir().unwrap();
    for part in ["book.toml", "src", "theme", "records"] {
        copy_all(&project().join(part), &copy.path().join(part));
    }
    let chapter = copy.path().join("src/memory.md");
    let text = fs::read_to_string(&chapter).unwrap();
    let planted = "\n\n[one](#no-such-heading), [two](instructors.md#nor-this), [three](widgets/gone.js), ![four](gone.svg)\n";
    fs::write(&chapter, text + planted).unwrap();

    let out = tempfile::tempdir().unwrap();
    let error = publish(
        &Book::new(copy.path(), EVIDENCE),
        &out.path().join("site"),
        false,
        || false,
    )
    .unwrap_err();
    let Error::BrokenLinks(broken) = error else {
        panic!("{error}")
    };
    let expected = [
        "memory.html: #no-such-heading: no such anchor on that page",
        "memory.html: gone.svg: no such file",
        "memory.html: instructors.html#nor-this: no such anchor on that page",
        "memory.html: widgets/gone.js: no such file",
    ];
    let mut broken = broken;
    broken.sort();
    assert_eq!(broken, expected);
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else if from.is_file() {
        fs::copy(from, to).unwrap();
    }
}
