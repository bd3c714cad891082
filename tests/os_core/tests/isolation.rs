//! Crashes, kills, and what outlives them: the tests try to break it from safe code.
//!
//! `harness = false`: a fork needs a process with one thread.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("these need Linux");
}

#[cfg(target_os = "linux")]
fn main() {
    let me = std::process::id();
    std::panic::set_hook(Box::new(move |info| {
        // Children panic on purpose.
        if std::process::id() == me {
            eprintln!("{info}");
        }
    }));
    let tests: [(&str, fn()); 20] = [
        (
            "every_crash_ends_its_process",
            on_linux::every_crash_ends_its_process,
        ),
        (
            "a_crash_leaves_no_core_file",
            on_linux::a_crash_leaves_no_core_file,
        ),
        (
            "finish_tells_status_and_value",
            on_linux::finish_tells_status_and_value,
        ),
        (
            "a_child_is_killed_once_or_twice",
            on_linux::a_child_is_killed_once_or_twice,
        ),
        (
            "a_copy_of_a_child_kills_nobody",
            on_linux::a_copy_of_a_child_kills_nobody,
        ),
        (
            "a_handle_kills_and_then_means_nobody",
            on_linux::a_handle_kills_and_then_means_nobody,
        ),
        (
            "a_child_dies_with_its_parent",
            on_linux::a_child_dies_with_its_parent,
        ),
        (
            "a_child_that_asks_too_late_dies_at_once",
            on_linux::a_child_that_asks_too_late_dies_at_once,
        ),
        (
            "only_a_forked_child_may_ask",
            on_linux::only_a_forked_child_may_ask,
        ),
        (
            "the_clock_tells_who_has_ended",
            on_linux::the_clock_tells_who_has_ended,
        ),
        (
            "the_clock_stops_waiting_in_time",
            on_linux::the_clock_stops_waiting_in_time,
        ),
        (
            "a_worker_answers_in_order",
            on_linux::a_worker_answers_in_order,
        ),
        ("a_worker_has_a_limit", on_linux::a_worker_has_a_limit),
        (
            "a_worker_reports_its_panic",
            on_linux::a_worker_reports_its_panic,
        ),
        (
            "an_answer_outlives_its_worker",
            on_linux::an_answer_outlives_its_worker,
        ),
        (
            "a_grandchild_does_not_keep_a_worker_open",
            on_linux::a_grandchild_does_not_keep_a_worker_open,
        ),
        (
            "a_robust_lock_tells_of_a_death",
            on_linux::a_robust_lock_tells_of_a_death,
        ),
        (
            "a_robust_lock_that_was_not_repaired_is_lost",
            on_linux::a_robust_lock_that_was_not_repaired_is_lost,
        ),
        (
            "a_guard_is_worth_nothing_in_a_child",
            on_linux::a_guard_is_worth_nothing_in_a_child,
        ),
        (
            "a_forgotten_guard_leaves_no_dangling_mutex",
            on_linux::a_forgotten_guard_leaves_no_dangling_mutex,
        ),
    ];
    for (name, run) in tests {
        run();
        println!("test {name} ... ok");
    }
}

#[cfg(target_os = "linux")]
mod on_linux {
    use os_core::memory::{Mapping, Ordering::SeqCst, RobustLock};
    use os_core::process::{Child, Crash, Ended, PidFd, Worker, die_with_parent, fork};
    use os_core::time::{Clock, SystemClock};
    use std::io::{self, ErrorKind, Read, Write};
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn crashes(crash: Crash) -> Ended {
        let child = fork(|| -> io::Result<()> { crash.now() }).expect("a child");
        Ended::from_status(child.finish().expect("it ends").status)
    }

    pub fn every_crash_ends_its_process() {
        let ends = Crash::ALL.map(crashes);
        let expected = [
            Ended::Exited(101),
            Ended::Exited(3),
            Ended::Signaled(6),
            Ended::Signaled(11),
            Ended::Signaled(6),
            Ended::Signaled(9),
            Ended::Signaled(6),
        ];
        assert_eq!(ends, expected);
        // A thread that crashes takes its process along, unless it panics.
        for (crash, end) in Crash::ALL.into_iter().zip(expected) {
            let child = fork(|| {
                let crashed = std::thread::spawn(move || -> () { crash.now() }).join();
                assert!(crashed.is_err());
                Ok(7)
            });
            let finished = child.expect("a child").finish().expect("it ends");
            match crash {
                Crash::Panic => assert_eq!((finished.status, finished.returned), (0, Some(7))),
                _ => assert_eq!(
                    (Ended::from_status(finished.status), finished.returned),
                    (end, None)
                ),
            }
        }
    }

