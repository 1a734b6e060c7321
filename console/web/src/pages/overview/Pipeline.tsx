// The way of an order as a picture: the parts in their order, and on each arrow how many messages wait and pass.
import type { LiveSnapshot, PartHealth } from "../../api/types";
import { count, duration } from "../../format";
import { rate } from "../../live-rates";
import { hrefOf } from "../../route";
import { PartBadge } from "../../ui/status";

interface Step {
  part: string;
  does: string;
  /** What flows into it. */
  takes: string | null;
}

const WAY: Step[] = [
  { part: "order-intake", does: "accepts orders", takes: null },
  { part: "outbox-relay", does: "publishes events", takes: "events" },
  { part: "inventory-reserve", does: "reserves stock", takes: "placed" },
  { part: "payment", does: "charges", takes: "reserved" },
  { part: "order-tracker", does: "decides the order", takes: "paid or refused" },
  { part: "notification", does: "tells the customer", takes: "ended" },
  { part: "analytics", does: "counts", takes: "all of it" },
];

export function Pipeline({ snapshot }: { snapshot: LiveSnapshot }) {
  return (
    <ol class="pipeline" aria-label="The way of an order">
      {WAY.map((step) => (
        <li key={step.part}>
          {step.takes && <Arrow step={step} snapshot={snapshot} />}
          <Part step={step} part={snapshot.health.parts?.[step.part]} />
        </li>
      ))}
    </ol>
  );
}

function Part({ step, part }: { step: Step; part: PartHealth | undefined }) {
  return (
    <div class={`part ${part?.state ?? "absent"}`}>
      <strong>{step.part}</strong>
      <span class="note">{step.does}</span>
      {part ? <PartBadge part={part} /> : <span class="note">not in this process</span>}
      {part?.reason && <span class="failed">{part.reason}</span>}
    </div>
  );
}

function Arrow({ step, snapshot }: { step: Step; snapshot: LiveSnapshot }) {
  const { part, takes } = step;
  const queue = snapshot.queues.find(({ consumer }) => consumer === part);
  const waiting = queue ? queue.ready + queue.in_flight + queue.delayed : (snapshot.health.parts?.[part]?.waiting ?? 0);
  const oldest = snapshot.health.parts?.[part]?.oldest_waiting_seconds;
  const passing = queue && rate((of) => of.handled[part] ?? 0);
  return (
    <div class={`arrow ${waiting > 0 ? "waiting" : ""}`}>
      <span class="note">{takes}</span>
      <span class="line" aria-hidden="true" />
      <span>{passing !== undefined && `${passing.toFixed(1)}/s`}</span>
      {waiting > 0 && <span>{count(waiting)} wait{oldest ? `, ${duration(oldest * 1_000)}` : ""}</span>}
      {queue && queue.dead > 0 && <a href={hrefOf(["dead-letters"], { consumer: part })}>{count(queue.dead)} dead</a>}
    </div>
  );
}
