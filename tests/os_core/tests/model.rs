//! Model runs: scopes and locks behave as the standard library's, races are found, and failures say where.

use os_core::model::{Explored, Failure, Op, Turn, explore, explore_until, replay};
use os_core::sync::{
    Arc, AtomicBool, AtomicU64, Barrier, Condvar, Mutex, Ordering::SeqCst, RwLock,
};
use os_core::thread;
use serde::Serialize;
use std::ops::ControlFlow;

const SCHEDULES: usize = 200;

fn run<T: Serialize + Send + 'static>(body: impl Fn() -> T + Send + Sync + 'static) -> Explored<T> {
    explore(7, SCHEDULES, body)
}

/// The only outcome.
#[track_caller]
fn always<T: Serialize + Send + PartialEq + std::fmt::Debug + 'static>(
    expected: T,
    body: impl Fn() -> T + Send + Sync + 'static,
) {
    let explored = run(body);
    assert_eq!(explored.schedules, SCHEDULES, "{:?}", explored.outcomes);
    assert_eq!(explored.outcomes.len(), 1, "{:?}", explored.outcomes);
    assert_eq!(explored.outcomes[0].value, Ok(expected));
}

/// What fails under some schedule.
#[track_caller]
fn failure<T: Serialize + Send + 'static>(body: impl Fn() -> T + Send + Sync + 'static) -> Failure {
    let explored = run(body);
    explored
        .outcomes
        .into_iter()
        .find_map(|outcome| outcome.value.err())
        .expect("it fails under some schedule")
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, SeqCst);
}

// With shuttle's own scope: "memory allocation of 140735815407152 bytes failed".
#[test]
fn scopes_nest() {
    always(6, || {
        let counter = AtomicU64::new(0);
        thread::scope(|outer| {
            for _ in 0..2 {
                outer.spawn(|| {
                    let local = AtomicU64::new(0);
                    thread::scope(|inner| {
                        inner.spawn(|| add(&local));
                        inner.spawn(|| add(&local));
                    });
                    counter.fetch_add(local.load(SeqCst), SeqCst);
                });
            }
            thread::scope(|inner| {
                inner.spawn(|| add(&counter));
            });
            add(&counter);
        });
        counter.load(SeqCst)
    });
}

// With shuttle's own scope: "target should have finished".
#[test]
fn a_spawned_thread_is_joined_inside_a_scope() {
    always(3, || {
        let counter = Arc::new(AtomicU64::new(0));
        let theirs = counter.clone();
        let outside = thread::spawn(move || add(&theirs));
        thread::scope(|s| {
            s.spawn(|| add(&counter));
            s.spawn(|| add(&counter));
            outside.join().unwrap();
        });
        counter.load(SeqCst)
    });
}

#[test]
fn a_scoped_thread_starts_more_in_its_scope() {
    always(3, || {
        let counter = AtomicU64::new(0);
        thread::scope(|s| {
            let counter = &counter;
            s.spawn(move || {
                add(counter);
                s.spawn(move || {
                    add(counter);
                    s.spawn(move || add(counter));
                });
            });
        });
        counter.load(SeqCst)
    });
}

#[test]
fn a_scope_waits_though_its_body_panics() {
    always((1, true), || {
        let counter = AtomicU64::new(0);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            thread::scope(|s| {
                s.spawn(|| add(&counter));
                panic!("the body");
            });
        }));
        (counter.load(SeqCst), result.is_err())
    });
}

#[test]
fn a_scope_panics_for_a_thread_that_nobody_joined() {
    let caught = |join: bool| {
        move || {
            let result = std::panic::catch_unwind(|| {
                thread::scope(|s| {
                    let thread = s.spawn(|| panic!("the thread"));
                    if join {
                        assert!(thread.join().is_err());
                    }
                });
            });
            result.err().map(|why| {
                why.downcast_ref::<&str>()
                    .copied()
                    .unwrap_or("?")
                    .to_owned()
            })
        }
    };
    always(Some("a scoped thread panicked".to_owned()), caught(false));
    always(None, caught(true));
}

