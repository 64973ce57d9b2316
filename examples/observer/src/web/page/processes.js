// The supervision trees, the processes and one process of the selected node.
import { age, at, button, bytes, count, make, number, pid, replace, span } from "./elements.js";

let starts = {};     // path → its number of starts

function treeLine(line) {
  const name = line.number === null ? make("span", "", line.id) : button(line.id, `tree ${line.path} ${line.id}`);
  if (line.number !== null) name.dataset.number = line.number;
  const item = make("li", `depth-${Math.min(line.depth, 5)}`, make("span", `dot ${line.state}`), name);
  item.append(make("small", "", line.state === "up" ? line.note : line.state === "more" ? "" : line.state));
  if (line.starts > 1) item.append(make("i", "", `${line.starts} starts`));
  item.title = `${line.path} ${line.pid ?? ""} ${line.note}`;
  if (line.path in starts && starts[line.path] !== line.starts) item.classList.add("flash");
  return item;
}

export function showTree(node, lines) {
  replace(at("tree"), [node, lines], () => lines.length ? lines.map(treeLine) : [make("li", "empty", "none")]);
  starts = Object.fromEntries(lines.filter((line) => line.starts).map((line) => [line.path, line.starts]));
}

function processRow(row, selected) {
  const name = button(row.name || row.path || `${row.number}`, `process ${row.number}`);
  name.dataset.number = row.number;
  const line = make("tr", `${row.number}` === selected ? "selected" : "", make("td", "name", name),
    make("td", "kind", row.kind), make("td", `state ${row.state}`, row.state), make("td", "line", row.at),
    number(count(row.mailbox), row.mailbox), number(count(row.rate), row.rate), number(age(row.age), 1, "wide"),
    number(bytes(row.memory), 1, "wide"));
  line.title = `${row.pid} ${row.name} ${row.path}\n${row.kind}, protocol ${row.protocol}\n${row.doing}, ${row.handled} messages handled`;
  return line;
}

export function showProcesses(view, query) {
  const { rows, matching, partial } = view;
  const all = partial ? ", of the oldest 10,000" : "";
  at("count").textContent = (rows.length < matching ? `${count(rows.length)} of ${count(matching)}` : count(matching)) + all;
  replace(at("processes").tBodies[0], [rows, query.process], () => rows.map((row) => processRow(row, query.process)));
  for (const head of document.querySelectorAll("[data-sort]")) {
    if (head.dataset.sort === query.sort) head.ariaSort = "descending"; else head.removeAttribute("aria-sort");
  }
}

function doing(state) {
  if (typeof state === "string") return state;
  const [[name, details]] = Object.entries(state);
  if (name === "waiting") return details.at ? `waiting at ${details.at.file}:${details.at.line}` : "waiting for the next message";
  if (name === "calling") return `calling ${pid(details.callee)} for ${age(span(details.waited))}`;
  return name;
}

export function facts(pairs) {
  at("facts").replaceChildren(...pairs.map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
}

export function showOne(one, query, actions) {
  at("one").hidden = query.process === null;
  if (query.process === null) return;
  at("actions").hidden = !actions;
  if (one === null) {
    at("one-title").textContent = `process ${query.process}`;
    return facts([["state", "ended, or not found"]]);
  }
  at("one-title").textContent = `${one.name ?? one.path ?? one.kind} ${pid(one.pid)}`;
  const all = (list) => list.length ? list.slice(0, 20).join(", ") + (list.length > 20 ? ` and ${list.length - 20} more` : "") : "none";
  const pids = (list) => all(list.map(pid));
  const target = (one) => one.Pid ? pid(one.Pid) : `${one.Name[0]} on ${one.Name[1]}`;
  facts([
    ["state", doing(one.state)], ["path", one.path ?? "none"], ["name", one.name ?? "none"],
    ["type", one.kind], ["protocol", one.protocol], ["age", age(span(one.age))],
    ["unread", count(one.mailbox) + (one.capacity === null ? "" : ` of ${count(one.capacity)}`)],
    ["saved, in the wait queue", `${count(one.saved)}, ${count(one.wait_queue)}`],
    ["received, handled", `${count(one.received)}, ${count(one.handled)}`], ["overflowed", count(one.overflowed)],
    ["links", pids(one.links)], ["monitors", all(one.monitors.map(target))], ["monitored by", pids(one.monitored_by)],
    ["ancestors", pids(one.ancestors)],
    ["kind of process", [one.supervisor ? "supervisor" : "worker", one.trap_exit ? "traps exits" : ""].filter(Boolean).join(", ")],
    ["memory", `${bytes(one.memory.state)} state, ${bytes(one.memory.cell)} cell, ${bytes(one.memory.mailbox)} mailbox`],
  ]);
}