    pub fn a_crash_leaves_no_core_file() {
        let status = fork(|| -> io::Result<()> { Crash::Segfault.now() })
            .and_then(Child::finish)
            .expect("it ends")
            .status;
        assert_eq!(status, 11, "without the flag of a core file");
    }

    pub fn finish_tells_status_and_value() {
        let long = "x".repeat(1 << 20); // more than a pipe holds
        let finished = fork(|| Ok(long.clone()))
            .and_then(Child::finish)
            .expect("it ends");
        assert_eq!((finished.status, finished.returned), (0, Some(long)));
        let failed = fork(|| -> io::Result<u64> { Err(io::Error::other("no")) });
        let finished = failed
            .and_then(Child::finish)
            .expect("a failure is no error here");
        assert_eq!((finished.status, finished.returned), (1 << 8, None));
    }

    fn waits_forever() -> Child<()> {
        let (reader, writer) = io::pipe().expect("a pipe");
        fork(move || {
            let _writer = &writer; // the child's own copy: nobody else has one, and it never ends
            (&reader).read_exact(&mut [0])
        })
        .expect("a child")
    }

    pub fn a_child_is_killed_once_or_twice() {
        let child = waits_forever();
        child.kill().expect("it is ours");
        child.kill().expect("a zombie can be killed again");
        assert_eq!(child.finish().expect("it ends").status, 9);
    }

    pub fn a_copy_of_a_child_kills_nobody() {
        let child = waits_forever();
        let mut copy = Some(child);
        let refused = fork(|| {
            let error = copy.take().expect("a copy").kill().unwrap_err();
            Ok(error.to_string())
        });
        let refused = refused.and_then(Child::wait).expect("it returns");
        assert!(refused.contains("is no child of this process"), "{refused}");
        let child = copy.take().expect("the parent has it still");
        let mut clock = SystemClock::new();
        assert_eq!(
            clock
                .wait_any(&[&child], Some(Duration::ZERO))
                .expect("it waits"),
            [0usize; 0]
        );
        child.kill().expect("it is ours");
        child.finish().expect("it ends");
    }

    pub fn a_handle_kills_and_then_means_nobody() {
        let child = waits_forever();
        let handle = PidFd::open(child.pid()).expect("it lives");
        handle.kill().expect("it lives");
        assert!(handle.wait_timeout(PATIENCE).expect("it ends"));
        assert_eq!(child.finish().expect("it ends").status, 9);
        assert_eq!(handle.kill().unwrap_err().raw_os_error(), Some(3), "ESRCH");
    }

    /// A child whose own child announces itself and then waits for ever, or until its parent is gone.
    fn with_grandchild(ask: impl Fn(u32) -> io::Result<()>) -> PidFd {
        let word = Mapping::shared(1).expect("memory");
        let (mut announced, mut announce) = io::pipe().expect("a pipe");
        let child = fork(|| {
            let me = std::process::id();
            let grandchild = fork(|| {
                word.word(0).store(u64::from(std::process::id()), SeqCst);
                announce.write_all(b"!")?;
                ask(me)?;
                let (reader, _writer) = io::pipe()?;
                (&reader).read_exact(&mut [0])
            })?;
            grandchild.finish().map(drop)
        })
        .expect("a child");
        announced.read_exact(&mut [0]).expect("it announces itself");
        let pid = u32::try_from(word.word(0).load(SeqCst)).expect("a process id");
        let handle = PidFd::open(pid).expect("it lives");
        child.kill().expect("it is ours");
        child.finish().expect("it ends");
        handle
    }

    pub fn a_child_dies_with_its_parent() {
        let handle = with_grandchild(|_| die_with_parent());
        assert!(handle.wait_timeout(PATIENCE).expect("it can be waited for"));
    }

    pub fn a_child_that_asks_too_late_dies_at_once() {
        let handle = with_grandchild(|parent| {
            let parent = PidFd::open(parent)?;
            parent.wait_timeout(PATIENCE)?;
            // The handle says that it has ended, but only once it is reaped has the kernel given its children away.
            while parent.kill().is_ok() {
                std::thread::yield_now();
            }
            die_with_parent()
        });
        assert!(handle.wait_timeout(PATIENCE).expect("it can be waited for"));
    }

    pub fn only_a_forked_child_may_ask() {
        assert!(die_with_parent().is_err());
        assert!(fork(die_with_parent).and_then(Child::wait).is_ok());
        assert!(die_with_parent().is_err(), "also after a fork");
    }

