use super::*;
use crate::base::Exit;

fn samples() -> Vec<Frame> {
    let pid = FrameTarget::Process(300);
    let name = FrameTarget::Name("n".repeat(FrameTarget::MAX_NAME).into());
    let mut frames = vec![
        Frame::Message {
            from: 0,
            to: pid.clone(),
            protocol: 0x0123_4567_89ab_cdef,
            variant: u32::MAX,
            replies: (0..Frame::MAX_REPLIES as u64).map(|id| id << 40).collect(),
            context: None,
            payload: Bytes::from_static(b"payload"),
        },
        Frame::Message {
            from: 1,
            to: FrameTarget::Name("logger".into()),
            protocol: 0,
            variant: 0,
            replies: Vec::new(),
            context: None,
            payload: Bytes::new(),
        },
        traced(&[0; 26]),
        traced(&[7; Frame::MAX_CONTEXT]),
        traced(&[]),
        broadcast("mailers"),
        broadcast(""),
        Frame::Answer {
            from: 7,
            id: 128,
            replies: vec![1, u64::MAX],
            definition: None,
            result: Ok(Bytes::from_static(&[0; 3])),
        },
        Frame::Answer { from: 7, id: 128, replies: vec![1], definition: Some(u64::MAX), result: Ok(Bytes::new()) },
        Frame::Refused { to: name.clone(), protocol: 1 << 60, variant: u32::MAX, reason: "field `price`: ü".into() },
        Frame::Answer {
            from: 7,
            id: 1,
            replies: Vec::new(),
            definition: None,
            result: Err(CallErrorKind::Exit(Exit::error("disk full"))),
        },
        Frame::Answer { from: 7, id: 1, replies: Vec::new(), definition: None, result: Err(CallErrorKind::NoProc) },
        Frame::PassedOn { from: 0, id: u64::MAX },
        Frame::Hold { to: pid.clone() },
        Frame::Resume { to: name.clone() },
        Frame::GivenUp { from: 0, id: 1 << 40 },
        Frame::Groups(GroupUpdate::Open),
        Frame::Claims(Bytes::from_static(b"parts")),
    ];
    let signals = [
        Signal::Link,
        Signal::Unlink { id: 5 },
        Signal::UnlinkAck { id: u64::MAX },
        Signal::Exit { reason: Exit::Kill, linked: false },
        Signal::Exit { reason: Exit::panic("boom", "a.rs:1:1"), linked: true },
        Signal::Stop { reason: Exit::Normal },
        Signal::Monitor { reference: MonitorRef(9), waits: true },
        Signal::Monitor { reference: MonitorRef(9), waits: false },
        Signal::Demonitor { reference: MonitorRef(1 << 50) },
        Signal::Down { reference: MonitorRef(0), reason: Exit::Shutdown(Some("ü".into())) },
    ];
    for signal in signals {
        frames.push(Frame::Signal { from: 3, to: pid.clone(), signal: signal.clone() });
        frames.push(Frame::Signal { from: 3, to: name.clone(), signal });
    }
    frames
}

fn broadcast(group: &str) -> Frame {
    let to = FrameTarget::Group(group.into());
    Frame::Message {
        from: 1,
        to,
        protocol: 4,
        variant: 5,
        replies: Vec::new(),
        context: None,
        payload: Bytes::from_static(&[7]),
    }
}

/// A message with the bytes of a trace context.
fn traced(context: &[u8]) -> Frame {
    Frame::Message {
        from: 1,
        to: FrameTarget::Process(3),
        protocol: 4,
        variant: 5,
        replies: vec![6],
        context: Some(context.into()),
        payload: Bytes::from_static(&[7]),
    }
}

fn encoded(frame: &Frame) -> Bytes {
    encoded_with(frame, Numbers::default())
}

fn encoded_with(frame: &Frame, numbers: Numbers) -> Bytes {
    let mut out = Vec::new();
    frame.encode(numbers, &mut out).unwrap();
    out.into()
}

