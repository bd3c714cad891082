//! Right: checks the byte after the descriptor, in steps
//! Changes: descriptor

fn recv_descriptor(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    // A plain read would take the byte and let the kernel close the descriptor.
    match retry(|| recv_with_descriptor(socket, &mut byte))? {
        (0, None) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, None) => Err(io::ErrorKind::InvalidData.into()),
        (_, Some(_)) if byte != [1] => Err(io::ErrorKind::InvalidData.into()),
        (_, Some(descriptor)) => Ok(descriptor),
    }
}
