//! Step 3: a request and an open file over a Unix socket, to and from a real CPython.

mod errors;
mod peers;

use crate::framing::python::{connect, python};
use crate::framing::socket_name;
use crate::{Learner, checksum, kind, kind_and_number, pattern};
use checks::faults::{Fault, Operation};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, linux, observed, random, unused_name};
use errors::*;
use peers::{
    ASKS_FOR_NOTHING, called, called_badly, called_interrupted, file_with, pipe_ends, served,
    served_and_left, served_interrupted,
};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::os::fd::AsFd;

/// What a client of the test's does.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Act {
    /// Sends a frame.
    Frame(Vec<u8>),
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Sends this byte with so many descriptors.
    Descriptors(u8, usize),
    /// Sends 1 with a descriptor, and in the same call these bytes after it.
    DescriptorAnd(Vec<u8>),
    /// Receives a frame.
    Answer,
    /// Says that it sends nothing more.
    Finish,
}

/// What came of serving a client.
#[derive(Debug, Serialize, Deserialize)]
struct Served {
    result: Result<(), String>,
    /// The requests that came, with what was read from their files.
    seen: SelfReported<Vec<(Vec<u8>, String)>>,
    /// The answers that the client got.
    answers: SelfReported<Vec<Vec<u8>>>,
    /// Where the client's own files were read to in the end.
    read_to: SelfReported<Vec<u64>>,
    left: Leftovers,
}

/// What came of calling a server of the test's.
#[derive(Debug, Serialize, Deserialize)]
struct Called {
    results: Vec<Result<Vec<u8>, String>>,
    /// What each request was, and what the file held that came with it.
    seen: SelfReported<Vec<(Vec<u8>, String)>>,
    /// What the caller reads from its file afterwards.
    after: SelfReported<String>,
    left: Leftovers,
}

checks::subject! {
    for Learner;

    /// Calls a server of the test's own with these requests and one file after the other; it answers with the request
    /// backwards. `fails` makes it close the socket instead of answering.
    fn call(learner, requests: Vec<(Vec<u8>, String)>, fails: Option<Failing>, faults: Vec<Fault>) -> Called {
        called(learner, &requests, fails, &faults, 0)
    }

    /// Calls a server of the test's own with a file of which so many bytes have been read.
    fn call_later(learner, request: (Vec<u8>, String), skip: u64) -> Called as call {
        called(learner, &[request], None, &[], skip)
    }

    /// Serves a client of the test's own.
    fn serve(learner, acts: Vec<Act>, faults: Vec<Fault>) -> Served {
        served(learner, &acts, &faults)
    }

    /// Calls CPython.
    fn call_python(learner, name: String, requests: Vec<(String, String)>) -> Vec<Result<String, String>> as call {
        let mut socket = connect(&name);
        requests
            .iter()
            .map(|(request, text)| {
                let file = file_with(text);
                let answer = (learner.call)(&mut socket, request.as_bytes(), file.as_fd());
                answer.map(|answer| String::from_utf8_lossy(&answer).into_owned()).map_err(|error| kind(&error))
            })
            .collect()
    }

    /// Serves CPython: answers with the request and what the file holds.
    fn serve_python(learner, name: String) -> (Result<(), String>, Leftovers) as serve {
        let mut socket = connect(&name);
        leftovers::watch(|| {
            (learner.serve)(&mut socket, &mut |request, mut file| {
                let mut text = request.to_vec();
                text.push(b'=');
                file.read_to_end(&mut text).expect("it can be read");
                text
            })
            .map_err(|error| kind(&error))
        })
    }

    /// Serves a client that leaves: what `serve` returned, and how many requests it answered.
    fn serve_and_be_left(learner, leaves: Leaving) -> (Result<(), String>, SelfReported<usize>) as serve {
        served_and_left(learner, leaves)
    }

    /// Calls a peer that isn't there, or doesn't answer: what `call` returned.
    fn call_badly(learner, badly: Badly) -> Result<(), String> as call {
        called_badly(learner, badly)
    }

    /// Serves a client that says nothing, over a socket whose reads have a deadline.
    fn serve_the_silent(learner) -> Result<(), String> as serve {
        let (mut ours, _theirs) = peers::impatient();
        (learner.serve)(&mut ours, &mut |_, _| vec![]).map_err(|error| kind_and_number(&error))
    }

    /// Serves a client that sends a request and nothing more, over a socket whose reads have a deadline.
    fn serve_the_hesitant(learner) -> (Result<(), String>, SelfReported<usize>) as serve {
        peers::served_half(learner)
    }

    /// Calls a peer with so many bytes while signals arrive: its answer, as length and checksum.
    fn call_interrupted(learner, len: usize) -> Result<(usize, u32), String> as call {
        called_interrupted(learner, len)
    }

    /// Serves a client while signals arrive: what `serve` returned, and whether the answer of so many bytes came.
    fn serve_interrupted(learner, len: usize) -> (Result<(), String>, SelfReported<bool>) as serve {
        served_interrupted(learner, len)
    }

    /// Serves two clients after each other, whose file is the writing end of a pipe. Whether the pipe had ended when the answer
    /// began to come.
    fn serve_pipes(learner) -> SelfReported<Vec<bool>> as serve {
        observed((0..2).map(|_| pipe_ends(learner)).collect())
    }
}

