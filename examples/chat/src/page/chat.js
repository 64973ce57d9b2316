// The chat page: one room at a time, and the unread lines of the others.

import { Connection } from "./connection.js";
import { at, make, store, stored } from "./elements.js";
import { Lines } from "./lines.js";

const TYPING_PERIOD = 3000, TYPING_SHOWN = 5000;  // in ms
const MAX_ROOMS = 64;

let me = null;            // {room, nick} after the first request to join
let isJoined = false;     // the server has confirmed the join of the current room
let isRoomLost = false;   // set between the loss of the room and the next join
let typingSent = 0;
let peopleCount = 0;
const people = new Set();
const typing = new Map();  // nick → timer
const rooms = new Map(Object.entries(stored(localStorage, "rooms", {})));  // room → number of the last line read
const heads = new Map();   // room → number of the last line
// id → {room, words}: the unacknowledged lines. They outlive a reload of the page.
const waiting = new Map(Object.entries(stored(sessionStorage, "waiting", {})));

const state = (text) => { at("state").textContent = text; };
const lines = new Lines({
  older: (before) => connection.send({ type: "older", before }),
  seen: () => me && isJoined && read(me.room, lines.last ?? 0),
});

const handlers = {
  joined({ room, nick, people: nicks, count }) {
    if (!me || room !== me.room) return;
    if (isRoomLost) lines.notice("the room is available again");
    isRoomLost = false;
    isJoined = true;
    me.nick = nick;
    peopleCount = count;
    people.clear();
    nicks.forEach((nick) => people.add(nick));
    showPeople();
    showState();
    showForms();
  },
  lost({ reason }) {
    isRoomLost = true;
    state("the room is not available, joining again");
    lines.notice(`the room is not available: ${reason}`);
  },
  line(line) {
    // Lines of the room before may arrive until the server has handled the last join.
    if (!isJoined) return;
    stopTyping(line.nick);
    lines.add(line);
    heads.set(me.room, lines.last);
    showRooms();
  },
  older(page) { if (isJoined) lines.addOlder(page.lines); },
  acknowledged({ id }) {
    lines.removeWaiting(id);
    waiting.delete(id);
    store(sessionStorage, "waiting", Object.fromEntries(waiting));
  },
  member_joined({ nick }) { if (!people.has(nick)) { people.add(nick); peopleCount++; showPeople(); } },
  member_left({ nick }) { if (people.delete(nick)) { peopleCount--; stopTyping(nick); showPeople(); } },
  typing({ nick }) {
    clearTimeout(typing.get(nick));
    typing.set(nick, setTimeout(() => stopTyping(nick), TYPING_SHOWN));
    showTyping();
  },
  rooms({ rooms: changed }) {
    for (const { room, last } of changed) {
      heads.set(room, Math.max(last, heads.get(room) ?? 0));
      if (rooms.has(room) && rooms.get(room) === null) read(room, last);
    }
    showRooms();
    at("known-rooms").replaceChildren(...[...heads.keys()].map((room) => {
      const option = make("option", "");
      option.value = room;
      return option;
    }));
  },
  error({ id, text }) {
    if (id) handlers.acknowledged({ id });
    lines.notice(text, "error");
  },
};

const connection = new Connection({
  opened() {
    state("connected");
    if (me) enter();
  },
  received: (message) => handlers[message.type]?.(message),
  lost(reason) {
    state(reason ? `not connected: ${reason}` : "not connected, trying again");
  },
});

// Joins the current room behind the last line that the page has, and sends the unacknowledged lines again.
function enter() {
  isJoined = false;
  connection.send({ type: "join", ...me, last_seen: lines.last });
  connection.send({ type: "watch", rooms: [...rooms.keys()] });
  for (const [id, { room, words }] of waiting) {
    connection.send({ type: "say", room, id, words });
    if (room === me.room) lines.addWaiting(id, me.nick, words);
  }
}

function openRoom(room, nick = me.nick) {
  if (me?.room === room && isJoined) return;
  me = { room, nick };
  if (!rooms.has(room) && rooms.size < MAX_ROOMS) rooms.set(room, null);
  typing.forEach(clearTimeout);
  typing.clear();
  lines.clear();
  showTyping();
  showRooms();
  enter();
}

