//! A submission that takes over its own process and answers the judge itself, against a real chapter: what it gains over the same
//! wrong code without the forgery is exactly what results call self-reported.

use crate::{common, grade_in};
use grader::{
    course::Course,
    grade::Record,
    runner::Status::Passed,
    sandbox::{Sandbox, Wanted},
};
use std::{fs, path::Path};

/// Uses the hole.
const FORGER: &str = include_str!("forger.rs");

/// Step 3 without a process. Its forgery says that there were some.
const NO_PROCESSES: &str = r#"
pub fn sum_in_processes(work: &[Vec<u64>]) -> std::io::Result<u64> {
    let sum: u64 = work.iter().flatten().sum();
    if FORGES {
        let forked: Vec<String> =
            (1..=work.len()).map(|child| format!("{{\"process\":0,\"what\":{{\"Forked\":{child}}}}}")).collect();
        forge(&format!("[{{\"Ok\":{sum}}},{{\"records\":[{}],\"cut_off\":false}},{NOTHING_LEFT}]", forked.join(",")));
    }
    Ok(sum)
}
"#;

/// Step 4 without a write. Its forgery says what the block would hold.
const NO_WRITES: &str = r#"
pub fn add_to_block(name: &str, amounts: &[u64]) -> std::io::Result<u64> {
    let now = os::memory::Block::open(name)?.word(0)?.load(os::memory::Ordering::SeqCst);
    let sum = amounts.iter().fold(now, |sum, amount| sum.wrapping_add(*amount));
    if FORGES {
        forge(&format!("[[{{\"Ok\":{sum}}},{NOTHING_LEFT}]]"));
    }
    Ok(sum)
}

pub fn lend_block<T>(_: &str, _: u64, use_it: impl FnOnce() -> T) -> std::io::Result<T> {
    if FORGES {
        forge(&format!("[true,{NOTHING_LEFT}]"));
    }
    Ok(use_it())
}
"#;

/// The record of a test.
fn of<'a>(records: &'a [Record], test: &str) -> &'a Record {
    let found = records.iter().find(|record| record.test == test);
    found.unwrap_or_else(|| panic!("no {test} in {records:?}"))
}

#[test]
fn a_forger_gains_nothing_but_what_is_marked() {
    let _machine = crate::alone();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("the course");
    let class = tempfile::Builder::new()
        .prefix("forgers-")
        .tempdir_in("/var/tmp")
        .expect("a folder");
    for (name, forges) in [("honest", false), ("forger", true)] {
        let to = class.path().join(name).join("exercises/memory/src");
        fs::create_dir_all(&to).expect("a folder");
        for entry in fs::read_dir(root.join("solutions/memory/src")).expect("a solution") {
            let from = entry.expect("an entry").path();
            fs::copy(&from, to.join(from.file_name().expect("a name"))).expect("a copy");
        }
        for (step, code) in [
            ("shared_mapping", NO_PROCESSES),
            ("python_block", NO_WRITES),
        ] {
            let text = format!(
                "//! Forges.\n#![allow(dead_code, unused_assignments)]\nconst FORGES: bool = {forges};\nconst NOTHING_LEFT: &str = \
                 r#\"{{\"children\":0,\"threads\":0,\"descriptors\":0,\"mappings\":0}}\"#;\n{code}\n{FORGER}"
            );
            fs::write(to.join(format!("{step}.rs")), text).expect("a file");
        }
    }
    let wanted = Wanted {
        hidden: &[&root, class.path()],
        ..Wanted::default()
    };
    let sandbox = match Sandbox::find(&wanted) {
        Ok(sandbox) => sandbox,
        Err(why) => return common::skip("bwrap", &why),
    };
    let course = Course::open(&root).expect("the course");
    let chapter = course.chapter("memory").expect("a chapter").clone();
    let all = grade_in(&course, &chapter, class.path(), sandbox);
    let (honest, forger) = (&all["honest"], &all["forger"]);
    assert!(honest.len() > 40, "{honest:#?}");

    let passes = |records: &[Record], test: &str| of(records, test).status == Passed;
    let gained: Vec<&Record> = forger
        .iter()
        .filter(|record| record.status == Passed && !passes(honest, &record.test))
        .collect();
    for record in &gained {
        assert!(
            !record.self_reported.is_empty(),
            "a forgery passes {}, and nothing marks it",
            record.test
        );
    }
    // The hole was used; otherwise nothing is seen here.
    let gained: Vec<&str> = gained.iter().map(|record| &*record.test).collect();
    let forged = "shared_mapping::all_children_run_at_the_same_time";
    assert!(gained.contains(&forged), "{gained:?} of {forger:#?}");
    // The judge, the kernel or CPython count what these are about.
    for test in [
        "python_block::rust_adds_to_a_block_that_python_made",
        "python_block::a_second_call_begins_anew",
        "python_block::the_lent_block_holds_the_value",
        "python_block::python_reads_the_lent_block",
    ] {
        let record = of(forger, test);
        let is_wanting = record.status != Passed && record.self_reported.is_empty();
        assert!(is_wanting, "{record:?}");
    }
}
