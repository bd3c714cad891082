//! Step 3: a request and an open file over a Unix socket, to and from a real CPython.

use crate::framing::python::{connect, python};
use crate::framing::socket_name;
use crate::{Learner, checksum, kind, pattern};
use checks::faults::{Fault, Operation};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, faults, observed, random, unused_name};
use os_core::socket::{recv_with_descriptor, send_with_descriptor};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;

/// What a client of the test's does.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Act {
    /// Sends a frame.
    Frame(Vec<u8>),
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Sends this byte with so many descriptors.
    Descriptors(u8, usize),
    /// Receives a frame.
    Answer,
}

/// What came of serving a client.
#[derive(Debug, Serialize, Deserialize)]
struct Served {
    result: Result<(), String>,
    /// The requests that came, with what was read from their files.
    seen: SelfReported<Vec<(Vec<u8>, String)>>,
    /// The answers that the client got.
    answers: SelfReported<Vec<Vec<u8>>>,
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
        called(learner, &requests, fails, &faults)
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

    /// Serves two clients after each other, whose file is the writing end of a pipe. Whether the pipe had ended when the answer
    /// was there.
    fn serve_pipes(learner) -> SelfReported<Vec<bool>> as serve {
        observed((0..2).map(|_| pipe_ends(learner)).collect())
    }
}

/// How a server fails.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Failing {
    /// It closes the socket when the request and the descriptor are there.
    NoAnswer,
    /// It closes it in the middle of the answer.
    HalfAnAnswer,
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
    serving_leaves_nothing_open,
];

const STEP: &str = "ipc/exercise.md#step-3-an-open-file";
const ALONG: &str = "ipc/exercise.md#a-descriptor-travels-with-a-byte";
const SAME: &str = "ipc/exercise.md#the-same-open-file";

/// A file without a name that holds this, read from its beginning.
fn file_with(text: &str) -> File {
    let name = format!("checks-{}-{:016x}", std::process::id(), fastrand::u64(..));
    let path = std::env::temp_dir().join(name);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .expect("a file can be made");
    std::fs::remove_file(&path).expect("its name can go");
    file.write_all(text.as_bytes()).expect("it can be written");
    file.seek(SeekFrom::Start(0)).expect("it can be read again");
    file
}

fn recv_frame(socket: &mut UnixStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    socket.read_exact(&mut header).ok()?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(header)).ok()?];
    socket.read_exact(&mut body).ok()?;
    Some(body)
}

fn send_frame(socket: &mut UnixStream, body: &[u8]) {
    let header = u32::try_from(body.len())
        .expect("a short body")
        .to_be_bytes();
    let _ = socket.write_all(&[&header[..], body].concat());
}

/// The server's side, in the way that the exercise describes.
fn be_the_server(mut socket: UnixStream, fails: Option<Failing>) -> Vec<(Vec<u8>, String)> {
    let mut seen = Vec::new();
    while let Some(request) = recv_frame(&mut socket) {
        let mut byte = [0];
        let received = recv_with_descriptor(&socket, &mut byte);
        let text = match received {
            Ok((1, Some(descriptor))) if byte == [1] => {
                let mut text = String::new();
                let read = File::from(descriptor).take(20).read_to_string(&mut text);
                read.map_or_else(|error| error.to_string(), |_| text)
            }
            Ok((count, descriptor)) => {
                let with = if descriptor.is_some() { "a" } else { "no" };
                format!("{count} byte(s), {byte:?}, with {with} descriptor")
            }
            Err(error) => error.to_string(),
        };
        let answer: Vec<u8> = request.iter().rev().copied().collect();
        seen.push((request, text));
        match fails {
            None => send_frame(&mut socket, &answer),
            Some(Failing::NoAnswer) => break,
            Some(Failing::HalfAnAnswer) => {
                let _ = socket.write_all(&[0, 0, 0, 9, 1, 2, 3]);
                break;
            }
        }
    }
    seen
}

fn called(
    learner: Learner,
    requests: &[(Vec<u8>, String)],
    fails: Option<Failing>,
    failing: &[Fault],
) -> Called {
    let ((results, seen, after), left) = leftovers::watch(|| {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
        let server = std::thread::spawn(move || be_the_server(theirs, fails));
        let mut after = String::new();
        let mut results = Vec::new();
        for (at, (request, text)) in requests.iter().enumerate() {
            let mut file = file_with(text);
            if at == 0 {
                faults::plan(failing);
            }
            let answer = (learner.call)(&mut ours, request, file.as_fd());
            results.push(answer.map_err(|error| kind(&error)));
            after.clear();
            let _ = file.read_to_string(&mut after);
        }
        faults::reset();
        drop(ours);
        (results, server.join().expect("the server ends"), after)
    });
    Called {
        results,
        seen: observed(seen),
        after: observed(after),
        left,
    }
}

