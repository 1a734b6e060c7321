import type { ConsumerName, PartHealth, QueueStatus } from "../api/types";
import { setPaused } from "../consumers";
import { count, duration, time } from "../format";
import { latest, rate } from "../live-rates";
import { attempt } from "../notices";
import { hrefOf } from "../route";
import { Button, type Column, Page, Panel, Table } from "../ui/parts";
import { PartBadge } from "../ui/status";

interface Row {
  queue: QueueStatus;
  part: PartHealth | undefined;
}

export function Consumers() {
  const snapshot = latest.value;
  const rows: Row[] = (snapshot?.queues ?? []).map((queue) => ({ queue, part: snapshot?.health.parts?.[queue.consumer] }));
  const columns: Column<Row>[] = [
    { title: "Consumer", cell: ({ queue }) => queue.consumer },
    { title: "State", cell: ({ part }) => part && <><PartBadge part={part} />{part.reason && <span class="note"> {part.reason}</span>}</> },
    { title: "Messages/s", cell: ({ queue }) => rate((of) => of.handled[queue.consumer] ?? 0).toFixed(1), numeric: true },
    { title: "Ready", cell: ({ queue }) => count(queue.ready), numeric: true },
    { title: "In flight", cell: ({ queue }) => count(queue.in_flight), numeric: true },
    { title: "Delayed", cell: ({ queue }) => count(queue.delayed), numeric: true },
    { title: "Dead", cell: ({ queue }) => (queue.dead > 0 ? <a href={hrefOf(["dead-letters"], { consumer: queue.consumer })}>{count(queue.dead)}</a> : "0"), numeric: true },
    { title: "Oldest waiting", cell: ({ part }) => (part?.oldest_waiting_seconds ? duration(part.oldest_waiting_seconds * 1_000) : "–"), numeric: true },
    { title: "Last success", cell: ({ part }) => (part?.last_success ? time(part.last_success) : "–") },
    { title: "Deliveries", cell: ({ queue, part }) => <Switch consumer={queue.consumer as ConsumerName} paused={isPaused(part)} /> },
  ];
  return (
    <Page title="Consumers">
      <Panel note="A paused consumer gets no messages. They wait in its queue, and nothing is lost.">
        {snapshot ? <Table caption="Consumers" columns={columns} rows={rows} keyOf={({ queue }) => queue.consumer} /> : <p class="note">Waiting for the first report…</p>}
      </Panel>
    </Page>
  );
}

/** A fault stops a consumer without a time. */
function isPaused(part: PartHealth | undefined): boolean {
  return part?.state === "stopped" && part.since !== undefined;
}

function Switch({ consumer, paused }: { consumer: ConsumerName; paused: boolean }) {
  const act = () => attempt(paused ? `${consumer} is resumed.` : `${consumer} is paused.`, () => setPaused(consumer, !paused));
  return <Button label={`${paused ? "Resume" : "Pause"} ${consumer}`} onPress={act}>{paused ? "Resume" : "Pause"}</Button>;
}
