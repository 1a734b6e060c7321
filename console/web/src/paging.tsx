// A listing that is read page by page. A reload reads the first page again and keeps what was shown until it arrives.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { get, messageOf, withQuery } from "./api/client";
import { type Loaded, useLoad } from "./load";
import { Button } from "./ui/parts";
import { notify } from "./notices";

interface Paged {
  next_cursor?: string | null;
}

export interface Pages<T> extends Loaded<T[]> {
  /** Reads the next page; `null` if there is none. */
  more: (() => Promise<void>) | null;
}

type Parameters = Record<string, string | number | null | undefined>;

export function usePages<P extends Paged, T>(path: string, parameters: Parameters, rowsOf: (page: P) => T[]): Pages<T> {
  const key = withQuery(path, parameters);
  const [later, setLater] = useState<{ of: P | null; rows: T[]; cursor: string | null }>({ of: null, rows: [], cursor: null });
  const first = useLoad((signal) => get<P>(key, signal), [key]);
  // Pages that followed an older first page are dropped: their rows may have moved.
  const valid = first.data !== null && later.of === first.data;
  const cursor = valid ? later.cursor : (first.data?.next_cursor ?? null);
  const more = async () => {
    try {
      const page = await get<P>(withQuery(path, { ...parameters, cursor }));
      setLater({ of: first.data, rows: [...(valid ? later.rows : []), ...rowsOf(page)], cursor: page.next_cursor ?? null });
    } catch (error) {
      notify("failed", messageOf(error));
    }
  };
  const rows = first.data && [...rowsOf(first.data), ...(valid ? later.rows : [])];
  return { ...first, data: rows, more: cursor === null ? null : more };
}

export function More({ of }: { of: { more: (() => Promise<void>) | null } }): ComponentChildren {
  return of.more && (
    <p class="more">
      <Button onPress={of.more}>Show more</Button>
    </p>
  );
}
