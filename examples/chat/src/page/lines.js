// The list of a room's lines, with the days between them and the pages before the first one.

import { at, make } from "./elements.js";

const MAX_LINES = 2000;   // in the list, while its end is visible
const END = 40, START = 300;  // the distance from the end or start that counts as there, in pixels
const PAGE_TIMEOUT = 5000;    // for a page of earlier lines, in ms

const dayOf = (when) => new Date(when).toDateString();
const log = at("log"), list = at("lines"), newer = at("newer");

export class Lines {
  first = null;  // the numbers of the first and the last line
  last = null;
  #isWhole = false;   // the list has the room's first line
  #loading = null;    // the timer of a requested page
  #follows = true;    // the last line was visible before the size of the list changed
  #unseen = 0;        // lines that arrived below the visible part
  #waiting = new Map();  // id → element: lines that are not acknowledged
  #handlers;

  // `older(number)` requests the page before a line. `seen()` is called when the last line is visible.
  constructor(handlers) {
    this.#handlers = handlers;
    log.onscroll = () => this.#scrolled();
    new ResizeObserver(() => { if (this.#follows) this.#showEnd(); }).observe(log);
    newer.onclick = () => { this.#showEnd(); log.focus(); };
    document.addEventListener("visibilitychange", () => this.#scrolled());
  }

  clear() {
    list.replaceChildren();
    this.#waiting.clear();
    this.first = this.last = null;
    this.#isWhole = false;
    this.#loaded();
    this.#countUnseen(0);
  }

  get isAtEnd() { return log.scrollHeight - log.scrollTop - log.clientHeight < END; }

  add({ number, at: when, nick, words }) {
    if (this.last !== null && number <= this.last) return;
    this.last = number;
    this.first ??= number;
    const previous = [...list.children].findLast((element) => element.dataset.day);
    const line = showLine(nick, words, when);
    this.#append(...(previous?.dataset.day === dayOf(when) ? [line] : [showDay(when), line]));
  }

  // Shows a line of this page that is not acknowledged, below the others.
  addWaiting(id, nick, words) {
    if (this.#waiting.has(id)) return;
    const element = showLine(nick, words);
    element.className = "waiting";
    this.#waiting.set(id, element);
    this.#append();
    this.#showEnd();
  }

  removeWaiting(id) {
    this.#waiting.get(id)?.remove();
    this.#waiting.delete(id);
  }

  notice(text, kind = "notice") { this.#append(make("li", text, kind)); }

  // Adds an earlier page. The lines stay where they are on the screen.
  addOlder(lines) {
    this.#loaded();
    if (lines.length === 0) {
      this.#isWhole = true;
      return;
    }
    if (lines.at(-1).number >= this.first) return;
    this.first = lines[0].number;
    const elements = [];
    let day = null;
    for (const { at: when, nick, words } of lines) {
      if (dayOf(when) !== day) elements.push(showDay(when));
      day = dayOf(when);
      elements.push(showLine(nick, words, when));
    }
    const start = list.firstChild;
    if (start?.className === "day" && start.dataset.day === day) start.remove();
    const height = log.scrollHeight, top = log.scrollTop;
    list.prepend(...elements);
    log.scrollTop = top + log.scrollHeight - height;
  }

  #append(...elements) {
    const wasAtEnd = this.isAtEnd;
    list.append(...elements, ...this.#waiting.values());
    if (!wasAtEnd) {
      this.#countUnseen(this.#unseen + elements.length);
      return;
    }
    while (list.children.length > MAX_LINES) this.#removeFirst();
    log.scrollTop = log.scrollHeight;
    this.#scrolled();
  }

  #removeFirst() {
    if (list.firstChild.className === "line") this.first++;
    this.#isWhole = false;
    list.firstChild.remove();
  }

  #showEnd() { log.scrollTop = log.scrollHeight; }

  #scrolled() {
    this.#follows = this.isAtEnd;
    if (this.#follows) {
      if (document.hidden) return;
      this.#countUnseen(0);
      this.#handlers.seen();
    } else if (log.scrollTop < START && this.first > 1 && !this.#isWhole && !this.#loading) {
      log.setAttribute("aria-busy", "true");
      this.#loading = setTimeout(() => this.#loaded(), PAGE_TIMEOUT);
      this.#handlers.older(this.first);
    }
  }

  #loaded() {
    clearTimeout(this.#loading);
    this.#loading = null;
    log.removeAttribute("aria-busy");
  }

  #countUnseen(count) {
    this.#unseen = count;
    newer.hidden = count === 0;
    newer.textContent = `${count} new ↓`;
  }
}

function showLine(nick, words, when) {
  const element = make("li", "", "line");
  if (when) {
    const time = make("time", new Date(when).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = new Date(when).toISOString();
    time.title = new Date(when).toLocaleString();
    element.append(time);
    element.dataset.day = dayOf(when);
  }
  element.append(make("b", nick), ": ", make("span", words));
  return element;
}

function showDay(when) {
  const options = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  const element = make("li", new Date(when).toLocaleDateString([], options), "day");
  element.dataset.day = dayOf(when);
  return element;
}
