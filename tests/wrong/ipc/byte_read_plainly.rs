//! Wrong: reads the byte with a plain read, and asks for the descriptor after it
//! Changes: descriptor
//! Fails: descriptor::requests_may_be_empty_or_long
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

fn recv_descriptor(mut socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    if io::Read::read(&mut socket, &mut byte)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    match retry(|| recv_with_descriptor(socket, &mut [0]))? {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, Some(descriptor)) if byte == [1] => Ok(descriptor),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