/// How a server fails.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Failing {
    /// It closes the socket when the request and the descriptor are there.
    NoAnswer,
    /// It closes the socket when the request is there.
    NotEvenTheFile,
    /// It closes it in the middle of the answer.
    HalfAnAnswer,
    /// It announces an answer of so many bytes and closes the socket.
    Announces(u32),
}

/// How a peer treats whoever calls it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Badly {
    /// It closed the socket before.
    Gone,
    /// It closes the socket while the caller waits for the answer, and hasn't read all of the request.
    Resets,
    /// It says nothing, and the caller's socket has a deadline for reads.
    Silent,
    /// It takes nothing, and the caller's socket has a deadline for writes, and room for one write.
    Full,
}

/// How a client leaves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Leaving {
    /// It closes the socket when it has sent a request and a descriptor.
    BeforeTheAnswer,
    /// It reads a byte of the answer and closes the socket.
    InTheAnswer,
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    the_peer_gets_the_request_and_the_file,
    a_request_and_its_file_are_served,
    many_requests_over_one_socket,
    python_gets_the_request_and_the_file,
    python_is_served,
    requests_may_be_empty_or_long,
    both_share_one_position_in_the_file,
    the_file_stays_the_callers,
    a_file_is_closed_when_it_was_used,
    the_end_of_the_socket_ends_the_service,
    an_interrupted_call_is_tried_again,
    a_byte_without_a_descriptor_is_an_error,
    another_byte_is_an_error,
    the_end_before_the_descriptor_is_an_error,
    a_peer_that_does_not_answer_is_an_error,
    an_error_of_the_socket_comes_through,
    requests_and_answers_have_a_limit,
    serving_leaves_nothing_open,
];

const STEP: &str = "ipc/exercise.md#step-3-an-open-file";

const ALONG: &str = "ipc/exercise.md#a-descriptor-travels-with-a-byte";

const SAME: &str = "ipc/exercise.md#the-same-open-file";

fn requests(count: usize) -> Vec<(Vec<u8>, String)> {
    let mut random = random();
    (0..count)
        .map(|n| {
            let text = format!("text {n} {}", random.u32(..));
            (pattern(random.u64(..), n + 1), text)
        })
        .collect()
}

fn assert_called(requests: &[(Vec<u8>, String)], called: &Called) {
    let seen: Vec<_> = requests
        .iter()
        .map(|(request, text)| (request.clone(), text.chars().take(20).collect::<String>()))
        .collect();
    assert_eq!(
        called.seen, seen,
        "the requests that the peer got, each with the beginning of its file"
    );
    let answers: Vec<_> = requests
        .iter()
        .map(|(request, _)| Ok(request.iter().rev().copied().collect()))
        .collect();
    assert_eq!(
        called.results, answers,
        "the answers: the requests backwards"
    );
}

