//! Model runs with a clock: sleeps and timeouts end when they are due, in whatever order the threads go.

use os_core::model::{self, Explored, Failure, Time, explore, set_spurious_wakeups, set_time};
use os_core::sync::{Arc, AtomicU64, Condvar, Mutex, Ordering::SeqCst};
use os_core::thread;
use os_core::time::{Duration, Instant};
use serde::Serialize;

const MS: Duration = Duration::from_millis(1);

fn run<T: Serialize + Send + 'static>(body: impl Fn() -> T + Send + Sync + 'static) -> Explored<T> {
    explore(7, 60, body)
}

/// What came out under every schedule.
#[track_caller]
fn always<T: Serialize + Send + PartialEq + std::fmt::Debug + 'static>(
    expected: T,
    body: impl Fn() -> T + Send + Sync + 'static,
) {
    let explored = run(body);
    assert_eq!(explored.schedules, 60);
    for outcome in &explored.outcomes {
        assert_eq!(outcome.value.as_ref(), Ok(&expected), "{:?}", outcome.steps);
    }
}

#[test]
fn sleeps_overlap_and_end_when_they_are_due() {
    always(vec![(2, 2 * MS), (1, 5 * MS), (3, 9 * MS)], || {
        set_time(Time::Virtual);
        let ended = Arc::new(Mutex::new(Vec::new()));
        let threads = [(1, 5), (2, 2), (3, 9)].map(|(name, ms)| {
            let ended = ended.clone();
            thread::spawn(move || {
                thread::sleep(ms * MS);
                ended.lock().unwrap().push((name, model::now()));
            })
        });
        threads.into_iter().for_each(|t| t.join().unwrap());
        Arc::into_inner(ended).unwrap().into_inner().unwrap()
    });
}

#[test]
fn a_notification_comes_before_the_timeout_and_a_timeout_when_it_is_due() {
    always((false, 3 * MS, true, 8 * MS), || {
        set_time(Time::Virtual);
        let shared = Arc::new((Mutex::new(()), Condvar::new()));
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            thread::sleep(3 * MS);
            let _guard = theirs.0.lock().unwrap();
            theirs.1.notify_one();
        });
        let wait = || {
            let guard = shared.0.lock().unwrap();
            let (_guard, result) = shared.1.wait_timeout(guard, 5 * MS).unwrap();
            (result.timed_out(), model::now())
        };
        let (first, at) = wait();
        let (second, then) = wait();
        thread.join().unwrap();
        (first, at, second, then)
    });
}

/// A timeout is still one if the thread then has to wait for the mutex.
#[test]
fn a_timeout_that_finds_the_mutex_locked_is_a_timeout() {
    always(vec![(true, 5 * MS), (true, 9 * MS)], || {
        set_time(Time::Virtual);
        let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let threads = [(); 2].map(|()| {
            let shared = shared.clone();
            thread::spawn(move || {
                let guard = shared.0.lock().unwrap();
                let (mut guard, result) = shared.1.wait_timeout(guard, 5 * MS).unwrap();
                guard.push((result.timed_out(), model::now()));
                thread::sleep(4 * MS); // the other one times out meanwhile
            })
        });
        threads.into_iter().for_each(|t| t.join().unwrap());
        let seen = shared.0.lock().unwrap();
        seen.clone()
    });
}

/// A sleep and a timeout that end at the same moment: either may go first.
#[test]
fn what_is_due_at_the_same_moment_goes_in_any_order() {
    let explored = run(|| {
        set_time(Time::Virtual);
        let first = Arc::new(AtomicU64::new(0));
        let threads = [1, 2].map(|name| {
            let first = first.clone();
            thread::spawn(move || {
                thread::sleep(MS);
                let _ = first.compare_exchange(0, name, SeqCst, SeqCst);
            })
        });
        threads.into_iter().for_each(|t| t.join().unwrap());
        first.load(SeqCst)
    });
    assert_eq!(explored.outcomes.len(), 2);
}

#[test]
fn an_instant_is_of_the_runs_clock() {
    always((MS, MS, 3 * MS), || {
        set_time(Time::Virtual);
        let begin = Instant::now();
        thread::sleep(MS);
        let one = begin.elapsed();
        let mut deadline = begin + 3 * MS;
        deadline -= MS;
        deadline += MS;
        thread::sleep(deadline - Instant::now());
        (
            one,
            (Instant::now() - 2 * MS) - begin,
            Instant::now() - begin,
        )
    });
}