#[test]
fn scoped_threads_return_what_they_borrow() {
    always(vec![1, 2], || {
        let words = [String::from("a"), String::from("bb")];
        thread::scope(|s| {
            let threads = words.each_ref().map(|word| s.spawn(move || word.as_str()));
            threads.map(|thread| thread.join().unwrap().len()).to_vec()
        })
    });
}

/// A deadlock unwinds the threads of a scope before what they borrow is gone.
#[test]
fn a_deadlock_in_a_scope_ends_cleanly() {
    let failure = failure(|| {
        let (one, two) = (Mutex::new(vec![0u64; 100]), Mutex::new(vec![0u64; 100]));
        thread::scope(|s| {
            s.spawn(|| one.lock().unwrap()[99] + two.lock().unwrap()[99]);
            s.spawn(|| two.lock().unwrap()[99] + one.lock().unwrap()[99]);
        });
    });
    let Failure::Deadlock(waits) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(
        waits,
        "main waits for the threads of its scope to end; A waits for `lock 2`, held by B; B waits for `lock`, held by A"
    );
}

#[test]
fn deadlocks_say_who_waits_for_what() {
    let twice = failure(|| {
        let lock = Mutex::new(0);
        let _first = lock.lock().unwrap();
        *lock.lock().unwrap()
    });
    assert_eq!(
        twice.to_string(),
        "deadlock: main waits for `lock`, which it holds itself"
    );
    let forgotten = failure(|| {
        let lock = Mutex::new(0);
        thread::scope(|s| {
            s.spawn(|| std::mem::forget(lock.lock().unwrap()))
                .join()
                .unwrap();
            *lock.lock().unwrap()
        })
    });
    assert_eq!(
        forgotten.to_string(),
        "deadlock: main waits for `lock`, held by A (which has ended without releasing it)"
    );
    let unnotified = failure(|| {
        let (lock, ready) = (Mutex::new(false), Condvar::new());
        drop(ready.wait(lock.lock().unwrap()));
    });
    assert_eq!(
        unnotified.to_string(),
        "deadlock: main waits for a notification of `condvar`"
    );
}

#[test]
fn a_busy_loop_says_who_spins_on_what() {
    let failure = failure(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let theirs = flag.clone();
        let thread = thread::spawn(move || while !theirs.load(SeqCst) {});
        thread.join().unwrap();
    });
    assert_eq!(
        failure.to_string(),
        "no end after 50000 steps: A keeps using `flag`: it reads false"
    );
}

#[test]
fn a_busy_loop_that_ends_is_no_failure() {
    for yields in [false, true] {
        always((), move || {
            let flag = Arc::new(AtomicBool::new(false));
            let theirs = flag.clone();
            let thread = thread::spawn(move || theirs.store(true, SeqCst));
            while !flag.load(SeqCst) {
                if yields {
                    thread::yield_now();
                }
            }
            thread.join().unwrap();
        });
    }
}

#[test]
fn a_panic_names_the_line_that_panicked() {
    let line = line!() + 2;
    let failure = failure(|| {
        thread::spawn(|| panic!("the learner's")).join().unwrap();
    });
    let expected = format!("panicked at {}:{line}: the learner's", file!());
    assert_eq!(failure, Failure::Panicked(expected));
}

#[test]
fn a_poisoned_lock_is_poisoned_as_in_std() {
    always((true, 7), || {
        let lock = Arc::new(Mutex::new(0));
        let theirs = lock.clone();
        let thread = thread::spawn(move || {
            let mut guard = theirs.lock().unwrap();
            *guard = 7;
            panic!("while it holds the lock");
        });
        assert!(thread.join().is_err());
        (
            lock.is_poisoned(),
            *lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()),
        )
    });
}

#[derive(Default)]
struct Derived {
    counter: AtomicU64,
    total: Mutex<u64>,
}

static SHARED: AtomicU64 = AtomicU64::new(0);

