//! The output of a session: from frames and signs of life to records.

use std::mem;
use std::time::Instant;

use super::{
    ACKNOWLEDGEMENT, Closing, DEFINITION, DEFINITION_HEAD, GOODBYE, Intake, PIECES, PROBE_ANSWER, PROBE_REQUEST,
    Session, State, TICK, TRANSMIT, cipher, window,
};
use crate::wire::varint;

impl Session {
    /// Appends the bytes to send, some 128 KiB at a time; `false` if there are no bytes.
    pub(crate) fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(mut tls) = self.tls.take() else { return self.transmit(now, out) };
        let start = out.len();
        let mut inside = mem::take(&mut self.inside);
        self.transmit(now, &mut inside);
        if let Err(error) = tls.seal(&inside, out) {
            self.fail(error);
        }
        inside.clear();
        self.inside = inside;
        self.tls = Some(tls);
        out.len() > start
    }

    fn transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut pieces = PIECES;
        out.append(&mut self.handshake_bytes);
        while out.len() - start < TRANSMIT && !self.is_over() {
            let State::Up(_) = &self.state else { break };
            let mut plain = mem::take(&mut self.plain);
            let record = &mut plain;
            record.clear();
            for (due, kind) in
                [(&mut self.tick_due, TICK), (&mut self.answer_due, PROBE_ANSWER), (&mut self.probe_due, PROBE_REQUEST)]
            {
                if mem::take(due) {
                    record.push(kind);
                }
            }
            if self.unacknowledged >= window::ACKNOWLEDGE && self.intake == Intake::All {
                record.push(ACKNOWLEDGEMENT);
                varint::put(record, mem::take(&mut self.unacknowledged) as u64);
            }
            // One byte is kept for a goodbye.
            let end = cipher::PLAIN - 1;
            self.put_pause(record, false, end);
            while let Some(definition) = self.definitions.front() {
                let mut bytes = Vec::new();
                definition.encode(&mut bytes);
                if record.len() + DEFINITION_HEAD + bytes.len() > end {
                    break;
                }
                self.definitions.pop_front();
                record.push(DEFINITION);
                varint::put(record, bytes.len() as u64);
                record.extend_from_slice(&bytes);
            }
            if self.definitions.is_empty() {
                self.lanes.fill(now, record, end, &mut pieces);
            }
            self.put_pause(record, true, end);
            if let Closing::Sending(end) = self.closing
                && self.lanes.backlog().bytes == 0
            {
                record.push(GOODBYE);
                self.closing = Closing::GoodbyeSent(end);
            }
            let is_empty = plain.is_empty();
            let State::Up(cipher) = &mut self.state else { break };
            let sealed = if is_empty { Ok(()) } else { cipher.seal(&plain, out) };
            self.plain = plain;
            if let Err(error) = sealed {
                self.fail(error);
                break;
            }
            if is_empty {
                break;
            }
            self.tick_at = now + self.tick / 4;
        }
        out.len() > start
    }
}
