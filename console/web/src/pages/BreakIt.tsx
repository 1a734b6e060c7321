import type { ConsumerName, Faults } from "../api/types";
import { readFaults, writeFaults } from "../consumers";
import { useLoad } from "../load";
import { attempt } from "../notices";
import { hrefOf } from "../route";
import { Answer, Page, Panel } from "../ui/parts";

const PAYMENT: [NonNullable<Faults["payment"]>, string, string][] = [
  ["ok", "Works", "Charges are accepted, as long as the card is."],
  ["decline", "Declines every card", "Orders end as rejected, and their stock is released."],
  ["slow", "Answers slowly", "Orders take longer. Nothing else waits for them."],
  ["down", "Does not answer", "Orders stay reserved and are tried again until it is back."],
];

const CONSUMERS: [ConsumerName, string][] = [
  ["inventory-reserve", "Orders stay pending."],
  ["payment", "Orders stay reserved."],
  ["order-tracker", "Orders do not move on."],
  ["notification", "Orders are confirmed, and their messages come later."],
  ["analytics", "Orders are confirmed, and counted later."],
];

export function BreakIt() {
  const faults = useLoad(readFaults, []);
  const set = (change: Partial<Faults>) =>
    attempt("Done. Watch the overview.", async () => {
      await writeFaults({ ...faults.data, ...change });
      faults.reload();
    });
  return (
    <Page title="Break it">
      <p class="lead">Take something away, place orders, and give it back. <a href={hrefOf([])}>The overview</a> shows where messages wait; no order is lost, charged twice or sold without stock.</p>
      <Answer of={faults}>
        {(found) => (
          <div class="columns">
            <Panel title="The payment provider">
              <fieldset>
                <legend class="hidden">How the payment provider behaves</legend>
                {PAYMENT.map(([value, title, effect]) => (
                  <label key={value} class="choice">
                    <input type="radio" name="payment" checked={(found.payment ?? "ok") === value} onChange={() => set({ payment: value })} />
                    <span><strong>{title}</strong><span class="note">{effect}</span></span>
                  </label>
                ))}
              </fieldset>
            </Panel>
            <Panel title="Consumers that get no messages">
              <fieldset>
                <legend class="hidden">Stopped consumers</legend>
                {CONSUMERS.map(([consumer, effect]) => {
                  const stopped = found.stopped ?? [];
                  const next = stopped.includes(consumer) ? stopped.filter((name) => name !== consumer) : [...stopped, consumer];
                  return (
                    <label key={consumer} class="choice">
                      <input type="checkbox" checked={stopped.includes(consumer)} onChange={() => set({ stopped: next })} />
                      <span><strong>{consumer}</strong><span class="note">{effect}</span></span>
                    </label>
                  );
                })}
              </fieldset>
            </Panel>
          </div>
        )}
      </Answer>
    </Page>
  );
}
