//! Step 3: processes share a counter, and lose no update either.

use crate::{Learner, lists, total};
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger, Memory, Place, What};
use checks::leftovers::{self, Leftovers};
use checks::processes::{self, Policy};
use checks::{explain, faults, random};
use std::collections::BTreeMap;

/// What a call returned, what happened meanwhile, what it left behind.
type Outcome = (Result<u64, String>, Ledger, Leftovers);

checks::subject! {
    for Learner;

    /// Several calls, one after the other, in one process.
    fn sum_in_processes(learner, calls: Vec<Vec<Vec<u64>>>) -> Vec<Outcome> {
        calls.iter().map(|work| run(learner, work)).collect()
    }

    /// With the children's accesses in an order of the test's choice.
    fn sum_scheduled(learner, work: Vec<Vec<u64>>, policy: Policy) -> Outcome as sum_in_processes {
        processes::schedule(policy);
        run(learner, &work)
    }

    /// Calls in which something fails, one after the other, after one in which nothing does.
    fn sums_with_faults(learner, work: Vec<Vec<u64>>, failing: Vec<Vec<Fault>>) -> Vec<Outcome> as sum_in_processes {
        let _ = run(learner, &work);
        failing
            .iter()
            .map(|failing| {
                faults::reset();
                faults::plan(failing);
                run(learner, &work)
            })
            .collect()
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    every_list_has_a_process_of_its_own,
    all_children_run_at_the_same_time,
    no_child_is_left_behind,
    the_children_add_to_one_shared_counter,
    the_total_is_read_after_the_children_have_ended,
    one_process_adds_its_whole_list,
    no_update_is_lost_between_processes,
    no_list_no_process,
    empty_lists_add_nothing,
    the_sum_may_need_all_64_bits,
    a_second_call_begins_anew,
    nothing_else_is_left_behind,
    a_killed_child_is_an_error,
    a_fork_that_fails_is_an_error,
    a_mapping_that_fails_is_an_error,
];

fn run(learner: Learner, work: &[Vec<u64>]) -> Outcome {
    let ((sum, ledger), left) =
        leftovers::watch(|| ledger::observe(|| (learner.sum_in_processes)(work)));
    (sum.map_err(|error| error.to_string()), ledger, left)
}

/// Several calls in one process, after another one: a process for each would take longer than the calls.
fn sums(works: &[Vec<Vec<u64>>]) -> Vec<Outcome> {
    let before = vec![vec![1000, 1], vec![7]];
    let mut calls = vec![before];
    calls.extend_from_slice(works);
    sum_in_processes(&calls).split_off(1)
}

fn sum(work: &[Vec<u64>]) -> Outcome {
    sums(&[work.to_vec()]).remove(0)
}

fn counted(lists: usize) -> String {
    match lists {
        1 => "1 list".into(),
        _ => format!("{lists} lists"),
    }
}

fn every_list_has_a_process_of_its_own() {
    explain(
        "memory/exercise.md#step-3-a-shared-mapping",
        "Each list gets its own child, made with `os::process::fork`, even an empty list, and however many there are.",
    );
    let many = vec![1; random().usize(65..75)];
    let works = [&[3, 0, 5, 1][..], &[4], &[0], &many].map(lists);
    for (work, (_, ledger, _)) in works.iter().zip(sums(&works)) {
        assert_eq!(
            ledger.all_forks(),
            work.len(),
            "children forked for {}",
            counted(work.len())
        );
    }
}

fn all_children_run_at_the_same_time() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A child that is waited for before the next one is forked runs alone: fork all children, then wait for them all.",
    );
    for (count, len) in [(3, 2), (33, 1)] {
        // No child adds anything before the parent waits and all children that exist have something to add.
        let (_, ledger, _) = sum_scheduled(&lists(&vec![len; count]), &Policy::TakeTurns);
        let forked = ledger.forks_before_the_first_write();
        assert!(
            forked == count,
            "When the first child added something, {forked} of the {count} children had been forked."
        );
    }
}

