//! The queries of the observer's Grafana board, on a real Prometheus that scrapes a running chat by the sample
//! configuration.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::SinkExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::cluster::Cluster;
use crate::program::{connect, expect};
use crate::scratch::Scratch;

const SAMPLE: &str = include_str!("../../../observer/prometheus/prometheus.yml");
const BOARD: &str = include_str!("../../../observer/prometheus/grafana-board.json");

/// A running Prometheus.
struct Prometheus {
    process: Child,
    address: String,
    _directory: Scratch,
}

impl Prometheus {
    /// Starts Prometheus with the sample, for these nodes. Returns `None` if it is not installed, unless `CI=true` is
    /// set.
    fn start(nodes: &[String]) -> Option<Prometheus> {
        let mut config = SAMPLE.replace("scrape_interval: 5s", "scrape_interval: 500ms\n  scrape_timeout: 400ms");
        for (node, target) in nodes.iter().zip(["127.0.0.1:9201", "127.0.0.1:9202", "127.0.0.1:9203"]) {
            assert!(config.contains(target), "{config}");
            config = config.replace(target, node);
        }
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let directory = Scratch::new("prometheus-data");
        let file = directory.0.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.0.join("data").display()));
        command.arg(format!("--web.listen-address={address}")).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(process) => Some(Prometheus { process, address, _directory: directory }),
            Err(_) => {
                assert!(std::env::var("CI").is_err(), "prometheus is not installed");
                eprintln!("skipped: prometheus is not installed");
                None
            }
        }
    }

    /// Returns the result of a query; `None` while Prometheus starts.
    async fn query(&self, query: &str) -> Option<Value> {
        let escape =
            |byte: u8| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") };
        let query: String = query.bytes().map(escape).collect();
        let mut socket = TcpStream::connect(&self.address).await.ok()?;
        let request = format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// Returns the number of series in the result of a query, once there are some. Prometheus takes its time.
    async fn series(&self, expression: &str) -> usize {
        let mut last = None;
        for _ in 0..300 {
            last = self.query(expression).await;
            if let Some(result) = &last {
                assert_ne!(result["status"], "error", "{expression}: {result}");
                let count = result["data"]["result"].as_array().map_or(0, Vec::len);
                if count > 0 {
                    return count;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no series of {expression}: {last:?}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn each_query_of_the_board_has_series_for_a_running_chat() {
    let cluster = Cluster::start("prometheus");
    let Some(prometheus) = Prometheus::start(&cluster.observers) else { return };
    // Some talk, and a crash.
    let mut ann = connect(cluster.pages[0].strip_prefix("http://").unwrap()).await;
    for message in [
        r#"{"type":"join","room":"lobby","nick":"ann"}"#,
        r#"{"type":"say","id":"1","words":"hello"}"#,
        r#"{"type":"say","id":"2","words":"/crash"}"#,
        r#"{"type":"say","id":"3","words":"still here"}"#,
    ] {
        ann.send(Message::text(message)).await.unwrap();
    }
    expect(&mut ann, &[r#""type":"lost""#, r#""type":"acknowledged","id":"3""#]).await;
    let board: Value = serde_json::from_str(BOARD).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    for expression in &expressions {
        let expression = expression.replace("$__rate_interval", "10s").replace("$node", ".*");
        assert!(!expression.contains('$'), "{expression}");
        prometheus.series(&expression).await;
    }
    // All nodes, by their names.
    assert_eq!(prometheus.series("count by (node) (greenroom_node_info)").await, 3);
    // The crash is counted, by the node of the person.
    let panics = r#"greenroom_processes_ended_total{reason="panic"}"#;
    let of_a = r#"on (instance) group_left (node) greenroom_node_info{node=~"a@.*"}"#;
    prometheus.series(&format!("{panics} * {of_a} > 0")).await;
    // A query that is wrong has none.
    let wrong = prometheus.query("greenroom_no_such_metric").await.expect("it runs");
    assert_eq!(wrong["data"]["result"].as_array().map(Vec::len), Some(0), "{wrong}");
}
