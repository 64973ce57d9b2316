//! The pages in a browser: people on two nodes of three, one of which is killed.

use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::cluster::Cluster;

/// Opens the page of a node for a person in the lobby.
async fn join(browser: &Browser, cluster: &Cluster, node: usize, nick: &str) -> Page {
    let page = browser.open(&format!("{}/?room=lobby&nick={nick}", cluster.pages[node])).await;
    page.wait_for(&format!("state.textContent.startsWith('{nick} in lobby')")).await;
    page
}

/// Waits until the page shows these lines of people, and no others, all acknowledged.
async fn expect_lines(page: &Page, lines: &[String]) {
    let shown = "JSON.stringify([...document.querySelectorAll('#lines .line, #lines .waiting')].map((line) => \
                 line.className + ' ' + line.querySelector('b').textContent + ': ' + line.querySelector('span').textContent))";
    let expected: Vec<String> = lines.iter().map(|line| format!("line {line}")).collect();
    page.wait_for(&format!("{shown} === {}", json!(json!(expected).to_string()))).await;
}

#[tokio::test]
async fn people_on_two_nodes_continue_when_one_is_killed() {
    let Some(browser) = Browser::start("people").await else { return };
    let mut cluster = Cluster::start("people");
    let (ann, bob) = (join(&browser, &cluster, 0, "ann").await, join(&browser, &cluster, 1, "bob").await);
    ann.wait_for("people.innerText === 'ann\\nbob'").await;
    bob.wait_for("people.innerText === 'ann\\nbob'").await;

    ann.say("hello from a").await;
    bob.wait_for("lines.innerText.includes('hello from a')").await;
    // A text of a person is never markup.
    bob.say("<b>hello</b> from b").await;
    let mut lines: Vec<String> = ["ann: hello from a", "bob: <b>hello</b> from b"].map(str::to_owned).into();
    expect_lines(&ann, &lines).await;
    expect_lines(&bob, &lines).await;

    // A notice while bob types.
    bob.insert("I am").await;
    ann.wait_for("typing.textContent === 'bob is typing'").await;
    bob.press("Enter").await;
    ann.wait_for("typing.textContent === ''").await;
    lines.push("bob: I am".to_owned());

    // Both write while the node of bob is killed and its directory deleted.
    for number in 0..20 {
        if number == 5 {
            cluster.kill_and_delete(1);
        }
        ann.say(&format!("a {number}")).await;
        let sent = format!("ann: a {number}");
        bob.say(&format!("b {number}")).await;
        lines.extend([sent, format!("bob: b {number}")]);
    }
    bob.wait_for("state.textContent.startsWith('bob in lobby, connected to 127.0.0.1:')").await;
    bob.wait_for("!document.querySelector('#lines .waiting')").await;
    ann.wait_for(&format!("document.querySelectorAll('#lines .line').length === {}", lines.len())).await;
    // The order is the same for both, and each line is there once.
    let shown = |page| async move {
        let texts =
            "[...document.querySelectorAll('#lines .line')].map((line) => line.innerText.replace(/^[^a-z]*/, ''))";
        let page: &Page = page;
        let shown: Vec<String> = serde_json::from_value(page.evaluate(texts).await).unwrap();
        shown
    };
    let (of_ann, of_bob) = (shown(&ann).await, shown(&bob).await);
    assert_eq!(of_ann, of_bob);
    let mut sorted = [of_ann, lines];
    sorted.iter_mut().for_each(|lines| lines.sort());
    assert_eq!(sorted[0].len(), sorted[1].len());

    // The node is back, without any data, and catches up.
    cluster.wait_for(&["b: database: this node has caught up"]);
    let eve = join(&browser, &cluster, 1, "eve").await;
    eve.wait_for("document.querySelectorAll('#lines .line').length === 43").await;
    ann.wait_for("people.innerText === 'ann\\nbob\\neve'").await;
}