    pub fn the_clock_tells_who_has_ended() {
        let mut clock = SystemClock::new();
        let children = [
            waits_forever(),
            fork(|| Ok(())).expect("a child"),
            waits_forever(),
        ];
        let list: Vec<&Child<()>> = children.iter().collect();
        for _ in 0..2 {
            assert_eq!(clock.wait_any(&list, None).expect("one ends"), [1]); // and nobody is reaped
        }
        children[2].kill().expect("it is ours");
        while clock.wait_any(&list, None).expect("one has ended") != [1, 2] {}
        assert_eq!(
            clock.wait_any(&[], None).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        children[0].kill().expect("it is ours");
        for child in children {
            child.finish().expect("it ends");
        }
    }

    pub fn the_clock_stops_waiting_in_time() {
        let mut clock = SystemClock::new();
        let child = waits_forever();
        let until = clock.now() + Duration::from_millis(20);
        assert_eq!(
            clock.wait_any(&[&child], Some(until)).expect("it waits"),
            [0usize; 0]
        );
        assert!(clock.now() >= until);
        assert_eq!(
            clock.wait_any(&[&child], Some(until)).expect("it is late"),
            [0usize; 0]
        );
        assert_eq!(
            clock.wait_any(&[], Some(until)).expect("it is late"),
            [0usize; 0]
        );
        child.kill().expect("it is ours");
        assert_eq!(
            clock
                .wait_any(&[&child], Some(Duration::MAX))
                .expect("it ends"),
            [0]
        );
        child.finish().expect("it ends");
    }

    pub fn a_worker_answers_in_order() {
        let mut worker = Worker::start(|task| task ^ u64::MAX).expect("a worker");
        let tasks: Vec<u64> = (0..1000).collect();
        worker.send(&tasks).expect("it listens");
        let mut answers = Vec::new();
        while answers.len() < tasks.len() {
            assert_eq!(Worker::wait_any([&worker]).expect("it answers"), [0]);
            answers.extend(worker.answers().expect("it answers"));
        }
        assert!(
            answers
                .iter()
                .zip(&tasks)
                .all(|(answer, task)| *answer == !task)
        );
        let end = worker.finish().expect("it ends");
        assert_eq!((end.status, end.report), (0, vec![]));
        assert_eq!(
            Worker::wait_any([]).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }

    pub fn a_worker_has_a_limit() {
        let mut worker = Worker::start(|task| task).expect("a worker");
        let error = worker.send(&vec![1; Worker::LIMIT + 1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        // Nobody reads an answer before all are sent: nothing fills up.
        worker.send(&vec![1; Worker::LIMIT]).expect("it listens");
        assert_eq!(worker.send(&[1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut count = 0;
        while count < Worker::LIMIT {
            count += worker.answers().expect("it answers").len();
        }
        worker.send(&[1]).expect("there is room again");
        assert_eq!(worker.answers().expect("it answers"), [1]);
        worker.finish().expect("it ends");
    }

    pub fn a_worker_reports_its_panic() {
        let text = "é".repeat(40_000); // more than a report holds, and cut in the middle of no character
        let work = |task| std::panic::resume_unwind(Box::new(format!("{task}: {text}")));
        let mut worker = Worker::start(work).expect("a worker");
        worker.send(&[513]).expect("it listens");
        assert_eq!(worker.answers().expect("it ends"), [0u64; 0], "no answer");
        let end = worker.finish().expect("it ends");
        assert_eq!(end.status, 101 << 8);
        let length = usize::from(u16::from_le_bytes([end.report[8], end.report[9]]));
        assert_eq!(end.report[..8], 513u64.to_le_bytes());
        assert_eq!(end.report.len(), 10 + length);
        let message = std::str::from_utf8(&end.report[10..]).expect("whole characters");
        assert!(
            message.starts_with("panicked: 513: éé"),
            "{}",
            &message[..30]
        );
    }

    pub fn an_answer_outlives_its_worker() {
        let work = |task| if task == 0 { Crash::Kill.now() } else { task };
        let mut worker = Worker::start(work).expect("a worker");
        worker.send(&[7, 8, 0, 9]).expect("it listens");
        let handle = PidFd::open(worker.pid()).expect("it isn't reaped");
        assert!(handle.wait_timeout(PATIENCE).expect("it ends"));
        assert_eq!(worker.answers().expect("they are in the pipe"), [7, 8]);
        assert_eq!(worker.answers().expect("it has ended"), [0u64; 0]);
        assert_eq!(worker.send(&[1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        worker.kill().expect("a zombie can be killed");
        assert_eq!(worker.finish().expect("it ends").status, 9);
    }

    pub fn a_grandchild_does_not_keep_a_worker_open() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let work = |task| {
            let grandchild = fork(|| {
                (&reader).read_exact(&mut [0])?;
                Ok(())
            });
            std::mem::forget(grandchild);
            match task {
                0 => Crash::Kill.now(),
                task => task,
            }
        };
        let mut worker = Worker::start(work).expect("a worker");
        worker.send(&[0]).expect("it listens");
        assert_eq!(worker.answers().expect("it has ended"), [0u64; 0]); // though the grandchild lives
        assert_eq!(worker.finish().expect("it ends").status, 9);
        (&writer).write_all(b"!").expect("the grandchild reads");
    }

    fn die_with(lock: &RobustLock) {
        let child = fork(|| -> io::Result<()> {
            let _guard = lock.lock()?;
            Crash::Kill.now()
        });
        assert_eq!(child.and_then(Child::finish).expect("it dies").status, 9);
    }

    pub fn a_robust_lock_tells_of_a_death() {
        let lock = RobustLock::new().expect("a lock");
        assert!(!lock.lock().expect("nobody has it").owner_died());
        for _ in 0..100 {
            die_with(&lock);
            // The one who repairs dies as well; the next one is told again.
            die_with(&lock);
            let mut guard = lock.lock().expect("it is released");
            assert!(guard.owner_died());
            assert_eq!(lock.lock().unwrap_err().raw_os_error(), Some(35), "EDEADLK");
            guard.mark_repaired().expect("it is ours");
            assert!(!guard.owner_died());
            guard.mark_repaired().expect("twice is no harm");
            drop(guard);
            assert!(!lock.lock().expect("it is whole").owner_died());
        }
        // An end in good order releases it as well; a panic drops the guard.
        let panics = fork(|| -> io::Result<()> {
            let _guard = lock.lock()?;
            Crash::Panic.now()
        });
        panics.and_then(Child::finish).expect("it ends");
        assert!(!lock.lock().expect("it was unlocked").owner_died());
        // So does the end of a thread that forgot its guard.
        std::thread::scope(|scope| {
            scope.spawn(|| std::mem::forget(lock.lock().expect("nobody has it")));
        });
        assert!(lock.lock().expect("its thread is gone").owner_died());
    }

    pub fn a_robust_lock_that_was_not_repaired_is_lost() {
        let lock = RobustLock::new().expect("a lock");
        die_with(&lock);
        drop(lock.lock().expect("it is released"));
        for _ in 0..2 {
            let error = lock.lock().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(131), "ENOTRECOVERABLE");
        }
        let error = fork(|| lock.lock().map(drop))
            .and_then(Child::wait)
            .unwrap_err();
        assert_eq!(error.raw_os_error(), Some(131));
    }

    pub fn a_guard_is_worth_nothing_in_a_child() {
        let lock = RobustLock::new().expect("a lock");
        die_with(&lock);
        let mut guard = Some(lock.lock().expect("it is released"));
        let marked = fork(|| {
            let mut copy = guard.take().expect("a copy");
            let error = copy.mark_repaired().unwrap_err();
            drop(copy); // unlocks nothing
            Ok(error.raw_os_error())
        });
        assert_eq!(
            marked.and_then(Child::wait).expect("it returns"),
            Some(1),
            "EPERM"
        );
        let (mut began, mut begin) = io::pipe().expect("a pipe");
        let waits = fork(|| {
            begin.write_all(b"!")?;
            Ok(lock.lock()?.owner_died())
        })
        .expect("a child");
        began.read_exact(&mut [0]).expect("it begins");
        let handle = PidFd::open(waits.pid()).expect("it lives");
        assert!(
            !handle
                .wait_timeout(Duration::from_millis(20))
                .expect("it waits")
        );
        guard
            .as_mut()
            .expect("it is here")
            .mark_repaired()
            .expect("it is ours");
        drop(guard);
        assert!(!waits.wait().expect("it gets the lock"));
    }

    pub fn a_forgotten_guard_leaves_no_dangling_mutex() {
        let child = fork(|| {
            let all: Vec<RobustLock> = (0..50)
                .map(|_| RobustLock::new())
                .collect::<io::Result<_>>()?;
            for lock in &all {
                std::mem::forget(lock.lock()?);
            }
            drop(all); // were it unmapped, the next locks would write to memory that is gone
            for _ in 0..50 {
                let other = RobustLock::new()?;
                drop(other.lock()?);
                let again = fork(|| other.lock().map(drop))?;
                again.wait()?;
            }
            Ok(())
        });
        child.and_then(Child::wait).expect("it lives");
    }
}
