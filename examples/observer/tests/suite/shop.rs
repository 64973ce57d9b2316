//! A cluster over sockets, in which customers order at desks, and the program that looks at it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use greenroom::prelude::*;
use greenroom::{Application, Cookie, Policy, Running};

/// A desk at which customers order.
#[actor(sys, name = "desk")]
#[derive(Debug, Default)]
pub(crate) struct Desk {
    orders: u64,
}

#[actor]
impl Desk {
    #[call]
    pub(crate) fn order(&mut self, dish: String, count: u32) -> u64 {
        drop(dish);
        self.orders += u64::from(count);
        self.orders
    }

    #[cast]
    pub(crate) fn burn(&mut self) {
        panic!("the oven burns");
    }
}

/// Orders twenty times a second.
#[actor]
pub(crate) struct Customer {
    desk: DeskRef,
}

#[actor]
impl Customer {
    #[every("50ms")]
    async fn order(&mut self) {
        // A desk that is lost is there again soon.
        let _ = self.desk.order("soup".to_owned(), 1).await;
    }
}

/// The messages to the guard.
#[protocol]
pub(crate) enum Watch {
    /// The shop closes.
    Close,
}

/// Waits until the shop closes.
#[actor(protocol = Watch)]
#[derive(Default)]
pub(crate) struct Guard;

impl Process for Guard {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Watch::Close => Ok(()),
        })
    }
}

#[supervisor(intensity = 100, period = "5s")]
pub(crate) struct Shop {
    /// The node at whose desk the customers order.
    other: String,
    #[child]
    desk: Desk,
    #[child(start = Customer { desk: DeskRef::at("desk", &self.other) })]
    customer: Customer,
    #[child]
    guard: Guard,
}

/// Two nodes in this program. Customers of each order at the desk of the other one.
pub(crate) struct Nodes {
    pub(crate) cookie: Cookie,
    pub(crate) nodes: Vec<Node>,
    pub(crate) shops: Vec<Running<ShopRef>>,
}

impl Nodes {
    pub(crate) async fn start(policy: fn() -> Policy) -> Nodes {
        let cookie = Cookie::random().unwrap();
        let (mut nodes, mut shops) = (Vec::<Node>::new(), Vec::new());
        for (name, other) in [("east@shop", "west@shop"), ("west@shop", "east@shop")] {
            let builder = Node::builder(name).cookie(cookie.clone()).listen("127.0.0.1:0").policy(policy());
            let builder =
                builder.metadata("version", "2.1").metadata("page", "http://127.0.0.1:8080").export::<double::Remote>();
            let seeds = nodes.iter().filter_map(Node::address);
            let node = seeds.fold(builder, greenroom::NodeBuilder::seed).start().await.unwrap();
            let shop = Application::new("shop", Shop { other: other.to_owned() });
            shops.push(node.scope(async { shop.start().await.unwrap() }).await);
            nodes.push(node);
        }
        Nodes { cookie, nodes, shops }
    }

    pub(crate) fn address(&self) -> String {
        self.nodes[0].address().unwrap()
    }

    /// Returns the command that runs the observer's program beside these nodes.
    pub(crate) fn observer(&self, mode: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_observer"));
        command.args(mode).args(["--seed", &self.address()]).env(Cookie::VARIABLE, self.cookie.expose());
        command
    }

    pub(crate) async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Doubles a number.
#[remote]
pub(crate) fn double(number: u32) -> u32 {
    2 * number
}

/// A running program, which is killed on drop.
pub(crate) struct Program(Child);

impl Program {
    /// Starts the observer's page. Returns its address, too.
    pub(crate) fn page(nodes: &Nodes, args: &[&str]) -> (Program, String) {
        let mut command = nodes.observer(args);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        command.args(["--page", &free.to_string()]).stdout(Stdio::piped());
        let mut program = Program(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("the page is at ").expect("its address").to_owned();
        (program, address)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
