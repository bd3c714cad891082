//! Folders and archives that are attacks themselves, made where git couldn't hold them.

use super::attacks::Expect;
use crate::common::Fixture;
use grader::runner::Status::*;
use std::{
    fs,
    io::{Cursor, Write},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
    process::Command,
};
use zip::{ZipWriter, write::SimpleFileOptions};

const REJECTED: Expect = Expect::Whole(&[Rejected]);
const PASSED: Expect = Expect::Each(&[Passed]);

/// Puts them into the class; returns their names in the results, and what has to become of them.
pub fn make(fixture: &Fixture) -> Vec<(&'static str, Expect)> {
    let one = |name: &str| fixture.submit(name, &[]).join("exercises/sums/src/one.rs");
    let replace = |name: &str| {
        let path = one(name);
        fs::remove_file(&path).expect("it was there");
        path
    };
    symlink("/etc/passwd", replace("f-symlink")).expect("a symlink");
    let fifo = Command::new("mkfifo").arg(replace("f-fifo")).status();
    assert!(fifo.expect("mkfifo starts").success());
    fs::write(one("f-huge"), vec![b' '; 1 << 20]).expect("room");
    fs::write(one("f-binary"), b"\x7fELF\xff").expect("room");
    let many = fixture.submit("f-many", &[]).join("exercises/sums/src");
    for number in 0..100 {
        fs::write(many.join(format!("m{number}.rs")), "").expect("room");
    }
    let deep = fixture
        .submit("f-deep", &[])
        .join("exercises/sums/src/a/b/c/d/e/f");
    fs::create_dir_all(deep).expect("room");
    let linked = fixture
        .submit("f-linked-folder", &[])
        .join("exercises/sums");
    fs::remove_dir_all(linked.join("src")).expect("it was there");
    symlink("/etc", linked.join("src")).expect("a symlink");
    // Files that would steer cargo, were they taken.
    fixture.submit(
        "f-own-build",
        &[
            ("build.rs", "fn main() { panic!(\"it ran\") }"),
            (
                "Cargo.toml",
                "[package]\nname = \"sums\"\nbuild = \"build.rs\"\n",
            ),
            (".cargo/config.toml", "[build]\nrustc = \"/bin/false\"\n"),
            (
                "../../.cargo/config.toml",
                "[build]\nrustc = \"/bin/false\"\n",
            ),
            (
                "../../rust-toolchain.toml",
                "[toolchain]\nchannel = \"nightly\"\n",
            ),
            (
                "src/main.rs",
                "fn main() { compile_error!(\"it was taken\") }",
            ),
        ],
    );
    // Names that would steer a terminal or a log.
    fixture.submit("f-\u{202e}eman", &[]);
    fixture.submit("f-\u{1b}[2J\n::error::x", &[]);
    let latin = std::ffi::OsStr::from_bytes(b"f-\xff");
    fs::create_dir_all(fixture.path("class").join(latin).join("exercises/sums/src")).expect("room");

    let class = fixture.path("class");
    let lib = (
        "exercises/sums/src/lib.rs",
        &b"pub mod one; pub mod many;"[..],
    );
    zipped(
        &class.join("a-escapes.zip"),
        &[lib, ("../../escaped.rs", b"")],
    );
    zipped(
        &class.join("a-bomb.zip"),
        &[lib, ("exercises/sums/src/one.rs", &vec![b' '; 8 << 20])],
    );
    zipped(&class.join("a-absolute.zip"), &[lib, ("/etc/x", b"")]);
    fs::write(class.join("a-broken.zip"), b"PK\x03\x04").expect("room");
    fs::write(class.join("a-cut.tar.gz"), b"\x1f\x8b\x08").expect("room");
    fs::write(class.join("a-other.rar"), b"Rar!").expect("room");
    let source = |name: &str| fs::read(fixture.root().join("solutions/sums/src").join(name));
    let [one, many] = ["one.rs", "many.rs"].map(|name| source(name).expect("a file"));
    zipped(
        &class.join("a-good.zip"),
        &[
            ("repo-main/exercises/sums/src/lib.rs", lib.1),
            ("repo-main/exercises/sums/src/one.rs", &one),
            ("repo-main/exercises/sums/src/many.rs", &many),
        ],
    );
    vec![
        ("f-symlink", REJECTED),
        ("f-fifo", REJECTED),
        ("f-huge", REJECTED),
        ("f-binary", REJECTED),
        ("f-many", REJECTED),
        ("f-deep", REJECTED),
        ("f-linked-folder", REJECTED),
        ("f-own-build", PASSED),
        ("f-\\u{202e}eman", PASSED),
        ("f-\\u{1b}[2J\\n::error::x", PASSED),
        ("f-\u{fffd}", REJECTED),
        ("a-escapes", REJECTED),
        ("a-bomb", REJECTED),
        ("a-absolute", REJECTED),
        ("a-broken", REJECTED),
        ("a-cut", REJECTED),
        ("a-other.rar", REJECTED),
        ("a-good", PASSED),
    ]
}

fn zipped(path: &Path, entries: &[(&str, &[u8])]) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).expect("a name");
        writer.write_all(bytes).expect("room");
    }
    let bytes = writer.finish().expect("room").into_inner();
    fs::write(path, bytes).expect("room");
}
