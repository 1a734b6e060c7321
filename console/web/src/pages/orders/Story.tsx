// One order's story: what happened, when, and how long each step took.
import type { NotificationList, Order, Payment, Timeline, TimelineEntry } from "../../api/types";
import { duration, time } from "../../format";
import { Badge, Panel, type Tone } from "../../ui/parts";

const STEPS: Record<string, { text: string; tone: Tone }> = {
  "order.placed": { text: "The order was accepted.", tone: "quiet" },
  "inventory.reserved": { text: "The stock was reserved.", tone: "good" },
  "inventory.rejected": { text: "There was not enough stock.", tone: "bad" },
  "inventory.released": { text: "The stock was released again.", tone: "quiet" },
  "payment.completed": { text: "The payment was charged.", tone: "good" },
  "payment.failed": { text: "The payment was declined.", tone: "bad" },
  "payment.voided": { text: "The payment was given up before a charge.", tone: "quiet" },
  "payment.refunded": { text: "The payment was refunded.", tone: "quiet" },
  "order.confirmed": { text: "The order is confirmed.", tone: "good" },
  "order.rejected": { text: "The order is rejected.", tone: "bad" },
  "order.cancelled": { text: "The order is cancelled.", tone: "quiet" },
};

function step(entry: TimelineEntry) {
  return STEPS[entry.type] ?? { text: entry.type, tone: "quiet" as const };
}

export function Story({ timeline, order }: { timeline: Timeline; order: Order }) {
  const { events } = timeline;
  const first = events[0];
  return (
    <Panel title="What happened">
      <ol class="timeline">
        {events.map((entry, index) => {
          const { text, tone } = step(entry);
          const before = events[index - 1];
          return (
            <li key={`${entry.type}-${index}`} class={tone}>
              <strong>{text}</strong>
              <span class="note">
                {time(entry.time)}
                {before && <> · {duration(Math.max(0, Date.parse(entry.time) - Date.parse(before.time)))} after the step before</>}
                {(entry.attempt ?? 1) > 1 && <> · attempt {entry.attempt}</>}
              </span>
              <code>{entry.type}</code>
              {entry.detail && <span>{entry.detail}</span>}
            </li>
          );
        })}
      </ol>
      {first && order.status !== "pending" && order.status !== "reserved" && (
        <p class="note">The order ended {duration(Math.max(0, Date.parse(order.updated_at) - Date.parse(first.time)))} after it was placed.</p>
      )}
      {first?.trace_id && <p class="note">Trace <code>{first.trace_id}</code></p>}
    </Panel>
  );
}

export function Messages({ list }: { list: NotificationList }) {
  if (list.notifications.length === 0) return <p class="note">No message was sent.</p>;
  return (
    <ul class="plain">
      {list.notifications.map((message) => (
        <li key={message.id}>
          <Badge tone={message.status === "sent" ? "good" : "waiting"}>{message.status}</Badge> {message.subject ?? message.template}
          <span class="note"> to {message.recipient} by {message.channel}, {time(message.created_at)}</span>
        </li>
      ))}
    </ul>
  );
}

export const paymentTone = (status: Payment["status"]): Tone =>
  status === "completed" ? "good" : status === "failed" || status === "refund_failed" ? "bad" : "quiet";
