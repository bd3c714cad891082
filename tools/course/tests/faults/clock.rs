//! A clock that is set back between two graders. The machine's own stays as it is: instead, what the first grader wrote gets times
//! of change in the future, which is all that the second one could see of it.

use crate::{
    Class, WRONG, common,
    grader::{Grader, signal},
    journal, turn, verdicts,
};
use rustix::process::Signal;
use std::{
    fs::{self, File, FileTimes},
    path::Path,
    thread,
    time::{Duration, SystemTime},
};

/// Gives everything below `folder` times of change a month ahead.
fn send_ahead(folder: &Path) {
    let ahead = SystemTime::now() + Duration::from_secs(30 * 24 * 3600);
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            send_ahead(&path);
        }
        if !kind.is_symlink() {
            let times = FileTimes::new().set_modified(ahead).set_accessed(ahead);
            let file = File::open(&path).expect("a file");
            file.set_times(times).expect("one's own");
        }
    }
}

fn grade(class: &Class) -> (Option<i32>, String) {
    let mut grader = Grader::start(class);
    let code = grader.process.wait().expect("a child").code();
    (code, grader.told())
}

#[test]
fn a_clock_that_was_set_back_changes_no_mark_and_loses_none() {
    let _turn = turn();
    let class = Class::new();
    let (code, told) = grade(&class);
    if code == Some(2) {
        return common::skip("bwrap", &told);
    }
    let results = class.path("results.jsonl");
    let expected = verdicts(&results);
    fs::remove_file(&results).expect("results");

    // Later, by the clock of then, somebody is killed in the middle.
    let partial = class.path("results.jsonl.partial");
    let mut grader = Grader::start(&class);
    while journal(&partial).len() < 2 && !grader.has_ended() {
        thread::sleep(Duration::from_millis(2));
    }
    signal(grader.process.id(), Signal::KILL);
    grader.process.wait().expect("a child");
    grader.assert_nobody_is_left(true);
    let kept = journal(&partial);
    assert!(!results.exists(), "it was too fast to be killed");

    // All that a grader, cargo and rustc have written, and what was handed in.
    for part in ["course/target", "class", "tmp"] {
        send_ahead(&class.path(part));
    }
    let (code, told) = grade(&class);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(verdicts(&results), expected, "{told}");
    assert!(
        class
            .shown(&told)
            .iter()
            .all(|name| !kept.contains_key(name)),
        "{told}"
    );
    assert_eq!(class.shown(&told).len() + kept.len(), 7, "{told}");

    // Whoever hands in anew, at an earlier time than the build of before, is judged anew.
    send_ahead(&class.path("course/target"));
    class.submit("ann", WRONG);
    let (code, told) = grade(&class);
    assert_eq!(code, Some(0), "{told}");
    let found = verdicts(&results);
    let of = |name: &str| {
        let mine = found.iter().filter(|((who, _), _)| who == name);
        mine.map(|((_, test), status)| (test.clone(), status.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("ann"), of("eve"), "the same answer, the same marks");
}
