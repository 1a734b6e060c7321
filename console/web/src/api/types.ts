// Short names for the schemas of openapi.json. `npm run types` generates schema.d.ts from it.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type DeadLetter = Schemas["DeadLetter"];
export type DeadLetterCount = Schemas["DeadLetterCount"];
export type DeadLetterOverview = Schemas["DeadLetterOverview"];
export type DeadLetterList = Schemas["DeadLetterList"];
export type ConsumerName = Schemas["ConsumerName"];
export type CustomerExport = Schemas["CustomerExport"];
export type CustomerForgotten = Schemas["CustomerForgotten"];
export type Faults = Schemas["Faults"];
export type Health = Schemas["Health"];
export type LevelList = Schemas["LevelList"];
export type Money = Schemas["Money"];
export type NotificationList = Schemas["NotificationList"];
export type Order = Schemas["Order"];
export type OrderList = Schemas["OrderList"];
export type OrderRequest = Schemas["OrderRequest"];
export type OrderStatus = Schemas["OrderStatus"];
export type PartHealth = Schemas["PartHealth"];
export type Payment = Schemas["Payment"];
export type PaymentList = Schemas["PaymentList"];
export type Problem = Schemas["Problem"];
export type Product = Schemas["Product"];
export type ProductList = Schemas["ProductList"];
export type QueueList = Schemas["QueueList"];
export type QueueStatus = Schemas["QueueStatus"];
export type Series = Schemas["Series"];
export type StockLevel = Schemas["StockLevel"];
export type Summary = Schemas["Summary"];
export type Timeline = Schemas["Timeline"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type LiveSnapshot = Schemas["LiveSnapshot"];
export type OrderChange = Schemas["OrderChange"];
