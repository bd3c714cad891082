//! The reference ring is right in every execution, and wrong in one as soon as any of its orderings is weaker.

use ipc_loom::{Recv, Send, WEAKENED, ring};
use loom::sync::Arc;
use os::memory::Mapping;
use ring::{DATA, Ring};

/// One side sends these through a ring of so many words; the other receives them.
fn exchange(words: usize, messages: &'static [&'static [u8]], send: Send, recv: Recv) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let memory = Arc::new(Mapping::new(DATA + words));
        let theirs = memory.clone();
        let producer = loom::thread::spawn(move || {
            for message in messages {
                while !send(&theirs, message).expect("it fits") {
                    loom::thread::yield_now();
                }
            }
        });
        for expected in messages {
            let message = loop {
                match recv(&memory).expect("the ring makes sense") {
                    Some(message) => break message,
                    None => loom::thread::yield_now(),
                }
            };
            assert_eq!(message, *expected);
        }
        producer.join().expect("it ends");
    });
}

/// Through a ring that holds one of them at a time, so that each place is used again.
fn all(send: Send, recv: Recv) {
    exchange(2, &[&[1; 8], &[2; 8], &[3; 8]], send, recv);
    exchange(3, &[&[1; 9], &[2; 3]], send, recv);
}

#[test]
fn the_reference_is_right_in_every_execution() {
    all(
        |memory, message| Ring::new(memory).try_send(message),
        |memory| Ring::new(memory).try_recv(),
    );
}

#[test]
fn every_ordering_is_needed() {
    assert!(
        WEAKENED.len() >= 4,
        "two to publish, two to give back: {}",
        WEAKENED.len()
    );
    for (name, send, recv) in WEAKENED {
        let (send, recv) = (*send, *recv);
        let found = std::panic::catch_unwind(|| all(send, recv)).is_err();
        assert!(found, "loom finds nothing wrong when {name} is `Relaxed`");
    }
}
