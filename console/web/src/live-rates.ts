// Rates from the counts of two snapshots.
import { computed } from "@preact/signals";
import type { LiveSnapshot } from "./api/types";
import { snapshots } from "./live";

export const latest = computed<LiveSnapshot | null>(() => snapshots.value.at(-1) ?? null);

/** Returns what was counted per second over the last `seconds`. */
export function rate(of: (snapshot: LiveSnapshot) => number, seconds = 5): number {
  const last = snapshots.value.at(-1);
  const first = snapshots.value.at(-1 - seconds) ?? snapshots.value[0];
  if (!first || !last || first === last) return 0;
  const elapsed = (Date.parse(last.time) - Date.parse(first.time)) / 1_000;
  return elapsed > 0 ? Math.max(0, of(last) - of(first)) / elapsed : 0;
}

/** Returns the value per second for each of the last snapshots, for a chart. */
export function history(of: (snapshot: LiveSnapshot) => number): number[] {
  return snapshots.value.slice(1).map((snapshot, index) => {
    const before = snapshots.value[index] as LiveSnapshot;
    const elapsed = (Date.parse(snapshot.time) - Date.parse(before.time)) / 1_000;
    return elapsed > 0 ? Math.max(0, of(snapshot) - of(before)) / elapsed : 0;
  });
}
