//! Recipients: stubs narrowed to one type of event.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Alarm(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Weather(i8);

/// Receives alarms and weather.
#[protocol]
enum Guard {
    #[from]
    Alarm(Alarm),
    #[from]
    Weather(Weather),
    Received {
        reply: Reply<Vec<String>>,
    },
}

/// Receives weather only.
#[protocol]
enum Gardener {
    Received {
        reply: Reply<i8>,
    },
    #[from]
    Sky(Weather),
}

/// Keeps recipients and sends them events.
#[protocol]
enum Tower {
    Subscribe { listener: Recipient<Weather> },
    Tell { degrees: i8, reply: Reply<usize> },
}

fn guard(node: &Node) -> GuardRef {
    let _here = node.enter();
    greenroom::spawn(|mut mailbox: Mailbox<Guard>| async move {
        let mut received = Vec::new();
        loop {
            receive!(match mailbox {
                Guard::Alarm(Alarm(what)) => received.push(what),
                Guard::Weather(Weather(degrees)) => received.push(degrees.to_string()),
                Guard::Received { reply } => reply.send(received.clone()),
            });
        }
    })
}

fn gardener(node: &Node) -> GardenerRef {
    let _here = node.enter();
    greenroom::spawn(|mut mailbox: Mailbox<Gardener>| async move {
        let mut last = 0;
        loop {
            receive!(match mailbox {
                Gardener::Sky(Weather(degrees)) => last = degrees,
                Gardener::Received { reply } => reply.send(last),
            });
        }
    })
}

fn tower(node: &Node) -> TowerRef {
    let _here = node.enter();
    greenroom::spawn(|mut mailbox: Mailbox<Tower>| async move {
        // Hash and equality use the identity, which never changes.
        #[allow(clippy::mutable_key_type)]
        let mut listeners = std::collections::HashSet::new();
        loop {
            receive!(match mailbox {
                Tower::Subscribe { listener } => {
                    listeners.insert(listener);
                }
                Tower::Tell { degrees, reply } => {
                    for listener in &listeners {
                        listener.send(Weather(degrees));
                    }
                    reply.send(listeners.len());
                }
            });
        }
    })
}

#[greenroom::test]
async fn an_event_becomes_one_of_the_listeners_own_messages() -> greenroom::Result {
    let node = Node::current();
    let (guard, gardener, tower) = (guard(&node), gardener(&node), tower(&node));
    tower.subscribe(guard.recipient());
    tower.subscribe(gardener.recipient());
    // The same recipient again: it compares like its stub.
    tower.subscribe(guard.clone().recipient());
    assert_eq!(tower.tell(-4).await?, 2);
    guard.recipient().send(Alarm("fire".into())).await?;
    assert_eq!((guard.received().await?, gardener.received().await?), (vec!["-4".into(), "fire".into()], -4));
    Ok(())
}

#[greenroom::test]
async fn a_recipient_of_a_name_or_a_dead_process_is_possible() -> greenroom::Result {
    let guard = guard(&Node::current());
    let by_name = GuardRef::named("guard").recipient::<Alarm>();
    assert_eq!(by_name.send(Alarm("too early".into())).await, Err(CastError::NoProc));
    GuardRef::register("guard", &guard)?;
    by_name.send(Alarm("smoke".into())).await?;
    assert_eq!(guard.received().await?, ["smoke"]);
    let direct = guard.recipient::<Alarm>();
    guard.stop(Exit::shutdown()).await;
    assert_eq!(direct.send(Alarm("too late".into())).await, Err(CastError::NoProc));
    Ok(())
}

#[greenroom::test]
async fn a_recipient_travels_and_events_arrive_from_another_node() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let (here, there) = (cluster.node(0), cluster.node(1));
    let (guard, gardener, tower) = (guard(here), gardener(here), tower(there));
    TowerRef::register("tower", &tower)?;
    let far: TowerRef = here.named_at("tower", there.name());
    far.subscribe(guard.recipient());
    far.subscribe(gardener.recipient());
    assert_eq!(far.tell(21).await?, 2);
    assert_eq!((guard.received().await?, gardener.received().await?), (vec!["21".into()], 21));
    cluster.stop().await;
    Ok(())
}

/// An event that a peer could send and for which the target has no variant.
#[greenroom::test]
async fn an_event_without_a_variant_is_refused_and_counted() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let (here, there) = (cluster.node(0), cluster.node(1));
    let gardener = gardener(here);
    GardenerRef::register("listener", &gardener)?;
    // By name alone, the remote node is assumed to have a guard, which receives alarms.
    let wrong = there.named_at::<GuardRef>("listener", here.name()).recipient::<Alarm>();
    wrong.send(Alarm("fire".into())).await?;
    there.named_at::<GardenerRef>("listener", here.name()).received().await?;
    assert_eq!(here.counters().lost_messages, 1);
    cluster.stop().await;
    Ok(())
}

#[derive(Default)]
#[actor(protocol = Gardener)]
struct Careful(i8);

