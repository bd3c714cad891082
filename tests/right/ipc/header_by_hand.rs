//! Right: shifts the bytes of the header by hand
//! Changes: framing

pub fn header(len: u64) -> Vec<u8> {
    let bytes = |count: u32| (0..count).rev().map(move |at| (len >> (8 * at)) as u8);
    if len < 1 << 31 {
        return bytes(4).collect();
    }
    [255; 4].into_iter().chain(bytes(8)).collect()
}
