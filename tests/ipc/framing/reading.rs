//! Frames that are received.

use super::streams::{Failure, Piece, Shape, decode, long};
use super::{
    Taken, frame, from_python, hex, large_frame, recv_frame, recv_long, recv_random, recv_split,
    sums,
};
use crate::pattern;
use checks::{explain, random};

const PIECES: &str = "ipc/exercise.md#read-until-it-is-all-there";
const END: &str = "ipc/exercise.md#the-end-of-the-stream";
const LIMIT: &str = "ipc/exercise.md#do-not-trust-a-length";

fn small(len: usize) -> Vec<u8> {
    pattern(random().u64(..), len)
}

/// What comes out of one stream; `more` calls beyond the end.
fn take(pieces: Vec<Piece>, limit: usize, more: usize) -> Taken {
    recv_frame(&vec![(pieces, limit)], &more).remove(0)
}

fn bytes(bytes: &[u8]) -> Piece {
    Piece::Bytes(bytes.to_vec())
}

pub fn a_frame_is_received() {
    explain(
        "ipc/exercise.md#the-format",
        "Four bytes say how long the body is; then it follows. A second frame follows the first: a buffer that reads ahead, \
         such as a `BufReader`, takes it away from the next call.",
    );
    let (first, second) = (small(5), small(4));
    let stream = [frame(&first), frame(&second)].concat();
    let taken = take(vec![bytes(&stream)], 1 << 16, 0);
    assert_eq!(
        taken.frames,
        [Ok(Some(first)), Ok(Some(second)), Ok(None)],
        "two frames, and the end of the stream"
    );
    let body = small(300);
    let taken = take(vec![bytes(&frame(&body))], 1 << 16, 0);
    assert_eq!(
        sums(taken.frames),
        sums(vec![Ok(Some(body)), Ok(None)]),
        "a frame with a body of 300 bytes, and the end of the stream: length and checksum"
    );
}

/// What comes out of some long streams, as lengths and checksums.
fn expect_of_long(shape: Shape, what: &str) {
    let mut random = random();
    let cases: Vec<_> = (0..12).map(|_| (random.u64(..), shape)).collect();
    for ((seed, shape), frames) in cases.iter().zip(recv_long(&cases)) {
        let (stream, pieces) = long(*seed, *shape);
        assert_eq!(
            frames,
            sums(decode(&stream, 1 << 20, 0)),
            "what came out of {} bytes in {} pieces{what}, as lengths and checksums",
            stream.len(),
            pieces
                .iter()
                .filter(|piece| matches!(piece, Piece::Bytes(_)))
                .count()
        );
    }
}

pub fn an_empty_body_is_a_frame() {
    explain(
        "ipc/exercise.md#the-format",
        "A frame of no bytes is a frame: an empty body, and not the end of the stream.",
    );
    let stream = [frame(&[]), frame(&[]), frame(b"x"), frame(&[])].concat();
    let taken = take(vec![bytes(&stream)], 10, 0);
    let empty = || Ok(Some(vec![]));
    assert_eq!(
        taken.frames,
        [empty(), empty(), Ok(Some(b"x".to_vec())), empty(), Ok(None)],
        "frames of 0, 0, 1 and 0 bytes, and the end of the stream"
    );
}

pub fn a_frame_may_come_in_any_pieces() {
    explain(
        PIECES,
        "One write of the sender is not one read of the receiver. A read returns what is there, which may be a part of the \
         header: go on until all of it is there. `read_exact` does that.",
    );
    let stream = [frame(&small(7)), frame(&small(9)), frame(&[])].concat();
    if let Some((cut, parts, whole)) = recv_split(&stream).into_inner() {
        assert_eq!(
            parts.frames,
            whole.frames,
            "three frames, {} bytes in all, in two pieces, cut after byte {cut}",
            stream.len()
        );
    }
    let each = stream.iter().map(|byte| bytes(&[*byte])).collect();
    let taken = take(each, 1 << 16, 0);
    assert_eq!(
        taken.frames,
        decode(&stream, 1 << 16, 0),
        "three frames, a byte at a time"
    );
    expect_of_long(Shape::default(), "");
}

pub fn the_large_form_is_understood() {
    explain(
        "ipc/exercise.md#the-format",
        "Where the first four bytes are −1, the length is in the eight bytes after them, however small it is.",
    );
    let body = small(200);
    let taken = take(vec![bytes(&large_frame(&body))], 1000, 0);
    assert_eq!(
        taken.frames,
        [Ok(Some(body)), Ok(None)],
        "a frame with the large form of the header"
    );
    let stream = [large_frame(&small(9)), large_frame(&[]), frame(&small(3))].concat();
    if let Some((cut, parts, whole)) = recv_split(&stream).into_inner() {
        assert_eq!(
            parts.frames, whole.frames,
            "three frames, two of them with the large form, in two pieces, cut after byte {cut}"
        );
    }
    let taken = take(vec![bytes(&stream)], 1000, 0);
    assert_eq!(
        taken.frames,
        decode(&stream, 1000, 0),
        "three frames, two of them with the large form of the header"
    );
    from_python("send_large", &[0, 1, 16_385, 1 << 20]);
}

