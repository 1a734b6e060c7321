import type { Order, OrderList, OrderStatus } from "../../api/types";
import { money, shortId, time } from "../../format";
import { useThrottled } from "../../load";
import { latest } from "../../live-rates";
import { More, usePages } from "../../paging";
import { go, hrefOf, route } from "../../route";
import { OrderBadge } from "../../ui/status";
import { Answer, type Column, Field, Page, Select, Table } from "../../ui/parts";

const PAGE = 50;
const STATUSES = [["", "any"], ["pending", "pending"], ["reserved", "reserved"], ["confirmed", "confirmed"], ["rejected", "rejected"], ["cancelled", "cancelled"]] as const;

const COLUMNS: Column<Order>[] = [
  { title: "Order", cell: ({ id }) => <a href={hrefOf(["orders", id])} title={id}>{shortId(id)}</a> },
  { title: "Status", cell: ({ status, reason }) => <OrderBadge status={status} reason={reason} /> },
  { title: "Customer", cell: ({ customer_id }) => customer_id },
  { title: "Items", cell: ({ items }) => items.map(({ quantity, name }) => `${quantity} × ${name}`).join(", ") },
  { title: "Total", cell: ({ total }) => money(total), numeric: true },
  { title: "Placed", cell: ({ created_at }) => time(created_at) },
];

export function Orders() {
  const { query } = route.value;
  const filters = { status: query.get("status") ?? "", sku: query.get("sku") ?? "", customer_id: query.get("customer_id") ?? "" };
  const pages = usePages<OrderList, Order>("/api/v1/orders", { ...filters, limit: PAGE }, (page) => page.orders);
  // The statuses that the last reports name are newer than the rows; new orders come with the next reload.
  const changed = latest.value?.changed ?? 0;
  useThrottled(changed, 1_000, pages.reload);
  const filter = (name: keyof typeof filters) => (value: string) => go(["orders"], { ...filters, [name]: value });
  return (
    <Page title="Orders" actions={<a class="button primary" href={hrefOf(["orders", "new"])}>Place an order</a>}>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Select label="Status" value={filters.status} options={STATUSES} onChoice={filter("status")} />
        <Field label="Product (sku)" value={filters.sku} onText={filter("sku")} />
        <Field label="Customer" value={filters.customer_id} onText={filter("customer_id")} />
      </form>
      <Answer of={pages} empty={(orders) => (orders.length === 0 ? "No orders match." : null)}>
        {(orders) => <Table caption="Orders, newest first" columns={COLUMNS} rows={orders} keyOf={({ id }) => id} />}
      </Answer>
      <More of={pages} />
    </Page>
  );
}

export const isOpen = (status: OrderStatus) => status === "pending" || status === "reserved";
