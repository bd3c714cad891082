//! Wrong: writes again and again to a stream that takes nothing
//! Changes: framing
//! Fails: framing::a_failing_write_is_an_error
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
    let mut nothing = 0;
    while !bytes.is_empty() && nothing < 10 {
        match stream.write(bytes) {
            Ok(0) => nothing += 1,
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
