//! Two processes on one ring, and what is left when one of them is killed.

use super::{Act, across as across_of, killed as killed_of};
use crate::ring::layout::{DATA, HEAD, TAIL, counters, put, ring, take, used_ring};
use crate::{Learner, checksum, kind, pattern};
use checks::faults::{self, Fault};
use checks::{SelfReported, explain, observed, random};
use os_core::process::{Peer, fork};

const DEATH: &str = "ipc/exercise.md#publish-and-consume";

/// An act in words.
pub(super) fn show(act: &Act) -> String {
    match act {
        Act::Send(message) => format!("sending {} bytes", message.len()),
        Act::Recv => "receiving".into(),
        Act::TheyPut(message) => format!("the other side puts {} bytes", message.len()),
        Act::TheyTake => "the other side takes a message".into(),
    }
}

/// Memory that another process may have left: mostly almost right.
pub fn random_words(random: &mut fastrand::Rng) -> Vec<u64> {
    let capacity = random.usize(1..12);
    let mut words = vec![0; DATA + capacity];
    for word in &mut words[DATA..] {
        *word = match random.u8(0..5) {
            0 => random.u64(..),
            1 => u64::MAX - random.u64(0..20),
            _ => random.u64(0..100),
        };
    }
    words[HEAD] = match random.u8(0..4) {
        0 => random.u64(..),
        1 => u64::MAX - random.u64(0..20),
        _ => random.u64(0..30),
    };
    words[TAIL] = match random.u8(0..6) {
        0 => random.u64(..),
        1 => words[HEAD].wrapping_sub(random.u64(0..5)),
        2 => words[HEAD].wrapping_add(random.u64(0..30)),
        _ => words[HEAD].saturating_add(random.u64(0..=capacity as u64)),
    };
    words
}

/// The message with this number.
pub fn message(number: usize, len: usize) -> Vec<u8> {
    let mut bytes = (number as u64).to_ne_bytes().to_vec();
    bytes.resize(len.max(8), (number % 251) as u8);
    bytes
}

fn send_all(
    learner: Learner,
    memory: &os_core::memory::Mapping,
    lens: &[usize],
    peer: &Peer,
) -> Result<usize, String> {
    for (number, len) in lens.iter().enumerate() {
        while !(learner.try_send)(memory, &message(number, *len))
            .map_err(|error| error.to_string())?
        {
            if peer.has_ended().unwrap_or(true) {
                return Err(format!(
                    "the consumer ended before it took message {number}"
                ));
            }
            std::thread::yield_now();
        }
    }
    Ok(lens.len())
}

fn recv_all(
    learner: Learner,
    memory: &os_core::memory::Mapping,
    lens: &[usize],
    peer: &Peer,
) -> Result<usize, String> {
    for (number, len) in lens.iter().enumerate() {
        let mut ended = false;
        let received = loop {
            if let Some(received) = (learner.try_recv)(memory).map_err(|error| error.to_string())? {
                break received;
            }
            if ended {
                return Err(format!(
                    "the producer ended, and message {number} is not there"
                ));
            }
            ended = peer.has_ended().unwrap_or(true);
            std::thread::yield_now();
        };
        if received != message(number, *len) {
            return Err(format!(
                "message {number} of {len} bytes came out as {} other bytes",
                received.len()
            ));
        }
    }
    Ok(lens.len())
}

pub fn across(
    learner: Learner,
    words: usize,
    lens: &[usize],
    to_child: bool,
) -> Result<usize, String> {
    let memory = ring(words);
    let this = std::process::id();
    let child = fork(|| {
        let peer = Peer::parent(this)?;
        Ok(match to_child {
            true => recv_all(learner, &memory, lens, &peer),
            false => send_all(learner, &memory, lens, &peer),
        })
    })
    .map_err(|error| error.to_string())?;
    let peer = Peer::open(child.pid()).map_err(|error| error.to_string())?;
    let ours = match to_child {
        true => send_all(learner, &memory, lens, &peer),
        false => recv_all(learner, &memory, lens, &peer),
    };
    let theirs = child.wait().map_err(|error| error.to_string())?;
    ours.and(theirs)
}

