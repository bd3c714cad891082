//! The reference ring of the chapter on IPC, and copies of it in which one ordering is too weak, over loom's atomics.
#![allow(dead_code, missing_docs, clippy::pedantic)]

use os::memory::Mapping;
use std::io;

pub mod ring {
    include!(concat!(env!("OUT_DIR"), "/ring.rs"));
}

pub type Send = fn(&Mapping, &[u8]) -> io::Result<bool>;
pub type Recv = fn(&Mapping) -> io::Result<Option<Vec<u8>>>;

include!(concat!(env!("OUT_DIR"), "/weakened.rs"));
