// The page on one page: what is known, what is drawn from it, and what visitors can do.
import { acting } from "./acting.js";
import * as backstage from "./backstage.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { arrange, avatar, byId, el, fill as fillBox, redraw } from "./dom.js";
import { timeline } from "./messages.js";
import { showModal } from "./modal.js";
import { act, follow, get, inWords, pause, trouble } from "./server.js";

const COMMANDS = "In Slack, all messages that start with the “/” character are interpreted as commands.";
const AT_ONCE = 50; // messages of a channel, unless earlier ones were loaded
const said = new Map(); // channel → { messages: Map(ts → message), earlier, most }
const drafts = new Map(); // person, channel and thread → what is being written
let world = null; // what the server said of everything but messages
let me = ""; // who the visitor wants to be
let place = ""; // the channel that is open, or "home"
let seen = ""; // who looks at which place
let thread = null; // the ts of the thread that is open
let frame = 0; // the drawing that is due
let home = new Map(); // block of the Home tab as JSON → its node
let fill = null; // puts text into the composer

const app = () => world.app;
const channel = (wanted = place) => world.channels.find(({ id }) => id === wanted);
const direct = () => world.channels.find(({ kind }) => kind === "im");
const first = () => world.channels.find(({ kind }) => kind !== "im");
const byTs = (messages) => messages.map((message) => [message.ts, message]);
const inTime = (messages) => [...messages.values()].sort((one, other) => (one.ts < other.ts ? -1 : 1));
const isReply = ({ ts, thread_ts }) => thread_ts && thread_ts !== ts;

// The stream
const on = {
  state(whole) {
    const ahead = whole.now - Date.now() / 1000; // the demo's clock goes on, whatever the visitor's shows
    world = Object.defineProperty(whole, "now", { get: () => Date.now() / 1000 + ahead });
    me = world.me;
    said.clear();
    for (const [id, { earlier, messages }] of Object.entries(whole.messages)) {
      said.set(id, { earlier, most: AT_ONCE, messages: new Map(byTs(messages)) });
    }
    byId("person").replaceChildren(...world.visitors.map(({ id, may }) =>
      el("option", { value: id, selected: id === me }, `${world.people[id].real_name} – ${may}`)));
    open();
    showModal(world.modal, world);
    backstage.refresh();
  },
  message({ unread, mentions, ...message }) {
    if (!said.has(message.channel)) return;
    keep(message);
    Object.assign(channel(message.channel), { unread, mentions });
    frame ||= requestAnimationFrame(() => { frame = 0; drawMessages(); read(); });
  },
  modal: ({ modal }) => showModal(modal, world),
  home(view) {
    world.home = view;
    drawHome();
  },
  traffic: () => backstage.refresh(),
  lost: () => tell("Connection lost. Reconnecting…"),
  back: () => tell("Connected again.", 4000),
};

function tell(text, forMilliseconds) {
  const banner = byId("stream");
  banner.textContent = text;
  if (forMilliseconds) setTimeout(() => banner.textContent === text && (banner.textContent = ""), forMilliseconds);
}
// The newest messages are kept, and those that were loaded: the others count as earlier again.
function keep(message) {
  const shown = said.get(message.channel), { messages } = shown, [first = ""] = messages.keys();
  const isEarlier = shown.earlier > 0 && message.ts < first;
  if (message.deleted && !messages.delete(message.ts) && isEarlier) shown.earlier--;
  if (!message.deleted && !isEarlier) messages.set(message.ts, message);
  const reads = thread && message.channel === place;
  for (const ts of messages.keys()) {
    if (reads || messages.size <= shown.most) break;
    messages.delete(ts);
    shown.earlier++;
  }
}
// Where the visitor is
function open() {
  if (!said.has(place) && !(place === "home" && app().home)) place = first().id;
  history.replaceState(null, "", `#${me}/${place}`);
  if (seen !== location.hash) {
    thread = null;
    byId("messages").replaceChildren();
  }
  seen = location.hash;
  document.body.classList.remove("menu");
  byId("menu").setAttribute("aria-expanded", "false");
  document.title = `${place === "home" ? app().name : channel().name} – ${world.team}`;
  drawSidebar();
  drawPlace();
  drawHome();
  drawMessages();
  if (place === "home") act("home", { user: me, tab: "home" });
  else read();
}
function go(where) {
  if (where !== place) history.pushState(null, "");
  place = where;
  open();
}
function become(user) {
  me = user;
  if (!document.hidden) follow(me, on);
}
// Go where the address says.
function arrive() {
  const [user, where = ""] = location.hash.slice(1).split("/");
  place = where;
  if (world && user === me) open();
  else become(user);
}
async function read() {
  const where = channel();
  if (where?.unread) Object.assign(where, await act("read", { user: me, channel: where.id }));
  drawSidebar();
}

