// Messages of a channel or thread, newest last; what did not change keeps its place, its focus and its open menus.
import { blocks } from "./blocks.js";
import { acting } from "./acting.js";
import { arrange, avatar, day, el, redraw, time } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { trouble } from "./server.js";

const drawn = new WeakMap(); // message → { key, node }
const TOGETHER = 300; // seconds within which one author's messages stand under one name
const SLACKBOT = { real_name: "Slackbot", name: "slackbot" };

// `messages` are the wanted ones in order; `show` has world, trouble(message, text), replies(message), thread(message).
export function timeline(box, messages, show, ...before) {
  const { scrollTop } = box, atBottom = box.scrollHeight - scrollTop - box.clientHeight < 60;
  let previous = null;
  const nodes = messages.map((message) => {
    const newDay = !previous || day(previous.ts, show.world.now) !== day(message.ts, show.world.now);
    const follows = !newDay && !message.ephemeral && !previous.ephemeral &&
      previous.user === message.user && message.ts - previous.ts < TOGETHER;
    const replies = show.replies(message);
    const key = `${newDay} ${follows} ${replies.length} ${message.trouble ?? ""}`;
    previous = message;
    const before = drawn.get(message);
    if (before?.key === key && before.box === box) return before.node;
    const node = entry(message, { newDay, follows, replies }, show);
    drawn.set(message, { key, node, box });
    return node;
  });
  redraw(box, () => arrange(box, [...before, ...nodes]));
  box.scrollTop = atBottom ? box.scrollHeight : scrollTop;
}
function entry(message, { newDay, follows, replies }, show) {
  const { world } = show;
  const person = world.people[message.user] ?? SLACKBOT;
  const names = ["message", follows && "follows", message.ephemeral && "ephemeral"].filter(Boolean).join(" ");
  const label = `${person.real_name}, ${time(message.ts)}`;
  const context = {
    world, values: message.values,
    ...acting({ user: world.me, channel: message.channel, ts: message.ts }, (answer) => {
      if (trouble(answer) !== (message.trouble ?? "")) show.trouble(message, trouble(answer));
    }),
  };
  const article = el("article", { class: names, tabindex: "-1", "data-key": message.ts, "aria-label": label },
    follows ? el("span", { class: "when" }, time(message.ts)) : avatar(person),
    el("div", { class: "content" },
      message.ephemeral &&
        el("p", { class: "only" }, el("span", { "aria-hidden": "true" }, "◉ "), "Only visible to you"),
      !follows && el("div", { class: "meta" }, el("b", {}, person.real_name),
        person.is_bot && el("span", { class: "app" }, "APP"), el("time", {}, time(message.ts))),
      message.blocks.length ? blocks(message.blocks, context)
        : el("div", { class: "text" }, mrkdwn(message.text, world)),
      message.files.map((file) => el("a",
        { class: "file", href: `/files/${file.id}?user=${world.me}`, download: file.name },
        el("b", {}, file.name), ` ${Math.ceil(file.length / 1024)} kB`)),
      message.trouble && el("p", { class: "error", role: "alert" }, `⚠ ${message.trouble}`),
      replies.length > 0 && el("button", { type: "button", class: "replies", onclick: () => show.thread(message) },
        replies.length === 1 ? "1 reply" : `${replies.length} replies`)),
    !message.ephemeral && show.thread && el("button",
      { type: "button", class: "quiet reply", onclick: () => show.thread(message) }, "Reply in thread"));
  const divider = newDay && el("div", { class: "day" }, el("span", {}, day(message.ts, world.now)));
  return el("div", {}, divider, article);
}