/// However an atomic was made, the very first schedules show the update that it loses.
#[test]
fn a_lost_update_is_found_at_once_however_the_atomic_was_made() {
    fn loses(
        what: &str,
        counter: impl Fn() -> Arc<dyn Fn() -> &'static AtomicU64 + Send + Sync> + Send + Sync + 'static,
    ) {
        let explored = explore_until(
            0,
            SCHEDULES,
            move || {
                let counter = counter();
                (*counter)().store(0, SeqCst);
                let threads = [(); 2].map(|()| {
                    let counter = counter.clone();
                    thread::spawn(move || {
                        let counter = (*counter)();
                        counter.store(counter.load(SeqCst) + 1, SeqCst);
                    })
                });
                threads
                    .into_iter()
                    .for_each(|thread| thread.join().unwrap());
                (*counter)().load(SeqCst)
            },
            |outcome| match outcome.value {
                Ok(2) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            },
        );
        assert!(
            explored.schedules <= 2,
            "{what}: found after {} schedules",
            explored.schedules
        );
    }
    fn leak(counter: AtomicU64) -> Arc<dyn Fn() -> &'static AtomicU64 + Send + Sync> {
        let counter: &'static AtomicU64 = Box::leak(Box::new(counter));
        Arc::new(move || counter)
    }
    loses("new", || leak(AtomicU64::new(0)));
    loses("default", || leak(AtomicU64::default()));
    loses("derived", || leak(Derived::default().counter));
    loses("from", || leak(0.into()));
    loses("static", || Arc::new(|| &SHARED));
}

#[test]
fn a_lock_given_back_between_read_and_write_is_found_at_once() {
    let explored = explore_until(
        0,
        SCHEDULES,
        || {
            let shared = Derived::default();
            thread::scope(|s| {
                for _ in 0..2 {
                    s.spawn(|| {
                        let seen = *shared.total.lock().unwrap();
                        *shared.total.lock().unwrap() = seen + 1;
                    });
                }
            });
            shared.total.into_inner().unwrap()
        },
        |outcome| match outcome.value {
            Ok(2) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        },
    );
    assert!(
        explored.schedules <= 2,
        "found after {} schedules",
        explored.schedules
    );
    let steps = &explored.outcomes.last().expect("one was found").steps;
    let locks: Vec<String> = steps
        .iter()
        .filter(|step| step.object == "lock")
        .map(|step| format!("{} {}", step.thread, step.op))
        .collect();
    assert!(locks.contains(&"A locks, sees 0".to_owned()), "{locks:?}");
    assert!(
        locks.contains(&"B unlocks, leaves 1".to_owned()),
        "{locks:?}"
    );
}

#[test]
fn a_read_before_the_join_is_found_at_once() {
    let explored = explore_until(
        0,
        SCHEDULES,
        || {
            let counter = Arc::new(AtomicU64::new(0));
            let theirs = counter.clone();
            let thread = thread::spawn(move || add(&theirs));
            let seen = counter.load(SeqCst);
            thread.join().unwrap();
            seen
        },
        |outcome| match outcome.value {
            Ok(1) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        },
    );
    assert!(
        explored.schedules <= 3,
        "found after {} schedules",
        explored.schedules
    );
}

/// Each of these relies on luck or time; a schedule that is tried early shows it.
#[test]
fn attempts_and_patience_that_are_bounded_are_found_at_once() {
    fn found(what: &str, body: fn() -> u64) {
        let explored = explore_until(0, SCHEDULES, body, |outcome| match outcome.value {
            Ok(60) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
        let wrong = explored
            .outcomes
            .iter()
            .any(|outcome| outcome.value != Ok(60));
        assert!(
            explored.schedules <= 12 && wrong,
            "{what}: {} schedules",
            explored.schedules
        );
    }
    fn in_two_threads(add: fn(&AtomicU64, &AtomicBool)) -> u64 {
        let (counter, flag) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| (0..30).for_each(|_| add(&counter, &flag)));
            }
        });
        counter.into_inner()
    }
    found("ten attempts", || {
        in_two_threads(|counter, _| {
            for _ in 0..10 {
                let seen = counter.load(SeqCst);
                if counter
                    .compare_exchange(seen, seen + 1, SeqCst, SeqCst)
                    .is_ok()
                {
                    return;
                }
            }
        })
    });
    found("a spin lock that loses patience", || {
        in_two_threads(|counter, flag| {
            for _ in 0..1000 {
                if !flag.swap(true, SeqCst) {
                    break;
                }
                thread::yield_now();
            }
            counter.store(counter.load(SeqCst) + 1, SeqCst);
            flag.store(false, SeqCst);
        })
    });
    found("a wait of a thousand yields", || {
        let counter = Arc::new(AtomicU64::new(0));
        let theirs = counter.clone();
        thread::spawn(move || theirs.store(60, SeqCst));
        (0..1000).for_each(|_| thread::yield_now());
        counter.load(SeqCst)
    });
}

