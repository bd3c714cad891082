//! Learner code that takes the connection to its judge from the harness, in safe Rust, and says or withholds what it likes.
//!
//! No sandbox prevents it: the connection is in its own process. What the judge sees from outside holds all the same, and each
//! of these ends in bounded time.
#![forbid(unsafe_code)]

#[path = "hole.rs"]
mod hole;

use hole::{connection, descriptor, frame};
use std::{io::Write, os::fd::OwnedFd, time::Duration};

checks::subject! {
    for ();

    fn counts_its_threads(_nobody, forge: bool) -> u64 {
        if forge {
            connection().write_all(&frame(br#"{"Returned":8}"#)).unwrap();
            std::process::exit(0);
        }
        1
    }

    fn answers_byte_by_byte(_nobody) -> u64 {
        let mut judge = connection();
        judge.write_all(&1000u32.to_be_bytes()).unwrap();
        loop {
            judge.write_all(b" ").unwrap();
            pause();
        }
    }

    fn stops_within_a_length(_nobody) -> u64 {
        let mut judge = connection();
        judge.write_all(&[0, 0]).unwrap();
        loop { pause(); }
    }

    fn announces_more_than_there_is_memory(_nobody) -> u64 {
        let mut judge = connection();
        judge.write_all(&u32::MAX.to_be_bytes()).unwrap();
        loop { pause(); }
    }

    fn reports_progress_without_end(_nobody) -> u64 {
        let mut judge = connection();
        let frame = frame(br#"{"Progress":"nearly done"}"#);
        loop { judge.write_all(&frame).unwrap(); }
    }

    fn closes_the_connection(_nobody) -> u64 {
        drop(connection());
        loop { pause(); }
    }

    fn closes_every_descriptor(_nobody) -> u64 {
        let is_open = |number: &i32| std::fs::exists(format!("/proc/self/fd/{number}")).unwrap_or(false);
        for number in (0..64).filter(is_open) { drop(descriptor(number)); }
        loop { pause(); }
    }

    fn leaves_the_connection_to_a_child(_nobody) -> u64 {
        let judge = OwnedFd::from(connection());
        let _child = std::process::Command::new("sleep").arg("60").stdin(judge).spawn().unwrap();
        std::process::exit(7)
    }

    fn takes_no_message(_nobody) -> u64 { loop { pause(); } }

    fn stops_itself(_nobody) -> u64 {
        let stop = std::process::Command::new("sh").args(["-c", "kill -STOP $PPID"]).status();
        u64::from(stop.is_ok())
    }
}

pub const TESTS: &[checks::Test] = checks::tests![
    honest_count,
    forged_count,
    byte_by_byte,
    half_a_length,
    too_long,
    endless_progress,
    closed,
    all_closed,
    left_to_a_child,
    untaken,
    stopped,
];

fn honest_count() {
    assert_eq!(counts_its_threads(&false), 8);
}

fn forged_count() {
    assert_eq!(counts_its_threads(&true), 8);
}

fn byte_by_byte() {
    let _ = answers_byte_by_byte();
}

fn half_a_length() {
    let _ = stops_within_a_length();
}

fn too_long() {
    let _ = announces_more_than_there_is_memory();
}

fn endless_progress() {
    let _ = reports_progress_without_end();
}

fn closed() {
    let _ = closes_the_connection();
}

fn all_closed() {
    let _ = closes_every_descriptor();
}

fn left_to_a_child() {
    let _ = leaves_the_connection_to_a_child();
}

fn untaken() {
    let mut call = takes_no_message::start();
    // More than a socket holds.
    call.send(&"x".repeat(8 << 20));
    let _ = call.finish();
}

fn stopped() {
    let _ = stops_itself();
}

fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}
