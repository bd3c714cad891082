//! Headers, and frames that are sent.

use super::streams::{Failure, Script, Take};
use super::{Sent, frame, header, hex, send_frame, send_long};
use crate::pattern;
use checks::{explain, random};

const FORMAT: &str = "ipc/exercise.md#the-format";

pub fn the_header_is_the_length_in_network_byte_order() {
    explain(
        FORMAT,
        "The length is four bytes, the most significant first: network byte order, whatever the processor's own is.",
    );
    let mut lens = vec![5, 0, 1, 255, 256, 16_384, 70_000, 0x7fff_fffe, 0x7fff_ffff];
    lens.push(random().u64(0x1_0000..0x7fff_ffff));
    for (len, header) in lens.iter().zip(header(&lens)) {
        let expected = i32::try_from(*len).expect("a short length").to_be_bytes();
        assert_eq!(
            hex(&header),
            hex(&expected),
            "the header of a body of {len} bytes, in hexadecimal"
        );
    }
}

pub fn a_longer_body_has_the_large_form() {
    explain(
        FORMAT,
        "More than 2³¹ − 1 doesn't fit into the four bytes: they hold −1 then, and eight bytes with the length follow.",
    );
    let mut lens = vec![0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 1 << 40, u64::MAX];
    lens.push(random().u64(1 << 33..1 << 62));
    for (len, header) in lens.iter().zip(header(&lens)) {
        let expected = [&[0xff; 4], &len.to_be_bytes()[..]].concat();
        assert_eq!(
            hex(&header),
            hex(&expected),
            "the header of a body of {len} bytes, in hexadecimal"
        );
    }
}

fn bodies() -> Vec<Vec<u8>> {
    let seed = random().u64(..);
    [5, 0, 1, 300, 70_000].map(|len| pattern(seed, len)).into()
}

fn assert_sent(body: &[u8], sent: &Sent, how: &str) {
    assert_eq!(
        sent.result,
        Ok(()),
        "sending a body of {} bytes{how}",
        body.len()
    );
    let expected = frame(body);
    let differs = expected
        .iter()
        .zip(&sent.bytes)
        .position(|(yours, theirs)| yours != theirs);
    if let Some(at) = differs {
        let show = |bytes: &[u8]| hex(&bytes[at..bytes.len().min(at + 8)]);
        assert_eq!(
            show(&sent.bytes),
            show(&expected),
            "a frame with a body of {} bytes{how}, from its byte {at} on",
            body.len()
        );
    }
    assert_eq!(
        sent.bytes.len(),
        expected.len(),
        "the bytes written for a body of {} bytes{how}",
        body.len()
    );
}

pub fn a_frame_is_a_header_and_a_body() {
    explain(
        FORMAT,
        "Write the header, then the bytes of the body, and nothing else.",
    );
    let bodies = bodies();
    let cases = bodies.iter().map(|body| (body.clone(), Script::new()));
    for (body, sent) in bodies.iter().zip(send_frame(&cases.collect())) {
        assert_sent(body, &sent, "");
    }
}

pub fn a_write_may_take_a_part() {
    explain(
        "ipc/exercise.md#write-until-it-is-all-gone",
        "A write returns how many bytes it took, which may be fewer than it was given: the rest has to be written again. \
         `write_all` does that.",
    );
    let mut random = random();
    let mut cases: Vec<(Vec<u8>, Script)> = Vec::new();
    for body in bodies() {
        cases.push((body.clone(), vec![Take::Part(1); 400]));
        cases.push((body.clone(), vec![Take::Part(3), Take::Part(2)]));
        let parts = (0..50).map(|_| Take::Part(random.usize(1..2000)));
        cases.push((body, parts.collect()));
    }
    for ((body, script), sent) in cases.iter().zip(send_frame(&cases)) {
        let how = format!(" where the first writes take {:?}", &script[..2]);
        assert_sent(body, &sent, &how);
    }
}

