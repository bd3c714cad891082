//! Wrong: has room for more than one byte when it receives the descriptor
//! Changes: descriptor
//! Fails: descriptor::many_requests_over_one_socket
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

fn recv_descriptor(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut bytes = [0; 8];
    // A plain read would take the byte and let the kernel close the descriptor.
    match retry(|| recv_with_descriptor(socket, &mut bytes))? {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, Some(descriptor)) if bytes[0] == 1 => Ok(descriptor),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
