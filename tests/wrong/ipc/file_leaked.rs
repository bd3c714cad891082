//! Wrong: forgets the descriptor that it has sent
//! Changes: descriptor
//! Fails: descriptor::the_file_stays_the_callers
//! Section: ipc/exercise.md#the-same-open-file

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    std::mem::forget(file.try_clone_to_owned()?);
    retry(|| send_with_descriptor(socket, &[1], file))?;
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
