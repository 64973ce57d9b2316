// The elements of a page. The text of people is shown by textContent, never as markup.

export const at = (id) => document.getElementById(id);

export const make = (tag, text, kind) => {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
};

// Values that outlive the page: in `localStorage` for the person, in `sessionStorage` for this tab.
export const stored = (storage, key, otherwise) => {
  try { return JSON.parse(storage.getItem(key)) ?? otherwise; } catch { return otherwise; }
};
export const store = (storage, key, value) => {
  try { storage.setItem(key, JSON.stringify(value)); } catch { /* without storage it is forgotten */ }
};
