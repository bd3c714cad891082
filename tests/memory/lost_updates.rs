//! Step 1: threads share a counter, and no schedule may lose an update.

use crate::{Learner, lists, total};
use checks::leftovers::{self, Leftovers};
use checks::schedule::{Op, Step};
use checks::{Events, Explored, Replay, SelfReported, Turn, explain, ledger, random};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a call in a plain run returned, what it started and what it left behind.
type Plain = (u64, SelfReported<usize, Events>, Leftovers);

checks::subject! {
    for Learner;

    /// The learner's turns, and what they do to the learner's `RacyCounter`.
    fn losing_turns(learner) -> (Vec<Turn>, Replay<u64>) {
        let turns = (learner.losing_turns)();
        let replay = race(learner, &turns, [1, 1]);
        (turns, replay)
    }

    /// What each of these orders leaves the counter at, when the threads add these numbers.
    fn all_orders(learner, orders: Vec<Vec<Turn>>, numbers: [u64; 2]) -> Vec<Replay<u64>> as losing_turns {
        let _ = (learner.losing_turns)(); // asked only of those who have written one
        orders.iter().map(|turns| race(learner, turns, numbers)).collect()
    }

    /// Several calls, one after the other, in one process.
    fn sum_in_threads(learner, calls: Vec<Vec<Vec<u64>>>) -> Vec<Plain> {
        calls.into_iter().map(|work| plain(learner, work)).collect()
    }

    fn sum_of_long_lists(learner, seed: u64) -> Plain as sum_in_threads {
        plain(learner, long_lists(seed))
    }

    fn sum_under_many_schedules(learner, work: Vec<Vec<u64>>) -> Explored<u64> as sum_in_threads {
        checks::explore(move || (learner.sum_in_threads)(work.clone()))
    }

    fn sum_under_a_few_schedules(learner, work: Vec<Vec<u64>>) -> Explored<u64> as sum_in_threads {
        checks::explore_schedules(12, move || (learner.sum_in_threads)(work.clone()))
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    your_turns_are_two_for_each_thread,
    your_turns_lose_an_update,
    the_racy_counter_is_left_as_it_was,
    every_list_has_a_thread_of_its_own,
    the_scheduler_sees_the_shared_counter,
    all_threads_run_at_the_same_time,
    the_total_is_read_after_the_threads_have_ended,
    no_update_is_lost_under_any_schedule,
    all_threads_add_to_one_counter,
    every_thread_has_ended_at_the_return,
    no_list_no_thread,
    one_thread_adds_its_whole_list,
    empty_lists_add_nothing,
    the_sum_may_need_all_64_bits,
    a_second_call_begins_anew,
    no_update_is_lost,
    nothing_is_left_behind,
];

fn plain(learner: Learner, work: Vec<Vec<u64>>) -> Plain {
    let ((sum, ledger), left) =
        leftovers::watch(|| ledger::observe(|| (learner.sum_in_threads)(work)));
    (sum, ledger.map(|ledger| ledger.threads()), left)
}

fn race(learner: Learner, turns: &[Turn], numbers: [u64; 2]) -> Replay<u64> {
    checks::replay(turns, move || {
        let counter = Arc::new((learner.racy_counter)());
        let threads: Vec<_> = numbers
            .into_iter()
            .map(|n| {
                let counter = counter.clone();
                os_core::thread::spawn(move || (counter.add)(n))
            })
            .collect();
        for thread in threads {
            thread.join().expect("adding does not panic");
        }
        (counter.get)()
    })
}

/// A list of 20,000 numbers and three of 2,000. Judge and subject make the same ones, to spare sending them.
///
/// Where threads hand over a lock in turn, on a busy machine each turn waits for the scheduler: not too many of those.
fn long_lists(seed: u64) -> Vec<Vec<u64>> {
    let mut random = fastrand::Rng::with_seed(seed);
    [20_000, 2_000, 2_000, 2_000]
        .map(|len| (0..len).map(|_| random.u64(1..100)).collect())
        .into()
}

/// Several calls in one process, after another one: a process for each would take longer than the calls.
fn sums(works: &[Vec<Vec<u64>>]) -> Vec<Plain> {
    let before = vec![vec![1000, 1], vec![7]];
    let mut calls = vec![before];
    calls.extend_from_slice(works);
    sum_in_threads(&calls).split_off(1)
}

fn sum(work: &[Vec<u64>]) -> Plain {
    sums(&[work.to_vec()]).remove(0)
}

fn schedule(replay: &Replay<u64>) -> String {
    replay
        .steps
        .iter()
        .filter(|step| step.op.is_access() && step.thread != "main")
        .map(|step| format!("{} {}", step.thread, step.op))
        .collect::<Vec<_>>()
        .join(", ")
}

fn your_turns_lose_an_update() {
    explain(
        "memory/exercise.md#you-are-the-scheduler",
        "An addition is lost when both threads read before either has written: both then write the same value.",
    );
    let (turns, replay) = losing_turns();
    assert!(
        replay.complaint.is_none(),
        "The turns {turns:?} don't fit: {}. Each thread takes two: one to read, one to write.",
        replay.complaint.as_deref().unwrap_or_default()
    );
    assert_eq!(
        replay.value,
        Ok(1),
        "Two threads add 1 each, in the order {turns:?}: {}. Nothing is lost.",
        schedule(&replay)
    );
}

fn your_turns_are_two_for_each_thread() {
    explain(
        "memory/exercise.md#you-are-the-scheduler",
        "`add` takes two steps, so each thread gets two turns: four in all.",
    );
    let (turns, _) = losing_turns();
    for thread in [Turn::A, Turn::B] {
        let count = turns.iter().filter(|turn| **turn == thread).count();
        assert_eq!(count, 2, "the turns of {thread:?} in {turns:?}");
    }
    assert_eq!(turns.len(), 4, "all turns in {turns:?}");
}

fn the_racy_counter_is_left_as_it_was() {
    use Turn as T;
    explain(
        "memory/exercise.md#you-are-the-scheduler",
        "`RacyCounter` is wrong on purpose: leave it as it was given.",
    );
    let (a, b) = (T::A, T::B);
    let orders = vec![
        vec![a, a, b, b],
        vec![a, b, a, b],
        vec![a, b, b, a],
        vec![b, a, a, b],
        vec![b, a, b, a],
        vec![b, b, a, a],
    ];
    let replays = all_orders(&orders, &[1, 1]);
    let shown: String = orders
        .iter()
        .zip(&replays)
        .map(|(order, replay)| {
            let value = replay.value.clone().unwrap_or_default();
            format!("{order:?} -> {value}: {}\n", schedule(replay))
        })
        .collect();
    checks::snapshot!("memory", "lost_updates__all_orders", shown);
    let mut random = random();
    let [n, m] = [0; 2].map(|_| random.u64(2..1 << 40));
    // Whoever writes last decides, where both have read before.
    let expected = [n + m, m, n, m, n, n + m];
    for ((order, replay), expected) in orders
        .iter()
        .zip(all_orders(&orders, &[n, m]))
        .zip(expected)
    {
        assert_eq!(
            replay.value,
            Ok(expected),
            "the counter after A has called `add({n})` and B `add({m})`, in the order {order:?}"
        );
    }
}

fn every_list_has_a_thread_of_its_own() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "Each list gets its own thread, started with `os::thread`, even an empty list, and however many there are.",
    );
    let many = vec![1; random().usize(65..80)];
    let works = [&[3, 0, 2][..], &[4], &[0], &many].map(lists);
    for (work, (_, threads, _)) in works.iter().zip(sums(&works)) {
        assert_eq!(
            threads,
            work.len(),
            "threads started with `os::thread` for {}",
            match work.len() {
                1 => "1 list".into(),
                count => format!("{count} lists"),
            }
        );
    }
}

