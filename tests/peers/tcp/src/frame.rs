//! The messages on a connection. Each is preceded by its length.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A request to the counter.
pub enum Request {
    /// Adds a number, and has no answer.
    Add(u64),
    /// Adds one, and is answered with the caller's number and the new count.
    Bump { caller: u64 },
}

/// The answer to [`Request::Bump`].
pub struct Answer {
    pub caller: u64,
    pub count: u64,
}

const ADD: u8 = 0;
const BUMP: u8 = 1;

/// The length of the largest message.
const LONGEST: usize = 16;

impl Request {
    pub async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let (kind, number) = match self {
            Request::Add(n) => (ADD, n),
            Request::Bump { caller } => (BUMP, caller),
        };
        let mut bytes = [kind; 9];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        write(to, &bytes).await
    }

    /// Returns `None` at the end of the connection.
    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Request>> {
        let mut buffer = [0; LONGEST];
        match read(from, &mut buffer).await? {
            [] => Ok(None),
            [ADD, n @ ..] => Ok(Some(Request::Add(number(n)?))),
            [BUMP, caller @ ..] => Ok(Some(Request::Bump { caller: number(caller)? })),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Answer {
    pub async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.caller.to_le_bytes());
        bytes[8..].copy_from_slice(&self.count.to_le_bytes());
        write(to, &bytes).await
    }

    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Answer> {
        let mut buffer = [0; LONGEST];
        let bytes = read(from, &mut buffer).await?;
        let (caller, count) = bytes.split_at_checked(8).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Answer { caller: number(caller)?, count: number(count)? })
    }
}

/// Writes a message in one piece.
async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let mut frame = [0; size_of::<u32>() + LONGEST];
    let (length, rest) = frame.split_at_mut(size_of::<u32>());
    length.copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    rest[..bytes.len()].copy_from_slice(bytes);
    to.write_all(&frame[..size_of::<u32>() + bytes.len()]).await
}

/// Reads a message, which is empty at the end of the connection.
async fn read<'a>(from: &mut (impl AsyncRead + Unpin), buffer: &'a mut [u8; LONGEST]) -> io::Result<&'a [u8]> {
    let length = match from.read_u32_le().await {
        Ok(length) => length as usize,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
        Err(error) => return Err(error),
    };
    let message = buffer.get_mut(..length).ok_or(io::ErrorKind::InvalidData)?;
    from.read_exact(message).await?;
    Ok(message)
}

fn number(bytes: &[u8]) -> io::Result<u64> {
    let bytes = bytes.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(u64::from_le_bytes(bytes))
}
