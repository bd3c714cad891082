//! Wrong: copies every body behind its header
//! Changes: framing
//! Fails: framing::a_large_body_is_not_copied
//! Section: ipc/exercise.md#one-write-or-two

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    header.extend_from_slice(body);
    stream.write_all(&header)
}
