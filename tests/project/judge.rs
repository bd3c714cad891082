//! The judge itself: whatever a subject does, the verdict is the judge's, and a learner can read it.
//!
//! Each `victim` is a test that goes wrong on purpose. It is ignored in a plain run, and started by the real
//! tests below as a process of its own, as the grader would.

use checks::{Report, Status, subject};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

subject! {
    fn add(a: u64, b: u64) -> u64 { a + b }

    fn exits_with(code: i32) -> u64 { std::process::exit(code) }

    fn aborts() -> u64 { std::process::abort() }

    fn overflows_its_stack(depth: u64) -> u64 {
        fn deeper(n: u64) -> u64 {
            let frame = std::hint::black_box([n; 512]);
            if n == u64::MAX { 0 } else { deeper(n + 1) + frame[0] }
        }
        deeper(depth)
    }

    fn fills_memory() -> u64 {
        let mut all = Vec::new();
        loop { all.push(std::hint::black_box(vec![1u8; 64 << 20])); }
    }

    fn hangs() -> u64 {
        loop { std::thread::sleep(Duration::from_secs(1)); }
    }

    /// The child's process id.
    fn leaves_a_child_that_hangs() -> u64 {
        let child = os::process::fork(|| -> std::io::Result<()> {
            loop { std::thread::sleep(Duration::from_secs(1)); }
        });
        u64::from(child.expect("a process can be forked").pid())
    }

    fn floods() -> u64 {
        loop { println!("{}", "la".repeat(1000)); }
    }

    fn panics(why: String) -> u64 {
        println!("about to panic");
        panic!("{why}")
    }

    fn panics_in_a_thread() -> u64 {
        std::thread::spawn(|| panic!("the thread's own message")).join().unwrap();
        0
    }

    fn is_not_begun() -> u64 { todo!("count the threads") }

    fn reads_its_input() -> usize {
        std::io::read_to_string(std::io::stdin()).expect("there is an end").len()
    }

    fn says_and_dies() -> u64 {
        checks::tell(&1);
        checks::tell(&2);
        std::process::exit(0)
    }

    fn threads_here() -> Option<usize> {
        Some(std::fs::read_dir("/proc/self/task").ok()?.count())
    }

    fn forks_beside_a_thread() -> String {
        let thread = std::thread::spawn(|| std::thread::sleep(Duration::from_secs(30)));
        let error = os::process::fork(|| Ok(())).map(|child| child.pid()).unwrap_err();
        drop(thread);
        error.to_string()
    }

    /// Two siblings, one after the other; the first sees end of file although the second lives.
    fn siblings_inherit_no_ends() -> String {
        use os::process::{ParentOnly, fork};
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let writer = ParentOnly::new(writer);
        let first = fork(|| std::io::read_to_string(&mut reader)).expect("a child");
        let (waits, goes) = std::io::pipe().expect("a pipe");
        let goes = ParentOnly::new(goes);
        let second = fork(|| std::io::read_to_string(waits).map(|_| ())).expect("a child");
        drop(writer);
        let read = first.wait().expect("the first child ends while the second lives");
        drop(goes);
        second.wait().expect("the second child ends");
        format!("read {} bytes", read.len())
    }

    fn child_is_killed() -> String {
        let child = os::process::fork(|| -> std::io::Result<()> { std::process::abort() });
        child.expect("a process can be forked").wait().unwrap_err().to_string()
    }

    fn races(threads: u64) -> checks::Explored<u64> {
        use os::sync::{Arc, AtomicU64, Ordering::SeqCst};
        checks::explore(move || {
            let counter = Arc::new(AtomicU64::new(0));
            let handles: Vec<_> = (0..threads)
                .map(|_| {
                    let counter = counter.clone();
                    os::thread::spawn(move || counter.store(counter.load(SeqCst) + 1, SeqCst))
                })
                .collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
            counter.load(SeqCst)
        })
    }

    fn deadlocks() -> checks::Explored<u64> {
        use os::sync::{Arc, Mutex};
        checks::explore(|| {
            let (one, two) = (Arc::new(Mutex::new(0u64)), Arc::new(Mutex::new(0u64)));
            let (a, b) = (one.clone(), two.clone());
            let other = os::thread::spawn(move || *a.lock().unwrap() + *b.lock().unwrap());
            let here = {
                let second = two.lock().unwrap();
                *one.lock().unwrap() + *second
            };
            here + other.join().unwrap()
        })
    }

    fn spins() -> checks::Explored<u64> {
        use os::sync::{AtomicU64, Ordering::SeqCst};
        checks::explore(|| {
            let never = AtomicU64::new(0);
            while never.load(SeqCst) == 0 {}
            0
        })
    }
}

