// The nodes, with a line of their messages over the last two minutes, and their connections.
import { age, at, button, bytes, count, make, number, replace, svg } from "./elements.js";

const WIDTH = 120, HEIGHT = 20;

/** A line of values over time. */
function sparkline(values, label) {
  const most = Math.max(1, ...values);
  const points = values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index);
    return `${x},${(HEIGHT - 1 - value / most * (HEIGHT - 2)).toFixed(1)}`;
  });
  const line = svg("polyline", { points: points.join(" ") });
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, line);
}

const known = (value, text, also = "") => value === null ? make("td", `n ${also} zero`, "?") : number(text(value), value, also);

/** The version, and below it the metadata, which can be long. */
function about({ greenroom, metadata }) {
  const cell = make("td", "wide about", greenroom, make("small", "", metadata));
  cell.title = metadata;
  return cell;
}

function row(node, selected) {
  const name = make("td", "", button(node.node, node.node));
  name.firstChild.dataset.node = node.node;
  if (node.error) name.append(make("span", "error", ` ${node.error}`));
  const rates = node.history.map((point) => point.rate);
  const label = `messages a second, now ${node.rate}, at most ${Math.max(0, ...rates)}`;
  const line = make("tr", node.node === selected ? "selected" : "", name,
    about(node),
    number(age(node.uptime), 1, "wide"), number(count(node.processes), node.processes),
    number(count(node.rate), node.rate), make("td", "spark wide", sparkline(rates, label)),
    known(node.load, (load) => `${Math.round(load * 100)} %`), known(node.queue, count, "wide"),
    known(node.memory, bytes), number(count(node.restarts), node.restarts, "wide"), number(count(node.alarms), node.alarms));
  line.title = `${node.waiting} messages wait, ${node.call_timeouts} calls have timed out, ${node.lost_messages} messages were lost`;
  return line;
}

export function showNodes(nodes, selected) {
  replace(at("nodes").tBodies[0], [nodes, selected], () => nodes.length
    ? nodes.map((node) => row(node, selected))
    : [make("tr", "", make("td", "empty", "No node is connected."))]);
  const lines = nodes.flatMap(({ node, connections }) => connections.map((of) => ({ node, ...of })));
  // Each connection once, as the first of its nodes counts it, if both are watched.
  const once = lines.filter(({ node, to }) => node < to || !lines.some((other) => other.node === to && other.to === node));
  replace(at("connections"), once, () => once.length
    ? once.map(({ node, to, sent, received }) =>
      make("li", "", `${node} ⇄ ${to}: ${bytes(sent)}/s out, ${bytes(received)}/s in`))
    : [make("li", "empty", "none")]);
}

