import { useState } from "preact/hooks";
import { call, withQuery } from "../../api/client";
import type { DeadLetter, DeadLetterCount, DeadLetterList, DeadLetterOverview } from "../../api/types";
import { count, time } from "../../format";
import { attempt } from "../../notices";
import { More, usePages } from "../../paging";
import { go, hrefOf, route } from "../../route";
import { Answer, Button, type Column, Confirm, Field, Page, Panel, Table } from "../../ui/parts";
import { Replay } from "./Replay";

const PAGE = 50;

export const pathOf = (consumer: string, id?: string) =>
  `/api/v1/admin/dead-letters/${encodeURIComponent(consumer)}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;

/** The dead letters of one consumer with one code. */
export type Group = DeadLetterCount;

export function DeadLetters() {
  const consumer = route.value.query.get("consumer") ?? "";
  const code = route.value.query.get("code") ?? "";
  const [search, setSearch] = useState("");
  const [purged, setPurged] = useState<Group | null>(null);
  const [replayed, setReplayed] = useState<Group | null>(null);
  const [groups, setGroups] = useState<Group[]>([]);
  const pages = usePages<DeadLetterOverview | DeadLetterList, DeadLetter>(
    consumer ? pathOf(consumer) : "/api/v1/admin/dead-letters",
    { limit: PAGE },
    (page) => {
      if ("counts" in page && page.counts.length > 0 && page.counts !== groups) queueMicrotask(() => setGroups(page.counts));
      return page.dead_letters;
    },
  );
  const matches = (letter: DeadLetter) =>
    (code === "" || letter.code === code) && (search === "" || JSON.stringify(letter).toLowerCase().includes(search.toLowerCase()));

  const groupColumns: Column<Group>[] = [
    { title: "Consumer", cell: (group) => <a href={hrefOf(["dead-letters"], { consumer: group.consumer, code: group.code })}>{group.consumer}</a> },
    { title: "Code", cell: (group) => <code>{group.code}</code> },
    { title: "Messages", cell: (group) => count(group.count), numeric: true },
    {
      title: "All of them",
      cell: (group) => (
        <span class="actions">
          <Button label={`Replay ${group.code} of ${group.consumer}`} onPress={() => setReplayed(group)}>Replay</Button>
          <Button kind="danger" label={`Delete ${group.code} of ${group.consumer}`} onPress={() => setPurged(group)}>Delete</Button>
        </span>
      ),
    },
  ];
  const columns: Column<DeadLetter>[] = [
    { title: "Message", cell: (letter) => <a href={hrefOf(["dead-letters", letter.consumer, letter.id])}>{typeOf(letter)}</a> },
    { title: "Consumer", cell: (letter) => letter.consumer },
    { title: "Code", cell: (letter) => <code>{letter.code}</code> },
    { title: "Reason", cell: (letter) => letter.reason },
    { title: "Attempts", cell: (letter) => letter.attempts, numeric: true },
    { title: "Given up", cell: (letter) => time(letter.last_at) },
  ];
  const purge = (group: Group) =>
    attempt("The messages are deleted.", () => call("DELETE", withQuery(pathOf(group.consumer), { code: group.code })).then(pages.reload));
  return (
    <Page title="Dead letters" actions={<Button onPress={pages.reload}>Read again</Button>}>
      {groups.length > 0 && (
        <Panel title="By consumer and code">
          <Table caption="Numbers of dead letters" columns={groupColumns} rows={groups} keyOf={(group) => `${group.consumer} ${group.code}`} />
        </Panel>
      )}
      <Panel title={consumer ? `Messages of ${consumer}` : "Messages"} note="A dead letter is a message that its consumer gave up. Repair what caused it, then replay it.">
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <Field label="Search in the messages shown" value={search} onText={setSearch} />
          {(consumer || code) && <Button onPress={() => go(["dead-letters"])}>Show all</Button>}
        </form>
        <Answer of={pages} empty={(letters) => (letters.length === 0 ? "There are no dead letters." : null)}>
          {(letters) => <Table caption="Dead letters" columns={columns} rows={letters.filter(matches)} keyOf={(letter) => `${letter.consumer} ${letter.id}`} />}
        </Answer>
        <More of={pages} />
      </Panel>
      {replayed && <Replay group={replayed} onClose={() => setReplayed(null)} onReplayed={pages.reload} />}
      {purged && (
        <Confirm title={`Delete ${count(purged.count)} messages?`} act="Delete" onConfirm={() => purge(purged)} onClose={() => setPurged(null)}>
          The messages of {purged.consumer} with the code {purged.code} are lost. What they would have done is not done.
        </Confirm>
      )}
    </Page>
  );
}

export function typeOf(letter: DeadLetter): string {
  const event = letter.event as { type?: unknown } | string | null;
  return typeof event === "object" && event !== null && typeof event.type === "string" ? event.type : "not an event";
}
