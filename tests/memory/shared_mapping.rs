//! Step 3: a counter that processes share loses nothing either.

use checks::{Counts, explain, random, subject};
use memory::shared_mapping;

type Sum = (Result<u64, String>, Counts);

subject! {
    fn sum_in_processes(work: Vec<Vec<u64>>) -> Sum {
        checks::counted(|| shared_mapping::sum_in_processes(&work).map_err(|error| error.to_string()))
    }

    /// With the children's steps torn apart, and held back until their parent waits.
    fn sum_under_hostile_timing(work: Vec<Vec<u64>>) -> Sum {
        checks::hostile(work.len());
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
    assert_eq!((sum, counts.forks), (Ok(0), 0), "(sum, children forked)");
}

#[test]
fn one_process_adds_its_whole_list() {
    explain(
        "memory.md#one-counter-for-two-processes",
        "What the child adds must be seen by the parent: the counter has to be in memory that both map.",
    );
    let work = lists(&[20]);
    let (sum, _) = sum_in_processes(&work);
    assert_eq!(
        sum,
        Ok(work[0].iter().sum()),
        "the sum of one list (left) is not its sum (right)"
    );
}

#[test]
fn every_list_has_a_process_of_its_own() {
    explain(
        "memory.md#step-3-a-shared-mapping",
        "Each list is added up by a child of its own; an empty list too.",
    );
    let work = lists(&[3, 0, 5, 1]);
    let (sum, counts) = sum_in_processes(&work);
    assert_eq!(sum, Ok(work.iter().flatten().sum()), "the sum");
    assert_eq!(
        counts.forks,
        work.len() as u64,
        "{} children were forked for {} lists",
        counts.forks,
        work.len()
    );
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
        counts.child_writes >= 3,
        "3 children wrote {} times to a word of an `os::memory::Mapping`",
        counts.child_writes
    );
}

#[test]
fn no_update_is_lost_between_processes() {
    explain(
        "memory.md#two-additions-one-lost",
        "A load and a store are two steps in a process as in a thread: another one can write in between.",
    );
    let work = lists(&[40, 40, 40]);
    let expected: u64 = work.iter().flatten().sum();
    let (sum, _) = sum_under_hostile_timing(&work);
    assert_eq!(
        sum,
        Ok(expected),
        "3 processes added 40 numbers each at the same time"
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
    assert_eq!(sum, Ok(work[0][0]), "one process added one number");
}

#[test]
fn no_child_is_left_behind() {
    explain(
        "memory.md#wait-for-your-children",
        "A child that nobody waits for stays in the process table as a zombie.",
    );
    let (_, counts) = sum_in_processes(&lists(&[2, 2, 2]));
    assert_eq!(
        (counts.forks, counts.waits),
        (3, 3),
        "(children forked, children waited for)"
    );
}
