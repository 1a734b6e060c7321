// Short messages about what was done, announced to screen readers.
import { signal } from "@preact/signals";
import { messageOf } from "./api/client";

export interface Notice {
  id: number;
  kind: "done" | "failed";
  text: string;
}

export const notices = signal<Notice[]>([]);
let next = 1;

export function notify(kind: Notice["kind"], text: string): void {
  const id = next++;
  notices.value = [...notices.value.slice(-3), { id, kind, text }];
  setTimeout(() => dismiss(id), kind === "failed" ? 12_000 : 5_000);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Runs an action of a person, and says that it is done or why it failed. Returns whether it is done. */
export async function attempt(done: string, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    notify("done", done);
    return true;
  } catch (error) {
    notify("failed", messageOf(error));
    return false;
  }
}
