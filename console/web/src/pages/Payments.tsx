import { call } from "../api/client";
import type { Payment, PaymentList } from "../api/types";
import { money, time } from "../format";
import { attempt } from "../notices";
import { More, usePages } from "../paging";
import { hrefOf } from "../route";
import { may } from "../session";
import { Answer, Badge, Button, type Column, Page, Panel, Table } from "../ui/parts";
import { paymentTone } from "./orders/Story";

export function Payments() {
  const pages = usePages<PaymentList, Payment>("/api/v1/payments", { status: "refund_failed", limit: 50 }, (page) => page.payments);
  const refund = (payment: Payment) =>
    attempt("The refund is tried again.", () => call("POST", `/api/v1/payments/${payment.order_id}/refund`).then(pages.reload));
  const columns: Column<Payment>[] = [
    { title: "Order", cell: ({ order_id }) => <a href={hrefOf(["orders", order_id])}>{order_id}</a> },
    { title: "Status", cell: (payment) => <Badge tone={paymentTone(payment.status)}>{payment.status.replace("_", " ")}</Badge> },
    { title: "Amount", cell: (payment) => money(payment), numeric: true },
    { title: "Provider's id", cell: ({ provider_id }) => (provider_id ? <code>{provider_id}</code> : "–") },
    { title: "Dispute", cell: ({ dispute }) => (dispute ? `${dispute.status}: ${dispute.reason}` : "–") },
    { title: "Charged", cell: ({ created_at }) => time(created_at) },
    { title: "Act", cell: (payment) => may("payments:refund") && <Button onPress={() => refund(payment)}>Try the refund again</Button> },
  ];
  return (
    <Page title="Payments">
      <Panel note="A refund that failed needs a person: try it again, or pay the customer back at the provider.">
        <Answer of={pages} empty={(list) => (list.length === 0 ? "No refund needs a person." : null)}>
          {(list) => <Table caption="Refunds that failed, newest first" columns={columns} rows={list} keyOf={({ order_id }) => order_id} />}
        </Answer>
        <More of={pages} />
      </Panel>
    </Page>
  );
}
