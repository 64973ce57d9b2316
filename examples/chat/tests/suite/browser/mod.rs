//! Chromium without a window, controlled by its DevTools protocol.
//!
//! The protocol is JSON over a websocket, so this needs no driver program, and no client crate with its forty others.

mod accessibility;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::scratch::Scratch;

/// The time in which a condition on a page has to come true, in milliseconds.
const TIME_LIMIT: u32 = 30_000;

/// A running browser.
pub(crate) struct Browser {
    process: Child,
    connection: Arc<Mutex<Connection>>,
    _profile: Scratch,
}

struct Connection {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
}

/// A page of one person, with storage of its own.
pub(crate) struct Page {
    connection: Arc<Mutex<Connection>>,
    session: String,
}

impl Browser {
    /// Starts the browser. Returns `None` if it is not installed, unless `CI=true` is set.
    pub(crate) async fn start(name: &str) -> Option<Browser> {
        let profile = Scratch::new(&format!("browser-{name}"));
        let started = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.0.display()))
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut process) = started else {
            assert!(std::env::var("CI").is_err(), "chromium is not installed");
            eprintln!("skipped: chromium is not installed");
            return None;
        };
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned));
        let address = address.expect("the browser states its address");
        // The browser ends if nothing reads its messages.
        std::thread::spawn(move || lines.count());
        let host = address.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).unwrap();
        let stream = TcpStream::connect(host).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(&address, stream).await.unwrap();
        let connection = Arc::new(Mutex::new(Connection { socket, last_id: 0 }));
        Some(Browser { process, connection, _profile: profile })
    }

    /// Opens an address for another person.
    pub(crate) async fn open(&self, url: &str) -> Page {
        let mut connection = self.connection.lock().await;
        let person = connection.call(None, "Target.createBrowserContext", json!({})).await;
        let target = json!({ "url": "about:blank", "browserContextId": person["browserContextId"] });
        let target = connection.call(None, "Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = connection.call(None, "Target.attachToTarget", attach).await;
        drop(connection);
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let page = Page { connection: Arc::clone(&self.connection), session };
        page.set_size(1000, 700, false).await;
        // Each page behaves as if it had the focus.
        page.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        page.call("Page.navigate", json!({ "url": url })).await;
        page.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'").await;
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Connection {
    /// Sends a command and returns its result.
    async fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let Message::Text(text) = self.socket.next().await.expect("the browser runs").unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            // Other messages are events.
            if answer["id"] == self.last_id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }
}

impl Page {
    async fn call(&self, method: &str, parameters: Value) -> Value {
        self.connection.lock().await.call(Some(&self.session), method, parameters).await
    }

    /// Evaluates an expression, also one that is a promise.
    pub(crate) async fn evaluate(&self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", parameters).await;
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    /// Waits until a condition is true on the page.
    pub(crate) async fn wait_for(&self, condition: &str) {
        let promise = format!(
            "new Promise((resolve) => {{
                const end = Date.now() + {TIME_LIMIT};
                const check = () => ({condition}) ? resolve(true)
                    : Date.now() > end ? resolve(document.body?.innerText.slice(0, 2000) ?? false) : setTimeout(check, 20);
                check();
            }})"
        );
        assert_eq!(self.evaluate(&promise).await, true, "not true within {TIME_LIMIT} ms: {condition}");
    }

    /// Types a text into the element that has the focus.
    pub(crate) async fn insert(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses a key: Enter, Tab or the space.
    pub(crate) async fn press(&self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            " " => (32, " "),
            _ => panic!("the number of the key {key} is not known"),
        };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Types a line and sends it.
    pub(crate) async fn say(&self, words: &str) {
        self.evaluate("document.getElementById('say').words.focus()").await;
        self.insert(words).await;
        self.press("Enter").await;
    }

    /// Sets the size of the screen in pixels.
    pub(crate) async fn set_size(&self, width: u32, height: u32, is_phone: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Selects the dark or the light colours.
    pub(crate) async fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Writes a picture of the page into the build's output.
    pub(crate) async fn take_picture(&self, name: &str) {
        let picture = self.call("Page.captureScreenshot", json!({})).await;
        let bytes = data_encoding::BASE64.decode(picture["data"].as_str().unwrap().as_bytes()).unwrap();
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chat-pages");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name).with_extension("png"), bytes).unwrap();
    }
}
