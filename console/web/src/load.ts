// Loads what a page shows, again when its inputs change, and keeps the last good answer while it does.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "./api/client";

export interface Loaded<T> {
  data: T | null;
  error: string | null;
  loading: boolean;
  reload: () => void;
}

export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, inputs: unknown[]): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({ data: null, error: null, loading: true });
  const [round, setRound] = useState(0);
  const before = useRef(inputs);
  useEffect(() => {
    const abort = new AbortController();
    const same = before.current.every((input, index) => input === inputs[index]);
    before.current = inputs;
    // The answer to other inputs would be wrong; the last answer to these is only old.
    setState(({ data }) => ({ data: same ? data : null, error: null, loading: true }));
    load(abort.signal).then(
      (data) => setState({ data, error: null, loading: false }),
      (error: unknown) => {
        if (!abort.signal.aborted) setState(({ data }) => ({ data, error: messageOf(error), loading: false }));
      },
    );
    return () => abort.abort();
  }, [...inputs, round]);
  const reload = useCallback(() => setRound((value) => value + 1), []);
  return { ...state, reload };
}

/** Calls `act` when `trigger` changes, at most once in `milliseconds`. */
export function useThrottled(trigger: unknown, milliseconds: number, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  const state = useRef<{ timer: ReturnType<typeof setTimeout> | null; at: number }>({ timer: null, at: Date.now() });
  useEffect(() => {
    const { current } = state;
    if (current.timer !== null) return;
    const wait = Math.max(0, current.at + milliseconds - Date.now());
    current.timer = setTimeout(() => {
      current.timer = null;
      current.at = Date.now();
      latest.current();
    }, wait);
  }, [trigger]);
  useEffect(
    () => () => {
      if (state.current.timer !== null) clearTimeout(state.current.timer);
    },
    [],
  );
}