fn one_process_adds_its_whole_list() {
    explain(
        "memory/exercise.md#one-counter-for-two-processes",
        "The parent must see what the child adds: the counter has to be in memory that both map.",
    );
    let work = lists(&[20]);
    let (sum, ledger, _) = sum(&work);
    if sum == Ok(total(&work)) {
        return; // what happened matters only to explain a failure
    }
    if reads_too_early(&ledger) {
        explain(
            "memory/exercise.md#wait-for-your-children",
            "The total is read before the child has added its list. Only a wait for the child guarantees that it has.",
        );
    } else if child_and_parent_share(&ledger) {
        explain(
            "memory/exercise.md#step-3-a-shared-mapping",
            "With a single child nothing can come in between. Does each call have a counter of its own, which begins at zero, and \
             does the child add every number once?",
        );
    }
    assert_eq!(sum, Ok(total(&work)), "the sum of one list");
}

fn is_shared(place: Place) -> bool {
    matches!(place.memory, Memory::SharedMapping(_) | Memory::Block(_))
}

/// Whether a child wrote where the parent read.
fn child_and_parent_share(ledger: &Ledger) -> bool {
    let mut read = ledger
        .records
        .iter()
        .filter_map(|record| match record.what {
            What::Read { place, .. } if record.process == 0 && is_shared(place) => Some(place),
            _ => None,
        });
    let is_written = |place: Place| {
        let mut records = ledger.records.iter().filter(|record| record.process != 0);
        records
            .any(|record| matches!(record.what, What::Wrote { place: other, .. } if other == place))
    };
    read.any(is_written)
}

/// Whether the parent read shared memory for the last time before it had waited for a child.
fn reads_too_early(ledger: &Ledger) -> bool {
    let last = |is: fn(&What) -> bool| {
        let mut records = ledger.records.iter();
        records.rposition(|record| record.process == 0 && is(&record.what))
    };
    let read = last(|what| matches!(*what, What::Read { place, .. } if is_shared(place)));
    read.is_some() && read < last(|what| matches!(what, What::Waited(_)))
        || last(|what| matches!(what, What::Waited(_))).is_none() && ledger.forks() > 0
}

fn the_total_is_read_after_the_children_have_ended() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "The total is read before every child has added its list. Only a wait for each child guarantees that it has.",
    );
    for lengths in [&[1][..], &[2, 2, 2]] {
        let work = lists(lengths);
        let (sum, ..) = sum_scheduled(&work, &Policy::WhenAwaited);
        assert_eq!(
            sum,
            Ok(total(&work)),
            "the sum of {work:?}, when a child adds nothing before its parent waits for that child"
        );
    }
}

fn no_update_is_lost_between_processes() {
    explain(
        "memory/exercise.md#two-additions-one-lost",
        "Reading and writing are two steps in a process as in a thread: another one writes in between, and its update is lost.",
    );
    for policy in Policy::all(random().u64(..)).into_iter().skip(1) {
        let work = lists(&[4, 4, 4]);
        let (sum, ..) = sum_scheduled(&work, &policy);
        let order = match policy {
            Policy::TakeTurns => "take turns, one access each",
            Policy::ReadersLast => "are interrupted after they have read",
            Policy::FirstStops { .. } => "run on while the first of them is interrupted",
            _ => "run in a random order",
        };
        assert_eq!(
            sum,
            Ok(total(&work)),
            "the sum of {work:?}, when the three children {order}"
        );
    }
}

fn the_children_add_to_one_shared_counter() {
    explain(
        "memory/exercise.md#one-counter-for-two-processes",
        "The children share one counter, and each adds its own list to it: no counter for each child, no adding up in the \
         parent.",
    );
    let work = vec![vec![1, 2], vec![40, 3], vec![], vec![500]];
    // One child after the other, and not the sum: updates that are lost are for other tests.
    let (_, ledger, _) = sum_scheduled(&work, &Policy::WhenAwaited);
    let added = added_by_child(&ledger);
    let fits = added.values().any(|by_child| {
        let known: Option<Vec<u64>> = by_child
            .values()
            .copied()
            .filter(|sum| *sum != Some(0))
            .collect();
        match known {
            Some(mut known) => {
                known.sort_unstable();
                let mut down: Vec<u64> = known.iter().map(|n| n.wrapping_neg()).collect();
                down.sort_unstable(); // counting down from somewhere is counting, too
                known == [3, 43, 500] || down == [3, 43, 500]
            }
            None => by_child.len() >= 3,
        }
    });
    assert!(
        fits,
        "The lists are {work:?}, so three children have something to add. What they added to each word of shared memory:\n{}",
        describe(&added)
    );
}

