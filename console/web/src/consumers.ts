// Pauses consumers, and switches faults.
import { call, get } from "./api/client";
import type { ConsumerName, Faults } from "./api/types";

const PATH = "/api/v1/admin/faults";

export const readFaults = (signal?: AbortSignal) => get<Faults>(PATH, signal);

export const writeFaults = (faults: Faults) => call<Faults>("PUT", PATH, { body: faults });

/** Pauses or resumes a consumer. It stays so after a restart. */
export const setPaused = (consumer: ConsumerName, paused: boolean) =>
  call("PUT", `/api/v1/admin/consumers/${consumer}`, { body: { paused } });