/// What was wrong, if anything, when a child was killed in the middle.
pub fn killed(learner: Learner, fault: Fault, receives: bool) -> Option<String> {
    const LENS: [usize; 6] = [8, 20, 8, 33, 9, 8];
    let memory = ring(9);
    faults::plan(&[fault]);
    let filled = match receives {
        // Something to take from the beginning on.
        true => LENS
            .iter()
            .enumerate()
            .take_while(|(number, len)| {
                (learner.try_send)(&memory, &message(*number, **len)).is_ok_and(|sent| sent)
            })
            .count(),
        false => 0,
    };
    let child = fork(|| {
        let turn = |number: usize| match receives {
            true => (learner.try_recv)(&memory).map(|_| ()),
            false => (learner.try_send)(&memory, &message(number, LENS[number % 6])).map(|_| ()),
        };
        (0..6).try_for_each(turn)
    });
    let _ = child.map(os_core::process::Child::wait);
    faults::reset();
    let (head, tail) = counters(&memory);
    if tail < head || tail - head > 9 {
        return Some(format!(
            "the head is {head} and the tail {tail}, in a ring of 9 words"
        ));
    }
    let mut next = None;
    loop {
        match (learner.try_recv)(&memory) {
            Err(error) => return Some(format!("receiving fails: {error}")),
            Ok(None) => break,
            Ok(Some(received)) => {
                let number = received.get(..8).map_or(usize::MAX, |bytes| {
                    u64::from_ne_bytes(bytes.try_into().expect("eight bytes")) as usize
                });
                if number >= 6 || received != message(number, LENS[number]) {
                    return Some(format!(
                        "a message of {} bytes is there that nobody sent",
                        received.len()
                    ));
                }
                if next.is_some_and(|next| next != number)
                    || next.is_none() && !receives && number != 0
                {
                    return Some(format!("message {number} comes out of turn"));
                }
                next = Some(number + 1);
            }
        }
    }
    let (head, tail) = counters(&memory);
    if head != tail {
        return Some(format!(
            "nothing comes out any more, and the head is {head}, the tail {tail}"
        ));
    }
    let _ = filled;
    match (learner.try_send)(&memory, b"the next") {
        Ok(true) => None,
        other => Some(format!(
            "the ring is empty, and sending 8 bytes to it gives {other:?}"
        )),
    }
}

/// What `try_send` returned, what another program took then, and what `try_recv` returned of what it put: lengths and checksums.
pub type Long = (
    Result<bool, String>,
    SelfReported<Option<(usize, u32)>>,
    Result<Option<(usize, u32)>, String>,
);

pub fn long(learner: Learner, words: usize, at: u64, lens: &[usize]) -> Vec<Long> {
    let memory = used_ring(words, at);
    let sum = |message: Vec<u8>| (message.len(), checksum(&message));
    let through = |len: &usize| {
        let message = pattern(at, *len);
        let sent = (learner.try_send)(&memory, &message).map_err(|error| kind(&error));
        let taken = observed(take(&memory).map(sum));
        put(&memory, &message);
        let received = (learner.try_recv)(&memory).map_err(|error| kind(&error));
        (sent, taken, received.map(|message| message.map(sum)))
    };
    lens.iter().map(through).collect()
}

pub fn two_processes_share_a_ring() {
    explain(
        super::STEP,
        "All state of the ring is in the mapping: a process that keeps some of it elsewhere doesn't see what the other one did.",
    );
    let mut random = random();
    let lens: Vec<usize> = (0..400).map(|_| random.usize(8..100)).collect();
    for to_child in [false, true] {
        let result = across_of(&60, &lens, &to_child);
        let way = if to_child {
            "from a parent to its child"
        } else {
            "from a child to its parent"
        };
        assert_eq!(
            result,
            Ok(lens.len()),
            "400 messages {way}, through a ring of 60 words"
        );
    }
}

fn check(receives: bool) {
    let who = if receives { "consumer" } else { "producer" };
    let moments: Vec<u64> = (1..=60).collect();
    // In portions: each call has a deadline of its own.
    for moments in moments.chunks(20) {
        for (nth, wrong) in moments
            .iter()
            .zip(killed_of(&moments.to_vec(), &receives).into_inner())
        {
            if let Some(wrong) = wrong {
                panic!(
                    "The {who} was killed before its access number {nth} to the memory. Afterwards, {wrong}."
                );
            }
        }
    }
}

pub fn a_killed_producer_leaves_whole_messages() {
    explain(
        DEATH,
        "A process may be killed between any two accesses. Move the tail last, in one store: then an unfinished message isn't there \
         at all.",
    );
    check(false);
}

pub fn a_killed_consumer_leaves_whole_messages() {
    explain(
        DEATH,
        "A process may be killed between any two accesses. Move the head last, in one store, by the whole message.",
    );
    check(true);
}