async function loadEarlier() {
  const shown = said.get(place), [before] = shown.messages.keys();
  const page = await get("/earlier", { user: me, channel: place, before });
  if (!page) return;
  const box = byId("messages"), fromBottom = box.scrollHeight - box.scrollTop;
  shown.messages = new Map([...byTs(page.messages), ...shown.messages]);
  shown.earlier = page.earlier;
  shown.most += page.messages.length;
  drawMessages();
  box.scrollTop = box.scrollHeight - fromBottom;
}
// What is drawn
function drawSidebar() {
  const item = (id, name, { unread = 0, mentions = 0 } = {}) => el("li", {}, el("button", {
    class: unread ? "unread" : "", "data-key": id, "aria-current": id === place && "page", onclick: () => go(id),
  }, name, unread > 0 && el("span", { class: "hidden" }, ` ${unread} unread`),
  mentions > 0 && el("span", { class: "badge" }, mentions)));
  const mark = ({ kind }) => el("span", { class: "mark", "aria-hidden": "true" }, kind === "private" ? "🔒" : "#");
  const channels = world.channels.filter(({ kind }) => kind !== "im");
  const picture = avatar(world.people[app().user]);
  redraw(byId("sidebar"), () => fillBox(byId("sidebar"),
    el("h1", {}, world.team),
    el("h2", {}, "Channels"),
    el("ul", {}, channels.map((one) => item(one.id, [mark(one), one.name], one))),
    el("h2", {}, "Apps"),
    el("ul", {}, item(place === "home" ? "home" : direct().id, [picture, app().name], direct()))));
}

function drawPlace() {
  const where = channel(), isApp = !where || where.kind === "im", form = byId("composer");
  const tab = (id, name) => el("button",
    { class: "tab", "data-key": id, "aria-current": id === place && "page", onclick: () => go(id) }, name);
  redraw(byId("place"), () => fillBox(byId("place"), isApp
    ? [el("h2", {}, avatar(world.people[app().user]), app().name), el("p", {}, app().description),
      app().home && el("div", { class: "tabs" }, tab("home", "Home"), tab(direct().id, "Messages"))]
    : [el("h2", {}, `${where.kind === "private" ? "🔒" : "#"} ${where.name}`),
      el("p", {}, [where.topic, `${where.members} members`].filter(Boolean).join(" · "))]));
  form.hidden = place === "home";
  fill = null;
  if (isApp && app().read_only) {
    return form.replaceChildren(el("p", { class: "off" }, "Sending messages to this app has been turned off."));
  }
  fill = composer(form, {
    ...writing(null), app: app(), place: isApp ? app().name : `#${where.name}`,
    shortcut: async (callback_id) => say("shortcut", { callback_id }, "The shortcut"),
  });
}
// What a composer needs to know of the channel, or of a thread in it.
function writing(thread_ts) {
  const key = `${me}/${place}/${thread_ts ?? ""}`;
  return { draft: drafts.get(key), keep: (text) => drafts.set(key, text), send: (text) => send(text, thread_ts) };
}

function drawHome() {
  const box = byId("home"), view = world.home;
  box.hidden = place !== "home";
  byId("messages").hidden = place === "home";
  if (box.hidden) return;
  if (!view) return box.replaceChildren(el("p", { class: "none" }, "Nothing here yet."));
  const doing = acting({ user: me, view: view.id }, (answer) => trouble(answer) &&
    box.append(el("p", { class: "error", role: "alert" }, trouble(answer))));
  // What stays as it was stays there: a button that is drawn anew under a pressed mouse would never hear of it.
  const context = { world, values: view.values, ...doing };
  const draw = (block, key) => [key, home.get(key) ?? blocks([block], context)[0]];
  home = new Map(view.blocks.map((block) => draw(block, JSON.stringify([view.id, block]))));
  redraw(box, () => arrange(box, [...home.values()]));
}

