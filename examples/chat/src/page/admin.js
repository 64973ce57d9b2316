// The admin view: the lines of each room and minute, and the report.

import { at, make } from "./elements.js";

const PERIOD = 5000;      // between two updates, in ms
const MAX_ROOMS = 20;
const SVG = "http://www.w3.org/2000/svg";

// Draws a bar for each minute. The text beside it has the same numbers for those who do not see it.
function chart(room, minutes) {
  const svg = document.createElementNS(SVG, "svg"), most = Math.max(1, ...minutes);
  svg.setAttribute("viewBox", `0 0 ${minutes.length} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${room}: lines in each of the last ${minutes.length} minutes: ${minutes.join(", ")}`);
  minutes.forEach((count, minute) => {
    const bar = document.createElementNS(SVG, "rect"), height = count / most * 95;
    for (const [name, value] of Object.entries({ x: minute + .1, y: 100 - height, width: .8, height })) {
      bar.setAttribute(name, value);
    }
    svg.append(bar);
  });
  return svg;
}

function show({ room, lines, top, minutes }) {
  const section = make("div", ""), most = Math.max(...minutes);
  const speakers = top.map(([nick, lines]) => `${nick} ${lines}`).join(", ");
  section.append(make("h3", room), chart(room, minutes));
  section.append(make("p", `${minutes.at(-1)} this minute, at most ${most}, ${lines} in all; most by ${speakers}`));
  return section;
}

async function update() {
  try {
    const [stats, report] = await Promise.all([fetch("/stats"), fetch("/report")]);
    if (!stats.ok || !report.ok) throw new Error("the node does not answer");
    const rooms = (await stats.json()).sort((a, b) => b.lines - a.lines);
    at("rooms").replaceChildren(...rooms.slice(0, MAX_ROOMS).map(show));
    if (rooms.length === 0) at("rooms").append(make("p", "no lines yet"));
    at("report").textContent = await report.text();
    at("state").textContent = "";
  } catch (error) {
    at("state").textContent = `not connected: ${error.message}`;
  }
  setTimeout(update, PERIOD);
}
update();
