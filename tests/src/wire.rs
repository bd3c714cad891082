//! What judge and subject say to each other over a socket: length-prefixed JSON.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::io::{self, Read, Write};

/// Bytes. A subject that answers more is refused before it fills the judge's memory.
const MAX_FRAME: u32 = 64 << 20;

/// What the judge sends first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub input: Value,
    pub seed: u64,
}

/// What the subject sends.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    /// First of all: the subject knows the entry and has its input. The learner's code runs from here on.
    Ready,
    /// The body returned.
    Returned(Value),
    /// The body, or a thread that it started, panicked.
    Panicked(Panic),
    /// In between, from [`crate::tell`].
    Said(Value),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Panic {
    pub message: String,
    pub place: String,
}

pub(crate) fn send(stream: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    let length = u32::try_from(text.len())
        .ok()
        .filter(|length| *length <= MAX_FRAME)
        .ok_or_else(|| io::Error::other("a message of more than 64 MiB"))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(text);
    stream.write_all(&frame)
}

pub(crate) fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MAX_FRAME {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {length} bytes, more than 64 MiB"),
        ));
    }
    let mut text = vec![0; length as usize];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
