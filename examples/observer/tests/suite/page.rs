//! The page of the program in a browser, beside two nodes.

use greenroom::Policy;
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::shop::{Nodes, Program};

/// Reports what axe-core finds on the page, if `AXE_CORE` is the path of `axe.min.js`.
async fn check_accessibility(page: &Page, place: &str) {
    let Ok(path) = std::env::var("AXE_CORE") else { return };
    page.evaluate(&format!("{};0", std::fs::read_to_string(path).unwrap())).await;
    let found = page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))",
    );
    assert_eq!(found.await, json!([]), "{place}");
}

/// Returns the texts of the cells of the process with this name that are within the screen.
async fn visible_cells(page: &Page, name: &str) -> Vec<String> {
    let script = format!(
        "[...[...document.querySelectorAll('#processes tbody tr')]
            .find((row) => row.cells[0].innerText === '{name}').cells]
            .filter((cell) => {{ const {{ left, right, width }} = cell.getBoundingClientRect();
                                 return width > 0 && left >= 0 && right <= innerWidth; }})
            .map((cell) => cell.innerText)"
    );
    let Value::Array(texts) = page.evaluate(&script).await else { panic!("no row of {name}") };
    texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_shown_from_outside() {
    let Some(browser) = Browser::start("observer").await else { return };
    let nodes = Nodes::start(Policy::cookie).await;
    let (_program, address) = Program::page(&nodes, &["--actions"]);
    let page = browser.open(&format!("{address}/?node=east@shop")).await;

    // Both nodes, although only one is a seed. The observer is not among them.
    page.wait_for(
        "[...document.querySelectorAll('[data-node]')].map((node) => node.innerText).join() === 'east@shop,west@shop'",
    )
    .await;
    page.wait_for("document.querySelector('#nodes').innerText.includes('version=2.1')").await;
    page.wait_for("document.querySelector('#connections').innerText.includes('east@shop ⇄ west@shop')").await;
    page.wait_for("document.querySelectorAll('#nodes polyline').length === 2").await;
    page.wait_for("document.querySelector('#tree').innerText.includes('desk')").await;

    // At 1,000 pixels: the name, the type, the state, and the line at which it waits.
    page.wait_for("document.querySelector('#processes').innerText.includes('guard')").await;
    let cells = visible_cells(&page, "/Shop/guard").await;
    assert_eq!(&cells[..3], ["/Shop/guard", "Guard", "waiting"], "{cells:?}");
    assert!(cells[3].starts_with("shop.rs:") && cells.len() == 8, "{cells:?}");

    // The customers of one node order at the desk of the other one, twenty times a second.
    page.wait_for("document.querySelector('#flows').textContent.includes('Customer on west@shop → Desk on east@shop')")
        .await;
    page.wait_for("document.querySelectorAll('#graph path').length > 2").await;
    // At 1,000 pixels: all columns of the nodes. No number covers another one.
    let table = page.evaluate("[nodes.clientWidth, nodes.parentElement.clientWidth]").await;
    assert!(table[0].as_u64() <= table[1].as_u64(), "{table}");
    let covered = page.evaluate(
        "(() => {
            const boxes = [...document.querySelectorAll('#graph .rate')].map((text) => text.getBBox());
            return boxes.filter((a, i) => boxes.slice(i + 1).some((b) => a.x < b.x + b.width && b.x < a.x + a.width
                && a.y < b.y + b.height && b.y < a.y + a.height)).length;
        })()",
    );
    assert_eq!(covered.await, 0);
    page.take_picture("observer").await;
    page.evaluate("document.getElementById('timeline').scrollIntoView()").await;
    page.take_picture("observer-node").await;
    check_accessibility(&page, "observer").await;

    // A crash is an event of its node.
    nodes.shops[1].tree().desk().burn();
    page.wait_for("/west@shop.*the oven burns/s.test(document.querySelector('#events').innerText)").await;
    page.wait_for("document.querySelectorAll('#timeline circle').length >= 2").await;

    // One process: its messages, its state, and its end.
    page.evaluate("[...document.querySelectorAll('#processes button')].find((b) => b.innerText === 'desk').click()")
        .await;
    page.wait_for("document.querySelector('#facts').innerText.includes('DeskMessage')").await;
    page.evaluate("document.querySelector('#tracing').click()").await;
    page.wait_for(
        r#"/Order \{ dish: "soup", count: 1.*from <west@shop/s.test(document.querySelector('#trace').innerText)"#,
    )
    .await;
    page.evaluate("document.querySelector('[data-action=state]').click()").await;
    page.wait_for("/^Desk \\{ orders: \\d+ \\}$/.test(document.querySelector('#result').textContent)").await;
    page.evaluate("document.getElementById('one').scrollIntoView()").await;
    page.take_picture("observer-process").await;
    page.evaluate("document.querySelector('[data-action=suspend]').click()").await;
    page.wait_for("document.querySelector('#facts').innerText.includes('suspended')").await;
    page.evaluate("document.querySelector('[data-action=resume]').click()").await;
    page.wait_for("document.querySelector('#result').textContent === 'resumed'").await;
    page.evaluate("document.querySelector('[data-action=stop]').click()").await;
    page.wait_for("document.querySelector('#facts').innerText.includes('ended')").await;
    page.wait_for("/east@shop.*Shop.desk was restarted/s.test(document.querySelector('#events').innerText)").await;

    // A phone: nothing is wider than the screen.
    page.set_size(375, 800, true).await;
    page.set_dark(true).await;
    page.wait_for("document.documentElement.scrollWidth <= innerWidth").await;
    check_accessibility(&page, "observer on a phone").await;
    page.evaluate("scrollTo(0, 0)").await;
    page.take_picture("observer-phone").await;
    nodes.stop().await;
}