fn served(learner: Learner, acts: &[Act], failing: &[Fault]) -> Served {
    let acts = acts.to_vec();
    let ((result, seen, answers), left) = leftovers::watch(|| {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
        let mut files = Vec::new();
        for n in 0..4 {
            files.push(file_with(&format!("file {n}")));
        }
        let client = std::thread::spawn(move || be_the_client(theirs, &acts, &files));
        // The client sends descriptors with the same functions: only what the learner's code receives is counted.
        faults::plan(failing);
        let mut seen = Vec::new();
        let result = (learner.serve)(&mut ours, &mut |request, mut file| {
            let mut text = String::new();
            let read = file.read_to_string(&mut text);
            seen.push((
                request.to_vec(),
                read.map_or_else(|error| error.to_string(), |_| text.clone()),
            ));
            [request, b"=", text.as_bytes()].concat()
        });
        drop(ours);
        faults::reset();
        (
            result.map_err(|error| kind(&error)),
            seen,
            client.join().expect("the client ends"),
        )
    });
    Served {
        result,
        seen: observed(seen),
        answers: observed(answers),
        left,
    }
}

fn be_the_client(mut socket: UnixStream, acts: &[Act], files: &[File]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    let mut next = 0;
    for act in acts {
        match act {
            Act::Frame(body) => send_frame(&mut socket, body),
            Act::Bytes(bytes) => {
                let _ = socket.write_all(bytes);
            }
            Act::Descriptors(byte, _) => {
                let _ = send_with_descriptor(&socket, &[*byte], files[next % files.len()].as_fd());
                next += 1;
            }
            Act::Answer => answers.extend(recv_frame(&mut socket)),
        }
    }
    answers
}

fn pipe_ends(learner: Learner) -> bool {
    let (mut ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let client = std::thread::spawn(move || {
        send_frame(&mut theirs, b"pipe");
        let _ = send_with_descriptor(&theirs, &[1], writer.as_fd());
        drop(writer);
        let answered = recv_frame(&mut theirs).is_some();
        // While the server still runs: whoever holds the writing end keeps this from ending.
        let mut poll = Vec::new();
        let ended = answered && supports_end(&mut reader, &mut poll);
        drop(theirs);
        ended
    });
    let _ = (learner.serve)(&mut ours, &mut |_, mut file| {
        let _ = file.write_all(b"x");
        vec![]
    });
    drop(ours);
    client.join().unwrap_or(false)
}

/// Whether the pipe has ended: reads all that is in it, without waiting for more.
fn supports_end(reader: &mut std::io::PipeReader, text: &mut Vec<u8>) -> bool {
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    // Opened again, it doesn't wait: nothing to read and nobody who writes is the end; nothing to read and somebody, an error.
    let mut again = match File::options()
        .read(true)
        .custom_flags_nonblocking()
        .open(path)
    {
        Ok(file) => file,
        Err(_) => return false,
    };
    again.read_to_end(text).is_ok()
}

trait NonBlocking {
    fn custom_flags_nonblocking(&mut self) -> &mut Self;
}

impl NonBlocking for std::fs::OpenOptions {
    fn custom_flags_nonblocking(&mut self) -> &mut Self {
        const O_NONBLOCK: i32 = 0o4000;
        std::os::unix::fs::OpenOptionsExt::custom_flags(self, O_NONBLOCK)
    }
}

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
        "First the frame of the request, then one byte, 1, with the descriptor attached: `send_with_descriptor`.",
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
        "The descriptor that arrives has another number and means the same open file: what one side reads moves the other's \
         position, too. Send the file that you were given, not a copy that was opened anew.",
    );
    let text = "twenty bytes for you and the rest for me".to_owned();
    let called = call(&vec![(vec![1], text)], &None, &vec![]);
    assert_eq!(
        *called.seen,
        [(vec![1], "twenty bytes for you".to_owned())],
        "what the peer read"
    );
    assert_eq!(
        *called.after, " and the rest for me",
        "what the caller reads from its file afterwards"
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
        "A descriptor that arrived is a copy, and as long as it is open, the file is: pass it to `answer` and keep no other. Here the \
         file is the writing end of a pipe, which doesn't end before.",
    );
    let ended = serve_pipes();
    assert_eq!(
        *ended,
        [true, true],
        "whether the pipe had ended when its request was answered, for two clients"
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
        (1..4)
            .map(|nth| Fault::Fail(operation, nth))
            .collect::<Vec<_>>()
    };
    let one = requests(1);
    let called = call(&one, &None, &interrupts(Operation::SendDescriptor));
    assert_eq!(
        called.results,
        [Ok(one[0].0.iter().rev().copied().collect())],
        "the answer to a call whose `send_with_descriptor` was interrupted three times"
    );
    let acts = vec![Act::Frame(vec![3]), Act::Descriptors(1, 1), Act::Answer];
    let served = serve(&acts, &interrupts(Operation::RecvDescriptor));
    assert_eq!(
        (served.result, served.seen.into_inner()),
        (Ok(()), vec![(vec![3], "file 0".to_owned())]),
        "what `serve` returned and served, when `recv_with_descriptor` was interrupted three times"
    );
}

