//! The recorded outputs of a listing: one for the book, and one for each version that prints something else.

use crate::python::{Python, title, version};
use std::fs;
use std::path::{Path, PathBuf};

/// The output that a listing's page shows.
pub fn shown(listing: &Path) -> PathBuf {
    listing.with_extension("out")
}

/// The output that this Python should print: `<listing>.<version>.out` where it differs, else the page's.
pub fn expected(listing: &Path, python: &Python) -> PathBuf {
    let own = of_version(listing, python);
    if own.exists() { own } else { shown(listing) }
}

/// `<listing>.3.14.out`.
pub fn of_version(listing: &Path, python: &Python) -> PathBuf {
    listing.with_extension(format!("{}.out", version(python)))
}

/// The listing to which an output belongs: `bytecodes.py` for `bytecodes.out` and `bytecodes.3.14.out`.
pub fn listing_of(output: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    output.with_file_name(format!("{stem}.py"))
}

/// What a recorded output shows, without the line that says who printed it.
pub fn body(recorded: &str) -> Option<&str> {
    let (first, rest) = recorded.split_once('\n')?;
    first.starts_with("# Python ").then_some(rest)
}

/// Reads a recorded output.
pub fn read(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        format!("{path} cannot be read: {error}; COURSE_BLESS=1 writes it from a real run")
    })?;
    body(&text).map(str::to_owned).ok_or_else(|| {
        let path = path.display();
        format!("{path} must begin with a line like `# Python 3.13.0 (GIL), Linux 6.18 x86_64`")
    })
}

/// Records what a Python printed.
pub fn write(path: &Path, python: &Python, printed: &str) -> Result<(), String> {
    let text = format!("# {}\n{printed}", title(python));
    files::write::write_atomic(path, text.as_bytes())
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

#[test]
fn an_output_without_its_printer_is_refused() {
    let title = "# Python 3.13.0 (GIL), Linux 6.18 x86_64\n";
    assert_eq!(body(&format!("{title}1\n")), Some("1\n"));
    assert_eq!(body("1\n2\n"), None);
    assert_eq!(body(""), None);
}

#[test]
fn outputs_know_their_listing() {
    let listing = Path::new("src/memory/listing.py");
    for output in ["listing.out", "listing.3.14.out", "listing.3.14t.out"] {
        assert_eq!(listing_of(&listing.with_file_name(output)), listing);
    }
}
