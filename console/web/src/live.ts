// What the server reports each second, by server-sent events. `fetch` reads them, because `EventSource` cannot send a token.
import { signal } from "@preact/signals";
import { request } from "./api/client";
import type { LiveSnapshot } from "./api/types";
import { token } from "./session";

/** The newest snapshots, oldest first. */
export const snapshots = signal<LiveSnapshot[]>([]);

export type Connection = "connecting" | "live" | "lost" | "denied";
export const connection = signal<Connection>("connecting");

/** Two minutes of snapshots are enough for the small charts. */
const KEPT = 120;
const RETRY_FIRST = 500;
const RETRY_LONGEST = 5_000;

let lastId: string | null = null;

/** Follows the server's reports for as long as the page is open. */
export async function follow(): Promise<never> {
  let wait = RETRY_FIRST;
  for (;;) {
    // The server ends each stream after a while, and the next one goes on where it ended.
    const ended = await read().catch((): End => "lost");
    if (ended === "complete") {
      wait = RETRY_FIRST;
      continue;
    }
    connection.value = ended;
    // A token that lacks the scope is refused until there is another one.
    await nextTry(ended === "denied" ? null : wait);
    wait = Math.min(wait * 2, RETRY_LONGEST);
  }
}

type End = "complete" | "lost" | "denied";

/** Waits, but not after a sign-in or when the network is back. Without a time it waits for those alone. */
function nextTry(milliseconds: number | null): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      stopWatching();
      resolve();
    };
    const timer = milliseconds === null ? undefined : setTimeout(done, milliseconds);
    addEventListener("online", done);
    const before = token.value;
    const stopWatching = token.subscribe((now) => {
      if (now !== before) queueMicrotask(done);
    });
  });
}

async function read(): Promise<End> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (lastId !== null) headers["last-event-id"] = lastId;
  const response = await request("GET", "/api/v1/live", { headers });
  if (response.status === 401 || response.status === 403) return "denied";
  if (!response.ok || !response.body) return "lost";
  connection.value = "live";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return "complete";
    text += value;
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    messages.forEach(take);
  }
}

function take(message: string): void {
  let data = "";
  for (const line of message.split("\n")) {
    if (line.startsWith("data:")) data += line.slice(5).trimStart();
    else if (line.startsWith("id:")) lastId = line.slice(3).trim();
  }
  if (data === "") return;
  const snapshot = JSON.parse(data) as LiveSnapshot;
  const { value: kept } = snapshots;
  // The counts of a process that was started again begin at 0.
  const last = kept.at(-1);
  const restarted = last !== undefined && snapshot.started_at !== last.started_at;
  snapshots.value = restarted ? [snapshot] : [...kept.slice(1 - KEPT), snapshot];
}