fn the_scheduler_sees_the_shared_counter() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "The test decides who goes next at every access to `os::sync`. It can't at accesses to anything else.",
    );
    let explored = sum_under_many_schedules(&vec![vec![1], vec![2]]);
    if explain_deadlock(&explored) {
        explored.expect_always(&3);
    }
    for thread in ["A", "B"] {
        assert!(
            explored.shares(thread),
            "Thread {thread} never used anything of `os::sync`. Share the counter as an `os::sync::AtomicU64` or an \
             `os::sync::Mutex`, and start the threads with `os::thread`."
        );
    }
}

/// Says what a deadlock means, if there is one.
fn explain_deadlock(explored: &Explored<u64>) -> bool {
    if explored.deadlocks() {
        explain(
            "memory/exercise.md#two-additions-one-lost",
            "Everybody waits for a lock or a thread that never comes: drop a guard before you lock again, before you join, and \
             acquire several locks in the same order everywhere.",
        );
    }
    explored.deadlocks()
}

fn all_threads_run_at_the_same_time() {
    explain(
        "memory/exercise.md#join-before-you-read",
        "A thread that is joined before the next one starts runs alone: start all threads, then join them all.",
    );
    for count in [3, 70] {
        let explored = sum_under_a_few_schedules(&(1..=count).map(|n| vec![n]).collect());
        assert!(
            explored.at_once() as u64 == count,
            "Under none of {} schedules were more than {} of the {count} threads started before the first of them added \
             anything.",
            explored.schedules(),
            explored.at_once()
        );
    }
}

