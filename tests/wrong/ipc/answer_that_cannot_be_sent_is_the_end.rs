//! Wrong: takes a failure to send the answer for the end of the conversation
//! Changes: descriptor
//! Fails: descriptor::an_error_of_the_socket_comes_through
//! Section: ipc/exercise.md#step-3-an-open-file

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    while let Some(request) = recv_frame(socket, LIMIT)? {
        let file = File::from(recv_descriptor(socket)?);
        if send_frame(socket, &answer(&request, file)).is_err() {
            return Ok(()); // the client is gone
        }
    }
    Ok(())
}
