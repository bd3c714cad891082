//! Who holds which end, and what happens when somebody dies.

use super::{
    ENDS, Ends, GONE, dying_worker, orphan as orphan_of, pipes as pipes_of, several_workers,
};
use crate::{Answers, Learner, pattern};
use checks::{explain, linux, outside, random};
use os_core::process::{ParentOnly, PidFd, fork};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Does what the request says: `panic`, `exit`, `kill`, `half`, `frame`, `next`; else answers with it.
pub fn dies() -> Answers {
    let before = held();
    Box::new(move |request| match request {
        b"panic" => panic!("the test makes the worker panic"),
        b"exit" => std::process::exit(0),
        // Whoever has a thread for it reads the next request first.
        b"next" if threads() > 1 => request.to_vec(),
        b"kill" | b"start" | b"half" | b"frame" | b"next" => {
            match request {
                b"start" => write_answers(&before, &[0, 0]),
                b"half" => write_answers(&before, &[0, 0, 0, 100, 1, 2, 3]),
                b"frame" => write_answers(&before, &[0, 0, 0, 3, 1, 2, 3]),
                b"next" => {
                    write_answers(&before, &[0, 0, 0, 0]);
                    let bytes = read_request(&before, 9);
                    write_answers(
                        &before,
                        &[&[0, 0, 0, bytes.len() as u8], &bytes[..]].concat(),
                    );
                }
                _ => {}
            }
            let this = PidFd::open(std::process::id()).expect("this process exists");
            this.kill().expect("it may be killed");
            loop {
                std::thread::park();
            }
        }
        request => request.to_vec(),
    })
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// In the worker: writes this into each pipe that was made for it, since only the learner's code knows which of them brings
/// answers.
fn write_answers(before: &Ends, bytes: &[u8]) {
    for path in made(before, (false, true)) {
        let mut pipe = std::fs::File::options().write(true).open(path);
        let _ = pipe.as_mut().map(|pipe| pipe.write_all(bytes));
    }
}

/// In the worker: reads this many bytes of the next request itself, in place of the learner's code.
fn read_request(before: &Ends, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in made(before, (true, false)) {
        let pipe = std::fs::File::open(path).expect("it is open");
        let _ = pipe.take(len as u64).read_to_end(&mut bytes);
    }
    bytes
}

/// In the worker: the pipes that were made for it, of which it holds these ends.
fn made(before: &Ends, ends: (bool, bool)) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    // Of a pipe that has several descriptors, one.
    let mut made = BTreeMap::new();
    for entry in entries.flatten() {
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        let target = target.display().to_string();
        let is_new = target.starts_with("pipe:") && !before.contains_key(&target);
        if is_new && held().get(&target) == Some(&ends) {
            made.insert(target, entry.path());
        }
    }
    made.into_values().collect()
}

const WAYS: [&[u8]; 5] = [b"kill", b"panic", b"exit", b"start", b"half"];

fn how(way: &[u8]) -> &'static str {
    match way {
        b"kill" => "was killed",
        b"panic" => "panicked",
        b"start" => "was killed in the middle of its answer's header",
        b"half" => "was killed in the middle of its answer",
        b"frame" => "was killed after its answer",
        _ => "exited",
    }
}

pub fn a_worker_that_dies_is_an_error() {
    explain(
        GONE,
        "When the worker dies, its end of the answers closes, and a read finds the end, before an answer or inside it. That works only if \
         nobody else, including you, holds a writing end. Return `BrokenPipe`.",
    );
    if !linux("the worker kills itself through a pidfd") {
        return;
    }
    for way in WAYS {
        let life = dying_worker(&vec![b"fine".to_vec(), way.to_vec()]);
        assert_eq!(
            life.answers,
            [Ok(b"fine".to_vec()), Err("BrokenPipe".to_owned())],
            "two calls; in the second the worker {}",
            how(way)
        );
    }
}

pub fn an_answer_is_a_frame() {
    explain(
        super::STEP,
        "Answers travel as frames of step 1, which anybody can write. Here `serve` writes one itself, in place of its worker.",
    );
    if !linux("/proc tells which pipe brings answers") {
        return;
    }
    let life = dying_worker(&vec![b"frame".to_vec()]);
    assert_eq!(
        life.answers,
        [Ok(vec![1, 2, 3])],
        "a call in which the bytes 0, 0, 0, 3, 1, 2, 3 came through the pipe of answers"
    );
}

pub fn a_request_is_a_frame() {
    explain(
        super::STEP,
        "Requests travel as frames of step 1, which anybody can read. Here `serve` reads the second one itself, in place of its worker, and \
         returns the bytes as they came.",
    );
    if !linux("/proc tells which pipe brings requests") {
        return;
    }
    let request = pattern(random().u64(..), 5);
    let life = dying_worker(&vec![b"next".to_vec(), request.clone()]);
    if life.answers == [Ok(b"next".to_vec()), Ok(request.clone())] {
        return; // a thread of the worker's read it, so nobody else can
    }
    assert_eq!(
        life.answers,
        [Ok(vec![]), Ok([&[0, 0, 0, 5], &request[..]].concat())],
        "what came through the pipe of requests for a second request, {request:?}, after an empty answer to the first"
    );
}

