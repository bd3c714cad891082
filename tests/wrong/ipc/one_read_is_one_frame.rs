//! Wrong: takes one read for one frame
//! Changes: framing
//! Fails: framing::a_frame_is_received
//! Section: ipc/exercise.md#the-format

pub fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; limit.min(1 << 24) + 12];
    let count = stream.read(&mut buffer)?;
    if count == 0 {
        return Ok(None);
    }
    if count < 4 {
        return Err(invalid(format!("a header of {count} bytes")));
    }
    buffer.truncate(count);
    Ok(Some(buffer.split_off(4)))
}