#[test]
fn a_park_ends_in_time_or_by_an_unpark() {
    always((5 * MS, 6 * MS), || {
        set_time(Time::Virtual);
        let parked = thread::spawn(|| {
            thread::park_timeout(5 * MS);
            let timed_out = model::now();
            thread::park_timeout(5 * MS);
            (timed_out, model::now())
        });
        thread::sleep(6 * MS);
        parked.thread().unpark();
        parked.join().unwrap()
    });
}

#[test]
fn a_loop_that_only_looks_at_the_clock_never_ends() {
    let explored = run(|| {
        set_time(Time::Virtual);
        let begin = Instant::now();
        while begin.elapsed() < MS {}
    });
    assert!(matches!(
        explored.outcomes[0].value,
        Err(Failure::Endless(_))
    ));
}

/// Without a clock a thread cannot wait for another one by sleeping, however long.
#[test]
fn without_a_clock_a_sleep_waits_for_nobody() {
    let explored = run(|| {
        let flag = Arc::new(AtomicU64::new(0));
        let theirs = flag.clone();
        let thread = thread::spawn(move || theirs.store(1, SeqCst));
        let begin = Instant::now();
        thread::sleep(3600 * 1000 * MS);
        let slept = begin.elapsed() >= 3600 * 1000 * MS;
        let seen = flag.load(SeqCst);
        thread.join().unwrap();
        (slept, seen)
    });
    let values: Vec<_> = explored.outcomes.iter().map(|o| o.value.clone()).collect();
    assert!(values.contains(&Ok((true, 0))) && values.contains(&Ok((true, 1))));
    assert_eq!(values.len(), 2);
}

#[test]
fn in_a_hostile_run_a_timeout_may_come_at_any_moment() {
    let explored = run(|| {
        set_time(Time::Hostile);
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            *theirs.0.lock().unwrap() = true;
            theirs.1.notify_one();
        });
        let guard = shared.0.lock().unwrap();
        let timed_out = match *guard {
            true => false,
            false => shared.1.wait_timeout(guard, MS).unwrap().1.timed_out(),
        };
        thread.join().unwrap();
        timed_out
    });
    assert_eq!(explored.outcomes.len(), 2, "{:?}", explored.outcomes);
}

#[test]
fn a_wait_without_a_loop_is_found_by_spurious_wakeups() {
    fn body(in_a_loop: bool) -> bool {
        set_spurious_wakeups(3);
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            *theirs.0.lock().unwrap() = true;
            theirs.1.notify_all();
        });
        let mut ready = shared.0.lock().unwrap();
        if in_a_loop {
            ready = shared.1.wait_while(ready, |ready| !*ready).unwrap();
        } else if !*ready {
            ready = shared.1.wait(ready).unwrap();
        }
        let seen = *ready;
        drop(ready);
        thread.join().unwrap();
        seen
    }
    always(true, || body(true));
    let careless = run(|| body(false));
    assert!(careless.outcomes.iter().any(|o| o.value == Ok(false)));
}

#[test]
fn a_parked_thread_may_wake_for_no_reason() {
    always(true, || {
        set_spurious_wakeups(1);
        thread::park(); // nobody unparks it
        true
    });
}

/// The kernel promises no order: a notification may wake any of those that wait.
#[test]
fn a_notification_wakes_any_of_the_waiters() {
    let explored = run(|| {
        let shared = Arc::new((Mutex::new((0, 0)), Condvar::new()));
        let threads = [1, 2].map(|name| {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut state = shared.0.lock().unwrap();
                state.0 += 1;
                state = shared.1.wait(state).unwrap();
                if state.1 == 0 {
                    state.1 = name;
                }
                shared.1.notify_all();
            })
        });
        while shared.0.lock().unwrap().0 < 2 {
            thread::yield_now();
        }
        shared.1.notify_one();
        threads.into_iter().for_each(|t| t.join().unwrap());
        Arc::into_inner(shared).unwrap().0.into_inner().unwrap().1
    });
    assert_eq!(explored.outcomes.len(), 2, "{:?}", explored.outcomes);
}

