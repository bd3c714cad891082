//! Wrong: writes a long length as eight bytes, without the -1 before it
//! Changes: framing
//! Fails: framing::a_longer_body_has_the_large_form
//! Section: ipc/exercise.md#the-format

pub fn header(len: u64) -> Vec<u8> {
    match i32::try_from(len) {
        Ok(len) => len.to_be_bytes().to_vec(),
        Err(_) => len.to_be_bytes().to_vec(),
    }
}
