//! Wrong: sends the descriptor before the request
//! Changes: descriptor
//! Fails: descriptor::the_peer_gets_the_request_and_the_file
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    retry(|| send_with_descriptor(socket, &[1], file))?;
    send_frame(socket, request)?;
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
