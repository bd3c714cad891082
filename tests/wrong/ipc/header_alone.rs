//! Wrong: writes the header first, also before a short body
//! Changes: framing
//! Fails: framing::a_small_body_goes_with_its_header_in_one_write
//! Section: ipc/exercise.md#one-write-or-two

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    if body.is_empty() {
        header.extend_from_slice(body);
        return stream.write_all(&header);
    }
    stream.write_all(&header)?;
    stream.write_all(body)
}
