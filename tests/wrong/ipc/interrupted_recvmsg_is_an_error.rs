//! Wrong: gives up at a signal while it receives the descriptor
//! Changes: descriptor
//! Fails: descriptor::an_interrupted_call_is_tried_again
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    while let Err(error) = send_with_descriptor(socket, &[1], file) {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn recv_descriptor(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    // A plain read would take the byte and let the kernel close the descriptor.
    match recv_with_descriptor(socket, &mut byte)? {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, Some(descriptor)) if byte == [1] => Ok(descriptor),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
