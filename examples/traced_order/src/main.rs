//! An order that is handled on two nodes, in two operating system processes, and whose spans OpenTelemetry records.
//!
//! ```text
//! cargo run -p traced_order
//! ```
//!
//! The program runs the node of the orders, and starts itself a second time as the node of the stock. Each prints its
//! spans: the stock handles a message in a span that is linked to the span of the other program in which it was sent.

mod exporter;
mod propagator;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use greenroom::prelude::*;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;

use exporter::Lines;
use propagator::OpenTelemetry;

/// The goods in the warehouse.
#[actor(name = "stock")]
struct Stock {
    left: u32,
}

#[actor]
impl Stock {
    /// Takes so many pieces out. Returns how many are left.
    #[call]
    fn reserve(&mut self, pieces: u32) -> u32 {
        // A span of the program is part of the span of the message.
        let _span = tracing::info_span!("shelf").entered();
        self.left = self.left.saturating_sub(pieces);
        self.left
    }

    #[cast]
    fn close(&mut self, cx: &mut Context<Self>) {
        cx.stop(Exit::Normal);
    }
}

/// Takes orders.
#[actor]
struct Orders {
    stock: StockRef,
}

#[actor]
impl Orders {
    #[call]
    async fn order(&mut self, pieces: u32) -> Result<u32, Exit> {
        Ok(self.stock.reserve(pieces).await?)
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    match std::env::args().nth(1).as_deref() {
        Some("stock") => stock(Cookie::load()?).await,
        _ => both().await,
    }
}

/// Has OpenTelemetry record the spans of this program, and the node send their ids with messages.
fn record_spans(node: &Node) -> greenroom::Result {
    let provider = SdkTracerProvider::builder().with_simple_exporter(Lines(node.name().to_string())).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("traced_order"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    Ok(node.set_propagator(OpenTelemetry)?)
}

async fn stock(cookie: Cookie) -> greenroom::Result {
    let node = Node::builder("stock@localhost").cookie(cookie).listen("127.0.0.1:0").start().await?;
    record_spans(&node)?;
    let stock = node.start(Stock { left: 10 }).await?;
    println!("stock listens at {}", node.address().unwrap_or_default());
    stock.ended().await;
    node.stop().await;
    Ok(())
}

/// Starts the stock as an operating system process and orders from it. Both nodes use a random cookie.
async fn both() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("stock")
        .env(Cookie::VARIABLE, cookie.expose())
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = order(&mut child, cookie).await;
    if outcome.is_err() {
        // The stock may still wait for an order.
        let _ = child.kill();
    }
    child.wait()?;
    outcome
}

async fn order(child: &mut Child, cookie: Cookie) -> greenroom::Result {
    let output = child.stdout.take().ok_or_else(|| Exit::error("the stock has no output"))?;
    let mut lines = BufReader::new(output).lines();
    let first = lines.next().ok_or_else(|| Exit::error("the stock did not start"))??;
    let address = first.rsplit(' ').next().unwrap_or_default();
    let node = Node::builder("orders@localhost").cookie(cookie).seed(address).start().await?;
    record_spans(&node)?;
    let stock: StockRef = node.named_at("stock", "stock@localhost");
    let orders = node.start(Orders { stock: stock.clone() }).await?;
    // The message takes the ids of the span in which it is sent.
    let order = tracing::info_span!("request").in_scope(|| orders.order(3));
    println!("{} pieces are left", order.await??);
    stock.close().await?;
    lines.map_while(Result::ok).for_each(|line| println!("{line}"));
    node.stop().await;
    Ok(())
}
