//! Wrong: tries again when the socket's deadline is over, as after a signal
//! Changes: descriptor
//! Fails: descriptor::an_error_of_the_socket_comes_through
//! Section: ipc/exercise.md#step-3-an-open-file

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                ) => {}
            result => return result,
        }
    }
}
