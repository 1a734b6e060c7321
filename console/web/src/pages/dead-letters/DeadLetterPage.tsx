import { useEffect, useId, useState } from "preact/hooks";
import { CallError, call, get, messageOf } from "../../api/client";
import type { DeadLetter } from "../../api/types";
import { time } from "../../format";
import { useLoad } from "../../load";
import { attempt } from "../../notices";
import { go, hrefOf } from "../../route";
import { Answer, Button, Confirm, Page, Panel } from "../../ui/parts";
import { pathOf, typeOf } from "./DeadLetters";

export function DeadLetterPage({ consumer, id }: { consumer: string; id: string }) {
  const path = pathOf(consumer, id);
  const letter = useLoad((signal) => get<DeadLetter>(path, signal), [path]);
  const [deleting, setDeleting] = useState(false);
  const leave = () => go(["dead-letters"]);
  const replay = () => attempt("The message is in the queue again.", () => call("POST", `${pathOf(consumer)}/replay`, { body: { ids: [id] } }).then(leave));
  const remove = () => attempt("The message is deleted.", () => call("DELETE", path).then(leave));
  return (
    <Page
      title="Dead letter"
      actions={
        <>
          <Button kind="primary" onPress={replay}>Replay</Button>
          <Button kind="danger" onPress={() => setDeleting(true)}>Delete</Button>
        </>
      }
    >
      <p class="id">{id}</p>
      <Answer of={letter}>
        {(found) => (
          <>
            <Panel title={typeOf(found)}>
              <dl>
                <dt>Consumer</dt><dd>{found.consumer}</dd>
                <dt>Given up because</dt><dd>{found.reason} <code>{found.code}</code></dd>
                <dt>Attempts</dt><dd>{found.attempts}</dd>
                <dt>First delivered</dt><dd>{time(found.first_at)}</dd>
                <dt>Given up</dt><dd>{time(found.last_at)}</dd>
                {orderOf(found) && <><dt>Order</dt><dd><a href={hrefOf(["orders", orderOf(found) ?? ""])}>{orderOf(found)}</a></dd></>}
              </dl>
            </Panel>
            <Editor path={path} letter={found} onSaved={letter.reload} />
          </>
        )}
      </Answer>
      {deleting && (
        <Confirm title="Delete this message?" act="Delete" onConfirm={remove} onClose={() => setDeleting(false)}>
          It is lost, and what it would have done is not done.
        </Confirm>
      )}
    </Page>
  );
}

function orderOf(letter: DeadLetter): string | null {
  const event = letter.event as { order_id?: unknown; data?: { order_id?: unknown } } | string | null;
  if (typeof event !== "object" || event === null) return null;
  const id = event.order_id ?? event.data?.order_id;
  return typeof id === "string" ? id : null;
}

function Editor({ path, letter, onSaved }: { path: string; letter: DeadLetter; onSaved: () => void }) {
  const stored = typeof letter.event === "string" ? letter.event : JSON.stringify(letter.event, null, 2);
  const [text, setText] = useState(stored);
  const [error, setError] = useState<string | null>(null);
  const id = useId();
  useEffect(() => setText(stored), [stored]);
  const save = async () => {
    setError(null);
    try {
      const event: unknown = JSON.parse(text);
      if (await attempt("The message is saved. Replay it to have it handled.", () => call("PUT", path, { body: event }))) onSaved();
    } catch (failure) {
      setError(failure instanceof CallError ? failure.message : `This is not JSON: ${messageOf(failure)}`);
    }
  };
  return (
    <Panel title="The message">
      <label for={id} class="note">Event, as JSON. *** stands for a value that is not shown, and stays as it is.</label>
      <textarea id={id} rows={18} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      {error && <p class="failed" role="alert">{error}</p>}
      <div class="actions">
        <Button disabled={text === stored} onPress={() => setText(stored)}>Undo</Button>
        <Button kind="primary" disabled={text === stored} onPress={save}>Save</Button>
      </div>
    </Panel>
  );
}
