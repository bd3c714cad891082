//! Wrong: copies what the stream didn't take of a long body
//! Changes: framing
//! Fails: framing::a_large_body_is_not_copied
//! Section: ipc/exercise.md#one-write-or-two

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    if body.len() <= JOINED {
        header.extend_from_slice(body);
        return stream.write_all(&header);
    }
    let parts = [io::IoSlice::new(&header), io::IoSlice::new(body)];
    let taken = loop {
        match stream.write_vectored(&parts) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if taken == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    if taken == header.len() + body.len() {
        return Ok(());
    }
    let rest = [&header[..], body].concat();
    stream.write_all(&rest[taken..])
}
