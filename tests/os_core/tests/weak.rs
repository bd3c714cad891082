//! Mapped words in model runs: what the memory model of Rust forbids never comes out, and what it allows does.
#![cfg(feature = "model")]

use os_core::memory::{Mapping, Ordering, Ordering::*, fence};
use os_core::model::{Explored, Failure, explore};
use os_core::process::Mortal;
use os_core::thread;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

const SCHEDULES: usize = 400;

fn run<T: serde::Serialize + Send + 'static>(
    body: impl Fn(Arc<Mapping>) -> T + Send + Sync + 'static,
) -> Explored<T> {
    explore(5, SCHEDULES, move || {
        body(Arc::new(Mapping::shared(64).expect("memory can be mapped")))
    })
}

fn outcomes<T: Ord + Clone + Debug + serde::Serialize>(explored: &Explored<T>) -> BTreeSet<T> {
    let values = explored.outcomes.iter();
    values
        .map(|outcome| outcome.value.clone().expect("it returns"))
        .collect()
}

/// Message passing: one side writes data and a flag, the other reads the flag and the data.
fn message_passing(store: Ordering, load: Ordering) -> BTreeSet<(u64, u64)> {
    outcomes(&run(move |memory| {
        let theirs = memory.clone();
        let thread = thread::spawn(move || {
            theirs.word(0).store(7, Relaxed);
            theirs.word(8).store(1, store);
        });
        let flag = memory.word(8).load(load);
        let data = memory.word(0).load(Relaxed);
        thread.join().expect("it ends");
        (flag, data)
    }))
}

#[test]
fn a_message_is_seen_with_its_flag() {
    for (store, load) in [(Release, Acquire), (SeqCst, SeqCst), (Release, SeqCst)] {
        let seen = message_passing(store, load);
        assert!(!seen.contains(&(1, 0)), "{store:?} {load:?}: {seen:?}");
        assert!(seen.contains(&(1, 7)) && seen.contains(&(0, 0)), "{seen:?}");
    }
}

#[test]
fn a_relaxed_flag_comes_without_its_message() {
    for (store, load) in [(Relaxed, Acquire), (Release, Relaxed), (Relaxed, Relaxed)] {
        let seen = message_passing(store, load);
        assert!(seen.contains(&(1, 0)), "{store:?} {load:?}: {seen:?}");
    }
}

#[test]
fn fences_order_relaxed_accesses() {
    let seen = outcomes(&run(|memory| {
        let theirs = memory.clone();
        let thread = thread::spawn(move || {
            theirs.word(0).store(7, Relaxed);
            fence(Release);
            theirs.word(8).store(1, Relaxed);
        });
        let flag = memory.word(8).load(Relaxed);
        fence(Acquire);
        let data = memory.word(0).load(Relaxed);
        thread.join().expect("it ends");
        (flag, data)
    }));
    assert!(!seen.contains(&(1, 0)), "{seen:?}");
}

/// What one side of store buffering does: it writes its own word, and reads the other side's.
#[derive(Clone, Copy, Debug)]
struct Side {
    store: Ordering,
    fence: Option<Ordering>,
    load: Ordering,
}

impl Side {
    fn run(self, memory: &Mapping, mine: usize, theirs: usize) -> u64 {
        memory.word(mine).store(1, self.store);
        if let Some(order) = self.fence {
            fence(order);
        }
        memory.word(theirs).load(self.load)
    }
}

/// Both sides may read 0 unless something stronger than release and acquire is between.
fn may_miss_each_other(one: Side, other: Side) -> bool {
    let seen = outcomes(&run(move |memory| {
        let theirs = memory.clone();
        let thread = thread::spawn(move || other.run(&theirs, 8, 0));
        let seen = one.run(&memory, 0, 8);
        (seen, thread.join().expect("it ends"))
    }));
    seen.contains(&(0, 0))
}

