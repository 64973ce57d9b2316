//! The connection between a predecessor and its successor: messages with descriptors over a pair of Unix sockets.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | the length of the message, least byte first, at most 1 MiB |
//! | length | the message as postcard |
//!
//! A descriptor accompanies the first byte of its message. It is closed on `exec`, like every descriptor of the standard
//! library.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, Interest};

use super::protocol::message::{MAX_MESSAGE, ToPredecessor, ToSuccessor};

const HEADER: usize = 4;
const SPACE: usize = rustix::cmsg_space!(ScmRights(1));

/// The predecessor's end.
pub(super) struct PredecessorEnd {
    stream: tokio::net::UnixStream,
    received: Vec<u8>,
}

/// The successor's end. Its reads and writes wait.
pub(super) struct SuccessorEnd(UnixStream);

impl PredecessorEnd {
    /// Opens a pair of sockets. The second one is the successor's, before it is started.
    pub(super) fn pair() -> io::Result<(PredecessorEnd, OwnedFd)> {
        let (own, other) = UnixStream::pair()?;
        own.set_nonblocking(true)?;
        let stream = tokio::net::UnixStream::from_std(own)?;
        Ok((PredecessorEnd { stream, received: Vec::new() }, other.into()))
    }

    /// Sends a message, and a descriptor with it.
    pub(super) async fn send(&self, message: &ToSuccessor, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let (bytes, mut sent) = (encode(message)?, 0);
        while sent < bytes.len() {
            let descriptor = descriptor.filter(|_| sent == 0);
            let write = || send_now(self.stream.as_fd(), &bytes[sent..], descriptor);
            sent += self.stream.async_io(Interest::WRITABLE, write).await?;
        }
        Ok(())
    }

    /// Sends a small message at once and in full, or not at all.
    pub(super) fn send_at_once(&self, message: &ToSuccessor, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        // The kernel takes so few bytes in one piece. Nothing was written if there is an error.
        send_now(self.stream.as_fd(), &encode(message)?, descriptor).map(drop)
    }

    /// Returns the next message. Cancel-safe.
    ///
    /// # Errors
    /// The successor has closed the connection, or has sent something else than a message.
    pub(super) async fn receive(&mut self) -> io::Result<ToPredecessor> {
        loop {
            if let Some(length) = self.received.first_chunk().map(length).transpose()?
                && self.received.len() >= HEADER + length
            {
                let message = decode(&self.received[HEADER..HEADER + length]);
                self.received.drain(..HEADER + length);
                return message;
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl SuccessorEnd {
    pub(super) fn new(socket: UnixStream) -> SuccessorEnd {
        SuccessorEnd(socket)
    }

    pub(super) fn send(&self, message: &ToPredecessor) -> io::Result<()> {
        (&self.0).write_all(&encode(message)?)
    }

    /// Waits for the next message, and the descriptor with it.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for something else than a message; otherwise the connection is over.
    pub(super) fn receive(&self) -> io::Result<(ToSuccessor, Option<OwnedFd>)> {
        let (mut header, mut descriptor, mut received) = ([0; HEADER], None, 0);
        while received < HEADER {
            match receive_now(self.0.as_fd(), &mut header[received..], &mut descriptor) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => received += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut body = vec![0; length(&header)?];
        (&self.0).read_exact(&mut body)?;
        Ok((decode(&body)?, descriptor))
    }
}

fn length(header: &[u8; HEADER]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE { Err(invalid(format!("a message of {length} bytes"))) } else { Ok(length) }
}

fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = postcard::to_extend(message, vec![0; HEADER]).map_err(io::Error::other)?;
    let length = bytes.len() - HEADER;
    let header = u32::try_from(length).ok().filter(|_| length <= MAX_MESSAGE);
    let header = header.ok_or_else(|| invalid(format!("a message of {length} bytes")))?;
    bytes[..HEADER].copy_from_slice(&header.to_le_bytes());
    Ok(bytes)
}

fn decode<M: DeserializeOwned>(bytes: &[u8]) -> io::Result<M> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(invalid("a message with further bytes".to_owned())),
        Err(error) => Err(invalid(format!("not a message of this version: {error}"))),
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn send_now(socket: BorrowedFd<'_>, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("no space for a descriptor"));
    }
    // Without the flag, a write to a successor that is gone would end this process where SIGPIPE is not ignored.
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

fn receive_now(socket: BorrowedFd<'_>, buffer: &mut [u8], descriptor: &mut Option<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            *descriptor = descriptors.last();
        }
    }
    // The process has too many open files.
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(invalid("a descriptor was lost: too many open files".to_owned()));
    }
    Ok(received.bytes)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::upgrade::protocol::message::{Kept, Record};

    fn pair() -> (PredecessorEnd, SuccessorEnd) {
        let (predecessor, successor) = PredecessorEnd::pair().unwrap();
        (predecessor, SuccessorEnd::new(successor.into()))
    }

    #[tokio::test]
    async fn a_message_arrives_with_its_own_descriptor() {
        let (predecessor, successor) = pair();
        let (mut read, write) = io::pipe().unwrap();
        let web = ToSuccessor::Record(Record::Listener { name: "web".to_owned() });
        predecessor.send(&ToSuccessor::Complete, None).await.unwrap();
        predecessor.send(&web, Some(write.as_fd())).await.unwrap();
        predecessor.send(&ToSuccessor::Complete, None).await.unwrap();
        drop(write);
        let received = [(); 3].map(|()| successor.receive().unwrap());
        let [(first, None), (second, Some(descriptor)), (third, None)] = received else { panic!("{received:?}") };
        assert_eq!((first, second, third), (ToSuccessor::Complete, web, ToSuccessor::Complete));
        let flags = rustix::io::fcntl_getfd(&descriptor).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "a program that is started would inherit it");
        std::fs::File::from(descriptor).write_all(b"order").unwrap();
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        assert_eq!(text, "order");
    }

