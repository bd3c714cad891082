//! A chapter of tests that go wrong on purpose, each in its own way, and of a few that pass.
//!
//! `judge.rs` runs them as a learner or a grader would and looks at what they say.

#[cfg(target_os = "linux")]
#[path = "victims/forged.rs"]
mod forged;

use std::process::ExitCode;

fn main() -> ExitCode {
    checks::run(
        &checks::Chapter {
            slug: "victims",
            steps: &[
                checks::step!(right),
                checks::step!(victim),
                checks::step!(untouched),
                #[cfg(target_os = "linux")]
                checks::step!(forged),
            ],
        },
        (),
    )
}

/// What must work for a test to pass.
mod right {
    use std::time::{Duration, Instant};

    checks::subject! {
        for ();

        fn add(_nobody, a: u64, b: u64) -> u64 { a + b }

        fn read_input(_nobody) -> usize {
            std::io::read_to_string(std::io::stdin()).expect("there is an end").len()
        }

        fn threads_here(_nobody) -> Option<usize> {
            Some(std::fs::read_dir("/proc/self/task").ok()?.count())
        }

        /// All that tells the learner's code about its surroundings: arguments, and the names of variables.
        fn surroundings(_nobody) -> (usize, Vec<String>) {
            let variables = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
            (std::env::args_os().count(), variables.collect())
        }

        /// The child's process id.
        fn leave_a_child_that_hangs(_nobody) -> u32 {
            let child = os_core::process::fork(|| -> std::io::Result<()> {
                loop { std::thread::sleep(Duration::from_secs(1)); }
            });
            child.expect("a process can be forked").pid()
        }

        /// A process that left the group holds the pipes open.
        fn leave_a_stranger(_nobody) -> bool {
            use std::os::unix::process::CommandExt;
            let mut command = std::process::Command::new("sleep");
            command.arg("20").process_group(0).spawn().is_ok()
        }

        fn print_much(_nobody) -> usize {
            let line = "la".repeat(1000);
            for _ in 0..100 { println!("{line}"); }
            line.len()
        }
    }

    pub const TESTS: &[checks::Test] = checks::tests![
        a_right_answer_comes_back,
        a_subject_finds_no_input_and_is_alone,
        a_subject_is_not_told_which_test_this_is,
        what_a_subject_leaves_running_is_ended,
        one_that_escapes_with_the_pipes_holds_nobody_up,
        what_is_printed_holds_nobody_up,
    ];

    fn a_right_answer_comes_back() {
        assert_eq!(add(&40, &2), 42);
    }

    fn a_subject_finds_no_input_and_is_alone() {
        assert_eq!(read_input(), 0);
        if let Some(threads) = threads_here() {
            assert_eq!(threads, 1);
        }
    }

    fn a_subject_is_not_told_which_test_this_is() {
        let (arguments, variables) = surroundings();
        assert_eq!(arguments, 1, "arguments, the program's own name included");
        let telling: Vec<&String> = variables
            .iter()
            .filter(|name| name.starts_with("CHECKS"))
            .collect();
        assert!(telling.is_empty(), "{telling:?}");
    }

    fn what_a_subject_leaves_running_is_ended() {
        let pid = leave_a_child_that_hangs();
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

    fn one_that_escapes_with_the_pipes_holds_nobody_up() {
        let begin = Instant::now();
        assert!(leave_a_stranger());
        assert!(begin.elapsed() < Duration::from_secs(10));
    }

    fn what_is_printed_holds_nobody_up() {
        assert_eq!(print_much(), 2000);
    }
}

/// What must fail.
mod victim {
    use std::time::Duration;

