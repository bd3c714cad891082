//! Two threads that play two processes: under every schedule and with every stale value, the same has to come out.

use crate::Learner;
use crate::ring::layout::{CONSUMER_ASLEEP, DATA, NAMES, PRODUCER_ASLEEP, put, ring, take};
use checks::{Explored, explain};
use os_core::memory::{Mapping, Ordering};
use os_core::process::Mortal;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::sync::Arc;

/// What came out of an exchange in a model run: the messages, and the error at the end, if one.
pub type Exchanged = Result<Vec<Vec<u8>>, String>;

fn named(words: usize) -> Arc<Mapping> {
    let memory = ring(words);
    os_core::model::describe(&memory, &NAMES, DATA);
    Arc::new(memory)
}

/// One side sends these with `try_send`, trying again while there is no room; the other receives as many.
pub fn try_exchange(learner: Learner, words: usize, messages: &[Vec<u8>]) -> Explored<Exchanged> {
    let messages = messages.to_vec();
    checks::explore_schedules(SCHEDULES, move || {
        let memory = named(words);
        let (theirs, count) = (memory.clone(), messages.len());
        let messages = messages.clone();
        let producer = os_core::thread::spawn(move || {
            for message in messages {
                while !(learner.try_send)(&theirs, &message).map_err(|error| error.to_string())? {
                    os_core::thread::yield_now();
                }
            }
            Ok::<(), String>(())
        });
        let mut received = Vec::new();
        while received.len() < count {
            match (learner.try_recv)(&memory).map_err(|error| error.to_string())? {
                Some(message) => received.push(message),
                None => os_core::thread::yield_now(),
            }
        }
        producer.join().map_err(|_| "a panic".to_owned())??;
        Ok(received)
    })
}

/// One side sends these with `send`; if it is to die, it puts the last one and dies before it wakes anybody. The other
/// receives as many with `recv`, and once more if the producer dies.
pub fn exchange(
    learner: Learner,
    words: usize,
    messages: &[Vec<u8>],
    dies: bool,
) -> Explored<Exchanged> {
    let messages = messages.to_vec();
    checks::explore_schedules(SCHEDULES, move || {
        let memory = named(words);
        let (producer, consumer) = (Mortal::default(), Mortal::default());
        let (theirs, count) = (memory.clone(), messages.len());
        let messages = messages.clone();
        let (their_peer, their_life) = (consumer.peer(), producer.clone());
        let thread = os_core::thread::spawn(move || {
            let last = messages.len().saturating_sub(usize::from(dies));
            for message in &messages[..last] {
                (learner.send)(&theirs, message, &their_peer).map_err(|error| error.to_string())?;
                is_awake(&theirs, PRODUCER_ASLEEP)?;
            }
            if dies {
                // It is killed after its last message is there and before it wakes anybody.
                for message in &messages[last..] {
                    put(&theirs, message);
                }
                their_life.die();
            }
            Ok::<(), String>(())
        });
        let peer = producer.peer();
        let mut received = Vec::new();
        for _ in 0..count + usize::from(dies) {
            match (learner.recv)(&memory, &peer) {
                Ok(message) => {
                    is_awake(&memory, CONSUMER_ASLEEP)?;
                    received.push(message);
                }
                Err(error) if dies && received.len() == count => {
                    received.push(crate::kind(&error).into_bytes());
                }
                Err(error) => return Err(format!("after {} messages: {error}", received.len())),
            }
        }
        thread.join().map_err(|_| "a panic".to_owned())??;
        Ok(received)
    })
}

/// Whoever has returned doesn't sleep, and its word says so: otherwise the other side makes a system call for nothing.
fn is_awake(memory: &Mapping, word: usize) -> Result<(), String> {
    match memory.word(word).fetch_or(0, Ordering::Relaxed) {
        0 => Ok(()),
        value if word == CONSUMER_ASLEEP => {
            Err(format!("`recv` returned with {value} in CONSUMER_ASLEEP"))
        }
        value => Err(format!("`send` returned with {value} in PRODUCER_ASLEEP")),
    }
}

/// The producer has filled the ring with all messages but the last. The consumer takes so many of them and dies, before it
/// wakes anybody. What sending the last one returned.
pub fn send_to_the_dying(
    learner: Learner,
    words: usize,
    messages: &[Vec<u8>],
    takes: usize,
) -> Explored<Result<(), String>> {
    let messages = messages.to_vec();
    checks::explore_schedules(SCHEDULES, move || {
        let memory = named(words);
        let consumer = Mortal::default();
        let peer = consumer.peer();
        let (last, first) = messages.split_last().expect("there are messages");
        for message in first {
            (learner.send)(&memory, message, &peer).map_err(|error| error.to_string())?;
        }
        let (theirs, their_life) = (memory.clone(), consumer.clone());
        let thread = os_core::thread::spawn(move || {
            for _ in 0..takes {
                take(&theirs);
            }
            their_life.die();
        });
        let result = (learner.send)(&memory, last, &peer).map_err(|error| crate::kind(&error));
        let _ = thread.join();
        result
    })
}

const SCHEDULES: usize = 200;

/// Says what a failure under some schedule means.
pub fn explain_outcome<T: PartialEq + Debug + Serialize + for<'a> Deserialize<'a>>(
    explored: &Explored<T>,
) {
    if let Some(race) = explored.race() {
        // Whoever comes second is named first.
        if race.contains(" reads ") {
            explain(
                "ipc/exercise.md#publish-and-consume",
                "The consumer saw the new tail and not yet the message. Store the tail with `Release` after the message is written, and \
                 load it with `Acquire` before the message is read.",
            );
        } else {
            explain(
                "ipc/exercise.md#publish-and-consume",
                "The producer saw the new head while the consumer was still copying the message out. Store the head with `Release` after \
                 the copy, and load it with `Acquire` before the place is written again.",
            );
        }
    } else if explored.deadlocks() {
        explain(
            "ipc/exercise.md#no-wake-up-is-lost",
            "One side sleeps and nobody wakes it. The side that goes to sleep first says so and then looks once more; the side that moves a \
             counter first moves it and then checks whether the other one sleeps. Without a `SeqCst` fence between the two steps, on both sides, either side \
             may miss what the other wrote. And write 0 before you wake a side that is only about to sleep: it sleeps \
             if it still finds 1.",
        );
    }
}
