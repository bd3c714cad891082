//! Wrong: rewinds the file before it sends it
//! Changes: descriptor
//! Fails: descriptor::both_share_one_position_in_the_file
//! Section: ipc/exercise.md#the-same-open-file

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    io::Seek::rewind(&mut File::from(file.try_clone_to_owned()?))?;
    send_frame(socket, request)?;
    retry(|| send_with_descriptor(socket, &[1], file))?;
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