mod victim {
    use super::*;

    macro_rules! victims {
        ($($name:ident $body:block)+) => {$(
            #[test]
            #[ignore = "goes wrong on purpose"]
            fn $name() $body
        )+};
    }

    victims! {
        wrong { assert_eq!(add(&2, &2), 5, "two and two"); }
        explained {
            checks::explain("memory.md#copy-on-write", "A misconception.");
            let n = checks::random().u64(..);
            assert_eq!(add(&n, &0), n.wrapping_add(1));
        }
        exit_zero { let _ = exits_with(&0); }
        exit_seven { let _ = exits_with(&7); }
        exit_as_the_harness { let _ = exits_with(&102); }
        too_talkative { let _ = says_and_dies(); }
        abort { let _ = aborts(); }
        stack { let _ = overflows_its_stack(&0); }
        memory { let _ = fills_memory(); }
        hang { let _ = hangs(); }
        flood { let _ = floods(); }
        panic { let _ = panics(&"the learner's message".into()); }
        thread_panic { let _ = panics_in_a_thread(); }
        todo { let _ = is_not_begun(); }
        dies_midway {
            let mut call = says_and_dies::start();
            let _: u64 = call.hear();
            let _: u64 = call.hear();
            let _: u64 = call.hear();
        }
        race { races(&2).expect_always(&2); }
        deadlock { deadlocks().expect_always(&0); }
        spin { spins().expect_always(&0); }
        no_python { assert!(checks::python().is_none()); }
    }
}

/// Runs one victim as the grader would.
fn run(victim: &str, environment: &[(&str, &str)]) -> (Output, Vec<Report>) {
    let report = std::env::temp_dir().join(format!(
        "checks-report-{}-{:x}.jsonl",
        std::process::id(),
        fastrand::u64(..)
    ));
    let output = Command::new(std::env::current_exe().expect("this test has a path"))
        .args(["--exact", &format!("victim::{victim}"), "--ignored"])
        .env("CHECKS_REPORT", &report)
        .env("RUST_BACKTRACE", "1")
        .env_remove("CHECKS_SEED")
        .env_remove("COURSE_REQUIRE")
        .envs(environment.iter().copied())
        .output()
        .expect("this test can be started again");
    let lines = std::fs::read_to_string(&report).unwrap_or_default();
    let _ = std::fs::remove_file(&report);
    let reports = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a report is JSON"))
        .collect();
    (output, reports)
}

/// Runs a victim that fails, and gives what the report and what the learner's screen say.
fn fail(victim: &str) -> (Report, String) {
    let (output, mut reports) = run(victim, &[]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(101), "{shown}");
    assert_eq!(reports.len(), 1, "{reports:?}\n{shown}");
    assert!(!shown.contains("stack backtrace"), "{shown}");
    assert!(!shown.contains("RUST_BACKTRACE"), "{shown}");
    (reports.remove(0), shown)
}

#[test]
fn a_right_answer_comes_back() {
    assert_eq!(add(&40, &2), 42);
}

#[test]
fn a_wrong_answer_fails_with_both_values_and_the_place_of_the_check() {
    let (report, shown) = fail("wrong");
    assert_eq!(
        (report.status, report.test.as_str()),
        (Status::Failed, "victim::wrong")
    );
    assert!(report.message.contains("two and two"), "{}", report.message);
    assert!(
        shown.contains("yours:    4") && shown.contains("expected: 5"),
        "{shown}"
    );
    assert!(shown.contains("tests/project/judge.rs:"), "{shown}");
}

