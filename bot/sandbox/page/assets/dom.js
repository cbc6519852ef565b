// Elements are built, never parsed: children that are strings become text nodes, so nothing typed becomes markup.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  return fill(element, ...children);
}
// Make these the children; arrays are opened, what is missing or false is left out.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

// Make `nodes` the children of `box` without touching those that are there already.
export function arrange(box, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...box.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => box.children[index] !== node && box.insertBefore(node, box.children[index] ?? null));
}

const CONTROL = "input,textarea,select,button,a,[tabindex]";
export const control = (node) => (node.matches(CONTROL) ? node : node.querySelector(CONTROL));

// Let `draw` fill `box` anew. What had the focus has it again, or else what it stood in, as their data-key tells.
export function redraw(box, draw) {
  const before = document.activeElement, held = [];
  if (!box.contains(before)) return draw();
  for (let node = before; node !== box; node = node.parentElement) {
    const key = node.dataset.key && `[data-key="${CSS.escape(node.dataset.key)}"]`;
    if (key) held.push({ key, index: [...box.querySelectorAll(key)].indexOf(node) });
  }
  draw();
  if (before === document.activeElement) return;
  const again = held.map(({ key, index }) => box.querySelectorAll(key)[index] ?? box.querySelector(key)).find(Boolean);
  (again ? control(again) : box).focus();
}
export const byId = (id) => document.getElementById(id);
// A link that opens elsewhere; other schemes than the web's stay text.
export function link(url, ...children) {
  if (!/^(https?|mailto):/i.test(url)) return el("span", {}, ...children);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

const COLORS = ["#b5502f", "#2f6f8f", "#6a4c93", "#3f7d4e", "#8c5a1e", "#a33a63"];
export function avatar(person) {
  if (person.is_bot) return el("img", { class: "avatar", src: "/assets/icon.svg", alt: "" });
  const initials = person.real_name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const picture = el("span", { class: "avatar", "aria-hidden": "true" }, initials);
  const sum = [...person.real_name].reduce((total, letter) => total + letter.codePointAt(0), 0);
  picture.style.background = COLORS[sum % COLORS.length];
  return picture;
}

export const time = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
// "Today", "Yesterday", "Tomorrow", or the date, as Slack writes it; `now` and `seconds` are since the epoch.
export function day(seconds, now, options = { weekday: "long", day: "numeric", month: "long" }) {
  const then = new Date(seconds * 1000);
  const away = Math.round((midnight(then) - midnight(new Date(now * 1000))) / 86_400_000);
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[away] ?? then.toLocaleDateString(undefined, options);
}
