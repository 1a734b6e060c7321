import { useState } from "preact/hooks";
import { CallError, call, get, messageOf } from "../../api/client";
import type { Order, OrderRequest, Product, ProductList } from "../../api/types";
import { money } from "../../format";
import { useLoad } from "../../load";
import { notify } from "../../notices";
import { go } from "../../route";
import { subject } from "../../session";
import { Answer, Button, Field, Page, Panel, Select } from "../../ui/parts";

/** The tokens that the simulated provider knows. A real provider makes its own. */
const CARDS = [["", "accepted"], ["tok_declined", "declined"]] as const;

export function PlaceOrder() {
  const products = useLoad((signal) => get<ProductList>("/api/v1/products?limit=100", signal), []);
  return (
    <Page title="Place an order">
      <Answer of={products} empty={(list) => (list.products.length === 0 ? "There is nothing to sell: add a product first." : null)}>
        {(list) => <Form products={list.products} />}
      </Answer>
    </Page>
  );
}

function Form({ products }: { products: Product[] }) {
  const [customer, setCustomer] = useState(subject.value ?? "C100");
  const [email, setEmail] = useState("c100@example.com");
  const [quantities, setQuantities] = useState<Record<string, string>>(() => ({ [products[0]?.sku ?? ""]: "1" }));
  const [card, setCard] = useState("");
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  // The key makes a repeated request the same order, also when its first answer was lost.
  const [key, setKey] = useState(() => crypto.randomUUID());

  const wanted = products.filter(({ sku }) => Number(quantities[sku] ?? 0) !== 0);
  const place = async () => {
    const items = wanted.map(({ sku }) => ({ sku, quantity: Number(quantities[sku]) }));
    const body: OrderRequest = { customer_id: customer, email, items, ...(card && { payment_token: card }) };
    try {
      const order = await call<Order>("POST", "/api/v1/orders", { body, headers: { "idempotency-key": key } });
      go(["orders", order.id]);
    } catch (error) {
      if (error instanceof CallError && error.status !== 0) {
        setErrors(error.fields);
        setKey(crypto.randomUUID());
      }
      notify("failed", messageOf(error));
    }
  };
  return (
    <form class="stack" onSubmit={(event) => event.preventDefault()}>
      <Panel title="Products">
        <div class="stack">
          {products.map(({ sku, name, price }) => (
            <Field key={sku} label={`${name}, ${money(price)}`} type="number" min="0" value={quantities[sku] ?? "0"} onText={(text) => setQuantities({ ...quantities, [sku]: text })} />
          ))}
        </div>
        {errors.get("items") && <p class="failed">{errors.get("items")}</p>}
      </Panel>
      <Panel title="Customer">
        <div class="filters">
          <Field label="Customer" value={customer} error={errors.get("customer_id")} disabled={subject.value !== null} onText={setCustomer} />
          <Field label="E-mail" type="email" value={email} error={errors.get("email")} onText={setEmail} />
          <Select label="Card (simulated provider)" value={card} options={CARDS} onChoice={setCard} />
        </div>
      </Panel>
      <div class="actions">
        <Button kind="primary" disabled={wanted.length === 0} onPress={place}>Place the order</Button>
      </div>
    </form>
  );
}
