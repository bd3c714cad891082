//! Right: writes header and body with one vectored write
//! Changes: framing

pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let header = header(body.len() as u64);
    let mut sent = 0;
    while sent < header.len() + body.len() {
        let head = &header[sent.min(header.len())..];
        let rest = &body[sent.saturating_sub(header.len())..];
        let parts = [io::IoSlice::new(head), io::IoSlice::new(rest)];
        match stream.write_vectored(&parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
