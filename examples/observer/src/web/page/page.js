// The page: the stream of views, the selection, and the actions.
import { at, make, pid, replace, span } from "./elements.js";
import { showGraph } from "./graph.js";
import { showNodes } from "./nodes.js";
import { showOne, showProcesses, showTree } from "./processes.js";
import { showEvents } from "./timeline.js";

const initial = new URLSearchParams(location.search);
const query = {
  node: initial.get("node") ?? "", sort: initial.get("sort") ?? "mailbox", filter: initial.get("filter") ?? "",
  process: initial.get("process"),
};
let source;          // the current stream of views
let traced;          // the current trace
let shown;           // the node that is shown

function show({ overview, view }) {
  at("state").textContent = "live";
  shown = view?.node ?? null;
  showNodes(overview.nodes, shown);
  showGraph(overview.flows);
  showEvents(overview.events, overview.nodes.map(({ node }) => node));
  if (!view) return;
  at("selected").textContent = view.node;
  at("error").hidden = !view.error;
  at("error").textContent = view.error;
  at("alarms").hidden = view.alarms.length === 0;
  replace(at("alarms"), view.alarms, () => view.alarms.map((text) => make("li", "alarm", text)));
  showTree(view.node, view.trees);
  showProcesses(view, query);
  showOne(view.process, query, view.actions);
}

function connect() {
  source?.close();
  const params = new URLSearchParams({ node: query.node, sort: query.sort, filter: query.filter });
  if (query.process !== null) params.set("process", query.process);
  history.replaceState(null, "", `/?${params}`);
  source = new EventSource(`/events?${params}`);
  source.addEventListener("page", ({ data }) => show(JSON.parse(data)));
  source.onerror = () => {
    at("state").textContent = "not connected, trying again";
    // The server refused the request, so the browser does not connect again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
}

function trace(number) {
  traced?.close();
  traced = undefined;
  at("trace").hidden = number === null;
  at("tracing").textContent = "trace";
  if (number === null) return;
  at("trace").replaceChildren(make("li", "empty", "waiting for messages"));
  at("tracing").textContent = "stop the trace";
  traced = new EventSource(`/trace/${encodeURIComponent(shown)}/${number}`);
  traced.addEventListener("step", ({ data }) => {
    const step = JSON.parse(data);
    at("trace").querySelector(".empty")?.remove();
    const what = (step.text ?? step.variant) + (step.from ? ` from ${pid(step.from)}` : "");
    at("trace").prepend(make("li", "", make("time", "", `${(span(step.at) / 1000).toFixed(3)} s`), make("span", step.step, step.step), make("span", "", what)));
    while (at("trace").children.length > 200) at("trace").lastChild.remove();
  });
  const end = () => {
    traced?.close();
    traced = undefined;
    at("tracing").textContent = "trace again";
  };
  traced.addEventListener("end", end);
  traced.onerror = end;
}

async function act(action) {
  const response = await fetch(`/act/${encodeURIComponent(shown)}/${query.process}/${action}`, { method: "POST" });
  at("result").textContent = await response.text();
}

function select(number) {
  query.process = number;
  at("result").textContent = "";
  trace(null);
  connect();
}

document.addEventListener("click", ({ target }) => {
  const head = target.closest("[data-sort]");
  const line = target.closest("[data-number]");
  const node = target.closest("[data-node]");
  const action = target.closest("[data-action]");
  if (head) { query.sort = head.dataset.sort; connect(); }
  if (node) { query.node = node.dataset.node; select(null); }
  if (action) act(action.dataset.action);
  if (line) {
    select(line.dataset.number);
    at("one").hidden = false;
    at("one-title").focus();
  }
});
at("close").onclick = () => select(null);
at("tracing").onclick = () => trace(traced ? null : query.process);
at("filter").value = query.filter;
let typing;
at("filter").oninput = ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(() => { query.filter = target.value; connect(); }, 250);
};
connect();
if (initial.has("trace") && query.process !== null) {
  const wait = setInterval(() => {
    if (!shown) return;
    clearInterval(wait);
    trace(query.process);
  }, 100);
}
