//! Messages whose few bytes would become many elements or much memory on the node that receives them.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{CallErrorKind, DecodeError};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::events::Events;

/// A list whose length is what the sender claims. Seven elements are sent as 2^63.
#[derive(Debug, Deserialize)]
struct Ticks(Vec<()>);

impl Serialize for Ticks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.len() {
            7 => (1_u64 << 63).serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

/// A measurement, which a sensor does not always have.
type Image = Option<[[u64; 32]; 32]>;

/// A sensor that receives measurements.
#[actor]
#[derive(Default)]
struct Sensor {
    received: usize,
}

#[actor]
impl Sensor {
    #[call]
    fn count(&mut self, ticks: Ticks) -> usize {
        self.received += ticks.0.len();
        self.received
    }

    #[call]
    fn store(&mut self, images: Vec<Image>) -> usize {
        self.received += images.len();
        self.received
    }

    #[cast]
    fn note(&mut self, ticks: Ticks) {
        self.received += ticks.0.len();
    }
}

async fn sensor() -> (Cluster, SensorRef) {
    let cluster = Cluster::in_memory(2).await;
    SensorRef::register("sensor", &cluster.node(1).spawn(Sensor::default())).unwrap();
    let far = cluster.node(0).named_at("sensor", "n1@test");
    (cluster, far)
}

#[greenroom::test]
async fn an_endless_list_and_a_large_value_of_few_bytes_fail_and_the_connection_stays() {
    let (cluster, far) = sensor().await;
    // The length has ten bytes, and the reply of the call one.
    let error = far.count(Ticks(vec![(); 7])).await;
    assert_eq!(error, Err(CallErrorKind::Decode(DecodeError::TooMany { limit: 11 + 4096 }).into()));
    // 8 KB in memory for each byte.
    let error = far.store(vec![None; 10_000]).await;
    assert_eq!(error, Err(CallErrorKind::Decode(DecodeError::TooLarge { limit: 10_003 * 64 + (16 << 20) }).into()));
    far.note(Ticks(vec![(); 7])).await.unwrap();
    assert_eq!(far.count(Ticks(vec![(); 1000])).await, Ok(1000));
    assert_eq!(far.store(vec![None; 1000]).await, Ok(2000));
    assert_eq!(far.store(vec![Some([[u64::MAX; 32]; 32]); 100]).await, Ok(2100));
    assert_eq!(cluster.node(1).counters().lost_messages, 3);
    assert_eq!(cluster.node(0).counters().node_downs, 0);
}

#[greenroom::test]
async fn messages_to_a_process_that_has_ended_are_a_few_lines_and_a_summary() {
    let (events, _listening) = Events::listen(&["greenroom"], &["peer", "from", "to"]);
    let (cluster, far) = sensor().await;
    far.exit(Exit::kill());
    assert_eq!(far.ended().await, Exit::Killed);
    events.take();
    for _ in 0..1000 {
        far.note(Ticks(vec![()])).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    let lines = events.take();
    let single = "DEBUG a message for a process that does not exist";
    assert_eq!(lines.iter().filter(|line| **line == *single).count(), 5, "{lines:?}");
    assert_eq!(lines.last().unwrap(), "DEBUG more messages for processes that do not exist count=995");
    assert_eq!(cluster.node(1).counters().lost_messages, 1000);
}
