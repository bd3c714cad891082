//! Archives that are submissions, and archives that are attacks.

use super::*;
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

const LIB: &str = "exercises/memory/src/lib.rs";

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).expect("a name");
        writer.write_all(bytes).expect("room");
    }
    writer.finish().expect("room").into_inner()
}

/// One entry of a tar archive: its name as it is, its type, its content or the target of its link.
type Entry<'a> = (&'a str, tar::EntryType, &'a [u8]);

fn tarred(entries: &[Entry<'_>]) -> Vec<u8> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(packed);
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // Past the crate's own checks, as an attacker would.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
        header.set_size(if is_link { 0 } else { bytes.len() as u64 });
        if is_link {
            let target = std::str::from_utf8(bytes).expect("a path");
            header.set_link_name_literal(target).expect("a target");
        }
        header.set_cksum();
        let content = if is_link { &[][..] } else { bytes };
        builder.append(&header, content).expect("room");
    }
    builder.into_inner().expect("room").finish().expect("room")
}

fn read_bytes(bytes: &[u8], format: Format) -> Result<BTreeMap<String, Sources>, SourcesError> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("room");
    read(file.path(), format, &["memory", "ipc"])
}

fn rejection(bytes: &[u8], format: Format) -> String {
    match read_bytes(bytes, format) {
        Err(SourcesError::Rejected(why)) => why,
        other => panic!("not rejected: {other:?}"),
    }
}

const FILE: tar::EntryType = tar::EntryType::Regular;

#[test]
fn both_formats_at_the_top_or_in_one_folder_are_read() {
    let zip = zipped(&[
        (LIB, b"//! A."),
        ("README.md", b"\xff"),
        ("exercises/other/src/lib.rs", b""),
    ]);
    let inner = format!("repo-main/{LIB}");
    let tar = tarred(&[
        ("repo-main/", tar::EntryType::Directory, b""),
        (&inner, FILE, b"//! A."),
        ("repo-main/exercises/ipc/src/lib.rs", FILE, b""),
        ("repo-main/exercises/ipc/src/.hidden.rs", FILE, b"\xff"),
        ("repo-main/exercises/ipc/src/main.rs", FILE, b"\xff"),
        ("repo-main/link", tar::EntryType::Symlink, b"/etc"),
    ]);
    let found = read_bytes(&zip, Format::Zip).expect("a submission");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["memory"]);
    assert_eq!(found["memory"].get("lib.rs"), Some("//! A."));
    let found = read_bytes(&tar, Format::TarGz).expect("a submission");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["ipc", "memory"]);
    assert_eq!(found["ipc"].iter().count(), 1);
}

#[test]
fn paths_that_lead_out_are_refused_wherever_they_are() {
    for name in [
        "../x",
        "a/../../x",
        "/etc/cron.d/x",
        "exercises/memory/src/../../../x.rs",
    ] {
        let zip = zipped(&[(LIB, b""), (name, b"")]);
        let tar = tarred(&[(LIB, FILE, b""), (name, FILE, b"")]);
        for (bytes, format) in [(zip, Format::Zip), (tar, Format::TarGz)] {
            let why = rejection(&bytes, format);
            assert!(
                why.starts_with("the archive names a file outside of itself"),
                "{name}: {why}"
            );
        }
    }
    let why = rejection(&zipped(&[(LIB, b""), ("a\\..\\x", b"")]), Format::Zip);
    assert!(why.contains("no learner's system"), "{why}");
}

#[test]
fn links_and_devices_among_the_sources_are_refused() {
    use tar::EntryType::{Block, Char, Fifo, Link, Symlink};
    for kind in [Symlink, Link, Char, Block, Fifo] {
        let name = "exercises/memory/src/step.rs";
        let why = rejection(
            &tarred(&[(LIB, FILE, b""), (name, kind, b"/etc/passwd")]),
            Format::TarGz,
        );
        assert!(
            why.starts_with("exercises/memory/src/step.rs is "),
            "{kind:?}: {why}"
        );
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer
        .add_symlink(LIB, "/etc/passwd", options)
        .expect("a link");
    let bytes = writer.finish().expect("room").into_inner();
    assert_eq!(
        rejection(&bytes, Format::Zip),
        format!("{LIB} is a symlink")
    );
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let zeros = vec![b' '; 4 << 20];
    let zip = zipped(&[(LIB, &zeros)]);
    assert!(zip.len() < 1 << 20, "it is a bomb");
    assert!(rejection(&zip, Format::Zip).contains("is too large"));
    // Beside the sources, where a stream has to pass all the same.
    // A gzip file may have many parts: a header, then the same four megabytes over and over.
    let mut header = tar::Header::new_gnu();
    header.set_path("big").expect("a name");
    header.set_size(20 * zeros.len() as u64);
    header.set_cksum();
    let part = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).expect("room");
        packed.finish().expect("room")
    };
    let tar = [part(header.as_bytes()), part(&zeros).repeat(20)].concat();
    assert!(tar.len() < 1 << 20, "it is a bomb");
    assert!(rejection(&tar, Format::TarGz).contains("inflates to more than 64 MiB"));
    // A zip has an index: what nobody asked for is not inflated.
    let zip = zipped(&[("big", &zeros), (LIB, b"")]);
    assert!(read_bytes(&zip, Format::Zip).is_ok());
    let many: Vec<String> = (0..=ENTRIES).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(rejection(&zipped(&many), Format::Zip).contains("more than 10000 entries"));
}

