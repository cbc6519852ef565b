// What pressing, choosing and typing in blocks do; and the dialog that asks before a press counts.
import { byId, el } from "./dom.js";
import { act } from "./server.js";

// `where` says who acts and in which message or view; `told(answer)` hears what came of it.
export function acting(where, told) {
  const send = async (name, block, one, said) => {
    const answer = await act(name, { ...where, block_id: block.block_id, action_id: one.action_id, ...said });
    told(answer);
    return answer;
  };
  return {
    key: where.ts ?? "",
    press: async (block, one) => (!one.confirm || (await confirmed(one.confirm))) && send("press", block, one),
    choose: (block, one, value) => send("choose", block, one, { value }),
    suggest: async (block, one, typed) => (await send("suggest", block, one, { typed })).options ?? [],
  };
}
// Whether the person agrees to a `confirm` object.
function confirmed(asked) {
  const box = byId("confirm");
  const button = (value, label, style) => el("button", { class: `button ${style}`, value }, label);
  return new Promise((resolve) => {
    box.replaceChildren(el("form", { method: "dialog" },
      el("header", {}, el("h2", { id: "confirm-title" }, asked.title.text)),
      el("div", { class: "body" }, el("p", {}, asked.text.text)),
      el("footer", {}, button("no", asked.deny.text, ""),
        button("yes", asked.confirm.text, asked.style ?? "primary"))));
    box.returnValue = "";
    box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
    box.showModal();
  });
}
