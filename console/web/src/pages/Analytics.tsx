import { get } from "../api/client";
import type { Series, Summary } from "../api/types";
import { count, money } from "../format";
import { useLoad, useThrottled } from "../load";
import { latest } from "../live-rates";
import { go, route } from "../route";
import { Answer, type Column, Page, Panel, Select, Table } from "../ui/parts";
import { Bars } from "../ui/charts";

const BUCKETS = [["hour", "hours"], ["day", "days"]] as const;

export function Analytics() {
  const bucket = route.value.query.get("bucket") ?? "hour";
  const summary = useLoad((signal) => get<Summary>("/api/v1/analytics/summary", signal), []);
  const series = useLoad((signal) => get<Series>(`/api/v1/analytics/series?bucket=${bucket}`, signal), [bucket]);
  useThrottled(latest.value?.changed ?? 0, 5_000, () => [summary, series].forEach((loaded) => loaded.reload()));
  return (
    <Page title="Analytics">
      <Answer of={summary}>{(data) => <Totals summary={data} />}</Answer>
      <Panel title="Orders over time">
        <Select label="By" value={bucket} options={BUCKETS} onChoice={(value) => go(["analytics"], { bucket: value })} />
        <Answer of={series}>{({ series: points }) => <Charts points={points} bucket={bucket} />}</Answer>
      </Panel>
    </Page>
  );
}

type Sold = NonNullable<Summary["top_skus"]>[number];
const SOLD: Column<Sold>[] = [
  { title: "Sku", cell: ({ sku }) => <code>{sku}</code> },
  { title: "Units", cell: ({ quantity }) => count(quantity), numeric: true },
];

function Totals({ summary }: { summary: Summary }) {
  const { by_status: by } = summary;
  return (
    <div class="columns">
      <Panel title="All orders">
        <dl>
          <dt>Orders</dt><dd>{count(summary.total_orders)}</dd>
          <dt>Confirmed</dt><dd>{count(by.confirmed)}</dd>
          <dt>Rejected</dt><dd>{count(by.rejected)}</dd>
          <dt>Cancelled</dt><dd>{count(by.cancelled)}</dd>
          <dt>Not ended yet</dt><dd>{count(by.pending)}</dd>
          <dt>Revenue</dt><dd>{money(summary.revenue)}</dd>
          <dt>Average order</dt><dd>{money(summary.average_order_value)}</dd>
        </dl>
      </Panel>
      <Panel title="Best sellers">
        {summary.top_skus ? (
          <Table caption="Units sold" columns={SOLD} rows={summary.top_skus} keyOf={({ sku }) => sku} />
        ) : (
          <p class="note">There are too many products to compare them for each call.</p>
        )}
      </Panel>
    </div>
  );
}

function Charts({ points, bucket }: { points: Series["series"]; bucket: string }) {
  const label = (start: string) => (bucket === "day" ? new Date(start).toLocaleDateString() : new Date(start).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  const labels = points.map(({ start }) => label(start));
  return (
    <>
      <Bars title="Orders placed" labels={labels} values={points.map(({ orders }) => orders)} show={count} />
      <Bars title="Revenue" labels={labels} values={points.map(({ revenue }) => revenue.amount)} show={(amount) => money({ amount, currency: points[0]?.revenue.currency ?? "USD" })} />
    </>
  );
}