/// For each shared word, what each child added to it; `None` where its values aren't known.
fn added_by_child(ledger: &Ledger) -> BTreeMap<Place, BTreeMap<usize, Option<u64>>> {
    let mut added: BTreeMap<Place, BTreeMap<usize, Option<u64>>> = BTreeMap::new();
    let mut values: BTreeMap<Place, Option<u64>> = BTreeMap::new();
    for record in &ledger.records {
        let (place, seen, now) = match record.what {
            What::Read { place, seen } => {
                values.insert(place, seen);
                continue;
            }
            What::Wrote { place, seen, now } => (place, seen, now),
            _ => continue,
        };
        let before = seen.or(values.insert(place, now).flatten());
        values.insert(place, now);
        if record.process == 0 || !is_shared(place) {
            continue;
        }
        let sum = added
            .entry(place)
            .or_default()
            .entry(record.process)
            .or_insert(Some(0));
        *sum = match (*sum, before, now) {
            (Some(sum), Some(before), Some(now)) => {
                Some(sum.wrapping_add(now).wrapping_sub(before))
            }
            _ => None,
        };
    }
    added
}

fn describe(added: &BTreeMap<Place, BTreeMap<usize, Option<u64>>>) -> String {
    if added.is_empty() {
        return "    nothing".into();
    }
    let mut lines = String::new();
    let mut memories: Vec<Memory> = added.keys().map(|place| place.memory).collect();
    memories.dedup();
    for (place, by_child) in added {
        let memory = match memories.iter().position(|memory| *memory == place.memory) {
            Some(number) if memories.len() > 1 => format!(" of memory {}", number + 1),
            _ => String::new(),
        };
        let parts: Vec<String> = by_child
            .iter()
            .map(|(child, sum)| match sum {
                Some(sum) => format!("child {child} added {sum}"),
                None => format!("child {child} added something"),
            })
            .collect();
        lines += &format!("    word {}{memory}: {}\n", place.index, parts.join(", "));
    }
    lines
}

fn no_list_no_process() {
    explain(
        "memory/exercise.md#step-3-a-shared-mapping",
        "No list means no process and the sum 0.",
    );
    let (sum, ledger, _) = sum(&[]);
    assert_eq!(sum, Ok(0), "the sum of no list");
    assert_eq!(ledger.all_forks(), 0, "children forked for no list");
}

fn empty_lists_add_nothing() {
    explain(
        "memory/exercise.md#step-3-a-shared-mapping",
        "An empty list has a child that adds nothing, wherever it stands.",
    );
    let mut works = [&[0][..], &[0, 0, 0], &[0, 4, 0, 4], &[4, 0]]
        .map(lists)
        .to_vec();
    works.push(vec![vec![0, 5], vec![0], vec![7, 0, 0, 1]]); // a 0 adds nothing, and isn't the end
    for (work, (sum, ..)) in works.iter().zip(sums(&works)) {
        assert_eq!(sum, Ok(total(work)), "the sum of {work:?}");
    }
}

fn the_sum_may_need_all_64_bits() {
    explain(
        "memory/exercise.md#step-3-a-shared-mapping",
        "The numbers are `u64`: a sum in `u32`, `i64` or a float loses some.",
    );
    let works = [
        vec![vec![u64::from(u32::MAX)], vec![u64::from(u32::MAX), 7]],
        vec![vec![(1 << 53) + 1], vec![2]],
        vec![vec![1 << 62, 1], vec![1 << 62], vec![1 << 62]],
        vec![vec![u64::MAX - 5], vec![5]],
    ];
    for (work, (sum, ..)) in works.iter().zip(sums(&works)) {
        assert_eq!(sum, Ok(total(work)), "the sum of {work:?}");
    }
}