pub fn an_interrupted_write_is_tried_again() {
    explain(
        "ipc/exercise.md#write-until-it-is-all-gone",
        "A signal that arrives during a write interrupts it: nothing is wrong, and the write has to be done again. `write_all` \
         does that.",
    );
    let interrupts = [
        vec![Take::Interrupt],
        vec![Take::Interrupt; 50],
        vec![
            Take::Part(2),
            Take::Interrupt,
            Take::Part(3),
            Take::Interrupt,
        ],
        vec![Take::Part(4), Take::Interrupt],
    ];
    let mut random = random();
    let mut cases = Vec::new();
    for body in bodies() {
        cases.extend(
            interrupts
                .iter()
                .map(|script| (body.clone(), script.clone())),
        );
        // A part now and then, so that the bytes that went out before an interruption are not the first ones.
        let mixed = (0..80).map(|_| match random.bool() {
            true => Take::Interrupt,
            false => Take::Part(random.usize(1..3000)),
        });
        cases.push((body, mixed.collect()));
    }
    for ((body, script), sent) in cases.iter().zip(send_frame(&cases)) {
        let how = format!(
            " where the first writes do {:?}",
            &script[..script.len().min(4)]
        );
        assert_sent(body, &sent, &how);
    }
}

pub fn a_failing_write_is_an_error() {
    explain(
        "ipc/exercise.md#write-until-it-is-all-gone",
        "Return an error of the stream to the caller as it is. A stream that takes no more bytes is an error too: \
         `WriteZero`.",
    );
    // What a stream takes before it fails, or before it takes nothing more.
    let before = [
        vec![],
        vec![Take::Part(3)],
        vec![Take::Part(4)],
        vec![Take::Part(4), Take::Part(3)],
        vec![
            Take::Part(7),
            Take::Interrupt,
            Take::Part(random().usize(1..50)),
        ],
    ];
    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for len in [60, 70_000] {
        for before in &before {
            for failure in Failure::ALL {
                let script = [before.as_slice(), &[Take::Fail(failure)]].concat();
                cases.push((pattern(2, len), script));
                expected.push(failure.told());
            }
            let script = [before.as_slice(), &[Take::Nothing; 50]].concat();
            cases.push((pattern(2, len), script));
            expected.push("WriteZero".to_owned());
        }
    }
    for (((body, script), told), sent) in cases.iter().zip(expected).zip(send_frame(&cases)) {
        let shown = &script[..script.len().min(4)];
        assert_eq!(
            sent.result,
            Err(told),
            "sending {} bytes over a stream whose writes do {shown:?}",
            body.len()
        );
    }
}

pub fn a_small_body_goes_with_its_header_in_one_write() {
    explain(
        "ipc/exercise.md#one-write-or-two",
        "A header that is written alone wakes the peer for four bytes, and over a network the body may wait for an \
         acknowledgement: put both into one buffer and write that.",
    );
    let lens = [0, 1, 100, 4096, 16_383, 16_384];
    let whole = lens.map(|len| (len, Script::new()));
    let interrupted = lens.map(|len| (len, vec![Take::Interrupt; 2]));
    let cases = [whole, interrupted].concat();
    for ((len, script), sent) in cases.iter().zip(send_long(&cases)) {
        let how = match script.len() {
            0 => "",
            _ => ", the first two of which were interrupted and aren't counted",
        };
        assert_eq!(
            *sent.writes,
            [len + 4],
            "the bytes of each write, for a body of {len} bytes{how}"
        );
    }
}

pub fn a_large_body_is_not_copied() {
    explain(
        "ipc/exercise.md#one-write-or-two",
        "Beyond 16 KiB copying the body behind its header costs more than a second write: write it from where it is.",
    );
    let parts = vec![
        Take::Part(4),
        Take::Part(1000),
        Take::Interrupt,
        Take::Part(3),
    ];
    let cases = vec![
        (16_385, Script::new()),
        (100_000, Script::new()),
        (1 << 24, Script::new()),
        (16_385, parts.clone()),
        (100_000, parts),
    ];
    for ((len, script), sent) in cases.iter().zip(send_long(&cases)) {
        let how = match script.len() {
            0 => "",
            _ => " by a stream that takes parts at first",
        };
        assert_eq!(
            sent.in_place, *len,
            "of a body of {len} bytes, those that were taken from where they are{how}"
        );
    }
}
