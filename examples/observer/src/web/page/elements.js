// Elements of the page, and texts of numbers. Names and messages may contain any text: they are shown by textContent,
// never as markup.
export const at = (id) => document.getElementById(id);

export function make(tag, kind, ...content) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...content);
  return element;
}

export function svg(tag, attributes = {}, ...content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

/** Replaces the content of an element only if its data has changed, so that a focus or a flash is not lost. */
export function replace(element, data, content) {
  const now = JSON.stringify(data);
  if (element.shown === now) return;
  element.shown = now;
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...content());
  if (focused) [...element.querySelectorAll("[data-key]")].find((other) => other.dataset.key === focused)?.focus();
}

/** A button that is found again after its list was replaced. */
export function button(text, key) {
  const element = make("button", "", text);
  element.type = "button";
  element.dataset.key = key;
  return element;
}

export const count = (n) => n.toLocaleString("en");
export const rate = (n) => n >= 10 ? count(Math.round(n)) : n.toFixed(1);
export const bytes = (n) => n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(1)} KB` : `${(n / 1048576).toFixed(1)} MB`;

export function age(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

/** A cell with a number; a zero is faint. */
export const number = (text, value, also = "") => make("td", `n ${also} ${value ? "" : "zero"}`, text);
export const span = ({ secs, nanos }) => secs * 1000 + nanos / 1e6;
export const pid = (of) => `<${of.node.name} ${of.number}>`;
