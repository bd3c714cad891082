//! Wrong: panics when no descriptor comes
//! Changes: descriptor
//! Fails: descriptor::a_byte_without_a_descriptor_is_an_error
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

fn recv_descriptor(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    // A plain read would take the byte and let the kernel close the descriptor.
    match retry(|| recv_with_descriptor(socket, &mut byte))? {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, descriptor) if byte == [1] => Ok(descriptor.expect("a descriptor comes along")),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
