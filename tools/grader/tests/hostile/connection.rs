//! Submissions that take the connection to the judge from the harness and hold the judge up. No sandbox prevents the first: the
//! connection is in their own process. They hand in the memory exercise, since the tiny course's judge has no connection.

use crate::common::{self, Fixture};
use grader::{
    course::Course,
    grade::{Grader, Record},
    runner::Status::{self, Crash, Failed, Passed, Timeout},
    sandbox::{Sandbox, Wanted},
    stop::Stop,
    submission,
};
use std::{fs, path::Path};

/// How learner code gets at the connection.
const HOLE: &str = include_str!("../../../../tests/project/victims/hole.rs");
/// Where it does.
const PLACE: &str = "pub fn losing_turns() -> Vec<Turn> {";
/// Tests that call it.
const CALLERS: [&str; 2] = [
    "lost_updates::your_turns_are_two_for_each_thread",
    "lost_updates::your_turns_lose_an_update",
];
/// Seconds that a test may take: 12 if its subject computes, and what a busy machine adds.
const MOST: f64 = 45.0;

/// What the function does with the connection, `judge`, and what has to come of its callers.
const ATTACKS: [(&str, &str, Status); 10] = [
    (
        "answers-byte-by-byte",
        r#"judge.write_all(&1000u32.to_be_bytes()).unwrap(); loop { judge.write_all(b" ").unwrap(); pause() }"#,
        Timeout,
    ),
    (
        "stops-within-a-length",
        "judge.write_all(&[0, 0]).unwrap(); loop { pause() }",
        Timeout,
    ),
    (
        "stops-within-an-answer",
        r##"judge.write_all(&hole::frame(br#"{"Returned":1}"#)[..9]).unwrap(); loop { pause() }"##,
        Timeout,
    ),
    (
        "makes-progress-without-end",
        r##"let frame = hole::frame(br#"{"Progress":"nearly done"}"#); loop { judge.write_all(&frame).unwrap() }"##,
        Timeout,
    ),
    (
        "gives-accounts-without-end",
        r##"let frame = hole::frame(br#"{"Accounts":["events"]}"#); loop { judge.write_all(&frame).unwrap() }"##,
        Timeout,
    ),
    // 42 MiB of text, 4 GiB of maps.
    (
        "answers-with-maps-that-fill-memory",
        r##"let maps = format!("{{\"Returned\":[{}0]}}", "{\"\":0},".repeat(6 << 20)); let _ = judge.write_all(&hole::frame(maps.as_bytes())); loop { pause() }"##,
        Crash,
    ),
    (
        "announces-more-than-there-is-memory",
        "judge.write_all(&u32::MAX.to_be_bytes()).unwrap(); loop { pause() }",
        Crash,
    ),
    (
        "closes-every-descriptor",
        r#"drop(judge); for number in 0..64 { if std::fs::exists(format!("/proc/self/fd/{number}")).unwrap_or(false) { drop(hole::descriptor(number)) } } loop { pause() }"#,
        Crash,
    ),
    (
        "leaves-the-connection-to-a-child",
        r#"let _ = std::process::Command::new("sleep").arg("98763").stdin(std::os::fd::OwnedFd::from(judge)).spawn(); std::process::exit(7)"#,
        Crash,
    ),
    (
        "kills-itself",
        r#"drop(judge); let _ = std::process::Command::new("/bin/sh").args(["-c", "kill -9 $PPID"]).status(); loop { pause() }"#,
        Crash,
    ),
];

/// The solution's sources, with the function beginning otherwise.
fn submit(fixture: &Fixture, course: &Course, name: &str, first: &str, more: &str) {
    submit_at(
        fixture,
        course,
        name,
        ("lost_updates.rs", PLACE, first),
        more,
    );
}

/// The solution's sources, with the function at this place of this file beginning otherwise.
pub fn submit_at(
    fixture: &Fixture,
    course: &Course,
    name: &str,
    (file, place, first): (&str, &str, &str),
    more: &str,
) {
    let src = fixture
        .path("class")
        .join(name)
        .join("exercises/memory/src");
    fs::create_dir_all(&src).expect("a folder");
    let solution = course.root.join("solutions/memory/src");
    for entry in fs::read_dir(solution).expect("a solution").flatten() {
        let mut text = fs::read_to_string(entry.path()).expect("a file");
        if entry.file_name() == file {
            assert!(text.contains(place));
            let begins = format!("#[allow(unreachable_code, unused)]\n{place} {first}");
            text = text.replace(place, &begins) + more;
        }
        fs::write(src.join(entry.file_name()), text).expect("room");
    }
}

#[test]
fn nobody_who_has_the_connection_holds_up_the_judge() {
    let _machine = crate::alone();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = Course::open(&here.join("../..").canonicalize().expect("a folder")).expect("ours");
    let fixture = Fixture::below(Path::new("/var/tmp"));
    let wanted = Wanted {
        hidden: &[&course.root, &fixture.path("class")],
        ..Wanted::default()
    };
    let sandbox = match Sandbox::find(&wanted) {
        Ok(sandbox) => sandbox,
        Err(why) => return common::skip("bwrap", &why),
    };
    let more = format!(
        "\nmod hole {{\n{HOLE}\n}}\nfn pause() {{ std::thread::sleep(std::time::Duration::from_millis(100)) }}\n"
    );
    for (name, body, _) in ATTACKS {
        let first = format!("use std::io::Write; let mut judge = hole::connection(); {body};");
        submit(&fixture, &course, name, &first, &more);
    }
    submit(&fixture, &course, "a-right-victim", "", "");
    submit(
        &fixture,
        &course,
        "b-wrong-victim",
        "if true { return vec![] }",
        "",
    );
    submit(&fixture, &course, "z-right-victim", "", "");

    let stop = Stop::new();
    let grader = Grader::new(&course, &stop, || {}).expect("the slot");
    let mut grader = grader.within(sandbox);
    let found = submission::find(&course, &[fixture.path("class")], None).expect("a class");
    let memory = course.chapter("memory").expect("a chapter");
    let mut complaints = Vec::new();
    for submission in &found.submissions {
        let name = submission.name.as_str();
        let records = grader
            .grade(submission, memory, |_| {})
            .expect("not stopped");
        let expect = match ATTACKS.iter().find(|(attack, ..)| *attack == name) {
            Some((.., expect)) => *expect,
            None if name.contains("wrong") => Failed,
            None => Passed,
        };
        complaints.extend(records.iter().filter(|one| !fits(one, expect)).map(|one| {
            let Record {
                test,
                status,
                seconds,
                message,
                ..
            } = one;
            format!("{name}: {test}: {status} after {seconds:.1} s: {message}")
        }));
        assert!(records.len() > 50, "{name}: {} tests", records.len());
        if std::env::var_os("HOSTILE_TIMES").is_some() {
            let seconds: f64 = records.iter().map(|one| one.seconds).sum();
            eprintln!("{seconds:7.2} {name}");
        }
    }
    assert_eq!(found.submissions.len(), ATTACKS.len() + 3);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(crate::processes("98763"), [""; 0], "somebody sleeps on");
}

/// Whether a test's result is as it should be: others than the callers may call the function too.
fn fits(record: &Record, expect: Status) -> bool {
    let right = match CALLERS.contains(&record.test.as_str()) {
        true => record.status == expect,
        false => record.status == expect || record.status == Passed,
    };
    // Ended by its own deadline, not by that of all tests together.
    right && record.seconds < MOST && !record.message.contains("used up its")
}
