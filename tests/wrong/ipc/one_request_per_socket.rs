//! Wrong: serves one request
//! Changes: descriptor
//! Fails: descriptor::many_requests_over_one_socket
//! Section: ipc/exercise.md#step-3-an-open-file

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    if let Some(request) = recv_frame(socket, LIMIT)? {
        let file = File::from(recv_descriptor(socket)?);
        send_frame(socket, &answer(&request, file))?;
    }
    Ok(())
}