fn a_byte_without_a_descriptor_is_an_error() {
    explain(
        ALONG,
        "A peer may send anything. A byte that no descriptor came with is `InvalidData`.",
    );
    let served = serve(
        &vec![Act::Frame(vec![3]), Act::Bytes(vec![1]), Act::Answer],
        &vec![],
    );
    assert_eq!(
        (served.result, served.seen.len()),
        (Err("InvalidData".to_owned()), 0),
        "what `serve` returned for a byte without a descriptor, and how many requests it served"
    );
}

fn another_byte_is_an_error() {
    explain(
        ALONG,
        "The byte says how many descriptors came: 1 is the only one that makes sense. Anything else is `InvalidData`, and the \
         descriptor is closed.",
    );
    for byte in [0, 2, 65, 255] {
        let served = serve(
            &vec![Act::Frame(vec![3]), Act::Descriptors(byte, 1), Act::Answer],
            &vec![],
        );
        assert_eq!(
            (served.result, served.seen.len()),
            (Err("InvalidData".to_owned()), 0),
            "what `serve` returned for a byte {byte} with a descriptor, and how many requests it served"
        );
        assert!(
            served.left.is_nothing(),
            "A byte {byte} with a descriptor left {} behind.",
            served.left
        );
    }
}

fn the_end_before_the_descriptor_is_an_error() {
    explain(
        ALONG,
        "After a request the descriptor has to come: if the socket ends there, or inside a frame, the peer died. Return `UnexpectedEof`.",
    );
    for (acts, what) in [
        (vec![Act::Frame(vec![3])], "after the frame of a request"),
        (
            vec![Act::Bytes(vec![0, 0, 0, 5, 1])],
            "inside the frame of a request",
        ),
        (
            vec![
                Act::Frame(vec![3]),
                Act::Descriptors(1, 1),
                Act::Answer,
                Act::Frame(vec![]),
            ],
            "after the frame of a second request",
        ),
    ] {
        let served = serve(&acts, &vec![]);
        assert_eq!(
            served.result,
            Err("UnexpectedEof".to_owned()),
            "what `serve` returned when the socket ended {what}"
        );
    }
}

fn a_peer_that_does_not_answer_is_an_error() {
    explain(
        STEP,
        "A peer that closes the socket owes an answer: `UnexpectedEof`.",
    );
    for (fails, what) in [
        (Failing::NoAnswer, "instead of an answer"),
        (Failing::HalfAnAnswer, "inside its answer"),
    ] {
        let called = call(&requests(1), &Some(fails), &vec![]);
        assert_eq!(
            called.results,
            [Err("UnexpectedEof".to_owned())],
            "what `call` returned when the peer closed the socket {what}"
        );
    }
}

fn serving_leaves_nothing_open() {
    explain(
        STEP,
        "Every descriptor that arrives has to be closed once, by whoever it was given to.",
    );
    let mut acts = Vec::new();
    for n in 0..20u8 {
        acts.extend([Act::Frame(vec![n]), Act::Descriptors(1, 1), Act::Answer]);
    }
    let served = serve(&acts, &vec![]);
    assert!(
        served.left.is_nothing(),
        "Twenty requests left {} behind.",
        served.left
    );
}
