//! Wrong: writes every length as eight bytes
//! Changes: framing
//! Fails: framing::the_header_is_the_length_in_network_byte_order
//! Section: ipc/exercise.md#the-format

pub fn header(len: u64) -> Vec<u8> {
    len.to_be_bytes().to_vec()
}
