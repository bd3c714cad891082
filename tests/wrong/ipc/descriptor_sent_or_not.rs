//! Wrong: ignores whether the descriptor could be sent
//! Changes: descriptor
//! Fails: descriptor::an_error_of_the_socket_comes_through
//! Section: ipc/exercise.md#step-3-an-open-file

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    retry(|| send_with_descriptor(socket, &[1], file)).ok();
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
