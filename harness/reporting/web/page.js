"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const said = document.getElementById("said");
// What would hide, turn around or end what is read is spelled out, as in all the rest of the page; lines stay lines.
const plain = (text) => String(text).replace(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu,
  (one) => `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`);
const make = (tag, text, attributes = {}) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = plain(text);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// The colours: as the system has them, light, dark. What was chosen is kept where the browser allows.
const themes = { "": "as the system", light: "light", dark: "dark" };
const switcher = document.getElementById("theme");
function dress(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  switcher.textContent = `Theme: ${themes[theme]}`;
}
function kept() {
  try { return localStorage.getItem("theme") || ""; } catch { return ""; }
}
switcher.hidden = false;
dress(kept() in themes ? kept() : "");
switcher.addEventListener("click", () => {
  const names = Object.keys(themes);
  const next = names[(names.indexOf(document.documentElement.dataset.theme || "") + 1) % names.length];
  dress(next);
  try { localStorage.setItem("theme", next); } catch { /* a page from a file may not be allowed to keep anything */ }
});

// Tables: a press on a column's name sorts by it; what has no value stands last either way.
function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.v ?? cell.textContent.trim();
  if (text === "" || text === "-") return null;
  const number = Number(cell.dataset.v ?? (text.match(/^[+-]?[\d,]*\.?\d+(?=$|[\s%\[])/)?.[0].replaceAll(",", "") ?? NaN));
  return Number.isNaN(number) ? text : number;
}
function compared(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}
function sort(table, column, button) {
  const head = button.parentElement;
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
  const known = rows.filter(([value]) => value !== null);
  known.sort(([one], [other]) => (down ? -1 : 1) * compared(one, other));
  table.tBodies[0].append(...[...known, ...rows.filter(([value]) => value === null)].map(([, row]) => row));
  said.textContent = `sorted by ${button.textContent}, ${down ? "descending" : "ascending"}`;
}
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make("button", head.textContent, { type: "button" });
    button.addEventListener("click", () => sort(table, column, button));
    head.replaceChildren(button);
  });
}

// Numbers: one of each table is in the tab order, arrow keys move among them, a press opens what one is made of.
for (const table of document.querySelectorAll("table.matrix")) {
  for (const number of table.querySelectorAll("td[data-v] b")) {
    number.replaceWith(make("button", number.textContent, { type: "button", tabindex: "-1" }));
  }
  table.querySelector("td button")?.setAttribute("tabindex", "0");
  table.addEventListener("keydown", move);
  table.addEventListener("click", (event) => {
    if (event.target.closest("td button")) open(event.target.closest("td"));
  });
}
function move(event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const from = event.target.closest("td");
  if (!from || !(event.key in steps)) return;
  event.preventDefault();
  const [down, right] = steps[event.key];
  const rows = [...from.closest("tbody").rows];
  let row = rows.indexOf(from.parentElement), column = from.cellIndex;
  for (;;) {
    row += down;
    column += right;
    const next = rows[row]?.cells[column];
    if (!next) return;
    const button = next.querySelector("button");
    if (button) {
      event.target.setAttribute("tabindex", "-1");
      button.setAttribute("tabindex", "0");
      button.focus();
      return;
    }
  }
}

