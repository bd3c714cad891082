//! Wrong: sends an answer to a request that it refuses
//! Changes: descriptor
//! Fails: descriptor::a_byte_without_a_descriptor_is_an_error
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    while let Some(request) = recv_frame(socket, LIMIT)? {
        let file = match recv_descriptor(socket) {
            Ok(descriptor) => File::from(descriptor),
            Err(error) => {
                let _ = send_frame(socket, error.to_string().as_bytes());
                return Err(error);
            }
        };
        send_frame(socket, &answer(&request, file))?;
    }
    Ok(())
}
