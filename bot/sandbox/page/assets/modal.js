// Modals in front of everything; <dialog> keeps the focus inside.
import { acting } from "./acting.js";
import { blocks } from "./blocks.js";
import { byId, el, redraw } from "./dom.js";
import { act, inWords } from "./server.js";

const dialog = byId("modal");
const sent = new Set(); // ids of views that were sent off and not answered yet
let open = null; // { view, world, values, errors, trouble }

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});

// Show this view, update it in place, or none; what was filled in stays where its block and action do.
export function showModal(view, world) {
  if (!view) {
    open = null;
    return dialog.close();
  }
  const kept = open?.view.id === view.id ? open.values : {};
  open = { view, world, values: {}, errors: view.errors, trouble: "" };
  for (const [block_id, actions] of Object.entries(view.values)) {
    for (const [action_id, state] of Object.entries(actions)) {
      const before = kept[block_id]?.[action_id];
      (open.values[block_id] ??= {})[action_id] = before?.type === state.type ? before : state;
    }
  }
  draw();
  const opens = !dialog.open;
  if (opens) dialog.showModal();
  const first = dialog.querySelector(".body :is(input,textarea,select)") ?? dialog.querySelector("button");
  if (opens || !dialog.contains(document.activeElement)) first.focus();
}

const KEYS = { static_select: "selected_option", external_select: "selected_option", datepicker: "selected_date" };

function draw() {
  const mine = open, { view, world, values, errors, trouble } = open;
  const doing = acting({ user: world.me, view: view.id }, (answer) => {
    if (open !== mine || answer.ok) return;
    open.trouble = inWords(answer.error);
    draw();
  });
  const choose = async (block, one, value, shown) => {
    const key = KEYS[one.type] ?? "value", state = { type: one.type, [key]: shown ?? value };
    if (one.type !== "overflow") values[block.block_id] = { [one.action_id]: state };
    if (block.type !== "input" || block.dispatch_action) await doing.choose(block, one, value);
  };
  redraw(dialog, () => dialog.replaceChildren(el("form", { novalidate: true, onsubmit: submit },
    el("header", {}, el("h2", { id: "modal-title" }, view.title),
      el("button", { type: "button", class: "quiet close", "aria-label": "Close", onclick: close }, "✕")),
    el("div", { class: "body", tabindex: "-1" }, blocks(view.blocks, { world, values, errors, ...doing, choose }),
      trouble && el("p", { class: "error", role: "alert" }, trouble)),
    el("footer", {}, el("button", { type: "button", class: "button", onclick: close }, view.close ?? "Cancel"),
      view.submit && el("button", { class: "button primary", "data-key": "submit" }, view.submit)))));
  wait();
}
// While a view is on its way it cannot be sent off again.
function wait() {
  const waits = sent.has(open?.view.id), button = dialog.querySelector("[data-key=submit]");
  dialog.setAttribute("aria-busy", String(waits));
  if (button) button.disabled = waits;
}

const valueOf = (state) => Object.entries(state).find(([key]) => key !== "type")[1];

async function submit(event) {
  event.preventDefault();
  const mine = open, { view, world, values } = open;
  if (sent.has(view.id)) return;
  const inputs = view.blocks.filter((block) => block.type === "input");
  const entered = inputs.map((block) => [block.block_id, valueOf(values[block.block_id][block.element.action_id])]);
  const missing = entered.filter(([, value], index) => !inputs[index].optional && !value);
  if (missing.length) {
    mine.errors = Object.fromEntries(missing.map(([block_id]) => [block_id, "Please complete this required field."]));
    draw();
    return dialog.querySelector("[aria-invalid]").focus();
  }
  sent.add(view.id);
  wait();
  const given = Object.fromEntries(entered.map(([block_id, value]) => [block_id, value?.value ?? value]));
  const answer = await act("submit", { user: world.me, view: view.id, values: given });
  sent.delete(view.id);
  wait();
  if (open !== mine || (answer.ok && !Object.keys(answer.errors).length)) return;
  mine.errors = answer.errors ?? {};
  mine.trouble = answer.ok ? "" : `We had some trouble connecting. Try again? ${inWords(answer.error)}`;
  draw();
  (dialog.querySelector("[aria-invalid]") ?? dialog.querySelector("[data-key=submit]")).focus();
}

function close() {
  const { view, world } = open;
  showModal(null);
  act("close", { user: world.me, view: view.id });
}