    checks::subject! {
        for ();

        fn add(_nobody, a: u64, b: u64) -> u64 {
            println!("adding {a} and {b}");
            a + b
        }

        fn exits_with(_nobody, code: i32) -> u64 { std::process::exit(code) }

        fn aborts(_nobody) -> u64 { std::process::abort() }

        fn overflows_its_stack(_nobody, depth: u64) -> u64 {
            fn deeper(n: u64) -> u64 {
                let frame = std::hint::black_box([n; 512]);
                if n == u64::MAX { 0 } else { deeper(n + 1) + frame[0] }
            }
            deeper(depth)
        }

        fn fills_memory(_nobody) -> u64 {
            let mut all = Vec::new();
            loop { all.push(std::hint::black_box(vec![1u8; 64 << 20])); }
        }

        fn sleeps(_nobody) -> u64 {
            loop { std::thread::sleep(Duration::from_secs(1)); }
        }

        fn waits_for_a_child(_nobody) -> u64 {
            let child = os_core::process::fork(|| -> std::io::Result<()> {
                loop { std::thread::sleep(Duration::from_secs(1)); }
            });
            child.and_then(|child| child.wait()).map(|()| 0).expect("it never ends")
        }

        fn waits_for_a_child_that_reads(_nobody) -> u64 {
            let child = os_core::process::fork(|| -> std::io::Result<()> {
                let (mut reader, _writer) = std::io::pipe()?;
                std::io::Read::read(&mut reader, &mut [0])?;
                Ok(())
            });
            child.and_then(|child| child.wait()).map(|()| 0).expect("it never ends")
        }

        fn floods(_nobody) -> u64 {
            loop { println!("{}", "la".repeat(1000)); }
        }

        fn panics(_nobody, why: String) -> u64 {
            println!("about to panic");
            panic!("{why}")
        }

        fn panics_in_a_thread(_nobody) -> u64 {
            std::thread::spawn(|| panic!("the thread's own message")).join().unwrap();
            0
        }

        fn panics_in_a_child(_nobody) -> String {
            let child = os_core::process::fork(|| -> std::io::Result<()> { panic!("the child's own message") });
            child.and_then(|child| child.wait()).unwrap_err().to_string()
        }

        fn sends_and_dies(_nobody) -> u64 {
            checks::send(&1);
            checks::send(&2);
            std::process::exit(0)
        }

        fn races(_nobody, threads: u64) -> checks::Explored<u64> {
            use os_core::sync::{Arc, AtomicU64, Ordering::SeqCst};
            checks::explore(move || {
                let counter = Arc::new(AtomicU64::new(0));
                let handles: Vec<_> = (0..threads)
                    .map(|_| {
                        let counter = counter.clone();
                        os_core::thread::spawn(move || counter.store(counter.load(SeqCst) + 1, SeqCst))
                    })
                    .collect();
                handles.into_iter().for_each(|handle| handle.join().unwrap());
                counter.load(SeqCst)
            })
        }

        fn deadlocks(_nobody) -> checks::Explored<u64> {
            use os_core::sync::{Arc, Mutex};
            checks::explore(|| {
                let (one, two) = (Arc::new(Mutex::new(0u64)), Arc::new(Mutex::new(0u64)));
                let (a, b) = (one.clone(), two.clone());
                let other = os_core::thread::spawn(move || *a.lock().unwrap() + *b.lock().unwrap());
                let here = {
                    let second = two.lock().unwrap();
                    *one.lock().unwrap() + *second
                };
                here + other.join().unwrap()
            })
        }

        fn spins(_nobody) -> checks::Explored<u64> {
            use os_core::sync::{AtomicU64, Ordering::SeqCst};
            checks::explore(|| {
                let never = AtomicU64::new(0);
                while never.load(SeqCst) == 0 {}
                0
            })
        }

        fn panics_under_a_schedule(_nobody) -> checks::Explored<u64> {
            use os_core::sync::{Arc, AtomicU64, Ordering::SeqCst};
            checks::explore(|| {
                let flag = Arc::new(AtomicU64::new(0));
                let theirs = flag.clone();
                let thread = os_core::thread::spawn(move || theirs.store(1, SeqCst));
                assert_eq!(flag.load(SeqCst), 0, "the learner's own assertion");
                thread.join().unwrap();
                0
            })
        }
    }

    pub const TESTS: &[checks::Test] = checks::tests![
        wrong,
        explained,
        exit_zero,
        exit_seven,
        exit_as_the_harness,
        too_talkative,
        abort,
        stack,
        memory,
        sleep,
        child_that_sleeps,
        child_that_reads,
        flood,
        panic,
        thread_panic,
        child_panic,
        dies_midway,
        race,
        deadlock,
        spin,
        panic_under_a_schedule,
        snapshot,
        skipped,
    ];

    fn wrong() {
        assert_eq!(add(&2, &2), 5, "two and two");
    }

    fn explained() {
        checks::explain("memory.md#copy-on-write", "A misconception.");
        let n = checks::random().u64(..1000);
        assert_eq!(add(&n, &0), n + 1);
    }

    fn exit_zero() {
        let _ = exits_with(&0);
    }

    fn exit_seven() {
        let _ = exits_with(&7);
    }

    fn exit_as_the_harness() {
        let _ = exits_with(&102);
    }

    fn too_talkative() {
        let _ = sends_and_dies();
    }

    fn abort() {
        let _ = aborts();
    }

    fn stack() {
        let _ = overflows_its_stack(&0);
    }

    fn memory() {
        let _ = fills_memory();
    }

    fn sleep() {
        let _ = sleeps();
    }

    fn child_that_sleeps() {
        let _ = waits_for_a_child();
    }

    fn child_that_reads() {
        let _ = waits_for_a_child_that_reads();
    }

    fn flood() {
        let _ = floods();
    }

    fn panic() {
        checks::explain("memory.md#copy-on-write", "A misconception.");
        let _ = panics(&"the learner's message".into());
    }

    fn thread_panic() {
        let _ = panics_in_a_thread();
    }

    fn child_panic() {
        assert_eq!(panics_in_a_child(), "");
    }

    fn dies_midway() {
        let mut call = sends_and_dies::start();
        let _: u64 = call.recv();
        let _: u64 = call.recv();
        let _: u64 = call.recv();
    }

    fn race() {
        races(&2).expect_always(&2);
    }

    fn deadlock() {
        deadlocks().expect_always(&0);
    }

    fn spin() {
        spins().expect_always(&0);
    }

    fn panic_under_a_schedule() {
        panics_under_a_schedule().expect_always(&0);
    }

    fn snapshot() {
        checks::private::compare(
            concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"),
            "memory__lost_updates__all_orders",
            "something else\n",
        );
    }

    fn skipped() {
        assert!(checks::python().is_none());
    }
}

/// What a learner who has written nothing sees.
mod untouched {
    checks::subject! {
        for ();

        fn is_not_begun(_nobody) -> u64 { todo!("count the threads") }
    }

    pub const TESTS: &[checks::Test] = checks::tests![todo, todo_again];

    fn todo() {
        checks::explain("memory.md#step-1-lost-updates", "A misconception.");
        let _ = is_not_begun();
    }

    fn todo_again() {
        let _ = is_not_begun();
    }
}
