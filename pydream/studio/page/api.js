// The server: requests whose errors are one line, and the one stream of events of this page.
const FIRST_RETRY = 500; // ms; doubled up to
const LAST_RETRY = 5000;
export const GONE = "The studio is not running. Start it again with: pydream studio";
const DEAF = "The studio sends this page no news, as too many pages of it are open: close some.";
export const LOCKED = "The studio was started anew: open the address that it printed.";

export class ApiError extends Error {
  constructor(line, status) {
    super(line);
    this.status = status; // 0: nothing answered
  }
}

// Send a request; ApiError says in one line what is wrong.
export async function request(method, path, body, options = {}) {
  const raw = body instanceof Blob;
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body: body === undefined || raw ? body : JSON.stringify(body),
      headers: body === undefined || raw ? {} : { "Content-Type": "application/json" },
      ...options,
    });
  } catch {
    throw new ApiError(GONE, 0);
  }
  const text = await answer.text();
  const json = answer.headers.get("Content-Type")?.startsWith("application/json");
  const data = json && text ? JSON.parse(text) : text;
  if (!answer.ok) throw new ApiError(errorLine(answer.status, data), answer.status);
  return data;
}

export function errorLine(status, data) {
  return data?.error ?? (status === 401 ? LOCKED : `the studio answered ${status} and no more`);
}

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body);
export const put = (path, body, options) => request("PUT", path, body, options);
export const remove = (path) => request("DELETE", path);

// Every event of the server by its name, with its data; and "connection" with {connected, line}: after a pause,
// what was missed has to be asked for.
const listeners = new Map();

export function listen(name, listener) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(listener);
  if (source && name !== "connection") watch(name);
  return () => listeners.get(name).delete(listener);
}

let source = null;
let watched = new Set();
let retry = FIRST_RETRY;
let timer = 0;

// Open the stream, keep it open while the page is seen, and close it while it is not: a browser has six for a host.
export function connect() {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

function open() {
  if (source || document.hidden) return;
  clearTimeout(timer);
  source = new EventSource("/api/events");
  watched = new Set();
  for (const name of listeners.keys()) if (name !== "connection") watch(name);
  source.onopen = () => {
    retry = FIRST_RETRY;
    send("connection", { connected: true, line: null });
  };
  source.onerror = async () => {
    close();
    timer = setTimeout(open, retry);
    retry = Math.min(retry * 2, LAST_RETRY);
    const line = await get("/api/studio").then(() => DEAF, (error) => error.message);
    if (!source || source.readyState !== EventSource.OPEN) send("connection", { connected: false, line });
  };
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function watch(name) {
  if (watched.has(name)) return;
  watched.add(name);
  source.addEventListener(name, (event) => send(name, JSON.parse(event.data)));
}

function send(name, data) {
  for (const listener of listeners.get(name) ?? []) listener(data);
}
