//! Wrong: doesn't look at the byte
//! Changes: descriptor
//! Fails: descriptor::another_byte_is_an_error
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

fn recv_descriptor(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    // A plain read would take the byte and let the kernel close the descriptor.
    match retry(|| recv_with_descriptor(socket, &mut byte))? {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, Some(descriptor)) => Ok(descriptor),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
