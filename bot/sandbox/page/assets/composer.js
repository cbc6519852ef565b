// Where people write: slash commands complete themselves and show how they are used; Enter sends.
import { el, redraw } from "./dom.js";
import { menu } from "./options.js";

// `place` is what the message goes to, `draft` what was written before; `keep(text)` is told what is being written,
// `send(text)` and `shortcut(callback_id)` do it. Answers what puts a text into the box.
export function composer(form, { app, place, draft = "", keep, send, shortcut }) {
  const hint = el("p", { class: "usage", "aria-live": "polite" });
  const box = el("textarea", {
    rows: 1, maxlength: 40_000, placeholder: `Message ${place}`, "aria-label": `Message ${place}`,
    "data-key": "write", "aria-autocomplete": "list", oninput: look, onkeydown: key, onblur: () => offered.hide(),
  });
  const words = (one) => [
    el("span", {}, el("b", {}, one.callback_id ? `⚡ ${one.name}` : one.name), one.usage && el("code", {}, one.usage)),
    el("small", {}, one.about)];
  const offered = menu(box, { id: `${form.id}-commands`, label: "Commands", words, take });
  const all = [
    ...app.commands.map((one) => ({ name: one.command, about: one.description, usage: one.usage_hint })),
    ...app.shortcuts.map((one) => ({ name: one.name, about: one.description, callback_id: one.callback_id })),
  ];
  const fits = (typed) => ({ name, callback_id }) =>
    callback_id ? name.toLowerCase().includes(typed.slice(1)) : name.startsWith(typed);

  function look() {
    const typed = box.value.toLowerCase(), [word] = typed.split(/\s/);
    const command = all.find(({ name }) => name === word && typed.length > word.length);
    hint.textContent = command ? `${command.name} ${command.usage}` : "";
    offered.show(typed.startsWith("/") && word === typed ? all.filter(fits(typed)) : [], 0);
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
    keep(box.value);
  }
  function fill(text) {
    box.value = text;
    look();
    box.focus();
  }
  function take(one) {
    if (!one.callback_id) return fill(`${one.name} `);
    fill("");
    shortcut(one.callback_id);
  }
  function key(event) {
    const chosen = offered.chosen(), isEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (offered.walk(event)) return;
    if (chosen && (event.key === "Tab" || (isEnter && chosen.name !== box.value))) {
      event.preventDefault();
      take(chosen);
    } else if (chosen && event.key === "Escape") {
      event.stopPropagation();
      offered.hide();
    } else if (isEnter) {
      event.preventDefault();
      form.requestSubmit();
    }
  }
  form.onsubmit = (event) => {
    event.preventDefault();
    const typed = box.value.trim();
    if (!typed) return;
    fill("");
    send(typed);
  };
  const button = el("button", { class: "send", "aria-label": "Send" }, "➤");
  redraw(form, () => form.replaceChildren(offered.list, el("div", { class: "write" }, box, button), hint));
  box.value = draft;
  look();
  offered.hide();
  return fill;
}