fn a_second_call_begins_anew() {
    explain(
        "memory/exercise.md#step-3-a-shared-mapping",
        "Each call has a counter of its own, at zero: one that outlives the call still holds the last total.",
    );
    let (first, second) = (lists(&[3, 3]), lists(&[2, 5, 2]));
    let calls = vec![first.clone(), second.clone(), first, vec![]];
    let sums: Vec<_> = sum_in_processes(&calls)
        .into_iter()
        .map(|call| call.0)
        .collect();
    let expected: Vec<_> = calls.iter().map(|work| Ok(total(work))).collect();
    assert_eq!(
        sums, expected,
        "the sums of four calls, one after the other"
    );
}

/// Each call must return an error, and leave nothing behind.
fn expect_errors(work: &Vec<Vec<u64>>, cases: Vec<(Vec<Fault>, String)>) {
    let (failing, what): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    for (what, (sum, _, left)) in what.iter().zip(sums_with_faults(work, &failing)) {
        assert!(
            sum.is_err(),
            "{what}, and sum_in_processes returned {sum:?}."
        );
        assert!(
            left.is_nothing(),
            "{what}, and sum_in_processes left {left} behind."
        );
    }
}

fn a_killed_child_is_an_error() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A child that was killed hasn't added its list, so the sum is wrong. Wait for every child all the same, then return the error.",
    );
    let kill = |children: &[u64]| children.iter().copied().map(Fault::KillChild).collect();
    let one = |nth: u64| {
        let what = format!("Child {nth} of 6 was killed before it added anything");
        (kill(&[nth]), what)
    };
    expect_errors(
        &lists(&[2, 0, 2, 1, 1, 1]),
        vec![
            one(1),
            one(2),
            one(6),
            (
                kill(&[1, 3]),
                "Children 1 and 3 of 6 were killed".to_owned(),
            ),
            (
                kill(&[1, 2, 4]),
                "Children 1, 2 and 4 of 6 were killed".to_owned(),
            ),
        ],
    );
}

fn a_fork_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "When a fork fails, the children that were forked before are still there: wait for them, then return the error.",
    );
    let cases = [(1, "first"), (2, "second"), (3, "third")].map(|(nth, which)| {
        let what = format!("The {which} fork of 3 failed");
        (vec![Fault::Fail(Operation::Fork, nth)], what)
    });
    expect_errors(&lists(&[2, 2, 2]), cases.to_vec());
}

fn a_mapping_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#one-counter-for-two-processes",
        "Without shared memory there is nothing to count in: return the error.",
    );
    let failing = vec![
        Fault::Fail(Operation::Map, 1),
        Fault::Fail(Operation::Create, 1),
    ];
    expect_errors(
        &lists(&[2, 2]),
        vec![(failing, "No memory could be mapped".to_owned())],
    );
}

fn no_child_is_left_behind() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A child that nobody waits for stays in the process table as a zombie.",
    );
    let (.., left) = sum(&lists(&[2, 0, 2, 2, 0]));
    assert!(
        left.children == 0,
        "sum_in_processes has returned, and a child is left, running or as a zombie."
    );
}

fn nothing_else_is_left_behind() {
    explain(
        "memory/exercise.md#step-3-a-shared-mapping",
        "Everything that the function mapped or opened must be gone when it returns: a value that is forgotten or kept in a `static` stays.",
    );
    let (.., left) = sum(&lists(&[2, 0, 2, 2, 0]));
    assert!(left.is_nothing(), "sum_in_processes left {left} behind");
    explain(
        "memory/exercise.md#wait-for-your-children",
        "Wait for every child, however many there are, and then read the total.",
    );
    let work = lists(&vec![1; random().usize(65..75)]);
    let (sum, _, left) = sum(&work);
    let lists = counted(work.len());
    assert!(
        left.is_nothing(),
        "sum_in_processes left {left} behind, after {lists}"
    );
    assert_eq!(sum, Ok(total(&work)), "the sum of {lists}");
}
