//! A full disk below the results, and below temporary files. It is a small tmpfs in a mount namespace of its own, which root may
//! make, and elsewhere whoever may make a user namespace; CI requires it.

use crate::{Class, common, journal, turn, verdicts};
use std::{fs, path::Path, process::Command};

const PAGE: u64 = 4096;

/// Runs a script with a tmpfs of so many pages in the folder `disk`; `course` in it grades the class. `None` where nobody may mount.
fn with_small_disk(class: &Class, pages: u64, script: &str) -> Option<String> {
    // Outside a sandbox what this one leaves would stay.
    class.submit("dan", "");
    let disk = class.path("disk");
    fs::create_dir_all(&disk).expect("a folder");
    let _ = fs::remove_dir_all(class.path("kept"));
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let size = pages * PAGE;
    let prepare = format!(
        "mount -t tmpfs -o size={size},mode=700 small disk || exit 99\n\
         course() {{ \"$COURSE\" grade --root course --no-sandbox class \"$@\" >out 2>told; echo \"exit $?\" >>told; }}\n\
         {script}\n"
    );
    command
        .args(["--mount", "sh", "-c", &prepare])
        .current_dir(class.path(""))
        .env("COURSE", env!("CARGO_BIN_EXE_course"))
        .env("TMPDIR", class.path("tmp"));
    let output = command.output().expect("unshare starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Some(said),
        // Of `unshare` itself, and of the mount.
        Some(1 | 99) if said.contains("unshare") || said.contains("mount") => {
            common::skip(
                "mounts",
                &format!("nobody may mount a tmpfs here: {}", said.trim()),
            );
            None
        }
        code => panic!("{code:?}: {said}"),
    }
}

/// What the grader told before the disk had room again, and after.
fn told(class: &Class, when: &str) -> String {
    fs::read_to_string(class.path("kept").join(when)).expect("kept")
}

#[test]
fn a_full_disk_below_the_results_loses_nothing() {
    let _turn = turn();
    let class = Class::new();
    fs::write(class.path("class/ann/exercises/sums/src/long.rs"), "").expect("a file");
    let whole = with_small_disk(
        &class,
        64,
        "mkdir kept; course --output disk/results.jsonl; cp told kept/first; cp disk/* kept/",
    );
    if whole.is_none() {
        return;
    }
    assert!(
        told(&class, "first").ends_with("exit 0\n"),
        "{}",
        told(&class, "first")
    );
    let expected = verdicts(&class.path("kept/results.jsonl"));
    let size = fs::metadata(class.path("kept/results.jsonl"))
        .expect("kept")
        .len();
    // The journal holds the same and a digest for each of the seven.
    let journal_pages = (size + 7 * 100).div_ceil(PAGE);

    for (free, part) in [
        (0, "nothing fits"),
        (1, "some fit"),
        (journal_pages, "all fit, but not twice"),
    ] {
        let script = format!(
            "mkdir kept; head -c $((64 * {PAGE})) /dev/zero >disk/filler 2>/dev/null; truncate -s $(((64 - {free}) * {PAGE})) disk/filler\n\
             course --output disk/results.jsonl; cp told kept/first; cp disk/results.jsonl.partial kept/journal 2>/dev/null\n\
             test ! -e disk/results.jsonl && test \"$(ls -A disk | grep -vc partial)\" = 1 || echo trace >>kept/first\n\
             rm disk/filler; course --output disk/results.jsonl; cp told kept/second; ls -A disk >kept/names; cp disk/results.jsonl kept/"
        );
        with_small_disk(&class, 64, &script).expect("as before");
        let (first, second) = (told(&class, "first"), told(&class, "second"));
        assert!(first.ends_with("exit 3\n"), "{part}: {first}");
        assert!(
            first.contains("error: cannot write disk/results.jsonl: No space left on device")
                && first.contains(
                    "(free some space, then run the same command again: it continues from there)\n"
                ),
            "{part}: {first}"
        );
        let kept = journal(&class.path("kept/journal"));
        let fits = match part {
            "nothing fits" => kept.is_empty(),
            "some fit" => (1..7).contains(&kept.len()),
            _ => kept.len() == 7,
        };
        assert!(fits, "{part}: {kept:?}\n{first}");
        assert!(
            class
                .shown(&first)
                .iter()
                .all(|name| kept.contains_key(name)),
            "{part}: {first}"
        );

        assert!(second.ends_with("exit 0\n"), "{part}: {second}");
        assert!(
            class
                .shown(&second)
                .iter()
                .all(|name| !kept.contains_key(name)),
            "{part}: {second}"
        );
        assert_eq!(
            class.shown(&second).len() + kept.len(),
            7,
            "{part}: {second}"
        );
        assert_eq!(
            verdicts(&class.path("kept/results.jsonl")),
            expected,
            "{part}"
        );
        assert_eq!(told(&class, "names"), "results.jsonl\n", "{part}");
    }
}

#[test]
fn a_full_disk_below_temporary_files_is_nobodys_zero() {
    let _turn = turn();
    let class = Class::new();
    let script = "mkdir kept; course --output warm.jsonl; cp warm.jsonl kept/\n\
         cp -r tmp/. disk/; head -c 1048576 /dev/zero >disk/filler 2>/dev/null\n\
         TMPDIR=$PWD/disk; export TMPDIR\n\
         course --output results.jsonl; cp told kept/first; cp results.jsonl kept/full.jsonl\n\
         rm disk/filler; course --output results.jsonl; cp told kept/second; cp results.jsonl kept/; ls -A disk >kept/names";
    if with_small_disk(&class, 64, script).is_none() {
        return;
    }
    let expected = verdicts(&class.path("kept/warm.jsonl"));
    let full = verdicts(&class.path("kept/full.jsonl"));
    assert!(
        told(&class, "first").ends_with("exit 3\n"),
        "{}",
        told(&class, "first")
    );
    for (test, status) in &full {
        let was = expected.get(test).map_or("", String::as_str);
        assert!(
            status == "infrastructure_error" || status == was,
            "{test:?} is {status}, was {was}"
        );
    }
    assert!(
        full.values().any(|status| status == "infrastructure_error"),
        "{full:?}"
    );
    assert!(
        told(&class, "second").ends_with("exit 0\n"),
        "{}",
        told(&class, "second")
    );
    assert_eq!(verdicts(&class.path("kept/results.jsonl")), expected);
    assert_eq!(told(&class, "names"), "");
    assert!(Path::new(&class.path("disk")).is_dir());
}
