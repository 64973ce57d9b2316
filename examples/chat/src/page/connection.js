// The connection to the chat: to the node of this page, or to another node while that one is lost.

const FIRST_DELAY = 100, LONGEST_DELAY = 5000;  // before the next attempt, in ms
const PING_AFTER = 5000, SILENT_AFTER = 15000;  // without a message, in ms
const MAX_PAGES = 16;

export class Connection {
  #pages = [location.origin];  // the addresses of the nodes' pages
  #at = 0;                     // the current one
  #socket = null;
  #delay = FIRST_DELAY;
  #heard = 0;                  // the time of the last message
  #handlers;

  // `opened()`, `received(message)` and `lost(reason)` are called with each connection, message and loss.
  constructor(handlers) {
    this.#handlers = handlers;
    setInterval(() => this.#check(), 1000);
    addEventListener("online", () => this.#check());
    this.#connect();
  }

  get page() { return this.#pages[this.#at]; }
  get isElsewhere() { return this.#at !== 0; }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    const socket = new WebSocket(new URL("/ws", this.page.replace(/^http/, "ws")));
    this.#socket = socket;
    this.#heard = Date.now();
    socket.onopen = () => {
      this.#delay = FIRST_DELAY;
      this.#handlers.opened();
    };
    socket.onmessage = ({ data }) => {
      this.#heard = Date.now();
      const message = JSON.parse(data);
      if (message.type === "pages") this.#add(message.pages);
      else if (message.type !== "pong") this.#handlers.received(message);
    };
    socket.onclose = ({ reason }) => this.#lose(socket, reason);
  }

  // Adds pages that are not in the list yet.
  #add(pages) {
    const own = location.origin.replace("//localhost", "//127.0.0.1");
    for (const page of pages) {
      if (page !== own && !this.#pages.includes(page) && this.#pages.length < MAX_PAGES) this.#pages.push(page);
    }
  }

  // Connects to the next node. After each round through all of them the delay is longer.
  #lose(socket, reason) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#at = (this.#at + 1) % this.#pages.length;
    this.#handlers.lost(reason);
    setTimeout(() => this.#connect(), this.#delay);
    if (this.#at === 0) this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
  }

  // A node that is stopped, or a network that is gone, closes nothing. So a silent connection is given up.
  #check() {
    const socket = this.#socket, silence = Date.now() - this.#heard;
    if (!socket) return;
    if (silence > SILENT_AFTER) {
      socket.close();
      this.#lose(socket, "the node does not answer");
    } else if (silence > PING_AFTER) this.send({ type: "ping" });
  }
}