const show = () => ({
  world,
  replies: ({ ts }) => inTime(said.get(place).messages).filter((other) => isReply(other) && other.thread_ts === ts),
  thread: ({ ts }) => { thread = ts; drawThread(); byId("thread").querySelector("textarea").focus(); },
  trouble: (message, trouble) => { keep({ ...message, trouble }); drawMessages(); },
});

function drawMessages() {
  if (place === "home") return drawThread();
  const { messages, earlier } = said.get(place), box = byId("messages");
  const main = inTime(messages).filter((message) => !isReply(message));
  const load = el("button", { type: "button", class: "button earlier", "data-key": "earlier", onclick: loadEarlier },
    `Load ${Math.min(AT_ONCE, earlier)} of ${earlier} earlier messages`);
  box.setAttribute("aria-label", `Messages in ${channel().name}`);
  timeline(box, main, show(), earlier ? load : beginning(main.length));
  drawThread();
}

function beginning(count) {
  const where = channel(), name = where.kind === "im" ? app().name : `#${where.name}`;
  const hint = (words) => el("button", { type: "button", class: "hint-command", onclick: () => fill(words) }, words);
  return el("div", { class: "beginning" }, el("h3", {}, name), el("p", {}, `This is the very beginning of ${name}.`),
    fill && !count && el("div", {}, el("p", {}, "Worth a try:"), world.hints.map(hint)));
}

function drawThread() {
  const box = byId("thread"), parent = thread && said.get(place)?.messages.get(thread);
  box.hidden = !parent;
  if (!parent) return box.replaceChildren();
  if (box.dataset.thread !== thread || !box.firstChild) {
    box.dataset.thread = thread;
    const form = el("form", { id: "reply", class: "composer", autocomplete: "off" });
    const close = () => { thread = null; drawThread(); };
    fillBox(box, el("header", {}, el("h2", {}, "Thread"),
      el("button", { type: "button", class: "quiet close", "aria-label": "Close thread", onclick: close }, "✕")),
    el("div", { class: "replies-list", role: "log", "aria-label": "Replies", tabindex: "0" }), form);
    composer(form, { ...writing(thread), app: { commands: [], shortcuts: [] }, place: "the thread" });
  }
  const none = { ...show(), thread: null, replies: () => [] };
  timeline(box.querySelector(".replies-list"), [{ ...parent }, ...show().replies(parent)], none);
}
// What the visitor does
function send(text, thread_ts) {
  byId("messages").scrollTop = byId("messages").scrollHeight;
  const [word] = text.split(/\s/);
  if (!text.startsWith("/") || thread_ts) {
    say("say", { channel: place, text, thread_ts: thread_ts ?? undefined }, "Your message");
  } else if (app().commands.some(({ command }) => command === word)) {
    say("command", { channel: place, text }, word);
  } else {
    slackbot(seen, `\`${word}\` is not a valid command. ${COMMANDS}`);
  }
}
// Whatever comes of it is said where it was typed, although the visitor may be elsewhere by then.
async function say(name, what, title) {
  const typed = seen, { ok, error } = await act(name, { user: me, ...what });
  if (!ok) slackbot(typed, `${title} failed with the error “${error}”. ${inWords(error).split(" (")[0]}`);
}

function slackbot(typed, text) {
  const [user, where] = typed.slice(1).split("/"), ts = String(world.now);
  if (user !== me || !said.has(where)) return;
  const escaped = text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  keep({ channel: where, ts, user: "slackbot", text: escaped, blocks: [], values: {}, ephemeral: true, files: [] });
  drawMessages();
}

byId("person").addEventListener("change", ({ target }) => { history.pushState(null, ""); become(target.value); });
byId("behind").addEventListener("click", backstage.toggle);
byId("menu").addEventListener("click", () =>
  byId("menu").setAttribute("aria-expanded", String(document.body.classList.toggle("menu"))));
document.addEventListener("visibilitychange", () => (document.hidden ? pause() : follow(me, on)));
addEventListener("popstate", arrive);
arrive();
