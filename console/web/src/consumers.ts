// Stops and starts consumers.
import { call, get } from "./api/client";
import type { ConsumerName, Faults } from "./api/types";

const PATH = "/api/v1/admin/faults";

export const readFaults = (signal?: AbortSignal) => get<Faults>(PATH, signal);

export const writeFaults = (faults: Faults) => call<Faults>("PUT", PATH, { body: faults });

export async function setStopped(consumer: ConsumerName, stop: boolean): Promise<void> {
  const faults = await readFaults();
  const others = (faults.stopped ?? []).filter((name) => name !== consumer);
  await writeFaults({ ...faults, stopped: stop ? [...others, consumer] : others });
}
