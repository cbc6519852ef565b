// The stand-in behind the page: one stream of events in, acts out.
// The name of this page until it is loaded anew: its modal is its own, and is still there after a lost connection.
const page = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
let stream = null, lost = false;

// Follow everything in front of `user`. `on` has a function for each event, and `lost` and `back` for the connection.
export function follow(user, on) {
  pause();
  const mine = (stream = new EventSource(`/stream?${new URLSearchParams({ user, page })}`));
  for (const event of ["state", "message", "modal", "home", "traffic"]) {
    mine.addEventListener(event, ({ data }) => mine === stream && on[event](JSON.parse(data)));
  }
  mine.addEventListener("open", () => {
    if (lost) on.back();
    lost = false;
  });
  mine.addEventListener("error", () => {
    if (mine !== stream) return;
    if (!lost) on.lost();
    lost = true;
    // The browser tries again by itself, except after an answer that was no stream.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => mine === stream && follow(user, on), 1000);
  });
}
// Follow nothing: a browser has six connections for all its tabs, and those that nobody sees need none.
export function pause() {
  stream?.close();
  stream = null;
}
// Do something as a person; the answer has `ok`, and `error` in Slack's words.
export const act = (name, said) => post(`/act/${name}`, { page, ...said });

export async function post(path, said = {}) {
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(said) });
    return await answer.json().catch(() => ({ ok: false, error: `http_${answer.status}` }));
  } catch {
    return { ok: false, error: "not_connected" };
  }
}
// What is found there; null without a connection.
export const get = (path, query = {}) =>
  fetch(`${path}?${new URLSearchParams(query)}`).then((answer) => answer.json()).catch(() => null);
const WORDS = {
  operation_timeout: "Unitbot did not respond in time.",
  dispatch_failed: "Unitbot could not be reached.",
  invalid_response: "Unitbot gave an answer that Slack does not understand.",
  not_connected: "There is no connection just now.",
  http_413: "That is longer than a message can be.",
};
export const inWords = (error) => (WORDS[error] ? `${WORDS[error]} (${error})` : error);
// What went wrong, or nothing: that a button is gone by now, as after a second click, needs no word.
export const trouble = ({ ok, impossible, error }) => (ok || impossible ? "" : inWords(error));
