//! Right: reads a byte at a time
//! Changes: framing

pub fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut header: Vec<u8> = Vec::new();
    let mut bytes = stream.by_ref().bytes();
    while header.len() < 4 || header[..4] == [255; 4] && header.len() < 12 {
        match bytes.next() {
            None if header.is_empty() => return Ok(None),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(byte) => header.push(byte?),
        }
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    let len = match header.len() {
        4 if header[0] > 127 => return Err(invalid("a negative length".to_owned())),
        4 => number(&header),
        _ => number(&header[4..]),
    };
    let len = usize::try_from(len)
        .ok()
        .filter(|len| *len <= limit)
        .ok_or_else(|| invalid(format!("a frame of {len} bytes; the limit is {limit}")))?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}
