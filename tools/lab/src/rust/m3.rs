//! M3 in Rust: hand one object to a thread and to a process, from 64 bytes to 16 MiB. Is it the same? What does size cost?

use super::{Round, micros, report};
use crate::sys::{self, fork, pin};
use serde_json::json;
use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::thread;

const SIZES: [usize; 4] = [64, 64 << 10, 1 << 20, 16 << 20];
/// What is measured, and the number of the size. 64 B twice: how far may two equal things lie apart?
const BY_THREAD: [(&str, usize); 5] = [
    ("thread_64_b", 0),
    ("thread_64_kib", 1),
    ("thread_1_mib", 2),
    ("thread_16_mib", 3),
    ("thread_64_b_again", 0),
];
const BY_PROCESS: [(&str, usize); 4] = [
    ("process_64_b", 0),
    ("process_64_kib", 1),
    ("process_1_mib", 2),
    ("process_16_mib", 3),
];
const HAND_OVERS: usize = 20; // per sample for a thread: a single one is too short to time well

/// Runs the experiment.
pub fn run(rounds: usize) -> io::Result<()> {
    let cpus = sys::cpus();
    let (mut requests, mut request) = io::pipe()?;
    let (mut answers, mut answer) = io::pipe()?;
    let _child = fork(|| {
        pin(&cpus, 1);
        let mut length = [0; 8];
        while requests.read_exact(&mut length).is_ok() {
            let mut object = vec![0; usize::from_le_bytes(length)];
            requests.read_exact(&mut object)?;
            object[0] = 1;
            answer.write_all(b"!")?;
            drop(object); // now, not while the next hand-over is timed
            answer.write_all(b".")?;
        }
        Ok(())
    })?; // before there is a second thread

    let (to_thread, requests) = mpsc::channel::<Vec<u8>>();
    let (back, from_thread) = mpsc::channel();
    let other = cpus.clone();
    thread::spawn(move || {
        pin(&other, 1);
        for mut object in requests {
            object[0] = 1;
            if back.send(object).is_err() {
                break;
            }
        }
    });
    pin(&cpus, 0);

    let hand_over = |object: &mut Vec<u8>| {
        let gone = || io::Error::other("the thread is gone");
        for _ in 0..HAND_OVERS {
            to_thread.send(std::mem::take(object)).map_err(|_| gone())?;
            *object = from_thread.recv().map_err(|_| gone())?;
        }
        Ok(())
    };
    let by_thread = |object: &mut Vec<u8>| {
        object[0] = 0;
        let before = object.as_ptr();
        hand_over(object)?; // whatever ran before, both threads and both CPUs are at it again
        let time = micros(|| hand_over(object))? / HAND_OVERS as f64;
        io::Result::Ok((time, object.as_ptr() == before, object[0] == 1))
    };
    let mut ask = |object: &mut [u8]| {
        let time = micros(|| {
            request.write_all(&object.len().to_le_bytes())?;
            request.write_all(object)?;
            answers.read_exact(&mut [0])
        })?;
        answers.read_exact(&mut [0])?;
        io::Result::Ok(time)
    };
    let mut by_process = |object: &mut [u8]| {
        object[0] = 0;
        ask(object)?; // as above
        io::Result::Ok((ask(object)?, object[0] == 1))
    };

    let mut objects = SIZES.map(|size| vec![0; size]);
    let given = json!({
        "sizes": SIZES.len(),
        "largest_bytes": SIZES[3],
        "hand_overs_per_sample": HAND_OVERS,
    });
    report(rounds, 3, &given, |number| {
        let mut round = Round::new();
        let (mut same, mut seen, mut copies) = (0, 0, 0);
        for (name, size) in turned(BY_THREAD, number) {
            let (time, is_same, shows) = by_thread(&mut objects[size])?;
            round.insert(name, Some(time));
            if name != "thread_64_b_again" {
                same += u8::from(is_same);
                seen += u8::from(shows);
            }
        }
        for (name, size) in turned(BY_PROCESS, number) {
            let (time, shows) = by_process(&mut objects[size])?;
            round.insert(name, Some(time));
            copies += u8::from(shows);
        }
        round.insert("thread_same_object", Some(same.into()));
        round.insert("thread_write_seen", Some(seen.into()));
        round.insert("process_write_seen", Some(copies.into()));
        Ok(round)
    })
}

/// The things, each round beginning with another one: to be first is no advantage then, and no disadvantage.
fn turned<T, const N: usize>(mut things: [T; N], number: usize) -> [T; N] {
    things.rotate_left(number % N);
    things
}