pub fn the_end_between_frames_is_no_error() {
    explain(
        END,
        "A peer that has nothing more to say closes its end. If no byte of a frame has arrived, that is `None`, not an error. \
         `read_exact` can't tell the two apart: take the first byte with `read`.",
    );
    let cases = vec![(vec![], 10), (vec![bytes(&frame(b"abc"))], 10)];
    for (what, taken) in ["nothing", "one frame"].iter().zip(recv_frame(&cases, &1)) {
        let ends = &taken.frames[taken.frames.len().saturating_sub(2)..];
        assert_eq!(
            ends,
            [Ok(None), Ok(None)],
            "the end of a stream after {what}, asked for twice"
        );
    }
}

pub fn the_end_inside_a_frame_is_an_error() {
    explain(
        END,
        "If the stream ends inside a frame, the peer died while it was sending: what has arrived isn't a message.",
    );
    for stream in [frame(&small(6)), large_frame(&small(6))] {
        let cases = (1..stream.len()).map(|cut| (vec![bytes(&stream[..cut])], 100));
        for (cut, taken) in (1..).zip(recv_frame(&cases.collect(), &0)) {
            assert_eq!(
                taken.frames,
                [Err("UnexpectedEof".to_owned())],
                "a stream that ends after {cut} of the {} bytes of a frame ({})",
                stream.len(),
                hex(&stream)
            );
        }
    }
    let shape = Shape {
        has_large: true,
        is_cut: true,
        ..Shape::default()
    };
    expect_of_long(shape, ", after which the stream ended");
}

pub fn not_one_byte_more_is_read() {
    explain(
        PIECES,
        "What comes after the frame belongs to the next call, or to somebody else who reads from this stream: a buffer that reads \
         ahead takes it away.",
    );
    let cases = vec![
        (
            vec![bytes(
                &[&frame(&small(20))[..], &[0xff, 0xff, 0xff, 0xfe], &[7; 50]].concat(),
            )],
            100,
        ),
        (
            vec![bytes(
                &[&frame(&small(0))[..], &[0x7f, 0xff, 0xff, 0xff], &[7; 50]].concat(),
            )],
            100,
        ),
    ];
    // The second header is a refused one: the 50 bytes after it must still be there.
    for taken in recv_frame(&cases, &0) {
        assert_eq!(
            taken.left, 50,
            "the bytes left in the stream after a frame and a header that is refused"
        );
    }
}

pub fn a_length_over_the_limit_is_an_error() {
    explain(
        LIMIT,
        "The limit is the longest body that is accepted: exactly that many bytes are fine, one more is an error.",
    );
    let limit = random().usize(20..90);
    let fits = small(limit);
    let taken = take(
        vec![bytes(&frame(&fits)), bytes(&large_frame(&fits))],
        limit,
        0,
    );
    assert_eq!(
        taken.frames,
        [Ok(Some(fits.clone())), Ok(Some(fits)), Ok(None)],
        "two bodies of {limit} bytes, with a limit of {limit}"
    );
    // Neither fits into half a `usize`, nor into a signed one.
    for limit in [usize::MAX, usize::MAX / 2 + 1] {
        let stream = [frame(b"x"), large_frame(b"y")].concat();
        assert_eq!(
            take(vec![bytes(&stream)], limit, 0).frames,
            [Ok(Some(b"x".to_vec())), Ok(Some(b"y".to_vec())), Ok(None)],
            "bodies of 1 byte with either form of the header, with a limit of {limit}"
        );
    }
    let longer = small(limit + 1);
    let beyond = [
        frame(&longer),
        large_frame(&longer),
        [&[0x7f, 0xff, 0xff, 0xff][..], &[1; 200]].concat(),
        [&[0xff; 4][..], &(1u64 << 32).to_be_bytes(), &[1; 200]].concat(),
        [&[0xff; 4][..], &u64::MAX.to_be_bytes(), &[1; 200]].concat(),
    ];
    let cases = beyond.iter().map(|stream| (vec![bytes(stream)], limit));
    for (stream, taken) in beyond.iter().zip(recv_frame(&cases.collect(), &0)) {
        let shown = hex(&stream[..12]);
        assert_eq!(
            taken.frames,
            [Err("InvalidData".to_owned())],
            "a stream that begins with {shown}, with a limit of {limit}"
        );
        let header = if stream[0] == 0xff { 12 } else { 4 };
        assert_eq!(
            taken.left,
            stream.len() - header,
            "the bytes left in a stream that begins with {shown}, whose header is refused"
        );
    }
    let taken = take(vec![bytes(&frame(&[])), bytes(&frame(b"x"))], 0, 0);
    assert_eq!(
        taken.frames,
        [Ok(Some(vec![])), Err("InvalidData".to_owned())],
        "bodies of 0 and 1 bytes, with a limit of 0"
    );
}

