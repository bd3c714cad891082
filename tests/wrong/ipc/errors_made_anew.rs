//! Wrong: makes a new error of the same kind of each that the stream returns
//! Changes: framing
//! Fails: framing::an_error_of_the_stream_comes_through
//! Section: ipc/exercise.md#read-until-it-is-all-there

pub fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; 1];
    loop {
        match stream.read(&mut first) {
            Ok(0) => return Ok(None), // between two frames: the peer is done
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.kind().into()),
        }
    }
    // From here on the frame has begun: an end of the stream is an error, and `read_exact` says so.
    let mut rest = [0; 3];
    stream
        .read_exact(&mut rest)
        .map_err(|error| io::Error::from(error.kind()))?;
    let len = match i32::from_be_bytes([first[0], rest[0], rest[1], rest[2]]) {
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
    stream
        .read_exact(&mut body)
        .map_err(|error| io::Error::from(error.kind()))?;
    Ok(Some(body))
}