fn the_total_is_read_after_the_threads_have_ended() {
    explain(
        "memory/exercise.md#join-before-you-read",
        "The total is read before the thread has added everything. Only a join guarantees that it has.",
    );
    let n = random().u64(1..100);
    let explored = sum_under_many_schedules(&vec![vec![n]]);
    if !explain_deadlock(&explored) && !explored.main_reads_too_early() {
        explain(
            "memory/exercise.md#step-1-lost-updates",
            "With a single thread nothing can come in between. Does each call have a counter of its own, which begins at zero, and \
             does the thread add every number once?",
        );
    }
    explored.expect_always(&n);
    explain(
        "memory/exercise.md#join-before-you-read",
        "The total is read before every thread has added everything. Only a join guarantees that.",
    );
    let explored = sum_under_many_schedules(&vec![vec![n], vec![1000]]);
    if explored.main_reads_too_early() {
        explored.expect_always(&(n + 1000));
    }
}

fn no_update_is_lost_under_any_schedule() {
    explain(
        "memory/exercise.md#two-additions-one-lost",
        "Reading and writing are two steps: another thread writes in between, and its update is lost.",
    );
    let mut random = random();
    // The last is for those who try again a few times and then stop caring.
    for lengths in [&[2, 2][..], &[2, 2, 2], &[2, 14]] {
        let work: Vec<Vec<u64>> = lengths
            .iter()
            .map(|length| (0..*length).map(|_| random.u64(1..10)).collect())
            .collect();
        let explored = sum_under_many_schedules(&work);
        if explored.main_reads_too_early() {
            explain(
                "memory/exercise.md#join-before-you-read",
                "The total is read before every thread has added everything. Only a join guarantees that.",
            );
        }
        explain_deadlock(&explored);
        explored.expect_always(&total(&work));
    }
}

fn all_threads_add_to_one_counter() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "The threads share one counter, and each adds the numbers of its own list to it: no counter for each thread, no \
         adding up at the end.",
    );
    let work = vec![vec![1, 2], vec![40, 3], vec![], vec![500]];
    let sums: [u64; 3] = [3, 43, 500];
    let explored = sum_under_a_few_schedules(&work);
    for list in explored.passing(&total(&work)).flatten() {
        // A list behind a lock is no counter.
        if let Op::Unlock { value: Some(value) } = &list.op {
            assert!(
                !value.starts_with('['),
                "Behind the lock the threads collect a list, {value}; they have to add to a counter."
            );
        }
    }
    assert!(
        explored.find(|_| true).is_some(),
        "no schedule was run to its end"
    );
    for steps in explored.passing(&total(&work)) {
        let added = added_by_thread(steps);
        let fits = added.values().any(|by_thread| {
            let mut values: Vec<Option<u64>> = by_thread.values().copied().collect();
            values.retain(|value| *value != Some(0));
            values.sort_unstable();
            let known: Option<Vec<u64>> = values.iter().copied().collect();
            match known {
                // Counting down from somewhere is counting, too.
                Some(known) => {
                    let mut down: Vec<u64> = known.iter().map(|n| n.wrapping_neg()).collect();
                    down.sort_unstable();
                    known == sums || down == sums
                }
                // A lock around something else than a number: all that can be told is who used it.
                None => values.len() >= sums.len(),
            }
        });
        assert!(
            fits,
            "The lists are {work:?}, so three threads have something to add. What they added to each thing that they share:\n{}",
            describe(&added)
        );
    }
}

/// For each shared thing, what each thread added to it; `None` where its values can't be seen.
fn added_by_thread(steps: &[Step]) -> BTreeMap<&str, BTreeMap<&str, Option<u64>>> {
    let mut added: BTreeMap<&str, BTreeMap<&str, Option<u64>>> = BTreeMap::new();
    // The last value seen or written, of each thing.
    let mut values: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.thread != "main") {
        let object = step.object.as_str();
        let number = |text: &String| text.parse::<u64>().ok();
        let before = values.get(object).copied().flatten();
        let (change, now) = match &step.op {
            Op::Load { value } => (None, number(value)),
            Op::CompareFailed { value, .. } => (None, number(value)),
            Op::Store { value } => (Some(difference(before, number(value))), number(value)),
            Op::Update { before, after } => (
                Some(difference(number(before), number(after))),
                number(after),
            ),
            Op::Lock { value } => (None, value.as_ref().and_then(number)),
            Op::Unlock { value } => {
                let now = value.as_ref().and_then(number);
                (Some(difference(before, now)), now)
            }
            _ => continue,
        };
        values.insert(object, now);
        if let Some(change) = change {
            let sum = added
                .entry(object)
                .or_default()
                .entry(&step.thread)
                .or_insert(Some(0));
            *sum = match (*sum, change) {
                (Some(sum), Some(change)) => Some(sum.wrapping_add(change)),
                _ => None,
            };
        }
    }
    added
}

