//! The peer's death.

use super::{
    DEAD, STEP, across as across_of, after_death, killed_at, killed_at_random,
    while_asleep as while_asleep_of, while_stopped as while_stopped_of,
};
use crate::ring::both::message;
use crate::ring::layout::{
    CONSUMER_ASLEEP, PRODUCER_ASLEEP, counters, put, ring, take, wait_until_asleep, wake,
};
use crate::{Answer, Learner, kind, pattern};
use checks::faults::{self, Fault};
use checks::{explain, linux, outside, random};
use os_core::process::{Child, ParentOnly, Peer, PidFd, fork};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

fn send_all(
    learner: Learner,
    memory: &os_core::memory::Mapping,
    lens: &[usize],
    peer: &Peer,
) -> Result<usize, String> {
    for (number, len) in lens.iter().enumerate() {
        (learner.send)(memory, &message(number, *len), peer)
            .map_err(|error| format!("sending message {number}: {error}"))?;
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
        let received = (learner.recv)(memory, peer)
            .map_err(|error| format!("receiving message {number}: {error}"))?;
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

pub fn after(learner: Learner, sent: &[Vec<u8>]) -> (Vec<Answer>, [Result<(), String>; 2]) {
    let memory = ring(100);
    let child = fork(|| {
        for message in sent {
            put(&memory, message);
        }
        Ok(())
    })
    .expect("it is forked");
    let peer = Peer::open(child.pid()).expect("it lives");
    child.wait().expect("it ends");
    let received = (0..=sent.len())
        .map(|_| (learner.recv)(&memory, &peer).map_err(|error| kind(&error)))
        .collect();
    let one = ring(2);
    let send = || (learner.send)(&one, b"more", &peer).map_err(|error| kind(&error));
    (received, [send(), send()])
}

pub fn while_asleep(
    learner: Learner,
    sends: bool,
    by_kill: bool,
) -> Result<Option<Vec<u8>>, String> {
    let memory = ring(2);
    if sends {
        put(&memory, &[1; 8]);
    }
    let this = std::process::id();
    let child = fork(|| {
        let peer = Peer::parent(this)?;
        let asleep = if sends {
            PRODUCER_ASLEEP
        } else {
            CONSUMER_ASLEEP
        };
        wait_until_asleep(&memory, asleep, this, &peer)?;
        if by_kill {
            PidFd::open(std::process::id())?.kill()?;
        }
        Ok(())
    })
    .expect("it is forked");
    let peer = Peer::open(child.pid()).expect("it lives");
    let result = match sends {
        true => (learner.send)(&memory, b"more", &peer).map(|()| None),
        false => (learner.recv)(&memory, &peer).map(Some),
    };
    let _ = child.wait();
    result.map_err(|error| kind(&error))
}

/// `recv` from an empty ring, or `send` to a full one, whose other side stands still, stopped by SIGSTOP. Once this side has slept
/// for a while, the other one goes on and sends or takes; or it is killed as it stands there.
pub fn while_stopped(
    learner: Learner,
    sends: bool,
    by_kill: bool,
) -> Result<Option<Vec<u8>>, String> {
    let memory = ring(2);
    let asleep = if sends {
        PRODUCER_ASLEEP
    } else {
        CONSUMER_ASLEEP
    };
    if sends {
        put(&memory, &[1; 8]);
    }
    let this = std::process::id();
    let (mut told, mut tell) = std::io::pipe().expect("a pipe");
    let (mut over, done) = std::io::pipe().expect("a pipe");
    let done = ParentOnly::new(done);
    let shared = &memory;
    let keeper = fork(move || {
        let memory = shared;
        let caller = Peer::parent(this)?;
        let keeper = std::process::id();
        let (mut go, mut let_go) = std::io::pipe()?;
        let stopped = fork(|| {
            let keeper = Peer::parent(keeper)?;
            go.read_exact(&mut [0])?;
            match sends {
                true => drop(take(memory)),
                false => drop(put(memory, b"go on")),
            }
            wake(memory, asleep);
            // It stays until its keeper ends it, so that its end isn't what wakes the caller.
            while !keeper.has_ended()? {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        })?;
        outside::stop(stopped.pid())?;
        let_go.write_all(b"!")?;
        tell.write_all(&stopped.pid().to_ne_bytes())?;
        let slept = wait_until_asleep(memory, asleep, this, &caller);
        // Long enough for `wait_while` to look after its peer several times, and for a deadline of somebody's own to pass.
        std::thread::sleep(Duration::from_millis(if by_kill { 60 } else { 300 }));
        match by_kill || slept.is_err() {
            true => PidFd::open(stopped.pid())?.kill()?,
            false => outside::resume(stopped.pid())?,
        }
        let _ = over.read(&mut [0]); // ends when the caller has what it waited for
        let _ = PidFd::open(stopped.pid()).and_then(|handle| handle.kill());
        let _ = stopped.wait();
        Ok(())
    })
    .expect("it is forked");
    let mut pid = [0; 4];
    told.read_exact(&mut pid).expect("the peer stands still");
    let peer = Peer::open(u32::from_ne_bytes(pid)).expect("it lives");
    let result = match sends {
        true => (learner.send)(&memory, b"more", &peer).map(|()| None),
        false => (learner.recv)(&memory, &peer).map(Some),
    };
    drop(done);
    let _ = keeper.wait();
    result.map_err(|error| kind(&error))
}

/// What was wrong, if anything, when a child was killed: before an access, or after so many nanoseconds.
pub fn killed(
    learner: Learner,
    fault: Option<Fault>,
    receives: bool,
    nanos: u64,
) -> Option<String> {
    const LENS: [usize; 5] = [8, 20, 30, 9, 16];
    let memory = ring(12);
    let this = std::process::id();
    faults::plan(fault.as_slice());
    let child = fork(|| {
        let peer = Peer::parent(this)?;
        for number in 0.. {
            match receives {
                true => drop((learner.recv)(&memory, &peer)?),
                false => (learner.send)(&memory, &message(number, LENS[number % 5]), &peer)?,
            }
        }
        Ok(())
    })
    .expect("it is forked");
    let handle = PidFd::open(child.pid()).expect("it lives");
    let peer = Peer::open(child.pid()).expect("it lives");
    let begun = Instant::now();
    let late = Duration::from_nanos(nanos);
    let mut killed = false;
    let mut number = 0;
    let wrong = loop {
        if fault.is_none() && !killed && begun.elapsed() >= late {
            handle.kill().expect("it may be killed");
            killed = true;
        }
        let len = LENS[number % 5];
        let result = match receives {
            true => (learner.send)(&memory, &message(number, len), &peer),
            false => (learner.recv)(&memory, &peer).and_then(|received| {
                match received == message(number, len) {
                    true => Ok(()),
                    false => Err(std::io::Error::other(format!(
                        "message {number} came out as {} other bytes",
                        received.len()
                    ))),
                }
            }),
        };
        match result {
            Ok(()) => number += 1,
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                let (head, tail) = counters(&memory);
                let left = !receives && head != tail;
                break left.then(|| "that error, and messages are left in the ring".to_owned());
            }
            Err(error) => break Some(error.to_string()),
        }
    };
    let _ = handle.kill();
    let _ = Child::wait(child);
    faults::reset();
    wrong
}

pub fn two_processes_exchange_messages() {
    explain(
        STEP,
        "Each side sleeps and is woken thousands of times here: one that misses a single wake-up waits forever.",
    );
    if !linux("processes sleep on a futex") {
        return;
    }
    let mut random = random();
    for (words, count) in [(14, 300), (2000, 2000)] {
        let lens: Vec<usize> = (0..count).map(|_| random.usize(8..100)).collect();
        for to_child in [false, true] {
            let way = if to_child {
                "to a child"
            } else {
                "from a child"
            };
            assert_eq!(
                across_of(&words, &lens, &to_child),
                Ok(count),
                "{count} messages {way}, through a ring of {words} words"
            );
        }
    }
}

pub fn a_dead_producer_is_a_broken_pipe() {
    explain(
        DEAD,
        "All that the producer sent before it died is received; then `recv` returns `BrokenPipe`, as `wait_while` does for a peer \
         that is gone.",
    );
    if !linux("a process is watched through a pidfd") {
        return;
    }
    for count in [0, 1, 5] {
        let sent: Vec<Vec<u8>> = (0..count).map(|n| pattern(n, 10)).collect();
        let (received, _) = after_death(&sent);
        let mut expected: Vec<_> = sent.into_iter().map(Ok).collect();
        expected.push(Err("BrokenPipe".to_owned()));
        assert_eq!(
            received, expected,
            "what was received from a producer that had sent {count} message(s) and ended"
        );
    }
}

pub fn a_dead_consumer_is_a_broken_pipe() {
    explain(
        DEAD,
        "Nobody will make room any more: `BrokenPipe`, as `wait_while` returns it.",
    );
    if !linux("a process is watched through a pidfd") {
        return;
    }
    let (_, sent) = after_death(&vec![]);
    assert_eq!(
        sent,
        [Ok(()), Err("BrokenPipe".to_owned())],
        "sending to a ring that has room for one message and whose consumer has ended, twice"
    );
}

pub fn a_death_while_asleep_is_noticed() {
    explain(
        DEAD,
        "A process that is killed wakes nobody. `wait_while` notices that the peer is gone and returns `BrokenPipe`: return it.",
    );
    if !linux("a process is watched through a pidfd") {
        return;
    }
    for (sends, what) in [
        (false, "receiving from an empty ring"),
        (true, "sending to a full ring"),
    ] {
        for (by_kill, how) in [(false, "ended"), (true, "was killed")] {
            assert_eq!(
                while_asleep_of(&sends, &by_kill),
                Err("BrokenPipe".to_owned()),
                "{what}, when the peer {how} meanwhile"
            );
        }
    }
}

pub fn a_stopped_peer_is_alive() {
    explain(
        DEAD,
        "A peer that was stopped, by SIGSTOP or by a debugger, does nothing for as long as you like, and then goes on. Only one that has \
         ended is dead: leave that to `wait_while`, and set no deadline.",
    );
    if !linux("a process is watched through a pidfd") {
        return;
    }
    for (sends, what) in [
        (false, "receiving from an empty ring"),
        (true, "sending to a full ring"),
    ] {
        let expected = (!sends).then(|| b"go on".to_vec());
        assert_eq!(
            while_stopped_of(&sends, &false),
            Ok(expected),
            "{what} whose other side stood still, stopped by SIGSTOP, and then went on"
        );
        assert_eq!(
            while_stopped_of(&sends, &true),
            Err("BrokenPipe".to_owned()),
            "{what} whose other side stood still, stopped by SIGSTOP, and was then killed"
        );
    }
}

const KILLED: &str = "The peer may die between any two accesses. What it had sent arrives whole, and then an error says that it died: \
     no torn message, no hang.";

fn at_every_access(receives: bool) {
    explain(DEAD, KILLED);
    if !linux("a process is watched through a pidfd") {
        return;
    }
    let who = if receives { "consumer" } else { "producer" };
    let moments: Vec<u64> = (1..=80).collect();
    // In portions: each call has a deadline of its own.
    for moments in moments.chunks(20) {
        for (nth, wrong) in moments
            .iter()
            .zip(killed_at(&moments.to_vec(), &receives).into_inner())
        {
            if let Some(wrong) = wrong {
                panic!(
                    "The {who} was killed before its access number {nth} to the memory. Then, instead of `BrokenPipe`: {wrong}"
                );
            }
        }
    }
}

pub fn a_producer_may_be_killed_at_every_access() {
    at_every_access(false);
}

pub fn a_consumer_may_be_killed_at_every_access() {
    at_every_access(true);
}

pub fn processes_may_be_killed_at_random_moments() {
    explain(DEAD, KILLED);
    if !linux("a process is watched through a pidfd") {
        return;
    }
    let mut random = random();
    for (receives, who) in [(false, "producer"), (true, "consumer")] {
        // In portions: each call has a deadline of its own, and whoever waits for a death to be noticed looks idle.
        for _ in 0..10 {
            let all = killed_at_random(&random.u64(..), &15, &receives).into_inner();
            if let Some(wrong) = all.into_iter().flatten().next() {
                panic!(
                    "The {who} was killed at a random moment. Then, instead of `BrokenPipe`: {wrong}"
                );
            }
        }
    }
}
