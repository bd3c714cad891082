//! Wrong: announces the length of the whole frame
//! Changes: framing
//! Fails: framing::a_frame_is_a_header_and_a_body
//! Section: ipc/exercise.md#the-format

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64 + 4);
    if body.len() <= JOINED {
        header.extend_from_slice(body);
        return stream.write_all(&header);
    }
    stream.write_all(&header)?;
    stream.write_all(body)
}