#[tokio::test]
async fn a_page_shows_rooms_and_history_on_each_screen() {
    let Some(browser) = Browser::start("screens").await else { return };
    let cluster = Cluster::start("screens");
    let (ann, bob) = (join(&browser, &cluster, 0, "ann").await, join(&browser, &cluster, 1, "bob").await);
    // A long history, through the connection of the page.
    bob.evaluate(
        "(async () => {
            const { Connection } = await import('/connection.js');
            let left = 450;
            await new Promise((resolve) => {
                const connection = new Connection({
                    opened() {
                        connection.send({ type: 'join', room: 'lobby', nick: 'joe', last_seen: 0 });
                        for (let n = 1; n <= left; n++) {
                            connection.send({ type: 'say', room: 'lobby', id: `joe ${n}`, words: `line ${n} of a long history` });
                        }
                    },
                    received(message) { if (message.type === 'acknowledged' && --left === 0) resolve(); },
                    lost() {},
                });
            });
        })()",
    )
    .await;
    let eve = join(&browser, &cluster, 2, "eve").await;
    let count = "document.querySelectorAll('#lines .line').length";
    let first = "document.querySelector('#lines .line span').textContent";
    eve.wait_for(&format!("{count} === 200 && log.scrollHeight - log.scrollTop - log.clientHeight < 40")).await;
    for (lines, text) in [(400, "line 51 of a long history"), (450, "line 1 of a long history")] {
        eve.evaluate("log.scrollTop = 0").await;
        eve.wait_for(&format!("{count} === {lines} && {first} === '{text}'")).await;
        // The visible lines stay where they are.
        assert_ne!(eve.evaluate("log.scrollTop").await, 0);
    }
    assert_eq!(eve.evaluate("document.querySelectorAll('#lines .day').length").await, 1);

    // A line that arrives above the visible part, and one in another room.
    bob.say("unseen").await;
    eve.wait_for("!newer.hidden && newer.textContent === '1 new ↓'").await;
    eve.evaluate("newer.click()").await;
    eve.wait_for("newer.hidden").await;
    ann.wait_for("lines.innerText.includes('unseen')").await;
    ann.evaluate("document.getElementById('open').room.focus()").await;
    ann.insert("garden").await;
    ann.press("Enter").await;
    ann.wait_for("state.textContent.startsWith('ann in garden')").await;
    bob.say("unread").await;
    ann.wait_for("document.querySelector('#rooms .unread')?.textContent === '1'").await;
    assert_eq!(ann.evaluate("document.title").await, "(1) garden · greenroom chat");
    ann.take_picture("unread").await;
    ann.evaluate("document.querySelector('[data-room=lobby]').click()").await;
    ann.wait_for("lines.innerText.includes('unread') && !document.querySelector('#rooms .unread')").await;

    let admin = browser.open(&format!("{}/admin", cluster.pages[2])).await;
    admin
        .wait_for("document.querySelectorAll('#rooms svg').length === 1 && report.textContent.includes('lobby')")
        .await;
    eve.say("good evening").await;
    bob.insert("I").await;
    eve.wait_for("typing.textContent !== ''").await;
    for (screen, width, height) in [("desktop", 1000, 700), ("phone", 390, 760)] {
        for (colours, is_dark) in [("light", false), ("dark", true)] {
            for (name, page) in [("chat", &eve), ("admin", &admin)] {
                page.set_size(width, height, screen == "phone").await;
                page.set_dark(is_dark).await;
                page.take_picture(&format!("{name}-{screen}-{colours}")).await;
                page.check_accessibility(&format!("{name}, {screen}, {colours}")).await;
                if name == "chat" {
                    // The last line and the form are on the screen.
                    page.wait_for("log.scrollHeight - log.scrollTop - log.clientHeight < 40 && log.clientHeight > 300")
                        .await;
                    assert_eq!(page.evaluate("document.documentElement.scrollHeight").await, Value::from(height));
                }
                // Nothing is wider than the screen.
                assert_eq!(page.evaluate("document.documentElement.scrollWidth").await, Value::from(width), "{name}");
            }
        }
    }
    eve.evaluate("document.getElementById('show-people').click()").await;
    eve.take_picture("people-phone").await;
    let start = browser.open(&cluster.pages[0]).await;
    start.check_accessibility("before the join").await;
    start.take_picture("join").await;
}

/// A person who uses no mouse.
#[tokio::test]
async fn each_control_works_by_the_keyboard() {
    let Some(browser) = Browser::start("keyboard").await else { return };
    let cluster = Cluster::start("keyboard");
    let page = browser.open(&cluster.pages[0]).await;
    // Two rooms, so that a page has all of its controls: a link, the name, the room, and the button to join.
    assert_eq!(page.check_tab_order("before the join").await, 4);
    page.tab_to("#join [name=nick]").await;
    page.insert("ann").await;
    page.tab_to("#join button").await;
    page.press(" ").await;
    page.wait_for("state.textContent.startsWith('ann in lobby')").await;
    // The focus is where the person goes on.
    page.wait_for("document.activeElement === say.words").await;

    for (room, key) in [("garden", " "), ("attic", "Enter")] {
        page.tab_to("#open [name=room]").await;
        page.insert(room).await;
        page.tab_to("#open button").await;
        page.press(key).await;
        page.wait_for(&format!("state.textContent.startsWith('ann in {room}')")).await;
    }
    // The link, three rooms, the field and button for others, the lines, and the field and button for a new one.
    assert_eq!(page.check_tab_order("in a room").await, 9);
    for (room, key) in [("lobby", "Enter"), ("garden", " ")] {
        page.tab_to(&format!("[data-room={room}]")).await;
        page.press(key).await;
        page.wait_for(&format!(
            "state.textContent.startsWith('ann in {room}') && document.activeElement === say.words"
        ))
        .await;
    }
    for key in ["Enter", " "] {
        page.tab_to("#say [name=words]").await;
        page.insert("by the keyboard").await;
        page.tab_to("#say button").await;
        page.press(key).await;
        page.wait_for("say.words.value === '' && !document.querySelector('#lines .waiting')").await;
    }
    page.wait_for("document.querySelectorAll('#lines .line').length === 2").await;

    page.set_size(390, 760, true).await;
    for (key, expanded) in [("Enter", "true"), (" ", "false"), (" ", "true")] {
        page.tab_to("#show-people").await;
        page.press(key).await;
        page.wait_for(&format!(
            "document.getElementById('show-people').getAttribute('aria-expanded') === '{expanded}' \
             && document.getElementById('people-box').checkVisibility() === {expanded}"
        ))
        .await;
    }
    page.check_tab_order("on a phone").await;
    page.check_accessibility("on a phone, with people").await;

    let admin = browser.open(&format!("{}/admin", cluster.pages[0])).await;
    assert_eq!(admin.check_tab_order("admin").await, 1);
    admin.press("Enter").await;
    admin.wait_for("location.pathname === '/'").await;
}