#[test]
fn a_deadlock_is_found_though_time_could_pass() {
    let explored = run(|| {
        set_time(Time::Virtual);
        thread::sleep(MS);
        thread::park();
    });
    assert!(matches!(
        explored.outcomes[0].value,
        Err(Failure::Deadlock(_))
    ));
}

/// A run that is stopped unwinds its sleepers too, and the next run begins with a clock of its own.
#[test]
fn sleepers_end_with_main_and_every_run_has_its_own_clock() {
    always(Duration::ZERO, || {
        let before = model::now();
        set_time(Time::Virtual);
        thread::spawn(|| thread::sleep(Duration::MAX));
        thread::spawn(|| thread::park_timeout(Duration::MAX));
        thread::sleep(MS);
        before
    });
    assert_eq!(model::now(), Duration::ZERO);
}

#[test]
fn in_a_plain_run_time_is_the_kernels() {
    let begin = Instant::now();
    thread::sleep(MS);
    thread::park_timeout(MS);
    assert!(begin.elapsed() >= MS);
    assert_eq!(begin - Instant::now(), Duration::ZERO);
    assert_eq!(begin.checked_add(MS).map(|later| later - begin), Some(MS));
    assert!(begin.checked_add(Duration::MAX).is_none());
    assert!(begin.checked_sub(MS).is_some_and(|sooner| sooner < begin));
}

/// All threads of a run share an OS thread, and with it the standard library's word for who unwinds.
#[test]
fn a_thread_that_waits_while_it_unwinds_disturbs_nobody() {
    struct Locks(Arc<(Mutex<u64>, Condvar)>);
    impl Drop for Locks {
        fn drop(&mut self) {
            assert!(thread::panicking());
            let held = self.0.0.lock().unwrap();
            *self.0.1.wait_while(held, |n| *n < 2).unwrap() += 10;
            assert!(thread::panicking());
        }
    }
    always((12, 7 * MS, false), || {
        set_time(Time::Virtual);
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let theirs = Locks(shared.clone());
        let unwinding = thread::spawn(move || {
            thread::sleep(MS);
            let _theirs = theirs;
            std::panic::resume_unwind(Box::new("this thread ends here"));
        });
        for _ in 0..2 {
            let mut held = shared.0.lock().unwrap(); // not poisoned
            thread::sleep(3 * MS); // takes its time, though the other one unwinds meanwhile
            assert!(!thread::panicking());
            *held += 1;
            shared.1.notify_all();
        }
        thread::sleep(MS);
        let ended = unwinding.join();
        assert!(ended.is_err());
        let held = *shared.0.lock().unwrap();
        (held, model::now(), shared.0.is_poisoned())
    });
}

/// A sleep that ended in time says nothing of the wait after it.
#[test]
fn a_spurious_wakeup_is_no_timeout() {
    always(false, || {
        set_time(Time::Virtual);
        set_spurious_wakeups(1);
        thread::sleep(MS);
        let lock = Mutex::new(());
        let wait = Condvar::new().wait_timeout(lock.lock().unwrap(), MS);
        wait.unwrap().1.timed_out()
    });
}

/// The same at a wait on a condition variable, and for a lock that was taken before the other thread began to unwind.
#[test]
fn a_thread_that_unwinds_poisons_no_lock_of_others() {
    struct Locks(Arc<(Mutex<u64>, Condvar)>);
    impl Drop for Locks {
        fn drop(&mut self) {
            *self.0.0.lock().unwrap() += 1; // waits while another thread has it
            self.0.1.notify_all();
        }
    }
    always((2, false), || {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let threads = [(); 2].map(|()| {
            let theirs = Locks(shared.clone());
            thread::spawn(move || {
                let _theirs = theirs;
                std::panic::resume_unwind(Box::new("this thread ends here"));
            })
        });
        let mut held = shared.0.lock().unwrap();
        while *held < 2 {
            held = shared.1.wait(held).unwrap();
        }
        let seen = *held;
        drop(held);
        for thread in threads {
            assert!(thread.join().is_err());
        }
        (seen, shared.0.is_poisoned())
    });
}
