//! The shell as a program of its own, beside two nodes.

use std::io::Write;
use std::process::Stdio;

use greenroom::{Policy, Right, prelude::*};
use serde_json::{Value, json};

use crate::shop::Nodes;

/// Runs the shell with these lines. Returns its answers, and whether it succeeded.
async fn shell(nodes: &Nodes, lines: &str) -> (Vec<String>, bool) {
    let mut command = nodes.observer(&["shell"]);
    let lines = lines.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        program.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        program.wait_with_output().unwrap()
    });
    let output = done.await.unwrap();
    let answers = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (answers, output.status.success())
}

fn parse(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap_or_else(|_| panic!("{answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_have_one_answer_a_line() {
    let nodes = Nodes::start(Policy::cookie).await;
    let desk = nodes.shops[0].tree().desk().pid().unwrap().number();
    let guard = nodes.shops[0].tree().guard().pid().unwrap().number();
    let lines = format!(
        "# The nodes, and the processes of one.
         nodes
         processes east@shop guard
         process east@shop {guard}
         tree east@shop
         functions east@shop
         messages east@shop desk
         call east@shop double [21]
         send west@shop desk order {{\"dish\": \"rice\", \"count\": 1000000}}
         trace east@shop {desk} 2 5
         suspend east@shop {desk}
         state east@shop {desk}
         resume east@shop {desk}
         stop east@shop {guard}
         alarms east@shop
         quit"
    );
    let (answers, succeeded) = shell(&nodes, &lines).await;
    assert!(succeeded && answers.len() == 14, "{answers:#?}");
    let names: Vec<_> = parse(&answers[0]).as_array().unwrap().iter().map(|node| node["node"].clone()).collect();
    assert_eq!(names, ["east@shop", "west@shop"], "only one is a seed");
    let processes = parse(&answers[1]);
    assert_eq!(processes.as_array().unwrap().len(), 1, "{processes}");
    assert_eq!((&processes[0]["type"], &processes[0]["number"]), (&json!("Guard"), &json!(guard)));
    assert!(parse(&answers[2])["state"]["waiting"]["at"]["file"].as_str().unwrap().ends_with("shop.rs"));
    assert!(answers[3].contains("desk") && answers[3].contains("customer"), "{}", answers[3]);
    assert_eq!(parse(&answers[4]), json!(["double(number: u32) -> u32"]));
    assert_eq!(parse(&answers[5]), json!(["Order(dish: String, count: u32) -> u64", "Burn()"]));
    assert_eq!(parse(&answers[6]), json!(42));
    assert!(parse(&answers[7]).as_u64().unwrap() >= 1_000_000, "{}", answers[7]);
    let steps = parse(&answers[8]);
    assert_eq!(steps.as_array().unwrap().len(), 2, "{steps}");
    assert_eq!(steps[0]["variant"], "Order");
    assert_eq!(answers[9], "\"suspended\"");
    assert!(answers[10].starts_with("\"Desk { orders: "), "{}", answers[10]);
    assert_eq!((&*answers[11], &*answers[12], &*answers[13]), ("\"resumed\"", "\"stopped\"", "[]"));
    let restarted = nodes.shops[0].tree().guard();
    while restarted.pid().is_none_or(|pid| pid.number() == guard) {
        tokio::task::yield_now().await;
    }
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_and_refusals_are_errors_and_fail_the_shell() {
    let looks = || Policy::cookie().without(Right::Call).without(Right::Names).without(Right::Exit);
    let nodes = Nodes::start(looks).await;
    let desk = nodes.shops[0].tree().desk().pid().unwrap().number();
    for (line, expected) in [
        ("eat", "unknown command"),
        ("process east@shop 999999", "no such process"),
        ("processes north@shop", "no connection"),
        ("call east@shop triple [1]", "exports no function `triple`"),
        ("call east@shop double [-1]", "-1 does not fit into u32"),
        ("call east@shop double [1]", "right `call`"),
        ("send east@shop desk Order [\"rice\", 1]", "right `names`"),
        ("send east@shop cellar Order []", "no process `cellar`"),
        (&format!("kill east@shop {desk}"), "right `exit`"),
    ] {
        let (answers, succeeded) = shell(&nodes, &format!("{line}\nnodes\n")).await;
        let [error, nodes] = &answers[..] else { panic!("{line}: {answers:#?}") };
        assert!(error.starts_with("error: ") && error.contains(expected), "{line}: {error}");
        assert!(nodes.contains("east@shop") && !succeeded, "it goes on");
    }
    assert_eq!(nodes.shops[0].tree().desk().pid().unwrap().number(), desk);
    nodes.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_an_error() {
    let nodes = Nodes::start(Policy::cookie).await;
    let mut command = nodes.observer(&["shell"]);
    command.env(Cookie::VARIABLE, Cookie::random().unwrap().expose());
    let done = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output().unwrap());
    let output = done.await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("no connection to 127.0.0.1:"), "{error}");
    nodes.stop().await;
}