// What a number is made of, and the way to its transcripts.
const detail = document.getElementById("detail");
const quoted = (path) => (/^[\w@%+=:,.\/-]+$/.test(path) ? path : `'${path.replaceAll("'", `'"'"'`)}'`);
function shown(mean, block) {
  if (mean === null) return "not judged";
  return block.percent ? `${Math.round(1000 * mean) / 10}` : `${Math.round(1000 * mean) / 1000}`;
}
function logRow(seed, mean, folder, log) {
  const row = make("tr");
  row.append(make("th", seed, { scope: "row" }), make("td", mean, { class: "r" }));
  const place = make("td", undefined, { class: "path" });
  const path = `${folder}/logs/${log}`;
  if (data.bundle) {
    const address = `${data.bundle}/index.html#/logs/${path.split("/").map(encodeURIComponent).join("/")}`;
    place.append(make("a", path, { href: address, target: "_blank", rel: "noopener" }));
  } else place.textContent = plain(path);
  row.append(place);
  return row;
}
function logTable(title, arm, condition, means, block) {
  const table = make("table");
  const head = make("tr");
  head.append(make("th", "seed", { scope: "col" }), make("th", "mean", { scope: "col", class: "r" }));
  head.append(make("th", `log in ${data.runs}`, { scope: "col" }));
  table.createTHead().append(head);
  const body = table.createTBody();
  arm.runs.forEach(([seed, folder], at) => {
    body.append(logRow(seed, means ? shown(means[at], block) : "", folder, condition[1]));
  });
  const frame = make("div", undefined, { class: "scroll", tabindex: "0", role: "region", "aria-label": title });
  frame.append(table);
  return [make("h3", title), frame];
}
function open(cell) {
  const part = data.tables[cell.closest("[data-table]").dataset.table];
  const table = cell.closest("table");
  const at = Number(cell.parentElement.dataset.a);
  const column = Number(table.tHead.rows[0].cells[cell.cellIndex].dataset.c);
  const block = part.blocks[table.dataset.block];
  const means = (a, c) => part.blocks.find((one) => one.metric === block.metric && one.kind === "mean")
    ?.cells[`${a},${c}`]?.[5];
  const [n, judged, clusters, seeds, method] = block.cells[`${at},${column}`];
  const arm = part.arms[at], condition = part.conditions[column];
  const name = block.kind === "leak" ? `leak of ${block.metric}` : block.metric;
  document.getElementById("detail-h").textContent = plain(`${name}: ${arm.name}, ${condition[0]}`);
  const lines = [make("p", cell.textContent, { class: "verdict" })];
  lines.push(make("p", `${judged} of ${n} judged, ${clusters} questions, ${seeds} ${seeds === 1 ? "seed" : "seeds"}; `
    + `${data.methods[method]}`, { class: "note" }));
  lines.push(...logTable(`${arm.name}, ${condition[0]}`, arm, condition, means(at, column), block));
  if (block.kind === "leak") {
    const base = part.arms.findIndex((one) => one.untrained);
    const clean = part.conditions.findIndex(([text]) => text === "clean");
    for (const [a, c] of [[at, clean], [base, column], [base, clean]]) {
      const [one, where] = [part.arms[a], part.conditions[c]];
      lines.push(...logTable(`${one.name}, ${where[0]}`, one, where, means(a, c), block));
    }
  }
  const command = `inspect view --log-dir ${quoted(`${data.runs}/${arm.runs[0][1]}/logs`)}`;
  const told = make("p", "To read the first: ");
  told.append(make("code", command, { class: "copy" }));
  lines.push(told);
  document.getElementById("detail-body").replaceChildren(...lines);
  detail.showModal();
}

// Figures: each can be seen large, and saved with its numbers. A file has the light colours, whatever the page has.
const large = document.getElementById("large");
let home = null;
function enlarge(figure) {
  home = figure.querySelector(".scroll");
  document.getElementById("large-h").textContent = plain(figure.querySelector("figcaption").textContent);
  document.getElementById("large-body").append(home.querySelector("svg"));
  large.showModal();
}
large.addEventListener("close", () => home.append(large.querySelector("svg")));
function standalone(figure) {
  const copy = figure.querySelector("svg").cloneNode(true);
  const light = document.styleSheets[0].cssRules[0].style;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("style", "fill: var(--ink); background: var(--paper); font-family: sans-serif");
  const text = new XMLSerializer().serializeToString(copy);
  return text.replace(/var\((--[a-z]+)\)/g, (_, name) => light.getPropertyValue(name).trim());
}
function save(name, type, text) {
  const link = make("a", undefined, { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  said.textContent = `saved ${name}`;
}
document.querySelectorAll("figure").forEach((figure, at) => {
  const name = `figure-${at + 1}`;
  const row = make("p", undefined, { class: "tools" });
  for (const [text, act] of [
    ["Large", () => enlarge(figure)],
    ["Save SVG", () => save(`${name}.svg`, "image/svg+xml", standalone(figure))],
    ["Save CSV", () => save(`${name}.csv`, "text/csv", figure.dataset.csv)],
  ]) {
    const button = make("button", text, { type: "button", "aria-label": `${text}: figure ${at + 1}` });
    button.addEventListener("click", act);
    row.append(button);
  }
  figure.append(row);
});