#[test]
fn what_has_two_meanings_is_refused() {
    let twice = tarred(&[
        (LIB, FILE, b"//! A."),
        (&format!("./{LIB}"), FILE, b"//! B."),
    ]);
    assert!(rejection(&twice, Format::TarGz).ends_with("is there twice"));
    let two = tarred(&[
        (&format!("a/{LIB}"), FILE, b""),
        (&format!("b/{LIB}"), FILE, b""),
    ]);
    assert!(rejection(&two, Format::TarGz).contains("two folders called exercises"));
    let mut same = zipped(&[
        (LIB, b""),
        ("exercises/memory/src/one.rs", b"//! A."),
        ("exercises/memory/src/two.rs", b"//! B."),
    ]);
    for at in 0..same.len() - 6 {
        if &same[at..at + 6] == b"two.rs" {
            same[at..at + 3].copy_from_slice(b"one");
        }
    }
    assert!(rejection(&same, Format::Zip).contains("two files of the same name"));
    let nested = [
        (LIB, &b""[..]),
        ("exercises/memory/src/step.rs", b""),
        ("exercises/memory/src/step.rs/more.rs", b""),
    ];
    assert!(rejection(&zipped(&nested), Format::Zip).contains("a file and a folder"));
    let [lib, file, folder] = nested.map(|(name, text)| (name, FILE, text));
    assert!(
        rejection(&tarred(&[lib, folder, file]), Format::TarGz).contains("a file and a folder")
    );
    let headless = zipped(&[("exercises/memory/src/step.rs", b"")]);
    assert!(rejection(&headless, Format::Zip).contains("lib.rs is missing"));
    let text = zipped(&[(LIB, b"\xff")]);
    assert!(rejection(&text, Format::Zip).contains("not UTF-8"));
}

#[test]
fn what_is_no_archive_is_its_authors_to_mend() {
    let whole = tarred(&[(LIB, FILE, &[b' '; 4000])]);
    for (bytes, format) in [
        (&b""[..], Format::Zip),
        (b"PK\x03\x04 and then nothing", Format::Zip),
        (b"no gzip", Format::TarGz),
        (&whole[..whole.len() / 2], Format::TarGz),
    ] {
        let why = rejection(bytes, format);
        assert!(
            why.starts_with("the archive is damaged or incomplete (pack "),
            "{why}"
        );
    }
}

#[test]
fn an_archive_is_known_by_its_ending() {
    assert_eq!(Format::of("ann.zip"), Some((Format::Zip, "ann")));
    assert_eq!(Format::of("Ann.TAR.GZ"), Some((Format::TarGz, "Ann")));
    assert_eq!(Format::of("ann.tgz"), Some((Format::TarGz, "ann")));
    for other in [".zip", "ann.tar", "ann.gz", "zip"] {
        assert_eq!(Format::of(other), None, "{other}");
    }
}

/// `gh classroom clone`, zipped: one learner's bad repository doesn't spoil the others.
#[test]
fn an_archive_of_a_class_holds_a_submission_for_each_folder() {
    let ann = format!("lab1-submissions/lab1-ann/{LIB}");
    let bob = format!("lab1-submissions/lab1-bob/{LIB}");
    let eve = "lab1-submissions/lab1-eve/exercises/memory/src/one.rs";
    let zip = zipped(&[
        (&ann, b"//! A."),
        (&bob, b"\xff"),
        ("lab1-submissions/lab1-ann/.git/config", b"[core]"),
        (eve, b"// no lib.rs"),
        ("lab1-submissions/notes.txt", b""),
    ]);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&zip).expect("room");
    let found = read_class(file.path(), Format::Zip, &["memory"]).expect("a class");
    let of = |name: &str| &found[&Path::new("lab1-submissions").join(name)];
    assert_eq!(found.len(), 3, "{found:?}");
    let sources = of("lab1-ann").as_ref().expect("ann's");
    assert_eq!(sources["memory"].get("lib.rs"), Some("//! A."));
    for (name, why) in [("lab1-bob", "UTF-8"), ("lab1-eve", "lib.rs is missing")] {
        let error = of(name).as_ref().expect_err(name).to_string();
        assert!(error.contains(why), "{error}");
    }
}
