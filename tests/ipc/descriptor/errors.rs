//! What a peer may do wrong, and what the socket may.

use super::{
    ALONG, Act, Badly, Failing, Leaving, STEP, call, call_badly, requests, serve,
    serve_and_be_left, serve_python, serve_the_hesitant, serve_the_silent,
};
use crate::framing::python::python;
use crate::framing::socket_name;
use checks::faults::{Fault, Operation};
use checks::{explain, linux, observed};

pub fn a_byte_without_a_descriptor_is_an_error() {
    explain(
        ALONG,
        "A peer may send anything. A byte without a descriptor is `InvalidData`.",
    );
    for byte in [1, 0, 2, 255] {
        let served = serve(
            &vec![Act::Frame(vec![3]), Act::Bytes(vec![byte]), Act::Answer],
            &vec![],
        );
        assert_eq!(
            (served.result, served.seen.len(), served.answers.len()),
            (Err("InvalidData".to_owned()), 0, 0),
            "what `serve` returned for a byte {byte} without a descriptor, how many requests it served, and how many answers came"
        );
    }
}

pub fn another_byte_is_an_error() {
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
            (served.result, served.seen.len(), served.answers.len()),
            (Err("InvalidData".to_owned()), 0, 0),
            "what `serve` returned for a byte {byte} with a descriptor, how many requests it served, and how many answers came"
        );
        assert!(
            served.left.is_nothing(),
            "A byte {byte} with a descriptor left {} behind.",
            served.left
        );
    }
    let Some(mut python) = python() else { return };
    let name = socket_name();
    python.ask(&format!("listen {name}"));
    python.tell("accept");
    let serving = serve_python::start(&name);
    python.hear();
    python.ask("send_two request");
    python.ask("close");
    let (result, left) = serving.finish();
    assert_eq!(
        result,
        Err("InvalidData".to_owned()),
        "what `serve` returned for a byte 2 with two descriptors, from CPython"
    );
    assert!(
        left.is_nothing(),
        "A byte 2 with two descriptors left {left} behind."
    );
}

pub fn the_end_before_the_descriptor_is_an_error() {
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

pub fn a_peer_that_does_not_answer_is_an_error() {
    explain(
        STEP,
        "If the stream ends where the answer should come, or inside it, that's an `UnexpectedEof`.",
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

pub fn an_error_of_the_socket_comes_through() {
    explain(
        STEP,
        "An error of the socket, other than `Interrupted`, goes to your caller as it is: use `?`, or return it. A client that is gone \
         before it has its answer did not end the conversation as agreed.",
    );
    if !linux("a socket tells that its peer left data unread") {
        return;
    }
    for (leaves, what, expected) in [
        (
            Leaving::BeforeTheAnswer,
            "had closed the socket before it was answered",
            "BrokenPipe, error number 32",
        ),
        (
            Leaving::InTheAnswer,
            "closed the socket after one byte of the answer",
            "ConnectionReset, error number 104",
        ),
    ] {
        assert_eq!(
            serve_and_be_left(&leaves),
            (Err(expected.to_owned()), observed(1)),
            "what `serve` returned for a client that {what}, and how many requests it answered"
        );
    }
    let served = serve(
        &vec![Act::Frame(vec![3]), Act::Descriptors(1, 1)],
        &vec![Fault::Reset(Operation::RecvDescriptor, 1)],
    );
    assert_eq!(
        (served.result, served.seen.len()),
        (Err("ConnectionReset".to_owned()), 0),
        "what `serve` returned when `recv_with_descriptor` failed with `ConnectionReset`, and how many requests it answered"
    );
    let reset = Fault::Reset(Operation::SendDescriptor, 1);
    let called = call(&requests(1), &Some(Failing::NotEvenTheFile), &vec![reset]);
    assert_eq!(
        called.results,
        [Err("ConnectionReset".to_owned())],
        "what `call` returned when `send_with_descriptor` failed with `ConnectionReset`"
    );
    for (badly, what, expected) in [
        (
            Badly::Gone,
            "had closed the socket before",
            Err("BrokenPipe, error number 32".to_owned()),
        ),
        (
            Badly::Resets,
            "closed the socket without having read all of the request",
            Err("ConnectionReset, error number 104".to_owned()),
        ),
    ] {
        assert_eq!(
            call_badly(&badly),
            expected,
            "what `call` returned for a peer that {what}"
        );
    }
    explain(
        STEP,
        "`WouldBlock` says that a deadline of the socket's own is over. Only `Interrupted` is tried again: return this one as it is.",
    );
    let late = Err("WouldBlock, error number 11".to_owned());
    for (badly, what) in [
        (
            Badly::Silent,
            "said nothing, over a socket whose reads have a deadline",
        ),
        (
            Badly::Full,
            "took nothing, over a socket whose writes have a deadline and which has room for the request only",
        ),
    ] {
        assert_eq!(
            call_badly(&badly),
            late,
            "what `call` returned for a peer that {what}"
        );
    }
    assert_eq!(
        serve_the_silent(),
        late,
        "what `serve` returned for a client that said nothing, over a socket whose reads have a deadline"
    );
    assert_eq!(
        serve_the_hesitant(),
        (late, observed(0)),
        "what `serve` returned for a client that sent a request and then nothing, over a socket whose reads have a deadline; and how many \
         requests it answered"
    );
}

pub fn requests_and_answers_have_a_limit() {
    explain(
        "ipc/exercise.md#do-not-trust-a-length",
        "The length of a request or an answer comes from another process. `LIMIT` of step 2 is the most that you accept: pass it to \
         `recv_frame`, on both sides.",
    );
    const LIMIT: u32 = 1 << 26;
    for (len, expected) in [
        (LIMIT, "UnexpectedEof"), // it was accepted, and is not there
        (LIMIT + 1, "InvalidData"),
        (i32::MAX as u32, "InvalidData"),
    ] {
        let served = serve(&vec![Act::Bytes(len.to_be_bytes().to_vec())], &vec![]);
        assert_eq!(
            served.result,
            Err(expected.to_owned()),
            "what `serve` returned when a request of {len} bytes was announced, and then the socket ended"
        );
        let called = call(&requests(1), &Some(Failing::Announces(len)), &vec![]);
        assert_eq!(
            called.results,
            [Err(expected.to_owned())],
            "what `call` returned when an answer of {len} bytes was announced, and then the socket ended"
        );
    }
}
