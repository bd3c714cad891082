//! Wrong: returns an empty answer when the peer closes the socket
//! Changes: descriptor
//! Fails: descriptor::a_peer_that_does_not_answer_is_an_error
//! Section: ipc/exercise.md#step-3-an-open-file

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    retry(|| send_with_descriptor(socket, &[1], file))?;
    Ok(recv_frame(socket, LIMIT)?.unwrap_or_default())
}
