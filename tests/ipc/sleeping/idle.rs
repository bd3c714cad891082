//! Sleeping and waking.

use super::{
    DEAD, LOST, STEP, Waited, errors as errors_of,
    nonsense_while_asleep as nonsense_while_asleep_of, overtaken as overtaken_of,
    unasked as unasked_of, wait as wait_of, wakes as wakes_of,
};
use crate::ring::layout::{
    CONSUMER_ASLEEP, HEAD, PRODUCER_ASLEEP, TAIL, counters, falls_asleep, is_asleep, put, ring,
    take, wait_until_asleep, wake,
};
use crate::{Learner, kind};
use checks::ledger::{self, Records, What};
use checks::outside::processor_time;
use checks::{Events, SelfReported, explain, faults, linux, observed};
use os_core::memory::{Mapping, Ordering::SeqCst};
use os_core::process::{Peer, fork};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How often somebody was woken, on which word.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wakes {
    /// By some messages that were sent and received with nobody asleep.
    awake: usize,
    /// How often these asked whether the peer lives.
    asked: usize,
    /// How often this process waited for something meanwhile, by the kernel's account.
    waited: u64,
    /// Head and tail after them, and after a message of no bytes.
    counters: [(u64, u64); 2],
    /// By one `send` with the consumer asleep, on its word, and what the word held then.
    send: (usize, u64),
    /// By one `recv` with the producer asleep, which leaves a message in the ring.
    recv: (usize, u64),
    /// By a `send` and a `recv` of no bytes, with the other side asleep.
    of_nothing: (usize, usize),
    /// By a `send` to a ring that holds no message, one, two, and so on, with the consumer asleep.
    sends: Vec<usize>,
    /// By a `recv` that leaves no message, one, two, and so on, with the producer asleep.
    recvs: Vec<usize>,
}

/// What came of a `recv` from an empty ring, or a `send` to a full one, whose other side moved its counter right after this one had
/// announced its sleep.
#[derive(Debug, Serialize, Deserialize)]
pub struct Overtaken {
    /// Whether it succeeded.
    result: Result<(), String>,
    /// How often it woke somebody.
    woke: SelfReported<usize, Events>,
    /// What its word held then.
    asleep: SelfReported<u64>,
}

/// A ring with room for one message, and whether it holds it.
fn one_message(full: bool) -> Mapping {
    let memory = ring(3);
    if full {
        put(&memory, b"it is full here");
    }
    memory
}

