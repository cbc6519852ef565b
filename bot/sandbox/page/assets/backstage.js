// The side panel: what really passes between the bot, Slack and Stora; what is owed; and Stora's bad days.
import { byId, el, fill, redraw } from "./dom.js";
import { get, post } from "./server.js";

const panel = byId("backstage");
let timer = 0;

// Look again, soon, if anybody is looking.
export function refresh() {
  if (!panel.hidden && !timer) timer = setTimeout(() => { timer = 0; draw(); }, 150);
}

export function toggle() {
  panel.hidden = !panel.hidden;
  byId("behind").setAttribute("aria-pressed", String(!panel.hidden));
  document.body.classList.toggle("behind", !panel.hidden);
  if (!panel.hidden) draw();
}

const seconds = (at) => el("time", {}, new Date(at * 1000).toLocaleTimeString(undefined, { hour12: false }));
const status = (words, good) => el("span", { class: `status ${good ? "good" : "bad"}` }, words ?? "–");
const good = (code) => code >= 200 && code < 300;

async function draw() {
  const shown = await get("/backstage");
  if (!shown) return;
  const { days, armed, said, stora, slack, owed } = shown;
  const left = stora.find((one) => one.left != null)?.left;
  redraw(panel, () => fill(panel,
    el("header", {}, el("h2", {}, "Behind the scenes"),
      el("button", { type: "button", class: "quiet", "aria-label": "Close", "data-key": "close", onclick: toggle },
        "✕")),
    el("h3", {}, "Stora’s bad days"),
    el("div", { class: "days" }, days.map(({ name, label }) => el("button",
      { type: "button", class: "button", "data-key": name, onclick: () => post(`/play/${name}`) }, label))),
    el("p", { class: "said", role: "status" }, said),
    armed.length > 0 && el("ul", { class: "armed" }, armed.map((fault) => el("li", {}, fault))),
    rows("Owed and announced", owed, ({ what, where, state, error }) =>
      [status(state, state === "sent"), el("span", {}, `${what} ${where}`), error && el("small", {}, error)]),
    rows(left == null ? "To Stora" : `To Stora · ${left} requests left this minute`, stora, (one) =>
      [seconds(one.at), status(one.status, good(one.status)), el("span", {}, one.what), el("small", {},
        [one.query, one.replayed && "replayed", one.left != null && `${one.left} left`].filter(Boolean).join(" · "))]),
    rows("To Slack", slack, ({ what, status: code, error, at }) =>
      [seconds(at), status(error ?? code, good(code) && !error), el("span", {}, what)]),
  ));
}

const rows = (title, list, row) => [el("h3", {}, title), !list.length ? el("p", { class: "none" }, "Nothing yet.")
  : el("ol", { class: "rows", tabindex: "0", "data-key": title.split(" ·")[0], "aria-label": title },
    list.map((one) => el("li", {}, row(one))))];
