//! Wrong: takes the four bytes for an unsigned number, so that the large form comes too late
//! Changes: framing
//! Fails: framing::a_longer_body_has_the_large_form
//! Section: ipc/exercise.md#the-format

pub fn header(len: u64) -> Vec<u8> {
    match u32::try_from(len) {
        Ok(len) => len.to_be_bytes().to_vec(),
        Err(_) => [&(-1i32).to_be_bytes()[..], &len.to_be_bytes()].concat(),
    }
}