#[test]
fn two_sides_may_miss_each_other() {
    let side = |store, fence, load| Side { store, fence, load };
    let fenced = side(Relaxed, Some(SeqCst), Relaxed);
    let consistent = side(SeqCst, None, SeqCst);
    for (one, other) in [
        (fenced, fenced),
        (consistent, consistent),
        (fenced, consistent),
        (consistent, fenced),
    ] {
        assert!(!may_miss_each_other(one, other), "{one:?} {other:?}");
    }
    // A `SeqCst` access is no fence: it orders only accesses that are `SeqCst`, too.
    for weak in [
        side(Release, None, Acquire),
        side(SeqCst, None, Acquire),
        side(Release, None, SeqCst),
        side(Relaxed, Some(AcqRel), Relaxed),
    ] {
        for other in [weak, fenced, consistent] {
            assert!(may_miss_each_other(weak, other), "{weak:?} {other:?}");
            assert!(may_miss_each_other(other, weak), "{other:?} {weak:?}");
        }
    }
}

/// `main` reads a word that somebody else stores without any order, then one that a third stores; that one reads the first.
fn sees_more_than_a_later_one(read: fn(&Mapping) -> u64) -> bool {
    let seen = outcomes(&run(move |memory| {
        let (one, two) = (memory.clone(), memory.clone());
        let storing = thread::spawn(move || one.word(0).store(1, Relaxed));
        let third = thread::spawn(move || {
            two.word(8).store(1, SeqCst);
            two.word(0).load(SeqCst)
        });
        let first = read(&memory);
        let second = memory.word(8).load(SeqCst);
        storing.join().expect("it ends");
        (first, second, third.join().expect("it ends"))
    }));
    seen.contains(&(1, 0, 0))
}

#[test]
fn what_a_consistent_load_has_seen_a_later_one_sees() {
    assert!(!sees_more_than_a_later_one(|memory| memory
        .word(0)
        .load(SeqCst)));
    assert!(!sees_more_than_a_later_one(|memory| {
        let seen = memory.word(0).compare_exchange(9, 9, Relaxed, SeqCst);
        seen.unwrap_or_else(|seen| seen)
    }));
    assert!(sees_more_than_a_later_one(|memory| memory
        .word(0)
        .load(Acquire)));
}

#[test]
fn one_word_never_goes_back() {
    let seen = outcomes(&run(|memory| {
        let theirs = memory.clone();
        let thread = thread::spawn(move || (1..4).for_each(|n| theirs.word(0).store(n, Relaxed)));
        let seen: Vec<u64> = (0..4).map(|_| memory.word(0).load(Relaxed)).collect();
        thread.join().expect("it ends");
        (seen.is_sorted(), memory.word(0).load(Relaxed))
    }));
    assert_eq!(
        seen,
        BTreeSet::from([(true, 3)]),
        "coherence, and a join that shows everything"
    );
}

#[test]
fn an_update_reads_the_latest_value() {
    let seen = outcomes(&run(|memory| {
        let theirs = memory.clone();
        let add = |memory: &Mapping| {
            for _ in 0..2 {
                memory.word(0).fetch_add(1, Relaxed);
            }
        };
        let thread = thread::spawn(move || add(&theirs));
        add(&memory);
        thread.join().expect("it ends");
        memory.word(0).load(Relaxed)
    }));
    assert_eq!(seen, BTreeSet::from([4]));
}

#[test]
fn an_update_goes_on_with_a_release_sequence() {
    let seen = outcomes(&run(|memory| {
        let (one, two) = (memory.clone(), memory.clone());
        let first = thread::spawn(move || {
            one.word(0).store(7, Relaxed);
            one.word(8).store(1, Release);
        });
        let second = thread::spawn(move || {
            let _ = two.word(8).compare_exchange(1, 2, Relaxed, Relaxed);
        });
        let flag = memory.word(8).load(Acquire);
        let data = memory.word(0).load(Relaxed);
        first.join().expect("it ends");
        second.join().expect("it ends");
        (flag, data)
    }));
    assert!(
        !seen.contains(&(2, 0)) && seen.contains(&(2, 7)),
        "{seen:?}"
    );
}

