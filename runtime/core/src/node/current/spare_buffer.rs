//! The buffer in which a thread encodes its messages to other nodes.

use super::THREAD;
use crate::base::Payload;

/// The buffer of this thread for one message. A short message is copied out of it, so that the next one needs no
/// allocation. A drop returns the buffer.
pub(crate) struct SpareBuffer(pub(crate) Payload);

impl SpareBuffer {
    /// The largest buffer that is kept, in bytes.
    const KEPT: usize = 16 * 1024;

    /// Takes the thread's buffer, which is empty. Code that sends a message while it encodes another one gets a new
    /// buffer.
    pub(crate) fn take() -> SpareBuffer {
        SpareBuffer(Payload::reusing(THREAD.try_with(|thread| thread.spare_buffer.take()).unwrap_or_default()))
    }
}

impl Drop for SpareBuffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0).into_memory();
        if buffer.capacity() <= SpareBuffer::KEPT {
            // Fails while the thread ends.
            let _ = THREAD.try_with(|thread| thread.spare_buffer.set(buffer));
        }
    }
}
