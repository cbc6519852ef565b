// A menu with type-ahead.
import { el } from "./dom.js";
import { menu } from "./options.js";

let number = 0;

// `load(typed)` promises Slack options; `change(option or null)` is told what was chosen.
export function picker({ label, placeholder, chosen, optional, least = 0, load, change }) {
  let current = chosen ?? null, asked = 0, timer = 0;
  const named = (option) => option?.text.text ?? "";
  const input = el("input", {
    type: "text", role: "combobox", "aria-label": label, "aria-expanded": "false", "aria-autocomplete": "list",
    placeholder, autocomplete: "off", spellcheck: "false", onkeydown: key, onblur: close,
    oninput: () => { clearTimeout(timer); timer = setTimeout(open, 150); },
    onclick: () => offered.list.hidden && open(),
  });
  const words = (option) =>
    [el("span", {}, named(option)), option.description && el("small", {}, option.description.text)];
  const offered = menu(input, { id: `picker-${++number}`, label, words, take: choose });
  input.value = named(current);

  async function open() {
    const mine = ++asked, typed = input.value === named(current) ? "" : input.value;
    stand();
    if (typed.length < least) return offered.note(`Type ${least} characters or more`);
    if (offered.list.hidden) offered.note("Loading…");
    const found = await load(typed);
    if (mine !== asked || document.activeElement !== input) return;
    if (found.length) offered.show(found, typed ? 0 : -1);
    else offered.note("No results");
  }
  function stand() {
    const { left, bottom, top, width } = input.getBoundingClientRect();
    const below = innerHeight - bottom > 240 || top < 240;
    Object.assign(offered.list.style, { left: `${left}px`, width: `${width}px`,
      top: below ? `${bottom + 4}px` : "auto", bottom: below ? "auto" : `${innerHeight - top + 4}px` });
  }
  function choose(option) {
    asked++;
    offered.hide();
    const changed = option?.value !== current?.value;
    current = option;
    input.value = named(current);
    if (changed) change(current);
  }
  function close() {
    clearTimeout(timer);
    choose(!input.value && optional ? null : current);
  }
  function key(event) {
    if (offered.walk(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (offered.list.hidden) open();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (offered.chosen()) choose(offered.chosen());
    } else if (event.key === "Escape" && !offered.list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  }
  return el("div", { class: "picker" }, input, offered.list);
}
