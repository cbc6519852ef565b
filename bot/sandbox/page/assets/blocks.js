// Block Kit: every block and element as nodes. What a press does is up to `context`.
import { control, el, link } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { picker } from "./picker.js";

// The text object that Slack calls plain_text or mrkdwn.
export const text = (object, world) => (object.type === "mrkdwn" ? mrkdwn(object.text, world) : object.text);

// `context`: world, key, values (block_id → action_id → state), errors (block_id → text), press(block, element),
// choose(block, element, value, shown) and suggest(block, element, typed).
export const blocks = (list, context) => list.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
const unknown = (block) => el("p", { class: "context" }, `(${block.type})`);
const BLOCKS = {
  header: (block) => el("h3", { class: "header" }, block.text.text),
  divider: () => el("hr"),
  section: (block, context) => el("div", { class: "section" },
    el("div", { class: "words" },
      block.text && el("div", { class: "text" }, text(block.text, context.world)),
      block.fields && el("div", { class: "fields" },
        block.fields.map((field) => el("div", {}, text(field, context.world))))),
    block.accessory && element(block, block.accessory, context)),
  context: (block, context) => el("div", { class: "context" }, block.elements.map((part) =>
    part.type === "image" ? el("span", {}, part.alt_text) : el("span", {}, text(part, context.world)))),
  actions: (block, context) => el("div", { class: "actions" },
    block.elements.map((one) => element(block, one, context))),
  input: (block, context) => {
    const error = context.errors?.[block.block_id];
    const field = element(block, block.element, context);
    const described = [error && `error-${block.block_id}`, block.hint && `hint-${block.block_id}`].filter(Boolean);
    if (error) control(field).setAttribute("aria-invalid", "true");
    if (described.length) control(field).setAttribute("aria-describedby", described.join(" "));
    return el("div", { class: "input" },
      el("label", {}, block.label.text, block.optional && el("span", { class: "optional" }, " (optional)")),
      field,
      error && el("p", { class: "error", id: `error-${block.block_id}`, role: "alert" }, error),
      block.hint && el("p", { class: "hint", id: `hint-${block.block_id}` }, block.hint.text));
  },
};

function element(block, one, context) {
  const node = made(block, one, context);
  node.dataset.key = `${context.key} ${one.action_id}`;
  return node;
}

function made(block, one, context) {
  const state = context.values[block.block_id]?.[one.action_id] ?? {};
  const label = block.label?.text ?? one.placeholder?.text ?? "Choose";
  const choose = (value, shown) => context.choose(block, one, value, shown);
  const pick = (load, least) => picker({
    label, load, least, placeholder: one.placeholder?.text ?? "Choose an option", chosen: state.selected_option,
    optional: block.optional, change: (option) => choose(option?.value ?? null, option),
  });
  const has = (typed) => ({ text }) => text.text.toLowerCase().includes(typed.toLowerCase());
  const options = [...(one.options ?? []), ...(one.option_groups ?? []).flatMap((group) => group.options)];
  switch (one.type) {
    case "button": return button(block, one, context);
    case "static_select": return pick(async (typed) => options.filter(has(typed)));
    case "external_select": return pick((typed) => context.suggest(block, one, typed), one.min_query_length ?? 3);
    case "overflow": return el("select", {
      class: "button overflow", "aria-label": "More actions",
      onchange: ({ target }) => { choose(target.value); target.value = ""; },
    }, el("option", { value: "" }, "⋯"),
    options.map((option) => el("option", { value: option.value }, option.text.text)));
    case "datepicker": return field(el("input", { type: "date", "aria-label": label }), state.selected_date, choose);
    case "plain_text_input": case "email_text_input": {
      const tag = one.multiline ? "textarea" : "input";
      const attributes = { placeholder: one.placeholder?.text, maxlength: one.max_length ?? 3000 };
      return field(el(tag, { "aria-label": label, ...attributes }), state.value, choose);
    }
    default: return el("span", { class: "context" }, `(${one.type})`);
  }
}

function field(control, value, choose) {
  control.value = value ?? "";
  control.addEventListener("change", () => choose(control.value || null));
  return control;
}

function button(block, one, context) {
  const attributes = {
    class: ["button", one.style].filter(Boolean).join(" "),
    "aria-label": one.accessibility_label && `${one.text.text}: ${one.accessibility_label}`,
  };
  const press = async ({ currentTarget }) => {
    currentTarget.setAttribute("aria-busy", "true");
    await context.press(block, one);
    currentTarget.removeAttribute("aria-busy");
  };
  if (!one.url) return el("button", { type: "button", ...attributes, onclick: press }, one.text.text);
  const anchor = link(one.url, one.text.text);
  for (const [name, value] of Object.entries(attributes)) if (value) anchor.setAttribute(name, value);
  anchor.addEventListener("click", press);
  return anchor;
}