fn difference(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.wrapping_sub(before?))
}

fn describe(added: &BTreeMap<&str, BTreeMap<&str, Option<u64>>>) -> String {
    if added.is_empty() {
        return "    nothing".into();
    }
    let mut lines = String::new();
    for (object, by_thread) in added {
        let parts: Vec<String> = by_thread
            .iter()
            .map(|(thread, sum)| match sum {
                Some(sum) => format!("{thread} {sum}"),
                None => format!("{thread} something"),
            })
            .collect();
        lines += &format!("    {object}: {}\n", parts.join(", "));
    }
    lines
}

fn every_thread_has_ended_at_the_return() {
    explain(
        "memory/exercise.md#join-before-you-read",
        "A thread that has added everything may still run. Join it: when the function returns, no thread of it is left.",
    );
    let explored = sum_under_many_schedules(&vec![vec![1], vec![2]]);
    assert!(
        explored.find(|_| true).is_some(),
        "no schedule was run to its end"
    );
    assert!(
        !explored.leaves_threads(),
        "Under one of {} schedules sum_in_threads returned without having joined every thread.",
        explored.schedules()
    );
}

fn no_list_no_thread() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "No list means no thread and the sum 0.",
    );
    let (sum, threads, _) = sum(&[]);
    assert_eq!(sum, 0, "the sum of no list");
    assert_eq!(threads, 0, "threads started for no list");
}

fn one_thread_adds_its_whole_list() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "A single list has a single thread, which adds all of it.",
    );
    let some = random().usize(2..50);
    for length in [some, some + 1] {
        let work = lists(&[length]);
        let (sum, ..) = sum(&work);
        assert_eq!(sum, total(&work), "the sum of one list");
    }
}

fn empty_lists_add_nothing() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "An empty list has a thread that adds nothing, wherever it stands.",
    );
    let mut works = [&[0][..], &[0, 0, 0], &[0, 4, 0, 4], &[4, 0]]
        .map(lists)
        .to_vec();
    works.push(vec![vec![0, 5], vec![0], vec![7, 0, 0, 1]]); // a 0 adds nothing, and isn't the end
    for (work, (sum, ..)) in works.iter().zip(sums(&works)) {
        assert_eq!(sum, total(work), "the sum of {work:?}");
    }
}

fn the_sum_may_need_all_64_bits() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "The numbers are `u64`: a sum in `u32`, `i64` or a float loses some.",
    );
    let works = [
        vec![vec![u64::from(u32::MAX)], vec![u64::from(u32::MAX), 7]],
        vec![vec![(1 << 53) + 1], vec![2]],
        vec![vec![1 << 62, 1], vec![1 << 62], vec![1 << 62]],
        vec![vec![u64::MAX - 5], vec![5]],
    ];
    for (work, (sum, ..)) in works.iter().zip(sums(&works)) {
        assert_eq!(sum, total(work), "the sum of {work:?}");
    }
}

fn a_second_call_begins_anew() {
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "Each call has a counter of its own, at zero: one that outlives the call still holds the last total.",
    );
    let (first, second) = (lists(&[3, 3]), lists(&[2, 5, 2]));
    let calls = vec![first.clone(), second.clone(), first.clone(), vec![]];
    let sums: Vec<u64> = sum_in_threads(&calls).iter().map(|call| call.0).collect();
    let expected: Vec<u64> = calls.iter().map(|work| total(work)).collect();
    assert_eq!(
        sums, expected,
        "the sums of four calls, one after the other"
    );
}

fn no_update_is_lost() {
    explain(
        "memory/exercise.md#two-additions-one-lost",
        "Four threads at full speed, with long lists: either an update was lost, or a number wasn't added.",
    );
    let seed = random().u64(..);
    let expected = total(&long_lists(seed));
    let (sum, ..) = sum_of_long_lists(&seed);
    assert_eq!(
        sum,
        expected,
        "4 threads added 20,000 and three times 2,000 numbers, and the sum is off by {}",
        expected.abs_diff(sum)
    );
    explain(
        "memory/exercise.md#step-1-lost-updates",
        "Every list counts, however many there are.",
    );
    let work = lists(&vec![2; random().usize(65..80)]);
    let (added, ..) = self::sum(&work);
    assert_eq!(added, total(&work), "the sum of {} lists", work.len());
}

fn nothing_is_left_behind() {
    explain(
        "memory/exercise.md#join-before-you-read",
        "When the function returns, every thread has been joined.",
    );
    let (.., left) = sum(&lists(&[3, 3, 3]));
    assert!(left.is_nothing(), "sum_in_threads left {left} behind");
}
