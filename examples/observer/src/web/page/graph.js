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

/** The points of a curve from the side of one box to that of another; around the box for messages within a column. */
function curve(from, to) {
  const [y1, y2] = [from.y + TALL / 2, to.y + TALL / 2];
  if (from.x === to.x) {
    const x = from.x + BOX, bend = x + 30 + Math.min(90, Math.abs(y2 - y1) / 3);
    return [[x, y1], [bend, y1], [bend, y2], [x, y2 + (from === to ? 8 : 0)]];
  }
  const [x1, x2] = from.x < to.x ? [from.x + BOX, to.x] : [from.x, to.x + BOX];
  const middle = (x1 + x2) / 2;
  return [[x1, y1], [middle, y1], [middle, y2], [x2, y2]];
}

/** The parts of the way at which the text of a curve can be. In the middle many curves cross. */
const PLACES = [0.33, 0.5, 0.67, 0.25, 0.75, 0.42, 0.58, 0.18, 0.82];

/** The first place on a curve whose text covers no other one and no box, or none: the list has the number as well. */
function textPlace(points, boxes, taken) {
  const at = (t, axis) => points.reduce((sum, point, i) => sum + [1, 3, 3, 1][i] * t ** i * (1 - t) ** (3 - i) * point[axis], 0);
  const free = (x, y) => taken.every(([x2, y2]) => Math.abs(x - x2) > 24 || Math.abs(y - y2) > 14)
    && boxes.every((box) => x < box.x - 12 || x > box.x + BOX + 12 || y < box.y || y > box.y + TALL + 14);
  const place = PLACES.map((t) => [at(t, 0), at(t, 1)]).find(([x, y]) => free(x, y));
  if (place) taken.push(place);
  return place;
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
  const boxes = [...places.values()], taken = [];
  for (const flow of flows) {
    const points = curve(places.get(id(flow.from)), places.get(id(flow.to)));
    const d = `M${points[0]} C${points.slice(1).join(" ")}`;
    const bad = flow.errors >= 0.05;
    const wide = Math.min(6, 1 + Math.log10(1 + flow.rate));
    const line = svg("path", { d, "stroke-width": wide, "marker-end": "url(#arrow)", class: bad ? "bad" : "" }, svg("title", {}, describe(flow)));
    picture.append(line);
    const place = textPlace(points, boxes, taken);
    if (place) {
      const [x, y] = place;
      picture.append(svg("text", { x, y: y - 3, class: bad ? "rate bad-text" : "rate", "text-anchor": "middle" }, rate(flow.rate)));
    }
  }
  for (const { kind, node, x, y } of boxes) {
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