fn the_peer_gets_the_request_and_the_file() {
    explain(
        ALONG,
        "Send the request's frame first, then one byte, 1, with the descriptor attached: `send_with_descriptor`.",
    );
    let requests = requests(1);
    assert_called(&requests, &call(&requests, &None, &vec![]));
}

fn many_requests_over_one_socket() {
    explain(
        STEP,
        "One socket carries as many requests as you like, each with a file of its own.",
    );
    let requests = requests(5);
    assert_called(&requests, &call(&requests, &None, &vec![]));
    let mut acts = Vec::new();
    for n in 0..4u8 {
        acts.extend([Act::Frame(vec![n]), Act::Descriptors(1, 1), Act::Answer]);
    }
    let served = serve(&acts, &vec![]);
    let expected: Vec<_> = (0..4u8).map(|n| (vec![n], format!("file {n}"))).collect();
    assert_eq!(served.seen, expected, "four requests, each with its file");
    assert_eq!(served.answers.len(), 4, "the answers to four requests");
    explain(
        ALONG,
        "A client may send its next request before it has the answer to this one. So receive one byte with the descriptor: what comes \
         after it is the next frame.",
    );
    let served = serve(
        &vec![
            Act::Frame(b"one".to_vec()),
            Act::DescriptorAnd([&[0, 0, 0, 3][..], b"two"].concat()),
            Act::Descriptors(1, 1),
            Act::Finish,
            Act::Answer,
            Act::Answer,
        ],
        &vec![],
    );
    assert_eq!(
        *served.answers,
        [b"one=file 0".to_vec(), b"two=file 1".to_vec()],
        "the answers to two requests, where the frame of the second was sent together with the byte and the descriptor of the first"
    );
}

fn requests_may_be_empty_or_long() {
    explain(
        STEP,
        "A request and an answer are frames, which may be empty or long.",
    );
    let requests = vec![
        (vec![], "empty".to_owned()),
        (pattern(1, 70_000), "long".to_owned()),
        (vec![1], String::new()),
    ];
    let called = call(&requests, &None, &vec![]);
    let sums = |bodies: Vec<&[u8]>| -> Vec<(usize, u32)> {
        bodies
            .iter()
            .map(|body| (body.len(), checksum(body)))
            .collect()
    };
    assert_eq!(
        sums(
            called
                .seen
                .iter()
                .map(|(body, _)| body.as_slice())
                .collect()
        ),
        sums(requests.iter().map(|(body, _)| body.as_slice()).collect()),
        "requests of 0, 70,000 and 1 bytes that the peer got: lengths and checksums"
    );
    let texts: Vec<_> = called.seen.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["empty", "long", ""], "what their files held");
    let lens: Vec<_> = called
        .results
        .iter()
        .map(|answer| answer.as_ref().map(Vec::len))
        .collect();
    assert_eq!(
        lens,
        [Ok(0), Ok(70_000), Ok(1)],
        "the lengths of the answers"
    );
    let file = Act::Descriptors(1, 1);
    let acts = vec![
        Act::Frame(ASKS_FOR_NOTHING.to_vec()),
        file.clone(),
        Act::Frame(vec![1]),
        file.clone(),
        Act::Answer,
    ];
    let served = serve(&acts, &vec![]);
    // The client leaves after one answer, so an error of the socket says nothing.
    if served.result == Err("InvalidData".to_owned()) {
        explain(
            ALONG,
            "The byte that follows a request carries its descriptor: take both by one `recv_with_descriptor`. A plain read of the byte loses the \
             descriptor, and the next call takes the next request's.",
        );
    }
    assert_eq!(
        *served.answers,
        [Vec::<u8>::new()],
        "what came first when `answer` returned no bytes for the first of two requests"
    );
    let long = pattern(2, 70_000);
    let served = serve(&vec![Act::Frame(long.clone()), file, Act::Answer], &vec![]);
    let expected = [&long[..], b"=file 0"].concat();
    assert_eq!(
        sums(served.answers.iter().map(Vec::as_slice).collect()),
        sums(vec![expected.as_slice()]),
        "the answer to a request of 70,000 bytes: length and checksum"
    );
}

