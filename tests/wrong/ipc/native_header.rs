//! Wrong: writes the length in the processor's own byte order
//! Changes: framing
//! Fails: framing::the_header_is_the_length_in_network_byte_order
//! Section: ipc/exercise.md#the-format

pub fn header(len: u64) -> Vec<u8> {
    match i32::try_from(len) {
        Ok(len) => len.to_ne_bytes().to_vec(),
        Err(_) => [&(-1i32).to_be_bytes()[..], &len.to_be_bytes()].concat(),
    }
}
