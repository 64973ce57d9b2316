//! The queries of the Grafana board, on a real Prometheus that scrapes two nodes by the sample configuration.

use std::process::{Command, Stdio};

use greenroom::{Application, Policy, prelude::*};
use observer::ObserverTree;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scratch::Scratch;
use crate::shop::{Nodes, Program};

const SAMPLE: &str = include_str!("../../prometheus/prometheus.yml");
const BOARD: &str = include_str!("../../prometheus/grafana-board.json");

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Starts Prometheus with the sample, for these nodes. Returns `None` if it is not installed, unless `CI=true` is set.
fn start_prometheus(scratch: &Scratch, targets: &[String; 2]) -> Option<(Program, String)> {
    let config = SAMPLE.replace("127.0.0.1:9201", &targets[0]).replace("127.0.0.1:9202", &targets[1]);
    let config = config.replace("scrape_interval: 5s", "scrape_interval: 500ms\n  scrape_timeout: 400ms");
    assert_ne!(config, SAMPLE);
    let (file, address) = (scratch.0.join("prometheus.yml"), free_address());
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", scratch.0.join("data").display()));
    command.arg(format!("--web.listen-address={address}")).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(program) => Some((Program::from(program), address)),
        Err(_) => {
            assert!(std::env::var("CI").is_err(), "prometheus is not installed");
            eprintln!("skipped: prometheus is not installed");
            None
        }
    }
}

/// Returns the result of a query; `None` while Prometheus starts.
async fn query(address: &str, query: &str) -> Option<Value> {
    let escape =
        |byte: u8| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") };
    let query: String = query.bytes().map(escape).collect();
    let mut socket = TcpStream::connect(address).await.ok()?;
    let request = format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Returns the number of series in the result of a query, once there are some. Prometheus takes its time.
async fn series(address: &str, expression: &str) -> usize {
    let mut last = None;
    for _ in 0..300 {
        last = query(address, expression).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn each_query_of_the_board_has_series() {
    let targets = [free_address(), free_address()];
    let scratch = Scratch::new("prometheus");
    let Some((_prometheus, address)) = start_prometheus(&scratch, &targets) else { return };
    let nodes = Nodes::start(Policy::cookie).await;
    for (node, target) in nodes.nodes.iter().zip(&targets) {
        let tree = ObserverTree::at(target.parse().unwrap());
        node.scope(async { Application::new("observer", tree).start().await.map(drop) }).await.unwrap();
    }
    nodes.shops[0].tree().desk().burn();
    let board: Value = serde_json::from_str(BOARD).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    for expression in &expressions {
        let expression = expression.replace("$__rate_interval", "10s").replace("$node", ".*");
        assert!(!expression.contains('$'), "{expression}");
        series(&address, &expression).await;
    }
    // Both nodes, by their names.
    assert_eq!(series(&address, "count by (node) (greenroom_node_info)").await, 2);
    // A query that is wrong has none.
    let wrong = query(&address, "greenroom_no_such_metric").await.expect("it runs");
    assert_eq!(wrong["data"]["result"].as_array().map(Vec::len), Some(0), "{wrong}");
    nodes.stop().await;
}

#[test]
fn each_metric_of_the_board_exists() {
    let page = greenroom::Metrics::default().to_prometheus();
    let names: Vec<_> = BOARD
        .split("greenroom_")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap())
        .collect();
    assert!(names.len() > 20);
    for name in names {
        assert!(page.contains(&format!("# TYPE greenroom_{name} ")), "{name}");
    }
}