fn python_gets_the_request_and_the_file() {
    explain(
        ALONG,
        "CPython takes the descriptor with `multiprocessing.reduction.recv_handle`: one byte that says 1, with one descriptor.",
    );
    let Some(mut python) = python() else { return };
    let name = socket_name();
    python.ask(&format!("listen {name}"));
    python.tell("accept");
    let requests: Vec<(String, String)> = ["one", "two", "three"]
        .iter()
        .map(|word| ((*word).to_owned(), format!("{word} {}", random().u32(..))))
        .collect();
    let answering = call_python::start(&name, &requests);
    python.hear();
    python.tell("serve 3");
    let answers = answering.finish();
    let expected: Vec<_> = requests
        .iter()
        .map(|(request, text)| Ok(format!("{request}={text}")))
        .collect();
    assert_eq!(
        answers, expected,
        "CPython's answers: the request, and what the file holds"
    );
    python.hear();
    python.ask("close");
}

fn a_request_and_its_file_are_served() {
    explain(
        ALONG,
        "After the frame comes a byte with the descriptor: receive it with `recv_with_descriptor`. A plain read would take the byte and \
         lose the descriptor.",
    );
    let served = serve(
        &vec![
            Act::Frame(b"read it".to_vec()),
            Act::Descriptors(1, 1),
            Act::Answer,
        ],
        &vec![],
    );
    assert_eq!(
        *served.seen,
        [(b"read it".to_vec(), "file 0".to_owned())],
        "the requests that `answer` got, each with what its file held"
    );
    assert_eq!(
        *served.answers,
        [b"read it=file 0".to_vec()],
        "the answers that came back"
    );
    assert_eq!(
        served.result,
        Ok(()),
        "what `serve` returned when the peer had closed the socket"
    );
}

fn python_is_served() {
    explain(
        ALONG,
        "CPython sends a frame with `send_bytes` and the descriptor with `multiprocessing.reduction.send_handle`.",
    );
    let Some(mut python) = python() else { return };
    let name = socket_name();
    python.ask(&format!("listen {name}"));
    python.tell("accept");
    let file = std::env::temp_dir().join(unused_name());
    let path = file.display();
    std::fs::write(&file, "0123456789").expect("a file can be made");
    let serving = serve_python::start(&name);
    python.hear();
    let first = python.ask(&format!("call first {path} 0"));
    let second = python.ask(&format!("call second {path} 4"));
    python.ask("close");
    let _ = std::fs::remove_file(&file);
    let (result, _) = serving.finish();
    assert_eq!(
        [first.as_str(), &second],
        ["first=0123456789|10", "second=456789|10"],
        "what CPython was answered, and where its own file was read to"
    );
    assert_eq!(
        result,
        Ok(()),
        "what `serve` returned when CPython had closed the socket"
    );
}

fn both_share_one_position_in_the_file() {
    explain(
        SAME,
        "The descriptor that arrives has another number, but means the same open file: when one side reads, the other's position \
         moves, too. Send the file that you were given, not one that you opened again, and leave its position alone.",
    );
    let text = "twenty bytes for you and the rest for me".to_owned();
    for skip in [0, 7] {
        let called = call_later(&(vec![1], text.clone()), &(skip as u64));
        let (theirs, yours) = text[skip..].split_at(20);
        assert_eq!(
            *called.seen,
            [(vec![1], theirs.to_owned())],
            "what the peer read of a file of which {skip} bytes had been read before"
        );
        assert_eq!(
            *called.after, yours,
            "what the caller reads from its file afterwards"
        );
    }
    let acts = vec![Act::Frame(vec![3]), Act::Descriptors(1, 1), Act::Answer];
    let served = serve(&acts, &vec![]);
    assert_eq!(
        *served.read_to,
        ["file 0".len() as u64],
        "where the client's own file was read to, when `answer` had read all of what arrived"
    );
}

