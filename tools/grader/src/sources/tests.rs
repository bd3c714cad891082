//! Folders that are no submissions, each refused with its reason.

use super::*;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir_all(folder.src()).expect("a src");
        folder.put("lib.rs", b"//! Mine.\n")
    }

    fn src(&self) -> PathBuf {
        self.0.path().join("exercises/memory/src")
    }

    fn put(self, name: impl AsRef<Path>, text: &[u8]) -> Self {
        let path = self.src().join(name);
        fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    fn read(&self) -> Result<Sources, SourcesError> {
        Sources::of_submission(self.0.path(), "memory")
    }

    fn names(&self) -> Vec<String> {
        let sources = self.read().expect("a submission");
        sources
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect()
    }

    fn rejection(&self) -> String {
        match self.read() {
            Err(SourcesError::Rejected(why)) => why,
            other => panic!("not rejected: {other:?}"),
        }
    }
}

#[test]
fn source_files_are_taken_and_the_rest_passed_over() {
    let folder = Folder::new()
        .put("step/deep.rs", b"")
        .put("notes.txt", b"\xff")
        .put(".lib.rs.swp", b"\xff")
        .put(".git/config.rs", b"\xff")
        .put("main.rs", b"fn main() {}")
        .put("bin/tool.rs", b"fn main() {}");
    symlink("nowhere", folder.src().join(".#lib.rs")).expect("an editor's lock");
    assert_eq!(folder.names(), ["lib.rs", "step/deep.rs"]);
}

#[test]
fn a_symlink_is_rejected_wherever_it_points() {
    let folder = Folder::new();
    symlink("/etc/passwd", folder.src().join("step.rs")).expect("a symlink");
    assert_eq!(
        folder.rejection(),
        "src/step.rs is a symlink (hand in the file itself)"
    );

    let folder = Folder::new();
    symlink("/", folder.src().join("root")).expect("a symlink");
    assert_eq!(
        folder.rejection(),
        "src/root is a symlink (hand in the file itself)"
    );
}

#[test]
fn a_symlinked_folder_on_the_way_is_rejected() {
    let outer = tempfile::tempdir().expect("a folder");
    let real = Folder::new();
    symlink(
        real.0.path().join("exercises"),
        outer.path().join("exercises"),
    )
    .expect("a symlink");
    let error = Sources::of_submission(outer.path(), "memory").expect_err("rejected");
    assert_eq!(
        error.to_string(),
        "exercises is a symlink (hand in the folder itself)"
    );
}

#[test]
fn a_named_pipe_is_rejected_and_not_waited_for() {
    let folder = Folder::new();
    let status = std::process::Command::new("mkfifo")
        .arg(folder.src().join("step.rs"))
        .status()
        .expect("mkfifo");
    assert!(status.success());
    assert_eq!(
        folder.rejection(),
        "src/step.rs is a named pipe, not a file"
    );
}

#[test]
fn text_that_is_no_utf8_is_rejected_with_its_place() {
    assert_eq!(
        Folder::new().put("step.rs", b"// caf\xe9\n").rejection(),
        "src/step.rs is not UTF-8 text: see byte 6 (save it as UTF-8)"
    );
}

#[test]
fn a_name_that_is_no_utf8_or_no_module_is_rejected() {
    let folder = Folder::new().put(OsStr::from_bytes(b"caf\xe9.rs"), b"");
    assert_eq!(
        folder.rejection(),
        "src/caf\u{fffd}.rs is no UTF-8 name (rename it)"
    );
    let folder = Folder::new().put("a\u{1b}[2J.rs", b"");
    assert_eq!(
        folder.rejection(),
        "src/a\\u{1b}[2J.rs is no name for a module (letters, digits and _)"
    );
}

#[test]
fn sizes_and_counts_have_limits() {
    let full = vec![b' '; FILE_SIZE as usize];
    let mut over = full.clone();
    over.push(b' ');
    assert!(Folder::new().put("full.rs", &full).read().is_ok());
    assert_eq!(
        Folder::new().put("over.rs", &over).rejection(),
        "src/over.rs is larger than 256 KiB"
    );

    let many = (0..4).fold(Folder::new(), |folder, n| {
        folder.put(format!("full_{n}.rs"), &full)
    });
    assert_eq!(
        many.rejection(),
        "the source files together are larger than 1024 KiB"
    );

    let many = (0..FILES).fold(Folder::new(), |folder, n| {
        folder.put(format!("m{n}.rs"), b"")
    });
    assert_eq!(many.rejection(), "src holds more than 64 source files");

    assert!(Folder::new().put("a/b/c/d/e.rs", b"").read().is_ok());
    assert_eq!(
        Folder::new().put("a/b/c/d/e/f.rs", b"").rejection(),
        "src/a/b/c/d/e lies deeper than 4 folders"
    );

    let crowd = (0..ENTRIES).fold(Folder::new(), |folder, n| {
        folder.put(format!("note{n}.txt"), b"")
    });
    assert_eq!(
        crowd.rejection(),
        "src holds more than 1024 entries (hand in the sources alone)"
    );
}

#[test]
fn without_lib_rs_there_is_nothing_to_compile() {
    let folder = Folder::new().put("step.rs", b"");
    fs::remove_file(folder.src().join("lib.rs")).expect("removed");
    assert_eq!(
        folder.rejection(),
        "src/lib.rs is missing (hand in the whole src folder)"
    );
}

#[test]
fn what_the_system_refuses_is_not_the_authors_fault() {
    let folder = Folder::new();
    fs::remove_dir_all(folder.src()).expect("removed");
    let error = folder.read().expect_err("gone");
    assert!(matches!(error, SourcesError::Read { .. }), "{error:?}");
}

#[test]
fn a_socket_is_rejected() {
    let folder = Folder::new();
    let _socket = std::os::unix::net::UnixListener::bind(folder.src().join("step.rs"));
    assert_eq!(folder.rejection(), "src/step.rs is a socket, not a file");
}

#[test]
fn a_pipe_in_place_of_a_folder_is_rejected_and_not_waited_for() {
    for part in ["exercises", "exercises/memory", "exercises/memory/src"] {
        let folder = Folder::new();
        let place = folder.0.path().join(part);
        fs::remove_dir_all(&place).expect("removed");
        let made = std::process::Command::new("mkfifo").arg(&place).status();
        assert!(made.expect("mkfifo").success());
        assert_eq!(folder.rejection(), format!("{part} is not a folder"));
    }
}

#[test]
fn a_huge_file_is_rejected_without_being_read() {
    let folder = Folder::new();
    for name in ["notes.txt", "step.rs"] {
        let file = fs::File::create(folder.src().join(name)).expect("a file");
        file.set_len(1 << 40).expect("a sparse file");
    }
    assert_eq!(folder.rejection(), "src/step.rs is larger than 256 KiB");
}

#[test]
fn a_name_with_a_line_break_cannot_add_a_line_to_a_message() {
    let folder = Folder::new().put("a\nok.rs", b"");
    assert_eq!(
        folder.rejection(),
        "src/a\\nok.rs is no name for a module (letters, digits and _)"
    );
}