/// Decodes a frame without definitions, which is not skipped.
fn decode(bytes: &Bytes) -> Result<Frame, WireError> {
    Frame::decode(bytes, &ReceivedNames::default()).map(|frame| frame.expect("a frame that is not skipped"))
}

#[test]
fn a_decoded_frame_is_the_encoded_one() {
    for frame in samples() {
        assert_eq!(decode(&encoded(&frame)).as_ref(), Ok(&frame));
    }
}

#[test]
fn bytes_follow_the_table() {
    let message = Frame::Message {
        from: 300,
        to: FrameTarget::Process(3),
        protocol: 4,
        variant: 5,
        replies: vec![6],
        context: None,
        payload: Bytes::from_static(&[7]),
    };
    assert_eq!(&encoded(&message)[..], [0, 0xac, 2, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 1, 6, 0, 0, 0, 0, 0, 0, 0, 7]);
    let down = Signal::Down { reference: MonitorRef(9), reason: Exit::Normal };
    let down = Frame::Signal { from: 1, to: FrameTarget::Name("x".into()), signal: down };
    assert_eq!(&encoded(&down)[..], [9, 1, 1, 1, b'x', 9, 0]);
    assert_eq!(&encoded(&Frame::Claims(Bytes::from_static(&[7, 8])))[..], [130, 7, 8]);
    let context = [17, 1, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 1, 6, 0, 0, 0, 0, 0, 0, 0, 2, 8, 9, 7];
    assert_eq!(&encoded(&traced(&[8, 9]))[..], context);
    // With numbers in place of the names.
    let numbers = Numbers { protocol: Some(0), process: Some(300) };
    assert_eq!(&encoded_with(&message, numbers)[..], [0, 0xac, 2, 0, 3, 1, 5, 1, 6, 0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(&encoded_with(&down, numbers)[..], [9, 1, 2, 0xac, 2, 9, 0]);
    assert_eq!(&encoded(&broadcast("x"))[..], [0, 1, 3, 1, b'x', 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 7]);
    assert_eq!(&encoded_with(&broadcast("x"), numbers)[..], [0, 1, 4, 0xac, 2, 1, 5, 0, 7]);
    assert_eq!(&encoded(&Frame::Groups(GroupUpdate::Open))[..], [129, 0]);
}

/// The first frame with a name defines it, and the later ones have its number.
#[test]
fn a_name_is_sent_once_and_then_numbered() {
    let (mut sent, mut received) = (SentNames::default(), ReceivedNames::default());
    for (round, size) in [(0, 20), (1, 20)] {
        for name in ["orders", "stock"] {
            let to = FrameTarget::Name(name.into());
            let frame = Frame::Signal { from: 1, to, signal: Signal::Link };
            let bytes = encoded_with(&frame, frame.numbers(&mut sent, None));
            assert_eq!(bytes.len(), 4);
            let definitions = sent.take_definitions();
            assert_eq!(definitions.len(), 1 - round);
            if round == 0 {
                assert_eq!(Frame::decode(&bytes, &received), Err(WireError::Names));
            }
            definitions.iter().for_each(|definition| received.define(definition).unwrap());
            assert_eq!(Frame::decode(&bytes, &received), Ok(Some(frame)));
        }
        let to = FrameTarget::Process(1);
        let payload = Bytes::from_static(b"payload");
        let frame =
            Frame::Message { from: 1, to, protocol: u64::MAX, variant: 0, replies: Vec::new(), context: None, payload };
        let bytes = encoded_with(&frame, frame.numbers(&mut sent, Some(&Definition::sample(u64::MAX, "shop::Orders"))));
        assert!(bytes.len() < size);
        sent.take_definitions().iter().for_each(|definition| received.define(definition).unwrap());
        assert_eq!(Frame::decode(&bytes, &received), Ok(Some(frame)));
    }
}

#[test]
fn a_frame_of_a_later_version_is_skipped() {
    for kind in [132, 200, 255] {
        let bytes = Bytes::copy_from_slice(&[kind, 1, 2, 3]);
        assert_eq!(Frame::decode(&bytes, &ReceivedNames::default()), Ok(None));
    }
    assert_eq!(decode(&Bytes::from_static(&[127, 1, 2, 3])), Err(WireError::Kind(127)));
}

/// A prefix of a frame is an error, unless only payload is missing.
#[test]
fn a_truncated_frame_is_an_error() {
    for frame in samples() {
        let whole = encoded(&frame);
        let payload = match &frame {
            Frame::Message { payload, .. } | Frame::Answer { result: Ok(payload), .. } | Frame::Claims(payload) => {
                payload.len()
            }
            _ => 0,
        };
        for cut in 0..whole.len() - payload {
            assert!(decode(&whole.slice(..cut)).is_err(), "{frame:?} cut at {cut}");
        }
        if payload == 0 && !matches!(frame, Frame::Message { .. } | Frame::Answer { result: Ok(_), .. }) {
            let mut longer = whole.to_vec();
            longer.push(0);
            assert_eq!(decode(&longer.into()), Err(WireError::Trailing), "{frame:?}");
        }
    }
}

/// A frame with one changed byte in its head is an error or another frame, which encodes again. It never panics.
#[test]
fn a_wrong_byte_is_an_error_or_another_frame() {
    for frame in samples() {
        let whole = encoded(&frame);
        for at in 0..whole.len().min(32) {
            for value in 0..=u8::MAX {
                let mut bytes = whole.to_vec();
                bytes[at] = value;
                if let Ok(Some(other)) = Frame::decode(&bytes.into(), &ReceivedNames::default()) {
                    assert_eq!(decode(&encoded(&other)), Ok(other));
                }
            }
        }
    }
}

#[test]
fn invalid_frames_cannot_be_encoded() {
    let check = |to: FrameTarget, replies: usize, expected: WireError| {
        let replies = vec![0; replies];
        let payload = Bytes::new();
        let frame = Frame::Message { from: 0, to, protocol: 0, variant: 0, replies, context: None, payload };
        let mut out = vec![1, 2, 3];
        assert_eq!(frame.encode(Numbers::default(), &mut out), Err(expected));
        assert_eq!(out, [1, 2, 3]);
    };
    check(FrameTarget::Name("".into()), 0, WireError::Text);
    check(FrameTarget::Name("n".repeat(256).into()), 0, WireError::Text);
    check(FrameTarget::Name("n".into()), Frame::MAX_REPLIES + 1, WireError::Replies);
    let mut out = vec![1];
    assert_eq!(traced(&[0; Frame::MAX_CONTEXT + 1]).encode(Numbers::default(), &mut out), Err(WireError::Context));
    assert_eq!(out, [1]);
}

#[test]
fn invalid_bytes_are_refused() {
    let check = |bytes: &[u8], expected: WireError| {
        assert_eq!(decode(&Bytes::copy_from_slice(bytes)), Err(expected), "{bytes:?}");
    };
    check(&[], WireError::Truncated);
    check(&[18, 0], WireError::Kind(18));
    check(&[3, 0, 5], WireError::Kind(5));
    check(&[3, 0, 4, 0], WireError::Names);
    check(&[129, 1, 0, 1, b'P', 0, 0], WireError::Groups);
    check(&[3, 0, 2, 0], WireError::Names);
    check(&[3, 0, 1, 0], WireError::Text);
    check(&[3, 0, 1, 1, 0xff], WireError::Text);
    check(&[3, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], WireError::Text);
    check(&[3, 0x80, 0, 0], WireError::Number);
    check(&[6, 0, 0, 0, 3, 0], WireError::Kind(3));
    check(&[6, 0, 0, 0, 1, 63], WireError::Reason);
    check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 65], WireError::Replies);
    check(&[0, 0, 0, 0, 1, 0, 0], WireError::Names);
    check(&[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1], WireError::Truncated);
    check(&[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 8], WireError::Context);
}
