//! Departure boards on three nodes. A board subscribes to the lines of its station by joining their groups, and a report on
//! a line is a broadcast to the line's group.
//!
//! `cargo run -p pubsub`

use greenroom::prelude::*;
use greenroom::registry::Group;

/// A board in a station, which shows the reports on some lines.
#[actor]
struct Board {
    station: String,
    shown: Vec<String>,
}

#[actor]
impl Board {
    /// A board that is restarted subscribes again. One that exits has left its groups.
    #[init]
    async fn open(station: String, lines: Vec<String>, cx: &mut Context<Self>) -> Result<Board, Exit> {
        lines.iter().for_each(|line| subscribers(line).join(cx));
        Ok(Board { station, shown: Vec::new() })
    }

    /// Shows a report.
    #[cast]
    fn show(&mut self, report: String) {
        println!("{} shows {report}", self.station);
        self.shown.push(report);
    }

    /// Returns the reports so far.
    #[call]
    fn shown(&self) -> Vec<String> {
        self.shown.clone()
    }
}

/// Returns the group of all boards that show a line.
fn subscribers(line: &str) -> Group<BoardMessage> {
    Group::named(&format!("line/{line}"))
}

/// Publishes a report to all boards that show the line, on whichever node.
fn publish(line: &str, report: &str) {
    // Not awaited: a slow node does not delay the publisher.
    drop(subscribers(line).broadcast(BoardMessage::Show { report: format!("{line}: {report}") }));
}

/// The stations, and their lines.
const STATIONS: [(&str, &[&str]); 3] = [("Harbour", &["U1"]), ("Market", &["U1", "U2"]), ("Airport", &["U2"])];

async fn open_boards(nodes: &[Node]) -> Result<Vec<BoardRef>, StartError> {
    let mut boards = Vec::new();
    for (node, (station, lines)) in nodes.iter().zip(STATIONS) {
        let lines = lines.iter().map(ToString::to_string).collect();
        boards.push(node.start(Board::open(station.to_owned(), lines)).await?);
    }
    Ok(boards)
}

/// Waits until the current node lists so many boards for a line.
async fn wait_for_boards(line: &str, count: usize) {
    let mut events = subscribers(line).events();
    while subscribers(line).count() < count && events.next().await.is_some() {}
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let mut nodes: Vec<Node> = Vec::new();
    for (station, _) in STATIONS {
        let name = format!("{}@trains", station.to_lowercase());
        let mut builder = Node::builder(name).cookie(cookie.clone()).listen("127.0.0.1:0");
        if let Some(first) = nodes.first().and_then(Node::address) {
            builder = builder.seed(first);
        }
        nodes.push(builder.start().await?);
    }
    report(&nodes).await?;
    Ok(())
}

/// Opens the boards, publishes a report on each line, and returns what each board shows.
async fn report(nodes: &[Node]) -> greenroom::Result<Vec<Vec<String>>> {
    let boards = open_boards(nodes).await?;
    let publisher = async {
        for line in ["U1", "U2"] {
            wait_for_boards(line, 2).await;
            publish(line, "every five minutes");
        }
    };
    nodes[2].scope(publisher).await;
    let mut all = Vec::new();
    for (board, (_, lines)) in boards.iter().zip(STATIONS) {
        while board.shown().await?.len() < lines.len() {}
        all.push(board.shown().await?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use greenroom::testing::Cluster;

    use super::*;

    #[greenroom::test]
    async fn each_board_shows_the_reports_on_its_lines() {
        let cluster = Cluster::in_memory(3).await;
        let nodes: Vec<Node> = (0..3).map(|index| cluster.node(index).clone()).collect();
        let [one, two] = ["U1", "U2"].map(|line| format!("{line}: every five minutes"));
        let expected = [vec![one.clone()], vec![one, two.clone()], vec![two]];
        assert_eq!(report(&nodes).await, Ok(expected.into()));
        cluster.stop().await;
    }
}
