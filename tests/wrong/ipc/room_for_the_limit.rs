//! Wrong: makes room for as many bytes as the limit allows, and then looks whether that is enough
//! Changes: framing
//! Fails: framing::a_length_over_the_limit_allocates_nothing
//! Section: ipc/exercise.md#do-not-trust-a-length

pub fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; 1];
    loop {
        match stream.read(&mut first) {
            Ok(0) => return Ok(None), // between two frames: the peer is done
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // From here on the frame has begun: an end of the stream is an error, and `read_exact` says so.
    let mut rest = [0; 3];
    stream.read_exact(&mut rest)?;
    let len = match i32::from_be_bytes([first[0], rest[0], rest[1], rest[2]]) {
        -1 => {
            let mut large = [0; 8];
            stream.read_exact(&mut large)?;
            u64::from_be_bytes(large)
        }
        small => u64::try_from(small).map_err(|_| invalid(format!("a frame of {small} bytes")))?,
    };
    let mut body = vec![0; usize::try_from(len).unwrap_or(limit).min(limit)];
    if body.len() as u64 != len {
        return Err(invalid(format!(
            "a frame of {len} bytes; the limit is {limit}"
        )));
    }
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}