/// One side copies bytes in and sets a flag; the other copies them out if the flag is set, and clears it.
fn copies(publish: Ordering, give_back: Ordering) -> Option<Failure> {
    let explored = run(move |memory| {
        let theirs = memory.clone();
        let thread = thread::spawn(move || {
            theirs.write_bytes(16, &[1; 16]);
            theirs.word(0).store(1, publish);
            if theirs.word(8).load(Acquire) == 1 {
                theirs.write_bytes(16, &[2; 16]);
            }
        });
        let mut bytes = [0; 16];
        if memory.word(0).load(Acquire) == 1 {
            memory.read_bytes(16, &mut bytes);
            memory.word(8).store(1, give_back);
        }
        thread.join().expect("it ends");
        bytes.to_vec()
    });
    let mut values = explored.outcomes.into_iter().map(|outcome| outcome.value);
    values.find_map(Result::err)
}

#[test]
fn copies_that_nothing_orders_are_a_race() {
    assert_eq!(copies(Release, Release), None);
    let unpublished = copies(Relaxed, Release);
    assert!(
        matches!(&unpublished, Some(Failure::Race(what)) if what.contains("main reads") && what.contains("A wrote")),
        "{unpublished:?}"
    );
    let overwritten = copies(Release, Relaxed);
    assert!(
        matches!(&overwritten, Some(Failure::Race(what)) if what.contains("A writes") && what.contains("main read")),
        "{overwritten:?}"
    );
}

#[test]
fn fences_alone_order_no_copies() {
    let explored = run(|memory| {
        let theirs = memory.clone();
        let thread = thread::spawn(move || {
            theirs.write_bytes(16, &[1; 16]);
            fence(SeqCst);
        });
        fence(SeqCst);
        memory.read_bytes(16, &mut [0; 16]);
        thread.join().expect("it ends");
    });
    let values: Vec<_> = explored.outcomes.iter().map(|o| &o.value).collect();
    assert!(
        values.iter().all(|v| matches!(v, Err(Failure::Race(_)))),
        "{values:?}"
    );
}

#[test]
fn relaxed_words_are_data_where_they_are_said_to_be() {
    let explored = run(|memory| {
        os_core::model::describe(&memory, &[(0, "flag")], 16);
        let theirs = memory.clone();
        let thread = thread::spawn(move || theirs.word(16).store(1, Relaxed));
        let seen = memory.word(16).load(Relaxed);
        thread.join().expect("it ends");
        seen
    });
    let races = explored
        .outcomes
        .iter()
        .filter(|outcome| matches!(outcome.value, Err(Failure::Race(_))));
    assert_eq!(races.count(), 1);
}

#[test]
fn a_sleeper_is_woken_or_the_run_deadlocks() {
    let sleep = |wakes: bool| {
        run(move |memory| {
            let theirs = memory.clone();
            let life = Mortal::default();
            let thread = thread::spawn(move || {
                theirs.word(0).store(1, SeqCst);
                if wakes {
                    theirs.word(0).wake_all();
                }
            });
            let peer = life.peer();
            while memory.word(0).load(SeqCst) == 0 {
                memory.word(0).wait_while(0, &peer).expect("the peer lives");
            }
            thread.join().expect("it ends");
        })
    };
    assert_eq!(sleep(true).outcomes.len(), 1);
    let deadlocks = sleep(false).outcomes;
    assert!(
        deadlocks.iter().any(|outcome| matches!(&outcome.value, Err(Failure::Deadlock(why)) if why.contains("word 0"))),
        "{deadlocks:?}"
    );
}

#[test]
fn a_death_ends_a_sleep() {
    let seen = outcomes(&run(|memory| {
        let life = Mortal::default();
        let (theirs, peer) = (life.clone(), life.peer());
        let thread = thread::spawn(move || theirs.die());
        let slept = memory
            .word(0)
            .wait_while(0, &peer)
            .map_err(|error| error.kind().to_string());
        thread.join().expect("it ends");
        slept
    }));
    assert_eq!(seen, BTreeSet::from([Err("broken pipe".to_owned())]));
}

#[test]
fn a_mapping_at_the_same_place_begins_anew() {
    let seen = outcomes(&run(|memory| {
        memory.word(0).store(9, SeqCst);
        drop(memory);
        let again = Mapping::shared(64).expect("memory can be mapped");
        again.word(0).load(SeqCst)
    }));
    assert_eq!(seen, BTreeSet::from([0]));
}
