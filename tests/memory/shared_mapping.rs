//! Step 3: a counter that processes share loses nothing either.

use checks::{Counts, explain, random, subject};
use memory::shared_mapping;

type Sum = (Result<u64, String>, Counts);

subject! {
    fn sum_in_processes(work: Vec<Vec<u64>>) -> Sum {
        checks::counted(|| shared_mapping::sum_in_processes(&work).map_err(|error| error.to_string()))
    }

    /// With the children's steps torn apart, and held back until their parent waits.
    fn sum_under_hostile_timing(work: Vec<Vec<u64>>) -> Sum as sum_in_processes {
        checks::hostile(work.len());
        checks::counted(|| shared_mapping::sum_in_processes(&work).map_err(|error| error.to_string()))
    }

    fn sum_with_a_failing_fork(work: Vec<Vec<u64>>, nth: u64) -> Sum as sum_in_processes {
        checks::failing_fork(nth);
        checks::counted(|| shared_mapping::sum_in_processes(&work).map_err(|error| error.to_string()))
    }

    fn sum_with_a_killed_child(work: Vec<Vec<u64>>, nth: u64) -> Sum as sum_in_processes {
        checks::killed_child(nth);
        checks::counted(|| shared_mapping::sum_in_processes(&work).map_err(|error| error.to_string()))
    }
}

/// Lists of some numbers each.
fn lists(lengths: &[usize]) -> Vec<Vec<u64>> {
    let mut random = random();
    lengths
        .iter()
        .map(|length| (0..*length).map(|_| random.u64(1..1000)).collect())
        .collect()
}

#[test]
fn no_list_no_process() {
    explain(
        "memory.md#step-3-a-shared-mapping",
        "No list means no process and the sum 0.",
    );
    let (sum, counts) = sum_in_processes(&vec![]);
    assert_eq!(sum, Ok(0), "the sum of no list");
    assert_eq!(counts.forks, 0, "children forked for no list");
}

#[test]
fn every_list_has_a_process_of_its_own() {
    explain(
        "memory.md#step-3-a-shared-mapping",
        "Each list is added up by a child of its own, made with `os::process::fork`; an empty list too.",
    );
    let (_, counts) = sum_in_processes(&lists(&[3, 0, 5, 1]));
    assert_eq!(counts.forks, 4, "children forked for 4 lists");
}

#[test]
fn no_child_is_left_behind() {
    explain(
        "memory.md#wait-for-your-children",
        "A child that nobody waits for stays in the process table as a zombie.",
    );
    let (_, counts) = sum_in_processes(&lists(&[2, 2, 2]));
    assert_eq!(
        counts.waits, counts.forks,
        "children waited for, of those forked"
    );
}

#[test]
fn one_process_adds_its_whole_list() {
    explain(
        "memory.md#one-counter-for-two-processes",
        "What the child adds must be seen by the parent: the counter has to be in memory that both map.",
    );
    let work = lists(&[20]);
    let (sum, _) = sum_in_processes(&work);
    assert_eq!(sum, Ok(work[0].iter().sum()), "the sum of one list");
}

#[test]
fn the_children_write_to_the_shared_counter() {
    explain(
        "memory.md#one-counter-for-two-processes",
        "The children themselves add to the counter in the mapping; the parent only reads it.",
    );
    let work = lists(&[4, 4, 4]);
    let (sum, counts) = sum_in_processes(&work);
    assert_eq!(sum, Ok(work.iter().flatten().sum()), "the sum");
    assert!(
        counts.child_writes >= counts.forks,
        "{} children wrote {} times to a word of an `os::memory::Mapping`",
        counts.forks,
        counts.child_writes
    );
}

#[test]
fn the_total_is_read_after_the_children_have_ended() {
    explain(
        "memory.md#wait-for-your-children",
        "Only after a wait has everything that the child wrote certainly been written.",
    );
    let work = lists(&[1]);
    let (sum, _) = sum_under_hostile_timing(&work);
    assert_eq!(sum, Ok(work[0][0]), "the sum of one number");
}

#[test]
fn all_children_run_at_the_same_time() {
    explain(
        "memory.md#wait-for-your-children",
        "A child that is waited for before the next one is forked runs alone: fork all, then wait for all.",
    );
    let (_, counts) = sum_under_hostile_timing(&lists(&[5, 5, 5]));
    assert_eq!(
        counts.early_waits, 0,
        "children that ran while their parent waited for them and had not forked all three"
    );
}

#[test]
fn no_update_is_lost_between_processes() {
    explain(
        "memory.md#two-additions-one-lost",
        "A load and a store are two steps in a process as in a thread: another one can write in between.",
    );
    let work = lists(&[40, 40, 40]);
    let (sum, _) = sum_under_hostile_timing(&work);
    assert_eq!(
        sum,
        Ok(work.iter().flatten().sum()),
        "the sum, when 3 processes add 40 numbers each at the same time"
    );
}

#[test]
fn a_killed_child_is_an_error_and_the_others_are_waited_for() {
    explain(
        "memory.md#wait-for-your-children",
        "Whatever became of one child, the others are children too: wait for every one, then return the error.",
    );
    for nth in 1..=3 {
        let (sum, counts) = sum_with_a_killed_child(&lists(&[2, 2, 2]), &nth);
        assert!(
            sum.is_err(),
            "child {nth} of 3 was killed before it added anything, and sum_in_processes returned {sum:?}"
        );
        assert_eq!(
            counts.waits, counts.forks,
            "children waited for, of those forked, when child {nth} was killed"
        );
    }
}

#[test]
fn a_fork_that_fails_is_an_error_and_leaves_no_child() {
    explain(
        "memory.md#wait-for-your-children",
        "When a fork fails, the children forked before it are there all the same: wait for them, then return \
         the error.",
    );
    let (sum, counts) = sum_with_a_failing_fork(&lists(&[2, 2, 2]), &3);
    assert!(
        sum.is_err(),
        "the third fork failed, and sum_in_processes returned {sum:?}"
    );
    assert_eq!(
        counts.waits, counts.forks,
        "children waited for, of those forked before a fork failed"
    );
}
