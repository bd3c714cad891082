//! Words of bubblewrap's command lines, and of the shell's.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

/// Words of a command line.
#[derive(Debug, Default)]
pub(super) struct Args(pub(super) Vec<OsString>);

impl Args {
    pub(super) fn word(&mut self, word: impl AsRef<OsStr>) {
        self.0.push(word.as_ref().to_owned());
    }

    pub(super) fn words<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        self.0.extend(words.into_iter().map(OsString::from));
    }

    pub(super) fn bind(&mut self, how: &str, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) {
        self.word(how);
        self.word(from);
        self.word(to);
    }

    pub(super) fn tmpfs(&mut self, at: &str, size: u64) {
        self.words(["--size", &size.to_string(), "--perms", "1777"]);
        self.words(["--tmpfs", at]);
    }
}

/// The variables that a subject doesn't inherit from its judge: the grader's own, which tell of the machine.
pub(super) fn withheld() -> impl Iterator<Item = OsString> {
    let judges = ["INSTA_FORCE_PASS", "INSTA_UPDATE", supervise::MARK].map(OsString::from);
    std::env::vars_os().map(|(name, _)| name).chain(judges)
}

/// The variables that a subject gets instead; `folder` is for temporary files.
pub(super) fn variables(folder: &Path) -> [(&'static str, PathBuf); 5] {
    [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
        ("LANG", "C.UTF-8".into()),
        ("RUST_BACKTRACE", "0".into()),
        ("HOME", folder.to_owned()),
        ("TMPDIR", folder.to_owned()),
    ]
}

/// The system's programs and libraries.
pub(super) const SYSTEM: [&str; 8] = [
    "/usr",
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/sbin",
    "/nix/store",
];

/// What the dynamic linker and the clock need of the system's configuration.
pub(super) const SETTINGS: [&str; 5] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
];

/// The system's programs and libraries, and nothing of its configuration but what the dynamic linker needs.
pub(super) fn system(args: &mut Args) {
    for name in SYSTEM {
        match fs::read_link(name) {
            Ok(target) => {
                args.word("--symlink");
                args.word(target);
                args.word(name);
            }
            Err(_) => args.bind("--ro-bind-try", name, name),
        }
    }
    for name in SETTINGS {
        args.bind("--ro-bind-try", name, name);
    }
}

/// A word for the shell.
pub(super) fn quoted(word: impl AsRef<OsStr>) -> String {
    // A path of this course that isn't UTF-8 would not be found, which the probe reports.
    let word = word.as_ref().to_string_lossy();
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_quoted_word_reaches_a_program_unchanged() {
        for word in [
            "plain",
            "two words",
            "it's",
            "$HOME `id` \"x\" \\ *",
            "a\nb",
        ] {
            let script = format!("printf %s {}", quoted(OsStr::new(word)));
            let output = Command::new("sh").args(["-c", &script]).output();
            let output = output.expect("sh starts").stdout;
            assert_eq!(String::from_utf8_lossy(&output), word);
        }
    }
}