#[test]
fn a_failure_names_misconception_section_and_seed_and_the_seed_replays() {
    let (first, shown) = fail("explained");
    assert_eq!(first.section.as_deref(), Some("memory.md#copy-on-write"));
    assert!(shown.contains("A misconception."), "{shown}");
    let seed = first.seed.expect("there were random inputs").to_string();
    assert!(shown.contains(&format!("CHECKS_SEED={seed}")), "{shown}");
    let (_, again) = run("explained", &[("CHECKS_SEED", &seed)]);
    assert_eq!(again[0].message, first.message);
    let (_, other) = run("explained", &[("CHECKS_SEED", "1")]);
    assert_ne!(other[0].message, first.message);
}

#[test]
fn a_seed_that_is_no_number_is_not_the_learners_fault() {
    let (_, reports) = run("explained", &[("CHECKS_SEED", "many")]);
    assert_eq!(reports[0].status, Status::Infrastructure);
    assert!(
        reports[0].message.contains("many"),
        "{}",
        reports[0].message
    );
}

#[test]
fn exit_zero_is_no_answer() {
    let (report, _) = fail("exit_zero");
    assert_eq!(report.status, Status::Crash);
    assert!(
        report
            .message
            .contains("exited with code 0 before it returned"),
        "{}",
        report.message
    );
}

#[test]
fn deaths_are_named() {
    for (victim, how) in [
        ("exit_seven", "exited with code 7"),
        // What the harness's own side exits with is no excuse.
        ("exit_as_the_harness", "exited with code 102"),
        ("too_talkative", "more messages than were asked for"),
        ("abort", "killed by SIGABRT"),
        ("stack", "killed by SIGSEGV"),
        #[cfg(target_os = "linux")] // elsewhere the limit is not kept
        ("memory", "killed by SIGABRT"),
        (
            "dies_midway",
            "exited with code 0 before it returned, after 2 messages",
        ),
    ] {
        let (report, _) = fail(victim);
        assert_eq!(report.status, Status::Crash, "{victim}");
        assert!(report.message.contains(how), "{victim}: {}", report.message);
    }
}