impl Process for Careful {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Gardener::Sky(Weather(degrees)) if degrees < -20 => return Err(Exit::error("too cold")),
                Gardener::Sky(Weather(degrees)) => self.0 = degrees,
                Gardener::Received { reply } => reply.send(self.0),
            });
        }
    }
}

/// Holds the stub of a gardener.
#[supervisor(intensity = 3, period = "5s")]
struct Garden {
    #[child]
    gardener: Careful,
}

#[greenroom::test]
async fn a_recipient_from_a_tree_follows_its_child_from_another_node_too() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let (here, there) = (cluster.node(0), cluster.node(1));
    let garden = here.start_tree(Garden {}).await?;
    TowerRef::register("tower", &tower(there))?;
    let far: TowerRef = here.named_at("tower", there.name());
    far.subscribe(garden.gardener().recipient());
    far.tell(12).await?;
    assert_eq!(garden.gardener().received().await?, 12);
    far.tell(-30).await?;
    tokio::time::sleep(Duration::from_millis(1)).await;
    far.tell(5).await?;
    assert_eq!(garden.gardener().received().await?, 5, "another incarnation of the same child");
    cluster.stop().await;
    Ok(())
}

/// A list of listeners that drops those that have exited.
#[actor]
#[derive(Default)]
struct Station {
    listeners: std::collections::HashMap<MonitorRef, Recipient<Weather>>,
}

#[actor]
impl Station {
    #[cast]
    fn tune_in(&mut self, cx: &mut Context<Self>, listener: Recipient<Weather>) {
        self.listeners.insert(cx.monitor(&listener), listener);
    }

    #[down]
    fn gone(&mut self, down: Down) {
        self.listeners.remove(&down.monitor);
    }

    #[call]
    fn broadcast(&self, degrees: i8) -> (usize, usize) {
        for listener in self.listeners.values() {
            listener.send(Weather(degrees));
        }
        (self.listeners.len(), self.listeners.values().filter(|listener| listener.is_alive()).count())
    }
}

#[greenroom::test]
async fn a_recipient_is_monitored_like_its_stub() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let (here, there) = (cluster.node(0), cluster.node(1));
    let station = here.spawn(Station::default());
    StationRef::register("station", &station)?;
    let (near, far) = (guard(here), guard(there));
    station.tune_in(near.recipient());
    let seen_there: StationRef = there.named_at("station", here.name());
    seen_there.tune_in(far.recipient());
    tokio::time::sleep(Duration::from_secs(1)).await;
    // A process of another node is not known to be alive.
    assert_eq!(station.broadcast(3).await?, (2, 1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((near.received().await?, far.received().await?), (vec!["3".to_owned()], vec!["3".to_owned()]));
    far.exit(Exit::kill());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(station.broadcast(4).await?, (1, 1));
    near.exit(Exit::kill());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(station.broadcast(5).await?, (0, 0));
    cluster.stop().await;
    Ok(())
}

#[greenroom::test]
async fn a_recipient_is_linked_like_its_stub() {
    let guard = guard(&Node::current());
    let recipient = guard.recipient::<Weather>();
    let linked = greenroom::spawn(move |mailbox: Mailbox<Gardener>| async move {
        mailbox.link(&recipient);
        std::future::pending::<()>().await;
    });
    let alone = {
        let recipient = guard.recipient::<Alarm>();
        greenroom::spawn(move |mailbox: Mailbox<Gardener>| async move {
            mailbox.link(&recipient);
            mailbox.unlink(&recipient);
            std::future::pending::<()>().await;
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    guard.exit(Exit::kill());
    assert_eq!(linked.ended().await, Exit::Killed);
    assert!(alone.is_alive());
}

/// Receives events by methods.
#[actor]
#[derive(Default)]
struct Almanac {
    notes: Vec<String>,
}

#[actor]
impl Almanac {
    #[from]
    fn weather(&mut self, Weather(degrees): Weather) {
        self.notes.push(format!("{degrees} degrees"));
    }

    #[from]
    async fn alarm(&mut self, cx: &mut Context<Self>, alarm: Alarm) -> Result<(), Exit> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if alarm.0 == "stop" {
            return Err(Exit::error(format!("stopped with {} notes", self.notes.len())));
        }
        self.notes.push(format!("{} received {}", cx.me().is_alive(), alarm.0));
        Ok(())
    }

    #[call]
    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

#[greenroom::test]
async fn methods_handle_events() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let almanac = cluster.node(0).spawn(Almanac::default());
    AlmanacRef::register("almanac", &almanac)?;
    let far: AlmanacRef = cluster.node(1).named_at("almanac", cluster.node(0).name());
    almanac.recipient().send(Weather(3)).await?;
    far.recipient().send(Alarm("fire".into())).await?;
    far.recipient().send(Weather(40)).await?;
    assert_eq!(far.notes().await?, ["3 degrees", "true received fire", "40 degrees"]);
    almanac.recipient().send(Alarm("stop".into())).await?;
    assert_eq!(almanac.ended().await, Exit::error("stopped with 3 notes"));
    cluster.stop().await;
    Ok(())
}