pub fn a_worker_that_is_gone_is_a_broken_pipe() {
    explain(
        GONE,
        "A write into a pipe that nobody can read fails with EPIPE. Rust programs ignore the signal that would come with it, so it is \
         an error like others: return it, as often as you are asked.",
    );
    if !linux("the worker kills itself through a pidfd") {
        return;
    }
    for way in WAYS {
        let long = pattern(1, 1 << 20);
        let life = dying_worker(&vec![way.to_vec(), b"again".to_vec(), long, vec![]]);
        let broken = || Err("BrokenPipe".to_owned());
        assert_eq!(
            life.answers,
            [broken(), broken(), broken(), broken()],
            "four calls; in the first the worker {}",
            how(way)
        );
    }
}

pub fn stopping_a_dead_worker_is_an_error() {
    explain(
        GONE,
        "`wait` says how the process ended: return its error. The process has to be waited for all the same.",
    );
    if !linux("the worker kills itself through a pidfd") {
        return;
    }
    for way in WAYS.iter().copied().chain([&b"frame"[..]]) {
        let life = dying_worker(&vec![way.to_vec()]);
        assert!(
            life.stopped.is_err(),
            "The worker {}, and `stop` returned {:?}.",
            how(way),
            life.stopped
        );
        assert!(
            life.left.is_nothing(),
            "The worker {}, and `stop` left {} behind.",
            how(way),
            life.left
        );
    }
}

pub fn workers_end_on_their_own() {
    explain(
        ENDS,
        "A worker inherits everything that its parent has open, including the ends of other workers' pipes. While it lives, those pipes \
         don't end. `ParentOnly` keeps an end out of every child.",
    );
    for order in [vec![0, 1, 2], vec![2, 1, 0], vec![1, 0, 2]] {
        for (at, (answer, stopped)) in order.iter().zip(several_workers(&order)) {
            assert_eq!(
                answer,
                Ok([&[*at as u8], &b"abc"[..]].concat()),
                "the answer of worker {at} of three, to its second request: its number and the request"
            );
            assert_eq!(
                stopped,
                Ok(()),
                "stopping three workers that live at the same time, in the order {order:?}"
            );
        }
    }
}

/// The pipes that this process has open, by inode.
fn held() -> Ends {
    let mut ends = Ends::new();
    for entry in std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
    {
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        let target = target.display().to_string();
        if !target.starts_with("pipe:") {
            continue;
        }
        let info = std::path::Path::new("/proc/self/fdinfo").join(entry.file_name());
        let info = std::fs::read_to_string(info).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.map_or(0, |flags| u32::from_str_radix(flags.trim(), 8).unwrap_or(0));
        let end = ends.entry(target).or_default();
        match flags & 3 {
            0 => end.0 = true,
            1 => end.1 = true,
            _ => *end = (true, true),
        }
    }
    ends
}

pub fn pipes(learner: Learner) -> (Ends, Ends, Ends) {
    let before_both = held();
    let earlier = (learner.start_worker)(Box::new(<[u8]>::to_vec)).expect("a worker starts");
    let before = held();
    let earlier_ends: Ends = before
        .iter()
        .filter(|(pipe, _)| !before_both.contains_key(*pipe))
        .map(|(pipe, ends)| (pipe.clone(), *ends))
        .collect();
    let serve: Answers = Box::new(|_| {
        let lines = held().into_iter();
        let lines = lines.map(|(pipe, (reads, writes))| {
            format!("{pipe} {} {}\n", u8::from(reads), u8::from(writes))
        });
        lines.collect::<String>().into_bytes()
    });
    let mut worker = (learner.start_worker)(serve).expect("a worker starts");
    let answer = worker.call(b"").expect("an answer");
    let new = |ends: Ends| -> Ends {
        ends.into_iter()
            .filter(|(pipe, _)| !before.contains_key(pipe))
            .collect()
    };
    let theirs = String::from_utf8_lossy(&answer);
    let theirs = theirs.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let pipe = words.next()?.to_owned();
        Some((pipe, (words.next()? == "1", words.next()? == "1")))
    });
    let theirs: Ends = theirs.collect();
    let mut inherited = theirs.clone();
    inherited.retain(|pipe, _| earlier_ends.contains_key(pipe));
    let ours = new(held());
    drop(earlier);
    (ours, new(theirs), inherited)
}

