//! Which order the accesses need: tried under many schedules, with every stale value that the memory model allows.

use super::exchange;
use crate::pattern;
use crate::ring::model::explain_outcome;
use checks::{explain, random};

const ORDER: &str = "ipc/exercise.md#publish-and-consume";

fn messages(lens: &[usize]) -> Vec<Vec<u8>> {
    let seed = random().u64(..);
    lens.iter()
        .enumerate()
        .map(|(n, len)| pattern(seed + n as u64, *len))
        .collect()
}

fn check(words: usize, lens: &[usize]) {
    let messages = messages(lens);
    let explored = exchange(&words, &messages);
    explain_outcome(&explored);
    explored.expect_always(&Ok(messages));
}

pub fn the_consumer_sees_the_whole_message() {
    explain(
        ORDER,
        "The tail says that a message is there, so it has to become visible after the message: first write the message, then store the \
         tail with `Release`; load it with `Acquire`, then read.",
    );
    check(8, &[9]);
    check(8, &[16, 3]);
}

pub fn the_producer_overwrites_nothing_unread() {
    explain(
        ORDER,
        "The head says that a place is free, so it has to become visible after the message was copied out: first copy, then store the \
         head with `Release`; load it with `Acquire`, then write.",
    );
    check(2, &[8, 8, 8]);
    check(3, &[8, 16, 1, 0, 3]);
}

pub fn nothing_is_lost_under_any_schedule() {
    explain(
        ORDER,
        "Each side may be overtaken by the other after every access: what it has read of the other's counter may be old, and is then \
         too small, never too large.",
    );
    check(4, &[8, 0, 17, 3, 24, 8, 8]);
    check(1, &[0, 0, 0, 0]);
}
