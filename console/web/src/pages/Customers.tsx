import { useState } from "preact/hooks";
import { call, get, messageOf, withQuery } from "../api/client";
import type { CustomerExport, CustomerForgotten, Order, OrderList } from "../api/types";
import { money, time } from "../format";
import { notify } from "../notices";
import { More, usePages } from "../paging";
import { go, hrefOf, route } from "../route";
import { Answer, Button, type Column, Confirm, Field, Page, Panel, Table } from "../ui/parts";
import { OrderBadge } from "../ui/status";

// In the query, because no path can have some ids, such as ACME/7.
const pathOf = (id: string, cursor: string | null) => withQuery("/api/v1/customers", { customer_id: id, cursor });

export function Customers() {
  const id = route.value.query.get("id") ?? "";
  const [text, setText] = useState(id);
  return (
    <Page title="Customers">
      <Panel note="Export what is stored about a customer, or forget them: addresses, payment tokens and the texts of notifications are blanked; orders and amounts stay.">
        <form
          class="filters"
          onSubmit={(event) => {
            event.preventDefault();
            go(["customers"], { id: text });
          }}
        >
          <Field label="Customer" value={text} onText={setText} />
          <button type="submit" class="primary">Look up</button>
        </form>
      </Panel>
      {id !== "" && <Customer key={id} id={id} />}
    </Page>
  );
}

const COLUMNS: Column<Order>[] = [
  { title: "Order", cell: ({ id }) => <a href={hrefOf(["orders", id])}>{id}</a> },
  { title: "Status", cell: ({ status, reason }) => <OrderBadge status={status} reason={reason} /> },
  { title: "Total", cell: ({ total }) => money(total), numeric: true },
  { title: "Placed", cell: ({ created_at }) => time(created_at) },
];

function Customer({ id }: { id: string }) {
  const orders = usePages<OrderList, Order>("/api/v1/orders", { customer_id: id, limit: 20 }, (page) => page.orders);
  const [progress, setProgress] = useState<string | null>(null);
  const [forgetting, setForgetting] = useState(false);
  const exportAll = () => run(setProgress, () => saveExport(id, setProgress));
  const forget = () => run(setProgress, () => forgetAll(id, setProgress)).then(orders.reload);
  return (
    <Panel title={id}>
      <div class="actions">
        <Button onPress={exportAll}>Export as a file</Button>
        <Button kind="danger" onPress={() => setForgetting(true)}>Forget</Button>
      </div>
      {progress && <p role="status">{progress}</p>}
      <Answer of={orders} empty={(list) => (list.length === 0 ? "This customer has no orders." : null)}>
        {(list) => <Table caption="Orders of the customer" columns={COLUMNS} rows={list} keyOf={(order) => order.id} />}
      </Answer>
      <More of={orders} />
      {forgetting && (
        <Confirm title={`Forget ${id}?`} act="Forget" onConfirm={forget} onClose={() => setForgetting(false)}>
          Addresses, telephone numbers and payment tokens are blanked in orders, payments, notifications and messages. This cannot be undone.
        </Confirm>
      )}
    </Panel>
  );
}

async function run(setProgress: (text: string | null) => void, action: () => Promise<string>): Promise<void> {
  try {
    setProgress(await action());
  } catch (error) {
    setProgress(null);
    notify("failed", messageOf(error));
  }
}

async function saveExport(id: string, progress: (text: string) => void): Promise<string> {
  const found: Pick<CustomerExport, "customer_id" | "orders" | "notifications"> = { customer_id: id, orders: [], notifications: [] };
  let cursor: string | null = null;
  do {
    const page: CustomerExport = await get<CustomerExport>(pathOf(id, cursor));
    found.orders.push(...page.orders);
    found.notifications.push(...page.notifications);
    progress(`${found.orders.length} orders found so far…`);
    cursor = page.next_cursor;
  } while (cursor !== null);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(found, null, 2)], { type: "application/json" }));
  link.download = `customer-${id}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
  return `Exported ${found.orders.length} orders and ${found.notifications.length} notifications.`;
}

async function forgetAll(id: string, progress: (text: string) => void): Promise<string> {
  const sum = { orders: 0, messages: 0 };
  let cursor: string | null = null;
  do {
    const step: CustomerForgotten = await call<CustomerForgotten>("DELETE", pathOf(id, cursor));
    sum.orders += step.orders;
    sum.messages += step.messages + step.notifications;
    progress(`${sum.orders} orders and ${sum.messages} messages blanked so far…`);
    cursor = step.next_cursor;
  } while (cursor !== null);
  return `Forgotten: ${sum.orders} orders and ${sum.messages} messages were blanked.`;
}
