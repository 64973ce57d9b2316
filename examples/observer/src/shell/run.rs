//! The answers to the commands.

use greenroom::{Callable, Inspection, ProcessInfo, Trace, prelude::*};
use serde_json::{Value as Json, json};

use super::command::{Command, HELP};
use super::json::{from_json, to_json};

/// The most processes of an answer.
const MAX_PROCESSES: usize = 10_000;

/// The answer to a command, or the reason why it failed.
type Answer = Result<Json, String>;

/// Carries out commands on nodes that this one is connected to.
pub(crate) struct Shell {
    node: Node,
}

impl Shell {
    pub(crate) fn new(node: Node) -> Shell {
        Shell { node }
    }

    /// Carries a command out.
    pub(crate) async fn carry_out(&mut self, command: Command) -> Answer {
        match command {
            Command::Nodes => self.nodes().await,
            Command::Processes { node, filter } => self.processes(&node, &filter).await,
            Command::Process { node, number } => {
                let there = self.node.inspect(node);
                let pid = find(&there, number).await?;
                let info = there.process_info(&pid).await.map_err(text)?.ok_or("no such process")?;
                serde_json::to_value(info).map_err(text)
            }
            Command::Tree(node) => {
                let trees = self.node.inspect(node).trees().await.map_err(text)?;
                Ok(trees.iter().map(|tree| json!(tree.to_string())).collect())
            }
            Command::Alarms(node) => {
                let alarms = self.node.inspect(node).raised_alarms().await.map_err(text)?;
                Ok(alarms.iter().map(|alarm| json!({ "name": alarm.name(), "text": alarm.to_string() })).collect())
            }
            Command::Metrics(node) => {
                serde_json::to_value(self.node.inspect(node).metrics().await.map_err(text)?).map_err(text)
            }
            Command::Flows(node) => {
                let flows = self.node.inspect(node).message_flows().await.map_err(text)?;
                serde_json::to_value(flows.ok_or("the node has too many traces")?).map_err(text)
            }
            Command::Trace { node, number, steps, duration } => {
                self.trace(&node, number, Trace { steps, duration }).await
            }
            Command::Act { node, number, action } => {
                let there = self.node.inspect(node);
                let pid = find(&there, number).await?;
                action.carry_out(&there, &pid).await.map_err(text)?.map(Json::String)
            }
            Command::Functions(node) => self.functions(&node).await,
            Command::Messages { node, process } => {
                let messages = self.node.inspect(node).messages(&process).await.map_err(text)?;
                Ok(messages.iter().map(|message| json!(message.to_string())).collect())
            }
            Command::Call { node, function, args } => {
                let there = self.node.inspect(node);
                let callable = there.function(&function).await.map_err(text)?;
                let callable = callable.ok_or_else(|| format!("the node exports no function `{function}`"))?;
                call(&there, &callable, args).await
            }
            Command::Send { node, process, message, args } => {
                let there = self.node.inspect(node);
                let messages = there.messages(&process).await.map_err(text)?;
                if messages.is_empty() {
                    return Err(format!("there is no process `{process}`, or its protocol is not for other nodes"));
                }
                // Also as the method of a stub.
                let is_meant = |callable: &&Callable| callable.name().eq_ignore_ascii_case(&message.replace('_', ""));
                let callable =
                    messages.iter().find(is_meant).ok_or_else(|| format!("there is no message `{message}`"))?;
                call(&there, callable, args).await
            }
            Command::Help => Ok(json!(HELP)),
            Command::Quit => Ok(Json::Null),
        }
    }

    async fn nodes(&self) -> Answer {
        let mut nodes = Vec::new();
        for name in self.node.peers() {
            nodes.push(match self.node.inspect(name.as_str()).overview().await {
                Ok(overview) => serde_json::to_value(overview).map_err(text)?,
                Err(error) => json!({ "node": name, "error": error.to_string() }),
            });
        }
        Ok(nodes.into())
    }

    async fn processes(&self, node: &str, filter: &str) -> Answer {
        let there = self.node.inspect(node);
        let (mut found, mut last, mut seen) = (Vec::new(), None, 0);
        while seen < MAX_PROCESSES {
            let page = there.processes(last.as_ref()).await.map_err(text)?;
            let Some(process) = page.last() else { break };
            last = Some(process.pid.clone());
            seen += page.len();
            found.extend(page.iter().map(line).filter(|line| line.to_string().contains(filter)));
        }
        Ok(found.into())
    }

    async fn trace(&self, node: &str, number: u64, trace: Trace) -> Answer {
        let there = self.node.inspect(node);
        let pid = find(&there, number).await?;
        let mut tracing = there.trace(&pid, trace).await.map_err(text)?;
        let mut events = Vec::new();
        while let Some(event) = tracing.next().await.map_err(text)? {
            events.push(serde_json::to_value(event).map_err(text)?);
        }
        Ok(events.into())
    }

    async fn functions(&self, node: &str) -> Answer {
        let there = self.node.inspect(node);
        let mut functions = Vec::new();
        for name in there.functions().await.map_err(text)? {
            let function = there.function(&name).await.map_err(text)?;
            functions.push(json!(function.map_or(name, |function| function.to_string())));
        }
        Ok(functions.into())
    }
}

/// Calls, and returns the answer; null for a message without one.
async fn call(there: &Inspection, callable: &Callable, args: Json) -> Answer {
    let answer = there.call(callable, from_json(args)).await.map_err(text)?;
    Ok(answer.map_or(Json::Null, to_json))
}

/// Returns the pid of the process with this number.
async fn find(there: &Inspection, number: u64) -> Result<Pid, String> {
    let mut last: Option<Pid> = None;
    loop {
        let page = there.processes(last.as_ref()).await.map_err(text)?;
        let Some(end) = page.last() else { return Err("no such process".to_owned()) };
        if end.pid.number() >= number {
            let found = page.into_iter().find(|info| info.pid.number() == number);
            return found.map(|info| info.pid).ok_or_else(|| "no such process".to_owned());
        }
        last = Some(end.pid.clone());
    }
}

/// The most important facts of a process.
fn line(info: &ProcessInfo) -> Json {
    json!({
        "number": info.pid.number(),
        "name": info.name,
        "path": info.path,
        "type": info.kind,
        "state": info.state.to_string(),
        "mailbox": info.mailbox,
        "handled": info.handled,
    })
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