/// Correct code that spins is slow under hostile schedules, and still correct.
#[test]
fn spin_locks_that_wait_as_long_as_it_takes_pass() {
    for (threads, yields) in [(2, false), (20, false), (20, true)] {
        always(threads * 3, move || {
            let (counter, flag) = (AtomicU64::new(0), AtomicBool::new(false));
            thread::scope(|s| {
                for _ in 0..threads {
                    s.spawn(|| {
                        for _ in 0..3 {
                            while flag.compare_exchange(false, true, SeqCst, SeqCst).is_err() {
                                if yields {
                                    thread::yield_now();
                                }
                            }
                            counter.store(counter.load(SeqCst) + 1, SeqCst);
                            flag.store(false, SeqCst);
                        }
                    });
                }
            });
            counter.into_inner()
        });
    }
}

#[test]
fn a_sleep_synchronizes_nothing() {
    let explored = run(|| {
        let counter = Arc::new(AtomicU64::new(0));
        let theirs = counter.clone();
        let _thread = thread::spawn(move || add(&theirs));
        thread::sleep(std::time::Duration::from_secs(3600));
        counter.load(SeqCst)
    });
    assert_eq!(explored.outcomes.len(), 2, "{:?}", explored.outcomes);
}

#[test]
fn exploring_is_repeatable_and_reports_what_ran() {
    let body = || {
        let counter = Arc::new(AtomicU64::new(0));
        let threads = [(); 3].map(|()| {
            let counter = counter.clone();
            thread::spawn(move || counter.store(counter.load(SeqCst) + 1, SeqCst))
        });
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        counter.load(SeqCst)
    };
    let (one, two) = (run(body), run(body));
    assert_eq!(one, two);
    assert_eq!(one.outcomes.len(), 3, "1, 2 and 3");
    assert_eq!(
        (one.schedules, one.at_once, one.on_one_object),
        (SCHEDULES, 3, 3)
    );
    assert!(one.sharers.contains("C"));
}

#[test]
fn locks_exclude_and_conditions_wake() {
    always(10, || {
        let queue = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let theirs = queue.clone();
        let producer = thread::spawn(move || {
            for n in 1..=4u64 {
                theirs.0.lock().unwrap().push(n);
                theirs.1.notify_one();
            }
        });
        let mut sum = 0;
        for _ in 0..4 {
            let mut items = queue
                .1
                .wait_while(queue.0.lock().unwrap(), |items| items.is_empty())
                .unwrap();
            sum += items.pop().unwrap();
        }
        producer.join().unwrap();
        sum
    });
    always(2, || {
        let total = RwLock::new(0);
        thread::scope(|s| {
            s.spawn(|| *total.write().unwrap() += 1);
            s.spawn(|| *total.write().unwrap() += 1);
            s.spawn(|| assert!(*total.read().unwrap() <= 2));
        });
        total.into_inner().unwrap()
    });
    always(1, || {
        let (barrier, arrived) = (Barrier::new(3), AtomicU64::new(0));
        let leaders = AtomicU64::new(0);
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    add(&arrived);
                    if barrier.wait().is_leader() {
                        add(&leaders);
                    }
                    assert_eq!(arrived.load(SeqCst), 3);
                });
            }
        });
        leaders.load(SeqCst)
    });
    always(true, || {
        let lock = Mutex::new(());
        let (_, result) = Condvar::new()
            .wait_timeout(lock.lock().unwrap(), std::time::Duration::MAX)
            .unwrap();
        result.timed_out()
    });
}