    #[tokio::test]
    async fn a_message_larger_than_the_buffers_arrives_in_full() {
        let (predecessor, successor) = pair();
        let (mut read, write) = io::pipe().unwrap();
        let plan = ToSuccessor::Plan(vec![Kept::Listener("x".repeat(1000)); 1000]);
        let expected = plan.clone();
        let reader = thread::spawn(move || successor.receive().unwrap());
        predecessor.send(&plan, Some(write.as_fd())).await.unwrap();
        drop(write);
        let (received, descriptor) = reader.join().unwrap();
        assert_eq!(received, expected);
        std::fs::File::from(descriptor.unwrap()).write_all(b"four").unwrap();
        assert_eq!(io::read_to_string(&mut read).unwrap(), "four");
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_is_neither_sent_nor_received() {
        let (mut predecessor, successor) = pair();
        let plan = ToSuccessor::Plan(vec![Kept::Listener("x".repeat(1000)); 1100]);
        let error = predecessor.send(&plan, None).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        (&successor.0).write_all(&[0xff; 8]).unwrap();
        let error = predecessor.receive().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::InvalidData, "a message of 4294967295 bytes")
        );
    }

    #[tokio::test]
    async fn what_is_not_a_message_is_an_error() {
        for (bytes, text) in [
            (&[1, 0, 0, 0, 99][..], "not a message of this version: "),
            (&[2, 0, 0, 0, 1, 1], "a message with further bytes"),
            (&[0, 0, 0, 0], "not a message of this version: "),
        ] {
            let (mut predecessor, successor) = pair();
            (&successor.0).write_all(bytes).unwrap();
            assert!(predecessor.receive().await.unwrap_err().to_string().starts_with(text), "{bytes:?}");
        }
        let (mut predecessor, successor) = pair();
        (&successor.0).write_all(&[9, 0, 0, 0, 1]).unwrap();
        drop(successor);
        assert_eq!(predecessor.receive().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn the_commit_is_read_after_the_end_of_the_predecessor_and_not_written_after_that_of_the_successor() {
        let (predecessor, successor) = pair();
        predecessor.send_at_once(&ToSuccessor::Commit, None).unwrap();
        drop(predecessor);
        assert!(matches!(successor.receive(), Ok((ToSuccessor::Commit, None))));
        assert_eq!(successor.receive().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let (predecessor, successor) = pair();
        drop(successor);
        let error = predecessor.send_at_once(&ToSuccessor::Commit, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
