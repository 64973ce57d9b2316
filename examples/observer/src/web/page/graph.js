// The dependency graph: kinds of processes, one column for each node, and the messages between them.
import { at, make, rate, replace, svg } from "./elements.js";

const BOX = 170, TALL = 26, GAP = 14, COLUMN = 330, TOP = 34, SIDE = 12;
const MAX_EDGES = 40;

const id = ({ node, kind }) => `${node} ${kind}`;

/** Places each kind of process: a column for each node, the kinds of a node one below the other. */
function place(flows) {
  const kinds = new Map(flows.flatMap(({ from, to }) => [from, to]).map((kind) => [id(kind), kind]));
  const nodes = [...new Set([...kinds.values()].map(({ node }) => node))].sort();
  const places = new Map();
  const depth = nodes.map(() => 0);
  for (const [key, kind] of [...kinds].sort()) {
    const column = nodes.indexOf(kind.node);
    places.set(key, { ...kind, x: SIDE + column * COLUMN, y: TOP + depth[column]++ * (TALL + GAP) });
  }
  return { nodes, places, height: TOP + Math.max(...depth) * (TALL + GAP) };
}

/** A curve from the right or left side of one box to another; around the box for messages within a column. */
function curve(from, to) {
  const [y1, y2] = [from.y + TALL / 2, to.y + TALL / 2];
  if (from.x === to.x) {
    const x = from.x + BOX, bend = x + 30 + Math.min(90, Math.abs(y2 - y1) / 3);
    return { d: `M${x} ${y1} C${bend} ${y1} ${bend} ${y2} ${x} ${y2 + (from === to ? 8 : 0)}`, x: bend - 22, y: (y1 + y2) / 2 };
  }
  const [x1, x2] = from.x < to.x ? [from.x + BOX, to.x] : [from.x, to.x + BOX];
  const middle = (x1 + x2) / 2;
  // The text is at a third of the way: in the middle many curves cross.
  return { d: `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, x: x1 + (x2 - x1) * 0.34, y: y1 + (y2 - y1) * 0.22 };
}

const describe = ({ from, to, rate: messages, errors }) =>
  `${from.kind} on ${from.node} → ${to.kind} on ${to.node}: ${rate(messages)} a second`
  + (errors >= 0.05 ? `, ${rate(errors)} of them fail` : "");

function draw(flows) {
  const { nodes, places, height } = place(flows);
  const width = SIDE + (nodes.length - 1) * COLUMN + BOX + 150;
  const arrow = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" },
    svg("path", { d: "M0 1 L7 4 L0 7" }));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, preserveAspectRatio: "xMinYMin", role: "img", "aria-label": "flows of messages; the list below has the same" }, svg("defs", {}, arrow));
  for (const [column, node] of nodes.entries()) {
    picture.append(svg("text", { x: SIDE + column * COLUMN, y: 18, class: "node" }, node));
  }
  for (const flow of flows) {
    const { d, x, y } = curve(places.get(id(flow.from)), places.get(id(flow.to)));
    const bad = flow.errors >= 0.05;
    const wide = Math.min(6, 1 + Math.log10(1 + flow.rate));
    const line = svg("path", { d, "stroke-width": wide, "marker-end": "url(#arrow)", class: bad ? "bad" : "" }, svg("title", {}, describe(flow)));
    const text = svg("text", { x, y: y - 3, class: bad ? "rate bad-text" : "rate", "text-anchor": "middle" }, rate(flow.rate));
    picture.append(line, text);
  }
  for (const { kind, node, x, y } of places.values()) {
    const name = kind.length > 24 ? `…${kind.slice(-23)}` : kind;
    picture.append(svg("rect", { x, y, width: BOX, height: TALL, rx: 5 }),
      svg("text", { x: x + 8, y: y + 17 }, name, svg("title", {}, `${kind} on ${node}`)));
  }
  return picture;
}

export function showGraph(flows) {
  const shown = flows.slice(0, MAX_EDGES);
  replace(at("graph"), shown, () => [shown.length ? draw(shown) : make("p", "empty", "No messages were seen.")]);
  replace(at("flows"), flows, () => flows.map((flow) => make("li", flow.errors >= 0.05 ? "error" : "", describe(flow))));
}
