//! Wrong: gives up at a signal while it writes
//! Changes: framing
//! Fails: framing::an_interrupted_write_is_tried_again
//! Section: ipc/exercise.md#write-until-it-is-all-gone

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    if body.len() <= JOINED {
        header.extend_from_slice(body);
        return write_whole(stream, &header);
    }
    write_whole(stream, &header)?;
    write_whole(stream, body)
}

fn write_whole(stream: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => bytes = &bytes[count..],
        }
    }
    Ok(())
}