pub fn nobody_keeps_an_end_that_it_does_not_use() {
    explain(
        ENDS,
        "A pipe ends for its reader when nobody holds its writing end, and breaks for its writer when nobody holds its reading end. \
         So each end must be in one process only.",
    );
    if !linux("/proc tells who holds which end") {
        return;
    }
    let (parent, worker, inherited) = pipes_of().into_inner();
    for (who, ends) in [("The parent", &parent), ("The worker", &worker)] {
        for (pipe, (reads, writes)) in ends {
            assert!(
                !(*reads && *writes),
                "{who} holds both ends of {pipe}, one of two that the worker's start made.\n    the parent: {}\n    the worker: {}",
                describe(&parent),
                describe(&worker)
            );
        }
    }
    assert!(
        inherited.is_empty(),
        "A worker holds ends of the pipes of another one, which was started before and still lives: it {}.",
        describe(&inherited)
    );
    // The pipe that brings what the child returns is `fork`'s own.
    let between = |reads: bool| {
        let both = parent.iter().filter(|(pipe, _)| worker.contains_key(*pipe));
        both.filter(|(_, end)| end.0 == reads).count()
    };
    explain(
        super::STEP,
        "Requests go through one pipe and answers come through another: a pipe carries bytes one way only.",
    );
    assert!(
        between(false) >= 1 && between(true) >= 2,
        "Parent and worker aren't connected by two pipes.\n    the parent: {}\n    the worker: {}",
        describe(&parent),
        describe(&worker)
    );
}

fn describe(ends: &Ends) -> String {
    let parts: Vec<String> = ends
        .iter()
        .map(|(pipe, end)| match end {
            (true, true) => format!("both ends of {pipe}"),
            (true, false) => format!("reads {pipe}"),
            _ => format!("writes {pipe}"),
        })
        .collect();
    parts.join(", ")
}

/// The subject forks a process that starts a worker, and kills it.
pub fn orphan(learner: Learner, answer: Option<usize>) -> bool {
    // In this process a panic is seen for what it is.
    let mut probe = (learner.start_worker)(Box::new(<[u8]>::to_vec)).expect("a worker starts");
    probe.call(b"probe").expect("an answer");
    probe.stop().expect("it stops");
    let (mut told, mut tell) = io::pipe().expect("a pipe");
    // The worker answers the second request when this says so.
    let (gate, mut open) = io::pipe()
        .map(|(gate, open)| (gate, ParentOnly::new(open)))
        .expect("a pipe");
    let len = answer.unwrap_or(0);
    let parent = fork(|| {
        let gate = gate.try_clone()?;
        let has_it = tell.try_clone()?;
        let serve: Answers = Box::new(move |request| {
            if request == b"who" {
                return std::process::id().to_ne_bytes().to_vec();
            }
            let _ = (&has_it).write_all(&[1]);
            let _ = (&gate).read(&mut [0]);
            vec![7; len]
        });
        let mut worker = (learner.start_worker)(serve)?;
        let who = worker.call(b"who")?;
        tell.write_all(&who)?;
        if answer.is_some() {
            worker.call(b"long")?;
        }
        loop {
            std::thread::park(); // until it is killed
        }
        #[allow(unreachable_code)]
        Ok(())
    })
    .expect("it is forked");
    let mut pid = [0; 4];
    if told.read_exact(&mut pid).is_err() {
        let _ = parent.wait();
        return false;
    }
    let worker = PidFd::open(u32::from_ne_bytes(pid)).expect("the worker lives");
    let parents = PidFd::open(parent.pid()).expect("its parent lives");
    if answer.is_some() && told.read_exact(&mut [0]).is_err() {
        let _ = parent.wait();
        return false;
    }
    parents.kill().expect("it may be killed");
    let _ = parent.wait();
    let _ = open.write_all(&[1]);
    // All that it waits for has happened: it is late only if it sleeps. On a busy machine it may not have run yet.
    let pid = u32::from_ne_bytes(pid);
    let begun = Instant::now();
    let mut ended = false;
    while !ended && (begun.elapsed() < Duration::from_secs(2) || outside::wants_to_run(pid)) {
        ended = worker
            .wait_timeout(Duration::from_millis(100))
            .unwrap_or(false);
    }
    if !ended {
        let _ = worker.kill();
    }
    ended
}

pub fn a_worker_ends_when_its_parent_dies() {
    explain(
        ENDS,
        "When its parent dies, the worker finds the end of the requests, or can't write its answer any more. Neither happens if \
         the worker holds the other end itself.",
    );
    if !linux("the parent is killed through a pidfd") {
        return;
    }
    for (answer, when) in [
        (None, "while the worker waited for a request"),
        (Some(0), "before the worker sent an empty answer"),
        (Some(1 << 20), "before the worker sent an answer of 1 MiB"),
    ] {
        let ended = orphan_of(&answer);
        assert!(
            *ended,
            "The parent was killed {when}, and the worker didn't end."
        );
    }
}
