//! The ring as the exercise describes it, written once more: the other side, as another program would be.

use checks::outside::processor_time;
use os_core::memory::{Mapping, Ordering, fence};
use os_core::process::Peer;
use std::io;
use std::time::Duration;

pub const HEAD: usize = 0;
pub const TAIL: usize = 8;
pub const CONSUMER_ASLEEP: usize = 16;
pub const PRODUCER_ASLEEP: usize = 24;
pub const DATA: usize = 32;

/// What the words are called in a schedule.
pub const NAMES: [(usize, &str); 4] = [
    (HEAD, "head"),
    (TAIL, "tail"),
    (CONSUMER_ASLEEP, "consumer asleep"),
    (PRODUCER_ASLEEP, "producer asleep"),
];

/// A ring with room for so many words.
pub fn ring(words: usize) -> Mapping {
    Mapping::shared(DATA + words)
        .unwrap_or_else(|error| panic!("memory can't be mapped here: {error}"))
}

/// A ring whose counters begin at `at`, as after much use.
pub fn used_ring(words: usize, at: u64) -> Mapping {
    let memory = ring(words);
    memory.word(HEAD).store(at, Ordering::SeqCst);
    memory.word(TAIL).store(at, Ordering::SeqCst);
    memory
}

pub fn counters(memory: &Mapping) -> (u64, u64) {
    let load = |word: usize| memory.word(word).load(Ordering::SeqCst);
    (load(HEAD), load(TAIL))
}

/// All words, as they are.
pub fn words(memory: &Mapping) -> Vec<u64> {
    let all = 0..memory.len();
    all.map(|at| memory.word(at).load(Ordering::SeqCst))
        .collect()
}

pub fn words_for(bytes: usize) -> u64 {
    1 + bytes.div_ceil(8) as u64
}

fn place(memory: &Mapping, number: u64) -> usize {
    let capacity = (memory.len() - DATA) as u64;
    DATA + usize::try_from(number % capacity).expect("a place in the ring")
}

/// Puts a message; whether there was room.
pub fn put(memory: &Mapping, message: &[u8]) -> bool {
    let (head, tail) = counters(memory);
    let needed = words_for(message.len());
    if tail - head + needed > (memory.len() - DATA) as u64 {
        return false;
    }
    let word = |number: u64| memory.word(place(memory, number));
    word(tail).store(message.len() as u64, Ordering::SeqCst);
    for (number, bytes) in (tail + 1..).zip(message.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        word(number).store(u64::from_ne_bytes(eight), Ordering::SeqCst);
    }
    memory.word(TAIL).store(tail + needed, Ordering::SeqCst);
    true
}

/// Takes a message.
pub fn take(memory: &Mapping) -> Option<Vec<u8>> {
    let (head, tail) = counters(memory);
    if head == tail {
        return None;
    }
    let word = |number: u64| memory.word(place(memory, number)).load(Ordering::SeqCst);
    let len = usize::try_from(word(head))
        .ok()
        .filter(|len| *len < memory.len() * 8)?;
    let needed = words_for(len);
    let mut message: Vec<u8> = (head + 1..head + needed)
        .flat_map(|number| word(number).to_ne_bytes())
        .collect();
    message.truncate(len);
    memory.word(HEAD).store(head + needed, Ordering::SeqCst);
    Some(message)
}

/// After a counter was moved: wakes the other side if it says that it sleeps.
pub fn wake(memory: &Mapping, asleep: usize) {
    fence(Ordering::SeqCst);
    if memory.word(asleep).load(Ordering::SeqCst) == 1 {
        memory.word(asleep).store(0, Ordering::SeqCst);
        memory.word(asleep).wake_all();
    }
}

/// What must come out of a ring with these words, and the head afterwards.
pub fn decode(words: &[u64]) -> Result<Option<(Vec<u8>, u64)>, String> {
    let invalid = || "InvalidData".to_owned();
    let (head, tail) = (words[HEAD], words[TAIL]);
    let capacity = (words.len() - DATA) as u64;
    let used = tail
        .checked_sub(head)
        .filter(|used| *used <= capacity)
        .ok_or_else(invalid)?;
    if used == 0 {
        return Ok(None);
    }
    let at = |number: u64| words[DATA + usize::try_from(number % capacity).expect("a place")];
    let len = at(head);
    if len.div_ceil(8) >= used {
        return Err(invalid());
    }
    let needed = 1 + len.div_ceil(8);
    let numbers = (1..needed).map(|n| head.wrapping_add(n));
    let mut message: Vec<u8> = numbers.flat_map(|n| at(n).to_ne_bytes()).collect();
    message.truncate(usize::try_from(len).expect("a short message"));
    Ok(Some((message, head.wrapping_add(needed))))
}

/// Whether a process sleeps on a futex, by the kernel's account and by the word that says so.
pub fn is_asleep(memory: &Mapping, word: usize, pid: u32) -> bool {
    if memory.word(word).load(Ordering::SeqCst) != 1 {
        return false;
    }
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}"));
    // "0" is what the kernel says of a process that runs, for a moment also of one that has just fallen asleep, and of all
    // where it doesn't tell. If it says so of a process that sleeps for a long while, it is the last: then all that is
    // known is that it sleeps.
    let untold = || {
        std::thread::sleep(Duration::from_micros(200));
        memory.word(word).load(Ordering::SeqCst) == 1
            && read("stat").is_ok_and(|stat| stat.contains(") S "))
            && read("wchan").is_ok_and(|channel| channel == "0")
    };
    read("wchan").is_ok_and(|channel| channel.contains("futex")) || (0..200).all(|_| untold())
}

/// Waits until a process sleeps on a futex; returns whether it does. On a busy machine it may take long to get there, so what
/// counts is what it does instead: it computes all the time, or sleeps for something else again and again. A sleep
/// whose reason the kernel names counts for ten: on a busy machine there is time for few looks before the judge's deadline.
pub fn falls_asleep(memory: &Mapping, word: usize, pid: u32, peer: &Peer) -> io::Result<bool> {
    const COMPUTES: Duration = Duration::from_millis(500);
    const SLEEPS_ELSEWHERE: u32 = 3000;
    let begun = processor_time(pid);
    let mut elsewhere = 0;
    while !is_asleep(memory, word, pid) {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}"));
        if read("stat").is_ok_and(|stat| stat.contains(") S ")) {
            let named = |channel: String| channel != "0" && !channel.contains("futex");
            elsewhere += if read("wchan").is_ok_and(named) {
                10
            } else {
                1
            };
        }
        let computed = processor_time(pid).saturating_sub(begun);
        if elsewhere > SLEEPS_ELSEWHERE || computed > COMPUTES || peer.has_ended()? {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(true)
}

/// Waits until a process sleeps on a futex.
pub fn wait_until_asleep(memory: &Mapping, word: usize, pid: u32, peer: &Peer) -> io::Result<()> {
    while !is_asleep(memory, word, pid) {
        if peer.has_ended()? {
            return Err(peer.died());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
