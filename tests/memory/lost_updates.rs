//! Step 1: no schedule may lose an update.

use checks::{Counts, Explored, Replay, Turn, explain, random, subject};
use memory::lost_updates::{self, RacyCounter};
use std::sync::Arc;

subject! {
    /// The learner's turns, and what they do to the learner's `RacyCounter`.
    fn losing_turns() -> (Vec<Turn>, Replay<u64>) {
        let turns = lost_updates::losing_turns();
        let replay = race(&turns);
        (turns, replay)
    }

    /// What each of these orders leaves the counter at; asked only of who has written one.
    fn all_orders(orders: Vec<Vec<Turn>>) -> (Vec<Turn>, Vec<Replay<u64>>) as losing_turns {
        (
            lost_updates::losing_turns(),
            orders.iter().map(|turns| race(turns)).collect(),
        )
    }

    fn sum_in_threads(work: Vec<Vec<u64>>) -> (u64, Counts) {
        checks::counted(|| lost_updates::sum_in_threads(work))
    }

    fn sum_of_long_lists(seed: u64) -> (u64, Counts) as sum_in_threads {
        checks::counted(|| lost_updates::sum_in_threads(long_lists(seed)))
    }

    fn sum_under_many_schedules(work: Vec<Vec<u64>>) -> Explored<u64> as sum_in_threads {
        checks::explore(move || lost_updates::sum_in_threads(work.clone()))
    }
}

/// Four lists of 20,000 numbers: judge and subject make the same ones, to spare sending them.
fn long_lists(seed: u64) -> Vec<Vec<u64>> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..4)
        .map(|_| (0..20_000).map(|_| random.u64(1..100)).collect())
        .collect()
}

fn race(turns: &[Turn]) -> Replay<u64> {
    checks::replay(turns, || {
        let counter = Arc::new(RacyCounter::new());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let counter = counter.clone();
                os::thread::spawn(move || counter.add(1))
            })
            .collect();
        for thread in threads {
            thread.join().expect("adding does not panic");
        }
        counter.get()
    })
}

