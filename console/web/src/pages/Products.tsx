import { useState } from "preact/hooks";
import { CallError, call, messageOf } from "../api/client";
import type { LevelList, Product, ProductList, StockLevel } from "../api/types";
import { count, money, parsePrice } from "../format";
import { attempt, notify } from "../notices";
import { More, usePages } from "../paging";
import { may } from "../session";
import { Answer, Button, type Column, Confirm, Dialog, Field, Page, Panel, Table } from "../ui/parts";

type Change = { kind: "stock" | "price" | "remove"; product: Product };

export function Products() {
  const products = usePages<ProductList, Product>("/api/v1/products", { limit: 100 }, (page) => page.products);
  const stock = may("inventory:write", "operate");
  const levels = usePages<LevelList, StockLevel>(stock ? "/api/v1/inventory" : "/api/v1/products", { limit: 100 }, (page) => page.inventory ?? []);
  const [change, setChange] = useState<Change | null>(null);
  const [adding, setAdding] = useState(false);
  const levelOf = new Map((levels.data ?? []).map((level) => [level.sku, level]));
  const reload = () => [products, levels].forEach((pages) => pages.reload());
  const more = products.more && (async () => void (await Promise.all([products.more?.(), levels.more?.()])));

  const columns: Column<Product>[] = [
    { title: "Product", cell: ({ name }) => name },
    { title: "Sku", cell: ({ sku }) => <code>{sku}</code> },
    { title: "Price", cell: ({ price }) => money(price), numeric: true },
    ...(stock
      ? [
          { title: "Available", cell: ({ sku }: Product) => shown(levelOf.get(sku)?.available), numeric: true },
          { title: "Reserved", cell: ({ sku }: Product) => shown(levelOf.get(sku)?.reserved), numeric: true },
        ]
      : []),
    {
      title: "Change",
      cell: (product) => (
        <span class="actions">
          {may("inventory:write") && <Button label={`Correct the stock of ${product.name}`} onPress={() => setChange({ kind: "stock", product })}>Stock</Button>}
          {may("catalog:write") && <Button label={`Change the price of ${product.name}`} onPress={() => setChange({ kind: "price", product })}>Price</Button>}
          {may("catalog:write") && <Button kind="danger" label={`Remove ${product.name}`} onPress={() => setChange({ kind: "remove", product })}>Remove</Button>}
        </span>
      ),
    },
  ];
  const close = () => setChange(null);
  return (
    <Page title="Products and stock" actions={may("catalog:write") && <Button kind="primary" onPress={() => setAdding(true)}>Add a product</Button>}>
      <Panel>
        <Answer of={products} empty={(list) => (list.length === 0 ? "There are no products." : null)}>
          {(list) => <Table caption="Products" columns={columns} rows={list} keyOf={({ sku }) => sku} />}
        </Answer>
        <More of={{ more }} />
      </Panel>
      {adding && <Add currency={products.data?.[0]?.price.currency ?? "USD"} onClose={() => setAdding(false)} onDone={reload} />}
      {change?.kind === "stock" && <Stock product={change.product} available={levelOf.get(change.product.sku)?.available ?? 0} onClose={close} onDone={reload} />}
      {change?.kind === "price" && <Price product={change.product} onClose={close} onDone={reload} />}
      {change?.kind === "remove" && (
        <Confirm title={`Remove ${change.product.name}?`} act="Remove" onClose={close} onConfirm={() => attempt("The product is removed.", () => call("DELETE", pathOf(change.product)).then(reload))}>
          It is no longer for sale. Orders that were placed are not affected.
        </Confirm>
      )}
    </Page>
  );
}

const shown = (value: number | undefined) => (value === undefined ? "–" : count(value));
const pathOf = ({ sku }: Product) => `/api/v1/products/${encodeURIComponent(sku)}`;

interface FormProps {
  onClose: () => void;
  onDone: () => void;
}

function Stock({ product, available, onClose, onDone }: FormProps & { product: Product; available: number }) {
  const [text, setText] = useState(String(available));
  const [key] = useState(() => crypto.randomUUID());
  const save = async () => {
    const path = `/api/v1/inventory/${encodeURIComponent(product.sku)}`;
    const body = { set: Number(text) };
    if (await attempt("The stock is corrected.", () => call("POST", path, { body, headers: { "idempotency-key": key } }))) {
      onDone();
      onClose();
    }
  };
  return (
    <Dialog title={`Stock of ${product.name}`} onClose={onClose}>
      <Field label="Available units" type="number" min="0" value={text} onText={setText} />
      <Buttons onClose={onClose} onSave={save} ready={/^\d+$/.test(text)} />
    </Dialog>
  );
}

function Price({ product, onClose, onDone }: FormProps & { product: Product }) {
  const { currency } = product.price;
  const [text, setText] = useState("");
  const amount = parsePrice(text, currency);
  const save = async () => {
    if (await attempt("The price is changed.", () => call("PATCH", pathOf(product), { body: { price: { amount, currency } } }))) {
      onDone();
      onClose();
    }
  };
  return (
    <Dialog title={`Price of ${product.name}`} onClose={onClose}>
      <p class="note">Now {money(product.price)}. Orders that were placed keep their price.</p>
      <Field label={`New price in ${currency}`} inputMode="decimal" value={text} onText={setText} />
      <Buttons onClose={onClose} onSave={save} ready={amount !== null} />
    </Dialog>
  );
}

function Add({ currency, onClose, onDone }: FormProps & { currency: string }) {
  const [values, setValues] = useState({ sku: "", name: "", price: "", stock: "0" });
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const amount = parsePrice(values.price, currency);
  const set = (name: keyof typeof values) => (text: string) => setValues({ ...values, [name]: text });
  const save = async () => {
    const body = { sku: values.sku, name: values.name, price: { amount, currency }, stock: Number(values.stock) };
    try {
      await call("POST", "/api/v1/products", { body });
      notify("done", "The product is for sale.");
      onDone();
      onClose();
    } catch (error) {
      if (error instanceof CallError) setErrors(error.fields);
      notify("failed", messageOf(error));
    }
  };
  return (
    <Dialog title="Add a product" onClose={onClose}>
      <Field label="Sku" value={values.sku} error={errors.get("sku")} onText={set("sku")} />
      <Field label="Name" value={values.name} error={errors.get("name")} onText={set("name")} />
      <Field label={`Price in ${currency}`} inputMode="decimal" value={values.price} error={errors.get("price")} onText={set("price")} />
      <Field label="Units in stock" type="number" min="0" value={values.stock} error={errors.get("stock")} onText={set("stock")} />
      <Buttons onClose={onClose} onSave={save} ready={values.sku !== "" && values.name !== "" && amount !== null} />
    </Dialog>
  );
}

function Buttons({ onClose, onSave, ready }: { onClose: () => void; onSave: () => Promise<void>; ready: boolean }) {
  return (
    <div class="actions">
      <Button onPress={onClose}>Cancel</Button>
      <Button kind="primary" disabled={!ready} onPress={onSave}>Save</Button>
    </div>
  );
}
