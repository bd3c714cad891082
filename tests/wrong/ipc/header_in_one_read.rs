//! Wrong: takes one read for the whole header
//! Changes: framing
//! Fails: framing::a_frame_may_come_in_any_pieces
//! Section: ipc/exercise.md#read-until-it-is-all-there

pub fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; 4];
    loop {
        match stream.read(&mut first) {
            Ok(0) => return Ok(None),
            Ok(4) => break,
            Ok(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let len = match i32::from_be_bytes(first) {
        -1 => {
            let mut large = [0; 8];
            stream.read_exact(&mut large)?;
            u64::from_be_bytes(large)
        }
        small => u64::try_from(small).map_err(|_| invalid(format!("a frame of {small} bytes")))?,
    };
    let len = usize::try_from(len)
        .ok()
        .filter(|len| *len <= limit)
        .ok_or_else(|| invalid(format!("a frame of {len} bytes; the limit is {limit}")))?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}
