//! Submissions that go for what they share with their judge and its CPython: blocks, locks, the process that subjects are forks of.
//! Whoever ruins it must not turn a zero into a fault of the machine's.

use crate::{
    alone,
    common::{self, Fixture},
    connection::submit_at,
    grade_in,
};
use grader::{
    course::Course,
    grade::Record,
    runner::Status::{InfrastructureError, Passed, Skipped},
    sandbox::{Level, Sandbox, Wanted},
};
use std::path::Path;

const ADD: &str = "pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {";
const TURNS: &str = "pub fn losing_turns() -> Vec<Turn> {";

/// Where CPython or the judge meets what `add_to_block` did.
const PYTHON: &[&str] = &["python_block::rust_adds_to_a_block_that_python_made"];

/// The function that begins with the attack, what it does, and tests that must not pass. `path` is the block's.
const ATTACKS: [(&str, &str, &str, &[&str]); 8] = [
    (
        "takes-the-name-away",
        ADD,
        "let _ = std::fs::remove_file(&path); return Ok(0)",
        PYTHON,
    ),
    (
        "shortens-the-block",
        ADD,
        "std::fs::File::options().write(true).open(&path)?.set_len(0)?; return Ok(0)",
        PYTHON,
    ),
    (
        "puts-a-pipe-in-its-place",
        ADD,
        r#"sh(&format!("rm {path}; mkfifo {path}")); return Ok(0)"#,
        PYTHON,
    ),
    (
        "keeps-the-lock",
        ADD,
        r#"sh(&format!("setsid flock {path} sleep 98764 & sleep 0.2")); return Ok(0)"#,
        PYTHON,
    ),
    (
        "keeps-every-lock",
        ADD,
        r#"sh("for block in /dev/shm/*; do setsid flock $block sleep 98764 & done; sleep 0.2"); return Ok(0)"#,
        PYTHON,
    ),
    (
        "fills-shared-memory-for-later-tests",
        ADD,
        r#"for n in 0..512 { if std::fs::write(format!("/dev/shm/fill-{n}"), vec![1; 1 << 20]).is_err() { break } } return Ok(0)"#,
        PYTHON,
    ),
    (
        "shortens-every-block-there-will-be",
        ADD,
        r#"sh("setsid sh -c 'while :; do for block in /dev/shm/*; do : > $block; done; done' &"); return Ok(0)"#,
        PYTHON,
    ),
    (
        "ruins-the-process-that-is-forked",
        TURNS,
        r#"use std::os::unix::fs::FileExt; let code = losing_turns as fn() -> Vec<Turn> as usize as u64 & !0xfff; if let Ok(memory) = std::fs::File::options().write(true).open(format!("/proc/{}/mem", std::os::unix::process::parent_id())) { for page in 0..64 { let _ = memory.write_all_at(&[0xcc; 4096], code + page * 4096); } } return vec![]"#,
        &["lost_updates::your_turns_lose_an_update"],
    ),
];

#[test]
fn nobody_makes_a_fault_of_the_machines_out_of_a_zero() {
    disturbed(None);
}

#[test]
fn nor_behind_landlock() {
    disturbed(Some(Level::L1));
}

fn disturbed(level: Option<Level>) {
    let _machine = alone();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = Course::open(&here.join("../..").canonicalize().expect("a folder")).expect("ours");
    let fixture = Fixture::below(Path::new("/var/tmp"));
    let class = fixture.path("class");
    let sandbox = match Sandbox::find(&Wanted {
        hidden: &[&course.root, &class],
        level,
        launcher: level.map(|_| env!("CARGO_BIN_EXE_launcher").into()),
    }) {
        Ok(sandbox) => sandbox,
        Err(why) => {
            let needed = if level.is_some() { "landlock" } else { "bwrap" };
            return common::skip(needed, &why);
        }
    };
    let more = "\n#[allow(unused)]\nfn sh(script: &str) { use std::process::{Command, Stdio}; let _ = Command::new(\"/bin/sh\")\
                .args([\"-c\", script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status(); }\n";
    for (name, place, body, _) in ATTACKS {
        let (file, first) = if place == ADD {
            let path = r#"let path = format!("/dev/shm/{name}");"#;
            ("python_block.rs", format!("{path} {body};"))
        } else {
            ("lost_updates.rs", format!("{body};"))
        };
        submit_at(&fixture, &course, name, (file, place, &first), more);
    }
    for name in ["a-right-victim", "z-right-victim"] {
        submit_at(&fixture, &course, name, ("python_block.rs", ADD, ""), "");
    }

    let chapter = course.chapter("memory").expect("a chapter");
    let all = grade_in(&course, chapter, &class, sandbox);

    let mut complaints = Vec::new();
    let mut complain = |name: &str, one: &Record| {
        let Record {
            test,
            status,
            message,
            ..
        } = one;
        complaints.push(format!("{name}: {test}: {status}: {message}"));
    };
    for (name, _, _, callers) in ATTACKS {
        for one in &all[name] {
            let is_caller = callers.contains(&one.test.as_str());
            if matches!(one.status, InfrastructureError | Skipped)
                || is_caller && one.status == Passed
            {
                complain(name, one);
            }
        }
    }
    for name in ["a-right-victim", "z-right-victim"] {
        let unlucky = all[name].iter().filter(|one| one.status != Passed);
        unlucky.for_each(|one| complain(name, one));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(crate::processes("98764"), [""; 0], "somebody sleeps on");
}
