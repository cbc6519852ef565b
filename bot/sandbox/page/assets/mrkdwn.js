// Slack's mrkdwn as nodes: links, mentions, dates, emoji, bold, italic, strike and code.
import { day, el, link, time } from "./dom.js";

const EMOJI = {
  warning: "⚠️", white_check_mark: "✅", no_entry: "⛔", hourglass_flowing_sand: "⏳", grey_question: "❔",
  lock: "🔒", unlock: "🔓", x: "❌", bell: "🔔", calendar: "📅", sunrise: "🌅", wave: "👋", tada: "🎉", key: "🔑",
  raised_hand: "✋", hourglass: "⌛", house: "🏠", package: "📦", arrows_counterclockwise: "🔄", no_entry_sign: "🚫",
  thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", eyes: "👀", memo: "📝", card_index_dividers: "🗂️",
  leftwards_arrow_with_hook: "↩️", information_source: "ℹ️",
};

// In this order: code hides everything inside it, <…> is Slack's own, then what people type.
const TOKEN = new RegExp([
  "```(?<pre>[^]+?)```",
  "`(?<code>[^`\\n]+)`",
  "<(?<angle>[^<>\\n]+)>",
  "(?<![\\w*])\\*(?=\\S)(?<bold>[^*\\n]+?)(?<=\\S)\\*(?![\\w*])",
  "(?<![\\w_])_(?=\\S)(?<italic>[^_\\n]+?)(?<=\\S)_(?![\\w_])",
  "(?<![\\w~])~(?=\\S)(?<strike>[^~\\n]+?)(?<=\\S)~(?![\\w~])",
  ":(?<emoji>[a-z0-9_+-]+):",
].join("|"), "g");

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
export const unescape = (text) => text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);

// `world` is what the server said of people, groups and channels.
export function mrkdwn(text, world) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    nodes.push(unescape(text.slice(end, found.index)), token(found, world));
    end = found.index + found[0].length;
  }
  return [...nodes, unescape(text.slice(end))];
}

function token({ 0: whole, groups }, world) {
  if (groups.pre) return el("pre", {}, unescape(groups.pre.trim()));
  if (groups.code) return el("code", {}, unescape(groups.code));
  if (groups.angle) return angle(groups.angle, world);
  if (groups.bold) return el("b", {}, mrkdwn(groups.bold, world));
  if (groups.italic) return el("i", {}, mrkdwn(groups.italic, world));
  if (groups.strike) return el("s", {}, mrkdwn(groups.strike, world));
  if (!Object.hasOwn(EMOJI, groups.emoji)) return whole;
  return el("span", { role: "img", "aria-label": groups.emoji }, EMOJI[groups.emoji]);
}

function angle(inside, world) {
  const [target, label] = inside.split(/\|([^]*)/);
  const mention = (name, mine) => el("span", { class: mine ? "mention mine" : "mention" }, name);
  const kind = target[0], id = target.slice(1);
  if (kind === "@") return mention(`@${world.people[id]?.real_name ?? id}`, id === world.me);
  if (kind === "#") {
    return mention(`#${world.channels.find((channel) => channel.id === id)?.name ?? label ?? "private channel"}`);
  }
  if (kind !== "!") return link(unescape(target), unescape(label ?? target));
  if (id.startsWith("date^")) return date(target, label, world);
  if (id.startsWith("subteam^")) return mention(`@${world.groups[id.slice(8)] ?? "group"}`);
  return mention(`@${id}`, true);
}

function date(target, label, world) {
  const [, seconds, format, url] = target.split("^");
  const plain = { day: "numeric", month: "short", year: "numeric" };
  const words = format.replace(/\{(\w+)\}/g, (_, name) => {
    if (name.startsWith("time")) return time(seconds);
    if (!name.endsWith("_pretty")) return new Date(seconds * 1000).toLocaleDateString(undefined, plain);
    return day(seconds, world.now, plain).replace(/^(Today|Yesterday|Tomorrow)$/, (near) => near.toLowerCase());
  });
  const shown = el("time", { datetime: new Date(seconds * 1000).toISOString(), title: label }, words);
  return url ? link(url, shown) : shown;
}
