import { useState } from "preact/hooks";
import { call, get } from "../../api/client";
import type { NotificationList, Order, PaymentList, Timeline } from "../../api/types";
import { money, time } from "../../format";
import { useLoad, useThrottled } from "../../load";
import { latest } from "../../live-rates";
import { attempt } from "../../notices";
import { hrefOf } from "../../route";
import { may } from "../../session";
import { Answer, Badge, Button, type Column, Confirm, Page, Panel, Table } from "../../ui/parts";
import { OrderBadge } from "../../ui/status";
import { isOpen } from "./Orders";
import { Messages, paymentTone, Story } from "./Story";

type Line = Order["items"][number];

const linesOf = (order: Order): Column<Line>[] => [
  { title: "Product", cell: ({ name, sku }) => <>{name} <a class="note" href={hrefOf(["orders"], { sku })}>{sku}</a></> },
  { title: "Quantity", cell: ({ quantity }) => quantity, numeric: true },
  { title: "Price", cell: ({ unit_price }) => money({ amount: unit_price, currency: order.total.currency }), numeric: true },
];

export function OrderPage({ id }: { id: string }) {
  const path = `/api/v1/orders/${encodeURIComponent(id)}`;
  const order = useLoad((signal) => get<Order>(path, signal), [id]);
  const story = useLoad((signal) => get<Timeline>(`${path}/events`, signal), [id]);
  const payments = useLoad((signal) => get<PaymentList>(`/api/v1/payments?order_id=${encodeURIComponent(id)}`, signal), [id]);
  const messages = useLoad((signal) => get<NotificationList>(`/api/v1/notifications?order_id=${encodeURIComponent(id)}`, signal), [id]);
  const [cancelling, setCancelling] = useState(false);
  const reload = () => [order, story, payments, messages].forEach((loaded) => loaded.reload());
  useThrottled(latest.value?.changed ?? 0, 1_000, reload);

  const cancel = () => attempt("The order is cancelled.", () => call("DELETE", path).then(reload));
  const open = order.data !== null && isOpen(order.data.status);
  return (
    <Page title="Order" actions={open && <Button kind="danger" onPress={() => setCancelling(true)}>Cancel the order</Button>}>
      <p class="id">{id}</p>
      <Answer of={order}>
        {(found) => (
          <>
            <div class="columns">
              <Panel title="Order">
                <dl>
                  <dt>Status</dt><dd><span role="status"><OrderBadge status={found.status} reason={found.reason} /></span></dd>
                  <dt>Customer</dt><dd><a href={hrefOf(["customers"], { id: found.customer_id })}>{found.customer_id}</a></dd>
                  <dt>E-mail</dt><dd>{found.email}</dd>
                  <dt>Total</dt><dd>{money(found.total)}</dd>
                  <dt>Placed</dt><dd>{time(found.created_at)}</dd>
                </dl>
                <Table caption="Lines" columns={linesOf(found)} rows={found.items} keyOf={({ sku }) => sku} />
              </Panel>
              <Answer of={story}>{(timeline) => <Story timeline={timeline} order={found} />}</Answer>
            </div>
            <div class="columns">
              {may("orders:read", "payments:refund") && (
                <Panel title="Payment">
                  <Answer of={payments} empty={(list) => (list.payments.length === 0 ? "Nothing was charged." : null)}>
                    {(list) => (
                      <ul class="plain">
                        {list.payments.map((payment) => (
                          <li key={payment.order_id}>
                            <Badge tone={paymentTone(payment.status)}>{payment.status.replace("_", " ")}</Badge> {money(payment)} <code>{payment.provider_id}</code>
                            {payment.dispute && <p class="failed">Disputed ({payment.dispute.reason}): {payment.dispute.status}</p>}
                          </li>
                        ))}
                      </ul>
                    )}
                  </Answer>
                </Panel>
              )}
              {may("orders:read", "messages:send") && (
                <Panel title="Messages to the customer">
                  <Answer of={messages}>{(list) => <Messages list={list} />}</Answer>
                </Panel>
              )}
            </div>
          </>
        )}
      </Answer>
      {cancelling && (
        <Confirm title="Cancel this order?" act="Cancel the order" onConfirm={cancel} onClose={() => setCancelling(false)}>
          Reserved stock is released and a charge is refunded. An order that has ended meanwhile stays as it is.
        </Confirm>
      )}
    </Page>
  );
}
