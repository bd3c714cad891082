//! Wrong: accepts requests of any length
//! Changes: descriptor
//! Fails: descriptor::requests_and_answers_have_a_limit
//! Section: ipc/exercise.md#do-not-trust-a-length

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    while let Some(request) = recv_frame(socket, usize::MAX)? {
        let file = File::from(recv_descriptor(socket)?);
        send_frame(socket, &answer(&request, file))?;
    }
    Ok(())
}