#[test]
fn a_hang_is_ended_in_time() {
    let begin = Instant::now();
    let (report, _) = fail("hang");
    assert_eq!(report.status, Status::Timeout);
    assert!(
        report.message.contains("No answer from hangs in 2 s"),
        "{}",
        report.message
    );
    assert!(
        begin.elapsed() < Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_flood_is_cut_off() {
    let (report, shown) = fail("flood");
    assert_eq!(report.status, Status::Failed);
    assert!(
        report.message.contains("printed more than"),
        "{}",
        &report.message[..200]
    );
    assert!(shown.len() < 1_000_000, "{} bytes", shown.len());
}

#[test]
fn the_learners_panic_comes_first() {
    let (report, shown) = fail("panic");
    assert_eq!(report.status, Status::Failed);
    let panic = shown
        .find("the learner's message")
        .expect("the message is shown");
    let place = shown
        .find("tests/project/judge.rs:")
        .expect("its place is shown");
    let printed = shown
        .find("about to panic")
        .expect("what was printed is shown");
    assert!(place < printed && panic < printed, "{shown}");
}

#[test]
fn the_panic_of_a_thread_is_shown_not_that_of_who_joined_it() {
    let (report, _) = fail("thread_panic");
    let first_lines: Vec<&str> = report.message.lines().take(2).collect();
    assert!(
        first_lines[1].contains("the thread's own message"),
        "{first_lines:?}"
    );
}

#[test]
fn a_todo_is_not_begun_and_says_where_to_begin() {
    let (report, shown) = fail("todo");
    assert_eq!(report.status, Status::Unstarted);
    assert!(shown.contains("count the threads"), "{shown}");
    assert!(
        shown.contains("Begin at tests/project/judge.rs:"),
        "{shown}"
    );
}

#[test]
fn what_a_subject_leaves_running_is_ended() {
    let pid = leaves_a_child_that_hangs();
    // The judge has killed the group when the call returns; the kernel needs a moment to be done with it.
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while runs() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(!runs(), "process {pid} still runs");
}

#[test]
fn a_subject_finds_no_input_and_is_alone() {
    assert_eq!(reads_its_input(), 0);
    if let Some(threads) = threads_here() {
        assert_eq!(threads, 1);
    }
}

#[test]
fn a_child_knows_how_it_ended_and_siblings_keep_no_ends_open() {
    assert_eq!(siblings_inherit_no_ends(), "read 0 bytes");
    let ended = child_is_killed();
    assert!(ended.contains("killed by SIGABRT"), "{ended}");
}

#[test]
#[cfg(target_os = "linux")]
fn fork_is_refused_beside_other_threads() {
    let why = forks_beside_a_thread();
    assert!(why.contains("this process has 2 threads"), "{why}");
}

#[test]
fn a_losing_schedule_is_shown_and_saved() {
    let (report, _) = fail("race");
    let message = &report.message;
    assert!(
        message.contains("the result was 1; it must be 2"),
        "{message}"
    );
    assert!(message.contains("counter    reads 0"), "{message}");
    let path = message
        .lines()
        .find_map(|line| line.trim().strip_prefix("saved   "))
        .and_then(|line| line.split(':').next())
        .expect("the path is shown");
    // Named from the course's folder, where the target folder of a plain `cargo test` is.
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path);
    let saved: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("it was saved")).expect("JSON");
    assert_eq!(saved["threads"], serde_json::json!(["main", "A", "B"]));
    assert_eq!(saved["outcome"], "1");
    let reads = saved["steps"].as_array().expect("steps").iter();
    let stale = |step: &&serde_json::Value| step["kind"] == "load" && step["value"] == "0";
    assert_eq!(reads.filter(stale).count(), 2);
    // The same seed finds the same schedule.
    let seed = report.seed.expect("exploring is random").to_string();
    let (_, again) = run("race", &[("CHECKS_SEED", &seed)]);
    assert_eq!(again[0].message, report.message);
}

#[test]
fn a_deadlock_and_a_busy_wait_are_outcomes_not_hangs() {
    let (report, _) = fail("deadlock");
    assert!(
        report.message.contains(
            "deadlock: main waits for `lock`, held by A; A waits for `lock 2`, held by main"
        ),
        "{}",
        report.message
    );
    let (report, _) = fail("spin");
    assert!(
        report
            .message
            .contains("main keeps using `counter`: it reads 0"),
        "{}",
        report.message
    );
}

#[test]
fn a_missing_python_is_a_skip_unless_it_is_required() {
    let nowhere = ("CHECKS_PYTHON", "/nowhere/python3");
    let (output, reports) = run("no_python", &[nowhere]);
    assert!(output.status.success());
    assert_eq!(reports[0].status, Status::Skipped);
    assert!(String::from_utf8_lossy(&output.stderr).contains("skipped: victim::no_python"));
    let (output, reports) = run(
        "no_python",
        &[nowhere, ("COURSE_REQUIRE", "chromium,python")],
    );
    assert!(!output.status.success());
    assert_eq!(reports[0].status, Status::Infrastructure);
}

#[test]
fn a_subject_that_cannot_be_started_is_not_the_learners_fault() {
    let (_, reports) = run("wrong", &[("CHECKS_SUBJECT", "/nowhere/subject")]);
    assert_eq!(reports[0].status, Status::Infrastructure);
    assert!(
        reports[0].message.contains("/nowhere/subject"),
        "{}",
        reports[0].message
    );
    // Nor is a binary that knows no such entry.
    let (_, reports) = run("wrong", &[("CHECKS_SUBJECT", "/bin/true")]);
    assert_eq!(reports[0].status, Status::Infrastructure);
}
