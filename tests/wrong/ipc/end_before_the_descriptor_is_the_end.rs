//! Wrong: takes the end after a request for the end of all requests
//! Changes: descriptor
//! Fails: descriptor::the_end_before_the_descriptor_is_an_error
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    while let Some(request) = recv_frame(socket, LIMIT)? {
        let file = match recv_descriptor(socket) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            descriptor => File::from(descriptor?),
        };
        send_frame(socket, &answer(&request, file))?;
    }
    Ok(())
}
