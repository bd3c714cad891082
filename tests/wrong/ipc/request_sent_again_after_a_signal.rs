//! Wrong: sends the request again when only the descriptor was not sent
//! Changes: descriptor
//! Fails: descriptor::an_interrupted_call_is_tried_again
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    retry(|| {
        send_frame(socket, request)?;
        send_with_descriptor(socket, &[1], file)
    })?;
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