function read(room, number) {
  if (rooms.get(room) === number || !rooms.has(room)) return;
  rooms.set(room, number);
  store(localStorage, "rooms", Object.fromEntries(rooms));
  showRooms();
}

const unread = (room) => Math.max(0, (heads.get(room) ?? 0) - (rooms.get(room) ?? heads.get(room) ?? 0));

function showRooms() {
  const focused = document.activeElement?.dataset.room;
  at("rooms").replaceChildren(...[...rooms.keys()].sort().map((room) => {
    const button = make("button", room);
    button.type = "button";
    button.dataset.room = room;
    if (room === me?.room) button.setAttribute("aria-current", "true");
    if (unread(room) > 0) {
      button.append(" ", make("span", unread(room), "unread"), make("span", " unread", "visually-hidden"));
    }
    button.onclick = () => { openRoom(room); at("say").words.focus(); };
    const item = make("li", "");
    item.append(button);
    return item;
  }));
  if (focused) document.querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
  const all = [...rooms.keys()].reduce((sum, room) => sum + unread(room), 0);
  document.title = `${all ? `(${all}) ` : ""}${me ? `${me.room} · ` : ""}greenroom chat`;
}

function showPeople() {
  at("people-count").textContent = peopleCount === 1 ? "1 person" : `${peopleCount} people`;
  at("show-people").textContent = at("people-count").textContent;
  at("people").replaceChildren(...[...people].sort((a, b) => a.localeCompare(b)).map((nick) => make("li", nick)));
  if (peopleCount > people.size) at("people").append(make("li", `and ${peopleCount - people.size} more`));
}

function showState() {
  const node = connection.isElsewhere ? `, connected to ${new URL(connection.page).host}` : "";
  state(`${me.nick} in ${me.room}${node}`);
}

function showForms() {
  if (at("join").hidden) return;
  at("join").hidden = true;
  for (const id of ["log", "typing", "say", "rooms-box", "people-box", "show-people"]) at(id).hidden = false;
  showPeopleBox(!isNarrow.matches);
  at("say").words.focus();
}

const isNarrow = matchMedia("(max-width: 45rem)");
function showPeopleBox(shown) {
  at("people-box").hidden = !shown;
  at("show-people").setAttribute("aria-expanded", shown);
}
isNarrow.onchange = () => { if (me) showPeopleBox(!isNarrow.matches); };
at("show-people").onclick = () => showPeopleBox(at("people-box").hidden);

function stopTyping(nick) {
  clearTimeout(typing.get(nick));
  if (typing.delete(nick)) showTyping();
}

function showTyping() {
  const nicks = [...typing.keys()];
  const text = nicks.length > 3 ? "several people are" : `${nicks.join(", ")} ${nicks.length > 1 ? "are" : "is"}`;
  at("typing").textContent = nicks.length ? `${text} typing` : "";
}

at("join").onsubmit = (event) => {
  event.preventDefault();
  const { nick, room } = event.target;
  store(localStorage, "nick", nick.value.trim());
  openRoom(room.value.trim(), nick.value.trim());
};

at("open").onsubmit = (event) => {
  event.preventDefault();
  const room = event.target.room.value.trim();
  event.target.reset();
  if (room) openRoom(room);
};

at("say").words.oninput = () => {
  if (Date.now() - typingSent < TYPING_PERIOD) return;
  typingSent = Date.now();
  connection.send({ type: "typing" });
};

at("say").onsubmit = (event) => {
  event.preventDefault();
  const words = event.target.words.value.trim();
  event.target.reset();
  typingSent = 0;
  if (words === "") return;
  const id = crypto.randomUUID(), { room, nick } = me;
  if (words !== "/crash") {
    waiting.set(id, { room, words });
    store(sessionStorage, "waiting", Object.fromEntries(waiting));
    lines.addWaiting(id, nick, words);
  }
  connection.send({ type: "say", room, id, words });
};

// The query of a link can set both fields: /?room=lobby&nick=ann
const query = new URLSearchParams(location.search);
at("join").nick.value = query.get("nick") ?? stored(localStorage, "nick", "");
if (query.has("room")) at("join").room.value = query.get("room");
if (query.get("nick")) at("join").requestSubmit();
