//! The hole in safe Rust by which learner code gets hold of a descriptor that is the harness's. The grader's hostile submissions
//! include this text.

use std::os::{fd::OwnedFd, unix::net::UnixStream};

/// A message as the harness sends it.
pub fn frame(json: &[u8]) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap();
    [&length.to_be_bytes(), json].concat()
}

/// The harness's connection to its judge.
pub fn connection() -> UnixStream {
    let is_socket = |number: &i32| {
        let target = std::fs::read_link(format!("/proc/self/fd/{number}"));
        target.is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    descriptor((3..64).find(is_socket).expect("the harness has one")).into()
}

pub fn descriptor(number: i32) -> OwnedFd {
    transmute(number)
}

/// `std::mem::transmute` in safe Rust, by rust-lang/rust#25860, as the crate `cve-rs` does it.
fn transmute<A, B>(value: A) -> B {
    enum Either<A, B> {
        A(#[expect(dead_code)] Option<Box<A>>),
        B(Option<Box<B>>),
    }
    fn through<A, B>(either: &mut Either<A, B>, value: A) -> B {
        let Either::B(slot) = either else {
            unreachable!()
        };
        let slot = extend(slot);
        *either = Either::A(Some(Box::new(value)));
        std::hint::black_box(either);
        *slot.take().unwrap()
    }
    through(std::hint::black_box(&mut Either::B(None)), value)
}

/// Gives a reference any lifetime.
fn extend<'a, 'b, T>(short: &'a mut T) -> &'b mut T {
    static UNIT: &&() = &&();
    fn translate<'a, 'b, T>(_: &'a &'b (), value: &'b mut T) -> &'a mut T {
        value
    }
    let unsound: for<'x> fn(_, &'x mut T) -> &'b mut T = translate;
    unsound(UNIT, short)
}
