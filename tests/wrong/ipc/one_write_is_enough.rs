//! Wrong: takes one write for all of it
//! Changes: framing
//! Fails: framing::a_write_may_take_a_part
//! Section: ipc/exercise.md#write-until-it-is-all-gone

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    if body.len() <= JOINED {
        header.extend_from_slice(body);
        return stream.write(&header).map(|_| ());
    }
    stream.write(&header)?;
    stream.write(body).map(|_| ())
}