#[test]
fn a_parked_thread_is_unparked() {
    always(true, || {
        let flag = Arc::new(AtomicBool::new(false));
        let theirs = flag.clone();
        let thread = thread::Builder::new()
            .name("sleeper".into())
            .spawn(move || {
                while !theirs.load(SeqCst) {
                    thread::park();
                }
                thread::current().name().map(str::to_owned)
            })
            .unwrap();
        flag.store(true, SeqCst);
        thread.thread().unpark();
        thread.join().unwrap().as_deref() == Some("sleeper")
    });
}

/// What outlives `main` is cut off there, as at the end of a program.
#[test]
fn threads_that_nobody_waits_for_end_with_main() {
    always((), || {
        let never = Arc::new(AtomicBool::new(false));
        let theirs = never.clone();
        thread::spawn(move || while !theirs.load(SeqCst) {});
        thread::spawn(thread::park);
    });
}

#[test]
fn three_threads_step_in_the_order_given() {
    use Turn::{A, B, C};
    let body = || {
        let counter = Arc::new(AtomicU64::new(0));
        let threads = [(); 3].map(|()| {
            let counter = counter.clone();
            thread::spawn(move || counter.store(counter.load(SeqCst) + 1, SeqCst))
        });
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        counter.load(SeqCst)
    };
    let one = replay(&[A, B, C, C, B, A], body);
    assert_eq!((one.value, one.complaint), (Ok(1), None));
    let stores: Vec<&str> = one
        .steps
        .iter()
        .filter(|step| matches!(step.op, Op::Store { .. }))
        .map(|step| step.thread.as_str())
        .collect();
    assert_eq!(stores, ["C", "B", "A"]);
    assert_eq!(replay(&[A, A, B, B, C, C], body).value, Ok(3));

    let complaint = |turns: &[Turn]| replay(turns, body).complaint.expect("they do not fit");
    assert_eq!(
        complaint(&[A, A, A, B, B, C, C]),
        "turn 3 is for A, but A has no step left"
    );
    assert_eq!(
        complaint(&[A, A, B, B]),
        "after 4 turns C still has steps to take"
    );
    assert_eq!(
        complaint(&[A, A, B, B, C, C, C]),
        "7 turns were given, but all threads had ended after 6"
    );
}

#[test]
fn a_fork_in_a_model_run_is_an_error() {
    always(true, || os_core::process::fork(|| Ok(())).is_err());
}

/// The same code runs on the kernel's threads.
#[test]
fn in_a_plain_run_all_is_as_in_std() {
    let shared = Derived::default();
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..1000 {
                    add(&shared.counter);
                    *shared.total.lock().unwrap() += 1;
                }
            });
        }
    });
    assert_eq!(shared.counter.into_inner(), 4000);
    assert_eq!(shared.total.into_inner().unwrap(), 4000);
    let barrier = Barrier::new(4);
    let leaders = thread::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|_| s.spawn(|| barrier.wait().is_leader()))
            .collect();
        threads
            .into_iter()
            .filter(|_| true)
            .map(|thread| thread.join().unwrap())
            .filter(|is| *is)
            .count()
    });
    assert_eq!(leaders, 1);
}

/// A gate makes some schedules long: all threads but the last spin at it.
#[test]
fn the_schedule_that_is_kept_has_an_end_if_one_has() {
    let body = || {
        let (started, counter) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    started.fetch_add(1, SeqCst);
                    while started.load(SeqCst) < 4 {
                        thread::yield_now();
                    }
                    counter.fetch_add(1, SeqCst);
                });
            }
        });
        counter.into_inner()
    };
    let explored = explore_until(0, 12, body, |_| ControlFlow::Continue(()));
    let ended = explored.outcomes[0]
        .steps
        .iter()
        .filter(|step| step.op == Op::End);
    assert_eq!(ended.count(), 4, "threads that end in the schedule kept");
}