pub fn wait(learner: Learner, sends: bool, idle_ms: u64, spurious: u32) -> Waited {
    let memory = one_message(sends);
    let (this, asleep) = (
        std::process::id(),
        if sends {
            PRODUCER_ASLEEP
        } else {
            CONSUMER_ASLEEP
        },
    );
    let child = fork(|| {
        let peer = Peer::parent(this)?;
        // Who never sleeps is not waited for: this side ends, and the other one learns that.
        let seen = falls_asleep(&memory, asleep, this, &peer)?;
        for nth in 0..spurious {
            // Whoever wakes it should have written 0; the kernel, which may also wake it, writes nothing.
            if nth % 2 == 0 {
                memory.word(asleep).store(0, SeqCst);
            }
            memory.word(asleep).wake_all();
            wait_until_asleep(&memory, asleep, this, &peer)?;
        }
        std::thread::sleep(Duration::from_millis(idle_ms));
        match sends {
            true => drop(take(&memory)),
            false => drop(put(&memory, b"at last")),
        }
        wake(&memory, asleep);
        // It stays until the other side has what it waited for, so that its end isn't what wakes it.
        while memory.word(if sends { TAIL } else { HEAD }).load(SeqCst) < 2 + 2 * u64::from(sends)
            && !peer.has_ended()?
        {
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(seen)
    })
    .expect("it is forked");
    let peer = Peer::open(child.pid()).expect("it lives");
    let before = processor_time(this);
    let (result, ledger) = ledger::observe(|| match sends {
        true => (learner.send)(&memory, b"and again", &peer).map(|()| None),
        false => (learner.recv)(&memory, &peer).map(Some),
    });
    let cpu_ms = processor_time(this).saturating_sub(before).as_millis();
    if result.is_err() {
        memory.word(HEAD).store(1000, SeqCst);
        memory.word(TAIL).store(1000, SeqCst);
    }
    Waited {
        result: result.map_err(|error| kind(&error)),
        seen_asleep: observed(child.wait().unwrap_or(false)),
        slept_on: ledger.map(|ledger| slept_on(&ledger)),
        cpu_ms: observed(u64::try_from(cpu_ms).unwrap_or(u64::MAX)),
    }
}

/// Messages that are sent and received with nobody asleep.
const MESSAGES: u64 = 100;

/// How often this process has given up the processor to wait for something; where the kernel doesn't tell, 0.
fn waits() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

/// On which words this process slept.
fn slept_on(ledger: &Records) -> Vec<usize> {
    let mut words: Vec<usize> = ledger
        .records
        .iter()
        .filter_map(|record| match record.what {
            What::Slept(place) if record.process == 0 => Some(place.index),
            _ => None,
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

pub fn wakes(learner: Learner) -> Wakes {
    let memory = ring(20);
    let peer = Peer::open(std::process::id()).expect("this process exists");
    let woken = |body: &dyn Fn(), word: usize| {
        let ((), ledger) = ledger::observe(body);
        ledger.count(|record| matches!(record.what, What::Woke(place) if place.index == word))
    };
    let before = waits();
    let ((), ledger) = ledger::observe(|| {
        for _ in 0..MESSAGES {
            (learner.send)(&memory, b"abc", &peer).expect("there is room");
            (learner.recv)(&memory, &peer).expect("there is a message");
        }
    });
    let waited = waits() - before;
    let awake = ledger.count(|record| matches!(record.what, What::Woke(_)));
    let asked = ledger.count(|record| record.what == What::AskedAboutPeer);
    let (head, tail) = counters(&memory);
    memory.word(CONSUMER_ASLEEP).store(1, SeqCst);
    let send = woken(
        &|| (learner.send)(&memory, b"abc", &peer).expect("there is room"),
        CONSUMER_ASLEEP,
    );
    let after_send = memory.word(CONSUMER_ASLEEP).load(SeqCst);
    memory.word(CONSUMER_ASLEEP).store(0, SeqCst);
    (learner.send)(&memory, b"more", &peer).expect("there is room");
    memory.word(PRODUCER_ASLEEP).store(1, SeqCst);
    let recv = woken(
        &|| drop((learner.recv)(&memory, &peer).expect("there is a message")),
        PRODUCER_ASLEEP,
    );
    let after_recv = memory.word(PRODUCER_ASLEEP).load(SeqCst);
    let empty = ring(2);
    empty.word(CONSUMER_ASLEEP).store(1, SeqCst);
    let sent = woken(
        &|| (learner.send)(&empty, b"", &peer).expect("there is room"),
        CONSUMER_ASLEEP,
    );
    empty.word(CONSUMER_ASLEEP).store(0, SeqCst);
    empty.word(PRODUCER_ASLEEP).store(1, SeqCst);
    let received = woken(
        &|| drop((learner.recv)(&empty, &peer).expect("there is a message")),
        PRODUCER_ASLEEP,
    );
    let level = ring(2 * LEVELS);
    let asleep = |word: usize, value| level.word(word).store(value, SeqCst);
    let sends = (0..LEVELS).map(|_| {
        asleep(CONSUMER_ASLEEP, 1);
        let send = || (learner.send)(&level, b"abc", &peer).expect("there is room");
        woken(&send, CONSUMER_ASLEEP)
    });
    let sends = sends.collect();
    asleep(CONSUMER_ASLEEP, 0);
    let recvs = (0..LEVELS).map(|_| {
        asleep(PRODUCER_ASLEEP, 1);
        let recv = || drop((learner.recv)(&level, &peer).expect("there is a message"));
        woken(&recv, PRODUCER_ASLEEP)
    });
    let mut recvs: Vec<usize> = recvs.collect();
    recvs.reverse();
    Wakes {
        awake,
        asked,
        waited,
        counters: [(head, tail), counters(&empty)],
        send: (send, after_send),
        recv: (recv, after_recv),
        of_nothing: (sent, received),
        sends,
        recvs,
    }
}

/// How many messages of 3 bytes the ring has room for whose every level is tried.
const LEVELS: usize = 8;

/// Does this right before the next access to memory at which the word is 1; after so many accesses, whatever it is.
fn when_announced(memory: Arc<Mapping>, word: usize, patience: u32, act: fn(&Mapping)) {
    faults::meddle_at_access(1, move || {
        match memory.word(word).load(SeqCst) == 1 || patience == 0 {
            true => act(&memory),
            false => when_announced(memory, word, patience - 1, act),
        }
    });
}

pub fn overtaken(learner: Learner, sends: bool) -> Overtaken {
    let memory = Arc::new(one_message(sends));
    // Nobody wakes this side: should it sleep, a peer that has ended lets it go on.
    let child = fork(|| Ok(())).expect("it is forked");
    let peer = Peer::open(child.pid()).expect("it isn't waited for yet");
    child.wait().expect("it ends");
    let (word, act): (usize, fn(&Mapping)) = match sends {
        true => (PRODUCER_ASLEEP, |memory| assert!(take(memory).is_some())),
        false => (CONSUMER_ASLEEP, |memory| assert!(put(memory, b"at last"))),
    };
    let (result, ledger) = ledger::observe(|| {
        when_announced(memory.clone(), word, 100_000, act);
        let result = match sends {
            true => (learner.send)(&memory, b"and again", &peer),
            false => (learner.recv)(&memory, &peer).map(drop),
        };
        faults::reset();
        result
    });
    Overtaken {
        result: result.map_err(|error| kind(&error)),
        woke: ledger.map(|ledger| ledger.count(|record| matches!(record.what, What::Woke(_)))),
        asleep: observed(memory.word(word).load(SeqCst)),
    }
}

pub fn nonsense_while_asleep(
    learner: Learner,
    sends: bool,
    dies: bool,
) -> (Result<Option<Vec<u8>>, String>, SelfReported<bool>) {
    let memory = one_message(sends);
    let done = Mapping::shared(1).expect("memory can be mapped");
    let (this, asleep, counter) = match sends {
        true => (std::process::id(), PRODUCER_ASLEEP, HEAD),
        false => (std::process::id(), CONSUMER_ASLEEP, TAIL),
    };
    let child = fork(|| {
        let peer = Peer::parent(this)?;
        let is_done = || done.word(0).load(SeqCst) == 1;
        while !is_asleep(&memory, asleep, this) {
            if is_done() || peer.has_ended()? {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        memory.word(counter).store(1000, SeqCst);
        if dies {
            return Ok(false);
        }
        wake(&memory, asleep);
        // It stays until the other side has its answer, or sleeps again, which its end is to end.
        while !is_done() && !peer.has_ended()? {
            if is_asleep(&memory, asleep, this) && !is_done() {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(false)
    })
    .expect("it is forked");
    let peer = Peer::open(child.pid()).expect("it lives");
    let result = match sends {
        true => (learner.send)(&memory, b"and again", &peer).map(|()| None),
        false => (learner.recv)(&memory, &peer).map(Some),
    };
    done.word(0).store(1, SeqCst);
    let slept_again = child.wait().unwrap_or(true);
    (result.map_err(|error| kind(&error)), observed(slept_again))
}

pub fn unasked(learner: Learner) -> Result<(), String> {
    let memory = ring(20);
    let peer = Peer::open(std::process::id()).expect("this process exists");
    // The kernel refuses to look at more descriptors than a process may have, one of them the peer's.
    let result = faults::without_new_descriptors(|| {
        (learner.send)(&memory, b"abc", &peer)?;
        (learner.recv)(&memory, &peer)
    });
    result.map(drop).map_err(|error| error.to_string())
}

pub fn errors(learner: Learner) -> [Result<(), String>; 3] {
    let peer = Peer::open(std::process::id()).expect("this process exists");
    let memory = ring(3);
    let too_long = (learner.send)(&memory, &[0; 17], &peer);
    memory.word(HEAD).store(9, SeqCst);
    let nonsense = (learner.recv)(&memory, &peer).map(|_| ());
    let sent = (learner.send)(&memory, b"abc", &peer);
    [too_long, nonsense, sent].map(|result| result.map_err(|error| kind(&error)))
}

const SIDES: [(bool, &str); 2] = [
    (false, "`recv` waited on an empty ring"),
    (true, "`send` waited on a full ring"),
];

fn expected(sends: bool) -> Result<Option<Vec<u8>>, String> {
    Ok((!sends).then(|| b"at last".to_vec()))
}

pub fn a_sleeper_is_woken() {
    explain(
        STEP,
        "The test is the other side: it moves its counter, sees that the word says “asleep”, and wakes the process that sleeps on that word.",
    );
    if !linux("processes sleep on a futex") {
        return;
    }
    for (sends, what) in SIDES {
        let waited = wait_of(&sends, &0, &0);
        assert_eq!(waited.result, expected(sends), "what came when {what}");
    }
}

pub fn who_sleeps_says_so_and_sleeps_on_the_word() {
    explain(
        "ipc/exercise.md#sleeping-on-a-word",
        "Set the word to 1, look once more, and sleep on that word while it is 1: `wait_while(1, peer)`. Only then does the other side \
         know that it must wake you, and the kernel that it may let you sleep.",
    );
    if !linux("processes sleep on a futex") {
        return;
    }
    for (sends, what) in SIDES {
        let waited = wait_of(&sends, &0, &0);
        assert!(
            *waited.seen_asleep,
            "{what}, and was never asleep in the kernel with its word at 1: it computed, or slept for something else."
        );
        let word = if sends {
            PRODUCER_ASLEEP
        } else {
            CONSUMER_ASLEEP
        };
        assert!(
            waited.slept_on.iter().all(|on| *on == word),
            "{what}, and slept on the words {:?}; who wakes it, wakes those who sleep on word {word}.",
            *waited.slept_on
        );
    }
}

pub fn waiting_takes_no_processor_time() {
    explain(
        "ipc/exercise.md#sleeping-on-a-word",
        "A loop that looks again and again takes a whole processor away from others, including the peer. A moment of it is fine; then \
         sleep.",
    );
    if !linux("/proc tells the processor time") {
        return;
    }
    for (sends, what) in SIDES {
        let waited = wait_of(&sends, &400, &0);
        assert!(
            *waited.cpu_ms < 40,
            "{what} for 400 ms, and computed for {} ms of them.",
            waited.cpu_ms
        );
    }
}

pub fn a_wake_up_without_a_message_changes_nothing() {
    explain(
        LOST,
        "When you are woken, look again: somebody may have woken you for nothing, and so may the kernel. So wait in a loop.",
    );
    if !linux("processes sleep on a futex") {
        return;
    }
    for (sends, what) in SIDES {
        let waited = wait_of(&sends, &0, &3);
        assert_eq!(
            waited.result,
            expected(sends),
            "what came when {what}, and was woken three times for nothing before"
        );
    }
}

pub fn nobody_is_woken_who_does_not_sleep() {
    explain(
        STEP,
        "Waking somebody is a system call, which takes longer than everything else here: make it only if the word says that somebody \
         sleeps.",
    );
    let wakes = wakes_of();
    assert_eq!(
        wakes.awake, 0,
        "wake-ups by {MESSAGES} messages, with nobody asleep"
    );
    assert!(
        wakes.waited < MESSAGES / 2,
        "{MESSAGES} messages were sent and received with nobody asleep, and {} times this process gave up the processor to wait.",
        wakes.waited
    );
    assert_eq!(
        wakes.counters,
        [(2 * MESSAGES, 2 * MESSAGES), (1, 1)],
        "head and tail after {MESSAGES} messages of 3 bytes that were sent and received, and of another ring after one of no bytes"
    );
    for (sends, what, whose) in [
        (false, "`recv` found the ring empty", "consumer"),
        (true, "`send` found the ring full", "producer"),
    ] {
        let overtaken = overtaken_of(&sends);
        let because = format!(
            "{what} and said that it sleeps; right after that, the other side moved its counter, and does not sleep"
        );
        if overtaken.result == Err("BrokenPipe".to_owned()) {
            continue; // it asked about the peer, which has ended, before it said that it sleeps
        }
        assert_eq!(overtaken.result, Ok(()), "what came when {because}");
        assert_eq!(*overtaken.woke, 0, "wake-ups when {because}");
        assert_eq!(
            *overtaken.asleep, 0,
            "the word that says that the {whose} sleeps, once it had gone on: {because}"
        );
    }
    explain(
        STEP,
        "If the word says that the other side sleeps, wake it once the message or the room is there, however full the ring is.",
    );
    assert!(
        wakes.send.0 >= 1,
        "`send` woke nobody, though the consumer's word said that it sleeps."
    );
    assert!(
        wakes.recv.0 >= 1,
        "`recv` took the first of two messages and woke nobody, though the producer's word said that it sleeps."
    );
    for (held, woken) in wakes.sends.iter().enumerate() {
        assert!(
            *woken >= 1,
            "`send` put a message into a ring that held {held} and had room for {LEVELS}, and woke nobody, though the consumer's word said that it \
             sleeps."
        );
    }
    for (left, woken) in wakes.recvs.iter().enumerate() {
        assert!(
            *woken >= 1,
            "`recv` left {left} messages in a ring that has room for {LEVELS}, and woke nobody, though the producer's word said that it sleeps. It \
             may wait for the room that is there now."
        );
    }
    explain(
        STEP,
        "A message of no bytes is a message: it takes a word of the ring, and a process that waits for it, or for its place, sleeps like any other.",
    );
    for (woken, what) in [
        (wakes.of_nothing.0, "`send` put a message of no bytes"),
        (wakes.of_nothing.1, "`recv` took a message of no bytes"),
    ] {
        assert!(
            woken >= 1,
            "{what} and woke nobody, though the other side's word said that it sleeps."
        );
    }
}

pub fn nobody_asks_about_a_peer_without_need() {
    explain(
        DEAD,
        "Asking whether the peer is alive is a system call, and so is waking it. `wait_while` asks for you, and only when you sleep.",
    );
    if !linux("the kernel can be made to refuse the question") {
        return;
    }
    assert_eq!(
        unasked_of(),
        Ok(()),
        "what came of sending and receiving a message with nobody asleep, where a question about the peer is an error"
    );
    assert_eq!(
        wakes_of().asked,
        0,
        "questions about the peer by {MESSAGES} messages that were sent and received, with nobody asleep"
    );
}

pub fn errors_of_the_ring_come_through() {
    explain(
        STEP,
        "What can never succeed is no reason to sleep: pass on the errors of `try_send` and `try_recv`.",
    );
    let [too_long, nonsense, sent] = errors_of();
    let error = |kind: &str| Err(kind.to_owned());
    assert_eq!(
        too_long,
        error("InvalidInput"),
        "sending 17 bytes to a ring of 3 words"
    );
    assert_eq!(
        nonsense,
        error("InvalidData"),
        "receiving from a ring whose head is ahead of its tail"
    );
    assert_eq!(
        sent,
        error("InvalidData"),
        "sending to a ring whose head is ahead of its tail"
    );
    if !linux("processes sleep on a futex") {
        return;
    }
    for (sends, what) in SIDES {
        assert_eq!(
            nonsense_while_asleep_of(&sends, &false),
            (Err("InvalidData".to_owned()), observed(false)),
            "what came when {what}, and was woken once head and tail made no sense; and whether it slept once more before"
        );
    }
    explain(
        DEAD,
        "When the peer is gone, look into the ring once more, and return its error only if the ring is empty, or full for `send`. A ring that \
         makes no sense is neither: return the error of `try_send` or `try_recv`.",
    );
    for (sends, what) in SIDES {
        assert_eq!(
            nonsense_while_asleep_of(&sends, &true).0,
            Err("InvalidData".to_owned()),
            "what came when {what}, and the other side wrote a counter that makes no sense and ended"
        );
    }
}