fn the_file_stays_the_callers() {
    explain(
        SAME,
        "The peer gets a descriptor of its own. The caller's stays open, and nothing else does.",
    );
    let called = call(&requests(3), &None, &vec![]);
    assert!(
        called.left.is_nothing(),
        "Three calls left {} behind.",
        called.left
    );
}

fn a_file_is_closed_when_it_was_used() {
    explain(
        SAME,
        "A descriptor that arrived is a copy, and the file stays open as long as the copy does: pass it to `answer` and keep no other. Here the file \
         is the writing end of a pipe, so the pipe doesn't end before; the client checks when the first bytes of a long answer are there.",
    );
    let ended = serve_pipes();
    assert_eq!(
        *ended,
        [true, true],
        "whether the pipe had ended when the answer to its request began to come, for two clients"
    );
}

fn the_end_of_the_socket_ends_the_service() {
    explain(
        STEP,
        "A client that has no more requests closes the socket: that is no error.",
    );
    for acts in [
        vec![],
        vec![Act::Frame(vec![3]), Act::Descriptors(1, 1), Act::Answer],
    ] {
        let count = acts.len() / 3;
        let served = serve(&acts, &vec![]);
        assert_eq!(
            served.result,
            Ok(()),
            "what `serve` returned after {count} request(s)"
        );
        assert_eq!(served.seen.len(), count, "the requests that were served");
    }
}

fn an_interrupted_call_is_tried_again() {
    explain(
        ALONG,
        "A signal interrupts `sendmsg` and `recvmsg` as it interrupts reads and writes: on `Interrupted`, call again.",
    );
    let interrupts = |operation| {
        (1..=40)
            .map(|nth| Fault::Fail(operation, nth))
            .collect::<Vec<_>>()
    };
    let one = requests(1);
    let called = call(&one, &None, &interrupts(Operation::SendDescriptor));
    assert_eq!(
        called.results,
        [Ok(one[0].0.iter().rev().copied().collect())],
        "the answer to a call whose `send_with_descriptor` was interrupted forty times"
    );
    assert_eq!(
        *called.seen, one,
        "what the peer got, a request and what its file held, when `send_with_descriptor` was interrupted forty times"
    );
    let acts = vec![Act::Frame(vec![3]), Act::Descriptors(1, 1), Act::Answer];
    let served = serve(&acts, &interrupts(Operation::RecvDescriptor));
    assert_eq!(
        (served.result, served.seen.into_inner()),
        (Ok(()), vec![(vec![3], "file 0".to_owned())]),
        "what `serve` returned and served, when `recv_with_descriptor` was interrupted forty times"
    );
    if !linux("/proc tells when somebody waits for a socket") {
        return;
    }
    // Real ones, while the learner's code waits for the socket to take or to give something.
    let len = 1 << 20;
    let expected = |seed| (len, checksum(&pattern(seed, len)));
    assert_eq!(
        call_interrupted(&len),
        Ok(expected(peers::ANSWER)),
        "the answer to a request of {len} bytes, as length and checksum, when signals arrived while `call` waited for its peer"
    );
    let (result, answer) = serve_interrupted(&len);
    assert_eq!(
        (result, answer.into_inner()),
        (Ok(()), true),
        "what `serve` returned, and whether its answer of {len} bytes came, when signals arrived while it waited for its peer"
    );
}

fn serving_leaves_nothing_open() {
    explain(
        STEP,
        "Every descriptor that arrives has to be closed once, by the code that it was given to.",
    );
    let mut acts = Vec::new();
    for n in 0..70u8 {
        acts.extend([Act::Frame(vec![n]), Act::Descriptors(1, 1), Act::Answer]);
    }
    let served = serve(&acts, &vec![]);
    assert_eq!(
        (served.result, served.answers.len()),
        (Ok(()), 70),
        "what `serve` returned, and how many of seventy requests were answered"
    );
    assert!(
        served.left.is_nothing(),
        "Seventy requests left {} behind.",
        served.left
    );
}
