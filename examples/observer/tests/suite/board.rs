//! The metrics of the Grafana board. The chat's tests run its queries on a real Prometheus.

const BOARD: &str = include_str!("../../prometheus/grafana-board.json");

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
