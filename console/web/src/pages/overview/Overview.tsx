import type { LiveSnapshot, OrderChange } from "../../api/types";
import { count, duration, shortId, time } from "../../format";
import { history, latest, rate } from "../../live-rates";
import { snapshots } from "../../live";
import { hrefOf } from "../../route";
import { Spark } from "../../ui/charts";
import { Badge, type Column, Page, Panel, Table } from "../../ui/parts";
import { OrderBadge } from "../../ui/status";
import { Pipeline } from "./Pipeline";

/** The changes that the list of last changes shows. */
const CHANGES = 12;

export function Overview() {
  const snapshot = latest.value;
  return (
    <Page title="Overview" actions={<a class="button primary" href={hrefOf(["orders", "new"])}>Place an order</a>}>
      {snapshot ? <Report snapshot={snapshot} /> : <p class="note">Waiting for the first report of the server…</p>}
    </Page>
  );
}

function Report({ snapshot }: { snapshot: LiveSnapshot }) {
  return (
    <>
      <Troubles snapshot={snapshot} />
      <Figures snapshot={snapshot} />
      <Panel title="The way of an order"><Pipeline snapshot={snapshot} /></Panel>
      <LastChanges />
    </>
  );
}

/** What is not as it should be, first of all. */
function Troubles({ snapshot }: { snapshot: LiveSnapshot }) {
  const { health } = snapshot;
  const services = Object.entries(health.services).filter(([, state]) => state !== "up");
  const parts = Object.entries(health.parts ?? {}).filter(([, part]) => part.state !== "running");
  if (services.length === 0 && parts.length === 0) {
    return <p class="health good" role="status">Everything works.</p>;
  }
  return (
    <div class={`health ${health.status === "unhealthy" ? "bad" : "waiting"}`} role="alert">
      <strong>{health.status === "unhealthy" ? "Something that orders need is down." : "Something does not work."}</strong>
      <ul>
        {services.map(([name, state]) => (
          <li key={name}>{name} is {state}{health.reasons?.[name] && `: ${health.reasons[name]}`}</li>
        ))}
        {parts.map(([name, part]) => (
          <li key={name}>{name} is {part.state === "stopped" ? <>stopped: {part.reason} (<a href={hrefOf([part.since ? "consumers" : "break-it"])}>{part.since ? "resume it" : "take it back"}</a>)</> : <>failing{part.since && ` since ${time(part.since)}`}{part.reason && `: ${part.reason}`}</>}</li>
        ))}
      </ul>
    </div>
  );
}

function Figures({ snapshot }: { snapshot: LiveSnapshot }) {
  const { orders, latency_ms: latency } = snapshot;
  const ended = (of: LiveSnapshot) => of.orders.confirmed + of.orders.rejected + of.orders.cancelled;
  return (
    <div class="figures">
      <Figure title="Accepted" value={`${rate((of) => of.orders.placed).toFixed(1)}/s`} spark={history((of) => of.orders.placed)} />
      <Figure title="Ended" value={`${rate(ended).toFixed(1)}/s`} spark={history(ended)} />
      <Figure title="Placed to ended" value={latency ? `${duration(latency.p50)} · ${duration(latency.p99)}` : "–"} note="half, and 99 of 100, of the last minute" />
      <Figure title="Since the start" value={count(orders.placed)} note={`${count(orders.confirmed)} confirmed, ${count(orders.rejected)} rejected, ${count(orders.cancelled)} cancelled`} />
    </div>
  );
}

function Figure({ title, value, spark, note }: { title: string; value: string; spark?: number[]; note?: string }) {
  return (
    <section class="panel figure">
      <h2>{title}</h2>
      <p class="value">{value}</p>
      {spark && <Spark values={spark} label={`${title} over the last two minutes`} />}
      {note && <p class="note">{note}</p>}
    </section>
  );
}

const COLUMNS: Column<OrderChange>[] = [
  { title: "Order", cell: ({ id }) => <a href={hrefOf(["orders", id])} title={id}>{shortId(id)}</a> },
  { title: "Became", cell: ({ status }) => <OrderBadge status={status} /> },
  { title: "At", cell: ({ time: at }) => time(at) },
];

function LastChanges() {
  const changes = snapshots.value.slice(-30).flatMap(({ changes }) => changes).slice(-CHANGES).reverse();
  const sampled = latest.value !== null && latest.value.left_out > 0;
  return (
    <Panel title="Last changes" note={sampled && <Badge tone="waiting">sampled: {count(latest.value?.left_out ?? 0)} changes of the last second are not shown</Badge>}>
      {changes.length === 0 ? <p class="note">No order changed in the last half minute.</p> : <Table caption="Orders that changed last" columns={COLUMNS} rows={changes} keyOf={({ id, status, time: at }) => `${id} ${status} ${at}`} />}
    </Panel>
  );
}