fn schedule(replay: &Replay<u64>) -> String {
    replay
        .steps
        .iter()
        .filter(|step| step.object == "counter" && step.thread != "main")
        .map(|step| format!("{} {}", step.thread, step.op))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn your_turns_lose_an_update() {
    explain(
        "memory.md#you-are-the-scheduler",
        "An addition is lost when both threads read before either has written: both then write the same.",
    );
    let (turns, replay) = losing_turns();
    assert!(
        replay.complaint.is_none(),
        "Your turns {turns:?} do not fit: {}. Each thread takes two: one reads, one writes.",
        replay.complaint.unwrap_or_default()
    );
    assert_eq!(
        replay.value,
        Ok(1),
        "Two threads added 1 each, in your order {turns:?}: {}. Nothing was lost.",
        schedule(&replay)
    );
}

#[test]
fn your_turns_are_two_for_each_thread() {
    explain(
        "memory.md#you-are-the-scheduler",
        "`add` takes two steps, so each thread gets two turns: four in all.",
    );
    let (turns, _) = losing_turns();
    for thread in [Turn::A, Turn::B] {
        let count = turns.iter().filter(|turn| **turn == thread).count();
        assert_eq!(count, 2, "{thread:?} has {count} turns in {turns:?}");
    }
}

#[test]
fn the_racy_counter_is_left_as_it_was() {
    use Turn::{A, B};
    explain(
        "memory.md#you-are-the-scheduler",
        "`RacyCounter` is the patient here: leave it as it was given.",
    );
    let orders = vec![
        vec![A, A, B, B],
        vec![A, B, A, B],
        vec![A, B, B, A],
        vec![B, A, A, B],
        vec![B, A, B, A],
        vec![B, B, A, A],
    ];
    let (_, replays) = all_orders(&orders);
    let shown: String = orders
        .iter()
        .zip(&replays)
        .map(|(order, replay)| {
            let value = replay.value.clone().unwrap_or_default();
            format!("{order:?} -> {value}: {}\n", schedule(replay))
        })
        .collect();
    checks::snapshot!("lost_updates__all_orders", shown);
}

#[test]
fn no_list_no_thread() {
    explain(
        "memory.md#step-1-lost-updates",
        "No list means no thread and the sum 0.",
    );
    let (sum, counts) = sum_in_threads(&vec![]);
    assert_eq!(sum, 0, "the sum of no list");
    assert_eq!(counts.threads, 0, "threads started for no list");
}

#[test]
fn every_list_has_a_thread_of_its_own() {
    explain(
        "memory.md#step-1-lost-updates",
        "Each list is added up by a thread of its own, started with `os::thread`; an empty list too.",
    );
    let mut random = random();
    let work: Vec<Vec<u64>> = (0..random.usize(2..8))
        .map(|list| (0..list).map(|_| random.u64(1..1000)).collect()) // the first list is empty
        .collect();
    let (sum, counts) = sum_in_threads(&work);
    assert_eq!(sum, work.iter().flatten().sum::<u64>(), "the sum");
    assert_eq!(
        counts.threads,
        work.len() as u64,
        "threads started with `os::thread` for {} lists",
        work.len()
    );
}

#[test]
fn the_scheduler_sees_the_shared_counter() {
    explain(
        "memory.md#step-1-lost-updates",
        "The test decides who goes next at every access to `os::sync`; at others it can only hope.",
    );
    let explored = sum_under_many_schedules(&vec![vec![1], vec![2]]);
    for thread in ["A", "B"] {
        assert!(
            explored.shares(thread),
            "Under none of {} schedules did thread {thread} use anything of `os::sync`. Share the counter as \
             an `os::sync::AtomicU64` or an `os::sync::Mutex`, and start the threads with `os::thread`.",
            explored.schedules()
        );
    }
}

#[test]
fn the_total_is_read_after_the_threads_have_ended() {
    explain(
        "memory.md#join-before-you-read",
        "Only after a join has everything that the thread wrote certainly been written.",
    );
    let n = random().u64(1..100);
    sum_under_many_schedules(&vec![vec![n]]).expect_always(&n);
}

#[test]
fn all_threads_run_at_the_same_time() {
    explain(
        "memory.md#join-before-you-read",
        "A thread that is joined before the next one starts has run alone: start all, then join all.",
    );
    let explored = sum_under_many_schedules(&vec![vec![1], vec![2], vec![3]]);
    assert_eq!(
        explored.at_once(),
        3,
        "of 3 threads, so many were alive at the same time under any of {} schedules",
        explored.schedules()
    );
}

#[test]
fn no_update_is_lost_under_any_schedule() {
    explain(
        "memory.md#two-additions-one-lost",
        "A load and a store are two steps: another thread can write in between, and its update is lost.",
    );
    let mut random = random();
    let work: Vec<Vec<u64>> = (0..random.usize(2..=3))
        .map(|_| (0..2).map(|_| random.u64(1..10)).collect())
        .collect();
    sum_under_many_schedules(&work).expect_always(&work.iter().flatten().sum());
}

#[test]
fn no_update_is_lost() {
    explain(
        "memory.md#two-additions-one-lost",
        "A load and a store are two steps: another thread can write in between, and its update is lost.",
    );
    let seed = random().u64(..);
    let expected: u64 = long_lists(seed).iter().flatten().sum();
    let (sum, _) = sum_of_long_lists(&seed);
    assert_eq!(
        sum,
        expected,
        "4 threads added 20,000 numbers each; {} of the total are lost",
        expected.abs_diff(sum)
    );
}

#[test]
fn one_thread_adds_its_whole_list() {
    explain(
        "memory.md#join-before-you-read",
        "The thread adds all of its list, and is joined before the total is read.",
    );
    let mut random = random();
    let list: Vec<u64> = (0..random.usize(2..50))
        .map(|_| random.u64(1..1000))
        .collect();
    let expected: u64 = list.iter().sum();
    let (sum, _) = sum_in_threads(&vec![list]);
    assert_eq!(sum, expected, "the sum of one list");
}
