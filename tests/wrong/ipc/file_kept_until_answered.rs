//! Wrong: keeps a copy of the descriptor until the answer is sent
//! Changes: descriptor
//! Fails: descriptor::a_file_is_closed_when_it_was_used
//! Section: ipc/exercise.md#the-same-open-file

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    while let Some(request) = recv_frame(socket, LIMIT)? {
        let file = File::from(recv_descriptor(socket)?);
        let _ours = file.try_clone()?;
        send_frame(socket, &answer(&request, file))?;
    }
    Ok(())
}
