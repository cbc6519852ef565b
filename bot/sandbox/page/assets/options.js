// The options beside a text box, walked with the arrows, as the ARIA practices have it for comboboxes.
import { el } from "./dom.js";

// `words(option)` are the nodes of one; `take(option)` is told which one was clicked.
export function menu(box, { id, label, words, take }) {
  let options = [], at = -1;
  const list = el("ul", { role: "listbox", id, class: "options", "aria-label": label, hidden: true });
  box.setAttribute("aria-controls", id);

  function show(found, first = -1) {
    [options, at] = [found, first];
    draw(found.map((option, index) => el("li", {
      role: "option", id: `${id}-${index}`,
      onpointerdown: (event) => { event.preventDefault(); take(option); },
    }, words(option))));
  }
  function note(text) {
    [options, at] = [[], -1];
    draw([el("li", { role: "option", "aria-disabled": "true", class: "note" }, text)]);
  }
  function draw(items) {
    list.replaceChildren(...items);
    list.hidden = !items.length;
    if (box.getAttribute("role")) box.setAttribute("aria-expanded", String(!list.hidden));
    mark();
  }
  function mark() {
    [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    if (at >= 0) box.setAttribute("aria-activedescendant", `${id}-${at}`);
    else box.removeAttribute("aria-activedescendant");
  }
  // Whether this key was an arrow that went to another option; they go round.
  function walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !options.length) return false;
    event.preventDefault();
    at = at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length;
    mark();
    return true;
  }
  return { list, show, note, walk, hide: () => show([]), chosen: () => options[at] };
}
