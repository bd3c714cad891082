//! Wrong: puts a length of eight bytes before each request and answer, as no `Connection` does
//! Changes: worker
//! Fails: worker::an_answer_is_a_frame
//! Section: ipc/exercise.md#step-2-a-worker

use crate::framing;
use os::process::{self, Child, ParentOnly};
use std::io::{self, PipeReader, PipeWriter, Read, Write};

fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    stream.write_all(&(body.len() as u64).to_ne_bytes())?;
    stream.write_all(body)
}

fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 8];
    // The end of the stream, before a frame or inside its header.
    if stream.read(&mut header[..1])? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut header[1..])?;
    let len = u64::from_ne_bytes(header);
    let known = framing::header(len);
    framing::recv_frame(&mut known.as_slice().chain(stream), limit)
}
