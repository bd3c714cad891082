//! No experiment leaves shared memory behind. The names hold this process's id, so this test has a process of its own:
//! what tests and labs elsewhere use at the same time is not looked at.

use lab::claims::CLAIMS;
use lab::measure::{Setup, Subject, measure};
use lab::{Error, python};
use std::fs;
use std::path::Path;
use std::time::Duration;
use supervise::Stop;

/// Lists this process's names.
fn left_behind() -> Vec<String> {
    let names = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let pid = std::process::id().to_string();
    let ours = |name: &String| name.starts_with("lab-") && name.split('-').nth(2) == Some(&pid);
    names.filter(ours).collect()
}

#[test]
fn an_experiment_leaves_no_shared_memory_whether_it_ends_or_is_stopped() {
    let python = match python::search().one(Path::new("python3")) {
        Ok(python) => python,
        Err(why) => {
            let required = std::env::var("COURSE_REQUIRE").unwrap_or_default();
            let required = required.split(',').any(|name| name.trim() == "python");
            assert!(!required, "{why}");
            eprintln!("skipped: shared memory of experiments: {why}");
            return;
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let subject = Subject::Python(python);
    let mut looked = 0;
    for claim in CLAIMS {
        let twin = format!("tools/lab/experiments/{}.py", claim.stem());
        if !fs::read_to_string(root.join(twin))
            .unwrap()
            .contains("SharedMemory")
        {
            continue; // the others only take longer
        }
        looked += 1;
        for (rounds, stops) in [(1, false), (1000, true)] {
            let stop = Stop::new();
            let setup = Setup {
                root: &root,
                rust: (env!("CARGO_BIN_EXE_experiment").into(), Vec::new()),
                stop: &stop,
                deadline: Duration::from_secs(240),
            };
            let result = measure(&setup, claim, &subject, rounds, || {
                if stops {
                    stop.request(); // in the middle, after the first round
                }
            });
            match result {
                Err(Error::Stopped) if stops => {}
                Ok(_) if !stops => {}
                other => panic!("{}: {other:?}", claim.id),
            }
            assert_eq!(left_behind(), Vec::<String>::new(), "{}", claim.id);
        }
    }
    assert!(
        looked > 0,
        "no experiment uses shared memory any more: drop this test"
    );
}
