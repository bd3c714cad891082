//! Wrong: begins a long body anew when a write of it is interrupted
//! Changes: framing
//! Fails: framing::an_interrupted_write_is_tried_again
//! Section: ipc/exercise.md#write-until-it-is-all-gone

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    if body.len() <= JOINED {
        header.extend_from_slice(body);
        return stream.write_all(&header);
    }
    stream.write_all(&header)?;
    let mut sent = 0;
    while sent < body.len() {
        match stream.write(&body[sent..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => sent = 0,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
