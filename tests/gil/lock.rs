//! Step 1: one guard at a time.

use crate::cast::{self, Act, CLOCK, HOSTILE, Setting};
use crate::runs::in_a_long_line;
use crate::{Gil, Guard, Holder, Learner};
use checks::leftovers::{self, Leftovers};
use checks::{Explored, SelfReported, explain, explore, explore_schedules, observed, random};
use os_core::model;
use os_core::sync::{Arc, AtomicU64, Ordering::Relaxed};
use os_core::thread;

checks::subject! {
    for Learner;

    fn play(learner, scripts: Vec<Vec<Act>>, setting: Setting) -> Explored<Option<String>> as acquire {
        cast::play(move || Arc::new(OnlyALock((learner.lock)())), None, scripts, Vec::new(), setting)
    }

    /// Whether the scheduler sees anything of the lock.
    fn acquire_alone(learner) -> Explored<u64> as acquire {
        explore_schedules(3, move || {
            let lock = (learner.lock)();
            let thread = thread::spawn(move || {
                for _ in 0..3 {
                    drop(lock.acquire());
                }
            });
            thread.join().expect("a free lock can be taken");
            3
        })
    }

    /// Several threads add to a counter in two steps, each addition under the lock.
    fn add_in_two_steps(learner, threads: u64, additions: u64) -> Explored<u64> as acquire {
        explore(move || {
            let shared = Arc::new(((learner.lock)(), AtomicU64::new(0)));
            let threads: Vec<_> = (0..threads)
                .map(|_| {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        for _ in 0..additions {
                            let _guard = shared.0.acquire();
                            let seen = shared.1.load(Relaxed);
                            shared.1.store(seen + 1, Relaxed);
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("adding does not panic");
            }
            shared.1.load(Relaxed)
        })
    }

    /// Threads wait for a lock that is never released: the run can only end as a deadlock. So many waits end for no reason.
    fn wait_forever(learner, threads: usize, spurious: usize) -> Explored<u64> as acquire {
        explore_schedules(3, move || {
            model::set_spurious_wakeups(spurious);
            let lock = (learner.lock)();
            let _guard = lock.acquire();
            let threads: Vec<_> = (0..threads)
                .map(|_| {
                    let theirs = lock.clone();
                    thread::spawn(move || drop(theirs.acquire()))
                })
                .collect();
            for thread in threads {
                thread.join().expect("it never ends");
            }
            0
        })
    }

    /// A thread acquires the lock while it has the guard: whatever comes of that, it is no second guard.
    fn acquire_twice(learner) -> Explored<u64> as acquire {
        explore_schedules(3, move || {
            let lock = (learner.lock)();
            let _guard = lock.acquire();
            let _second = lock.acquire();
            2
        })
    }

    /// A thread holds one lock while another takes and releases a second one.
    fn two_locks(learner) -> Explored<u64> as acquire {
        explore_schedules(12, move || {
            let (one, other) = ((learner.lock)(), (learner.lock)());
            let _guard = one.acquire();
            let thread = thread::spawn(move || {
                drop(other.acquire());
                2
            });
            thread.join().expect("the other lock is free")
        })
    }

    /// On threads of the kernel: what was counted, and what is left.
    fn in_a_plain_run(learner, threads: u64, additions: u64) -> (SelfReported<u64>, Leftovers) as acquire {
        leftovers::watch(|| {
            let shared = Arc::new(((learner.lock)(), AtomicU64::new(0)));
            let threads: Vec<_> = (0..threads)
                .map(|_| {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        for _ in 0..additions {
                            let _guard = shared.0.acquire();
                            let seen = shared.1.load(Relaxed);
                            std::hint::spin_loop();
                            shared.1.store(seen + 1, Relaxed);
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("adding does not panic");
            }
            observed(shared.1.load(Relaxed))
        })
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_free_lock_is_taken_at_once,
    the_scheduler_sees_the_lock,
    a_waiting_thread_sleeps,
    a_released_lock_wakes_a_waiter,
    only_one_guard_exists_at_a_time,
    a_spurious_wake_up_gives_no_guard,
    a_panic_releases_the_lock,
    two_locks_have_nothing_to_do_with_each_other,
    many_threads_get_the_lock,
    nothing_is_left_behind,
];

/// A lock that can't switch, for plays that don't ask for it.
struct OnlyALock(Arc<dyn crate::Lock>);

impl Gil for OnlyALock {
    fn acquire(&self) -> Box<dyn Holder + '_> {
        Box::new(OnlyAGuard {
            _guard: self.0.acquire(),
        })
    }
}

struct OnlyAGuard<'a> {
    _guard: Box<dyn Guard + 'a>,
}

impl Holder for OnlyAGuard<'_> {
    fn safe_point(&mut self) -> bool {
        unreachable!("no script of step 1 has a safe point")
    }

    fn allow_threads(&mut self, _: &mut dyn FnMut() -> u64) -> u64 {
        unreachable!("no script of step 1 has I/O")
    }
}

/// Says what a deadlock or a loop without end means, if there is one.
fn explain_end<T>(explored: &Explored<T>) {
    if explored.deadlocks() {
        explain(
            "gil/exercise.md#wake-whoever-waits",
            "Everybody waits, and nobody is left to wake them. Whenever a guard is dropped, set the state first, under the mutex, \
             and then notify.",
        );
    } else if explored.is_endless() {
        explain(
            "gil/exercise.md#sleep-while-you-wait",
            "A thread that waits by looking again and again keeps a core busy, and may keep the holder from going on. Wait on \
             the condition variable.",
        );
    }
}

const BRIEFLY: [Act; 6] = [
    Act::Acquire,
    Act::Work(1),
    Act::Release,
    Act::Acquire,
    Act::Work(1),
    Act::Release,
];

fn a_free_lock_is_taken_at_once() {
    explain(
        "gil/exercise.md#step-1-a-lock-with-a-guard",
        "A lock that nobody holds is taken at once, the first time and after every release.",
    );
    let explored = play(&vec![BRIEFLY.to_vec()], &CLOCK);
    if explored.deadlocks() {
        explain(
            "gil/exercise.md#step-1-a-lock-with-a-guard",
            "There is no other thread, and this one waits. Wait only while the lock is taken, and let `drop` make it free again.",
        );
    } else {
        explain_end(&explored);
    }
    explored.expect_no_complaint();
}

fn the_scheduler_sees_the_lock() {
    explain(
        "gil/exercise.md#step-1-a-lock-with-a-guard",
        "The test decides who goes next at every access to `os::sync`. It can't at accesses to `std::sync`.",
    );
    let explored = acquire_alone();
    explain_end(&explored);
    explored.expect_always(&3);
    assert!(
        explored.shares("A"),
        "Thread A took and released the lock, and used nothing of `os::sync`. Build the lock from `os::sync::Mutex` and \
         `os::sync::Condvar`, or from `os::sync`'s atomics."
    );
}

fn a_waiting_thread_sleeps() {
    explain(
        "gil/exercise.md#sleep-while-you-wait",
        "A thread that waits by looking again and again keeps a core busy, and may keep the holder from going on. Wait on the \
         condition variable.",
    );
    // Alone, behind others, and after wake-ups for no reason.
    for (threads, spurious) in [(1, 0), (3, 0), (2, 40)] {
        let explored = wait_forever(&threads, &spurious);
        if explored.deadlocks() {
            continue; // everybody sleeps, as is due
        }
        let who = match threads {
            1 => "Thread A waits".into(),
            threads => format!("{threads} threads wait"),
        };
        assert!(
            !explored.is_endless(),
            "{who} for a lock that `main` never releases. Whoever waits should sleep, and somebody kept looking: after 50,000 \
             steps the test gave up."
        );
        if spurious > 0 {
            continue; // whether a wake-up gives a guard is a later test's
        }
        explain(
            "gil/exercise.md#check-and-take-in-one-step",
            "While a guard exists, `acquire` returns no second one.",
        );
        panic!("A thread got the lock although `main` holds it.");
    }
}

fn only_one_guard_exists_at_a_time() {
    explain(
        "gil/exercise.md#check-and-take-in-one-step",
        "A thread took the lock while another one had it. Keep the mutex locked from the check to the change, or both find the lock \
         free; and check again after every wait, with `while`.",
    );
    for explored in [
        play(&vec![BRIEFLY.to_vec(); 3], &HOSTILE),
        play(&vec![BRIEFLY.to_vec(); 3], &CLOCK),
    ] {
        explain_end(&explored);
        explored.expect_no_complaint();
    }
    let additions = random().u64(1..=2);
    let explored = add_in_two_steps(&3, &additions);
    explain_end(&explored);
    explored.expect_always(&(3 * additions));
    explain(
        "gil/exercise.md#step-1-a-lock-with-a-guard",
        "At any moment, at most one guard of a lock exists. The thread that has it is no exception: it waits for itself, forever.",
    );
    assert!(
        acquire_twice().passing(&2).next().is_none(),
        "A thread that had the guard called `acquire` again, and got a second one."
    );
}

fn a_spurious_wake_up_gives_no_guard() {
    explain(
        "gil/exercise.md#sleep-while-you-wait",
        "A wait may end with no notification, and another thread may be faster than the one that was notified. So look again \
         after every wait: `while`, not `if`.",
    );
    for spurious in [1, 3] {
        let setting = Setting {
            spurious,
            ..HOSTILE
        };
        let explored = play(&vec![BRIEFLY.to_vec(); 3], &setting);
        if explored.deadlocks() || explored.is_endless() {
            explain_end(&explored);
        }
        explored.expect_no_complaint();
    }
}

fn a_released_lock_wakes_a_waiter() {
    explain(
        "gil/exercise.md#wake-whoever-waits",
        "A released lock wakes a thread that waits for it, whatever the order of the steps.",
    );
    for threads in [2, 4] {
        let script = [&BRIEFLY[..3], &BRIEFLY[..]].concat();
        let explored = play(&vec![script; threads], &HOSTILE);
        if explored.deadlocks() || explored.is_endless() {
            explain_end(&explored);
            explored.expect_no_complaint();
        }
        // Two holders at a time are the next test's.
    }
    // The thirtieth as well as the first.
    let setting = Setting {
        schedules: 24,
        ..HOSTILE
    };
    let explored = play(&vec![BRIEFLY[..3].repeat(10); 3], &setting);
    if explored.deadlocks() || explored.is_endless() {
        explain_end(&explored);
        explored.expect_no_complaint();
    }
}

fn a_panic_releases_the_lock() {
    explain(
        "gil/exercise.md#a-guard-is-dropped-in-a-panic-too",
        "A thread that panics drops its guard while it unwinds. The next one gets the lock as if nothing had happened.",
    );
    let panics = vec![Act::Acquire, Act::Work(1), Act::Panic];
    for scripts in [
        vec![panics.clone(), BRIEFLY.to_vec()],
        vec![panics.clone(), panics.clone(), BRIEFLY.to_vec()],
    ] {
        let explored = play(&scripts, &HOSTILE);
        if explored.deadlocks() {
            // What goes wrong without a panic as well isn't the panic's fault.
            let released = scripts.into_iter().map(|script| {
                let calm = |act| {
                    if matches!(act, Act::Panic) {
                        Act::Release
                    } else {
                        act
                    }
                };
                script.into_iter().map(calm).collect()
            });
            explain_end(&play(&released.collect(), &HOSTILE));
        }
        explored.expect_no_complaint();
    }
}

fn two_locks_have_nothing_to_do_with_each_other() {
    explain(
        "gil/exercise.md#step-1-a-lock-with-a-guard",
        "Each `Lock` is a lock of its own: keep its state in its fields.",
    );
    two_locks().expect_always(&2);
}

fn many_threads_get_the_lock() {
    explain(
        "gil/exercise.md#step-1-a-lock-with-a-guard",
        "Any number of threads may wait, and all of them get the lock.",
    );
    let (scripts, _) = in_a_long_line();
    let explored = play(
        &scripts,
        &Setting {
            schedules: 4,
            ..CLOCK
        },
    );
    explain_end(&explored);
    explored.expect_no_complaint();
    let threads = random().u64(20..30);
    let (sum, _) = in_a_plain_run(&threads, &200);
    assert_eq!(
        sum,
        threads * 200,
        "what {threads} threads counted, each addition under the lock"
    );
}

fn nothing_is_left_behind() {
    explain(
        "gil/exercise.md#step-1-a-lock-with-a-guard",
        "A lock needs no thread of its own.",
    );
    let (_, left) = in_a_plain_run(&2, &10);
    assert!(left.is_nothing(), "When the lock is gone, {left} is left.");
}
