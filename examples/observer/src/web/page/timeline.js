// The events of all nodes: a line for each node over the last ten minutes, and a list.
import { at, make, replace, svg } from "./elements.js";

const SPAN = 600_000, WIDTH = 1000, LINE = 18, LEFT = 150;
let lastEvent = 0;   // the number of the latest event

const clock = (when) => new Date(when).toLocaleTimeString("en-GB");
const sentence = ({ text, times }) => times > 1 ? `${text} (${times} times)` : text;

function draw(nodes, events, now) {
  const height = nodes.length * LINE + 16;
  const x = (when) => LEFT + (WIDTH - LEFT - 10) * (1 - (now - when) / SPAN);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": "events over the last ten minutes; the list below has the same" });
  for (const [row, node] of nodes.entries()) {
    const y = row * LINE + LINE / 2;
    picture.append(svg("text", { x: 0, y: y + 4 }, node.length > 22 ? `${node.slice(0, 21)}…` : node), svg("line", { x1: LEFT, x2: WIDTH - 10, y1: y, y2: y }));
    for (const event of events.filter((event) => event.node === node && now - event.at < SPAN)) {
      picture.append(svg("circle", { cx: x(event.at), cy: y, r: 4, class: event.kind }, svg("title", {}, `${clock(event.at)} ${sentence(event)}`)));
    }
  }
  for (const minutes of [10, 5, 0]) {
    picture.append(svg("text", { x: x(now - minutes * 60_000), y: height - 2, "text-anchor": minutes ? "start" : "end" }, minutes ? `${minutes} min ago` : "now"));
  }
  return picture;
}

export function showEvents(events, names) {
  const nodes = [...new Set([...names, ...events.map(({ node }) => node)])].sort();
  at("timeline").replaceChildren(draw(nodes, events, Date.now()));
  const latest = events.at(-1)?.number ?? 0;
  replace(at("events"), latest, () => latest === 0 ? [make("li", "empty", "No events yet.")] : events.toReversed().map((event) => {
    const isNew = event.number > lastEvent && lastEvent > 0;
    const line = make("li", `${event.kind} ${isNew ? "flash" : ""}`, make("time", "", clock(event.at)), make("span", "", event.node), make("span", "", sentence(event)));
    return line;
  }));
  lastEvent = latest;
}