pub fn a_length_over_the_limit_allocates_nothing() {
    explain(
        LIMIT,
        "Four bytes from a stranger must not make you allocate two gigabytes: compare the length with the limit before you make \
         room for the body.",
    );
    let small = |len: i32| len.to_be_bytes().to_vec();
    let large = |len: u64| [&[0xff; 4][..], &len.to_be_bytes()].concat();
    let much = 64 << 20;
    for (header, limit) in [
        (small(600 << 20), 1000),
        (large(500 << 20), 1000),
        (large(1 << 62), 1000),
        (small((64 << 20) + 1), much),
        (large((64 << 20) + 1), much),
        (small(-2), much),
    ] {
        let taken = take(vec![bytes(&header)], limit, 0);
        assert_eq!(
            taken.frames,
            [Err("InvalidData".to_owned())],
            "a header {}, with a limit of {limit}",
            hex(&header)
        );
        assert!(
            *taken.grown_kib < 8 << 10,
            "For a header {} and a limit of {limit}, the process grew by {} MiB.",
            hex(&header),
            *taken.grown_kib >> 10
        );
    }
}

pub fn a_negative_length_is_an_error() {
    explain(
        LIMIT,
        "The length is a signed number. −1 means the large form, and no other negative number means anything.",
    );
    for len in [-2, -3, -256, i32::MIN, random().i32(i32::MIN..-1)] {
        let stream = [&len.to_be_bytes()[..], &[0; 40]].concat();
        for limit in [1 << 20, usize::MAX] {
            let taken = take(vec![bytes(&stream)], limit, 0);
            assert_eq!(
                taken.frames,
                [Err("InvalidData".to_owned())],
                "a header that holds {len}, with a limit of {limit}"
            );
            assert_eq!(
                taken.left, 40,
                "the bytes left after a header that holds {len}"
            );
        }
    }
}

pub fn an_interrupted_read_is_tried_again() {
    explain(
        PIECES,
        "A signal that arrives during a read interrupts it: nothing is wrong, and the read has to be done again. `read_exact` does \
         that, `read` doesn't.",
    );
    let body = small(5);
    for stream in [frame(&body), large_frame(&body)] {
        let cases = (0..stream.len()).map(|cut| {
            let (head, tail) = stream.split_at(cut);
            let mut pieces = vec![bytes(head)];
            pieces.extend((0..50).map(|_| Piece::Interrupt));
            pieces.extend([bytes(tail), Piece::Interrupt]);
            (pieces, 100)
        });
        for (cut, taken) in recv_frame(&cases.collect(), &0).iter().enumerate() {
            assert_eq!(
                taken.frames,
                [Ok(Some(body.clone())), Ok(None)],
                "a frame of {} bytes whose read is interrupted fifty times after {cut} of them",
                stream.len()
            );
        }
    }
    let shape = Shape {
        has_large: true,
        is_interrupted: true,
        ..Shape::default()
    };
    expect_of_long(shape, ", where reads were interrupted");
}

pub fn an_error_of_the_stream_comes_through() {
    explain(
        PIECES,
        "An error of the stream is not its end: return it to the caller as it is.",
    );
    let stream = large_frame(&small(5));
    for failure in Failure::ALL {
        let cases = (0..stream.len()).map(|cut| {
            let (head, tail) = stream.split_at(cut);
            (vec![bytes(head), Piece::Fail(failure), bytes(tail)], 100)
        });
        for (cut, taken) in recv_frame(&cases.collect(), &0).iter().enumerate() {
            assert_eq!(
                taken.frames.first(),
                Some(&Err(failure.told())),
                "a read that fails with {failure:?} after {cut} bytes of a frame"
            );
        }
    }
}

pub fn random_bytes_are_no_trouble() {
    explain(
        LIMIT,
        "Whatever bytes arrive, the result is a frame, the end or an error: no panic, and nothing that the format doesn't say.",
    );
    if let Some((stream, taken)) = recv_random(&random().u64(..), &3000).into_inner() {
        assert_eq!(
            taken.frames,
            decode(&stream, 64, 0),
            "what comes out of the bytes {}, with a limit of 64",
            hex(&stream)
        );
    }
}
