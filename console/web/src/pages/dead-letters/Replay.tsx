// Replays a group of dead letters in steps, so that its progress can be seen and it can be stopped.
import { useRef, useState } from "preact/hooks";
import { call, get, messageOf } from "../../api/client";
import type { DeadLetterList } from "../../api/types";
import { count } from "../../format";
import { Button, Dialog } from "../../ui/parts";
import { type Group, pathOf } from "./DeadLetters";

/** The messages of one step. */
const STEP = 25;

interface Props {
  group: Group;
  onClose: () => void;
  onReplayed: () => void;
}

export function Replay({ group, onClose, onReplayed }: Props) {
  const [done, setDone] = useState(0);
  const [state, setState] = useState<"ready" | "running" | "ended">("ready");
  const [error, setError] = useState<string | null>(null);
  const stopped = useRef(false);
  const run = async () => {
    setState("running");
    try {
      setDone(await replayGroup(group, setDone, () => stopped.current));
    } catch (failure) {
      setError(messageOf(failure));
    }
    setState("ended");
    onReplayed();
  };
  const close = () => {
    stopped.current = true;
    onClose();
  };
  return (
    <Dialog title={`Replay ${count(group.count)} messages`} onClose={close}>
      <p>The messages of {group.consumer} with the code <code>{group.code}</code> go back to its queue. Those that fail again come back here.</p>
      {state !== "ready" && (
        <>
          <progress max={group.count} value={done} aria-label="Replayed messages" />
          <p role="status">{count(done)} of {count(group.count)} replayed{state === "ended" && ", done"}.</p>
        </>
      )}
      {error && <p class="failed" role="alert">{error}</p>}
      <div class="actions">
        <Button onPress={close}>{state === "ended" ? "Close" : "Cancel"}</Button>
        {state !== "ended" && <Button kind="primary" disabled={state === "running"} onPress={run}>Replay</Button>}
      </div>
    </Dialog>
  );
}

/** Replays the messages that are dead now. One that fails again meanwhile is not replayed a second time. */
async function replayGroup(group: Group, progress: (done: number) => void, stopped: () => boolean): Promise<number> {
  const ids = await idsOf(group, stopped);
  let done = 0;
  for (let from = 0; from < ids.length && !stopped(); from += STEP) {
    const { replayed } = await call<{ replayed: number }>("POST", `${pathOf(group.consumer)}/replay`, { body: { ids: ids.slice(from, from + STEP) } });
    done += replayed;
    progress(done);
  }
  return done;
}

async function idsOf(group: Group, stopped: () => boolean): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "?limit=100" : `?limit=100&cursor=${encodeURIComponent(cursor)}`;
    const page: DeadLetterList = await get<DeadLetterList>(pathOf(group.consumer) + query);
    ids.push(...page.dead_letters.filter(({ code }) => code === group.code).map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null && !stopped());
  return ids;
}
