//! Programs that read the same settings.

use crate::Program::{
    self, Analytics, AnalyticsRebuild, Bridge, InventoryReserve, Migrate, Notification, OrderExpiry,
    OrderIntake, OrderTracker, OutboxRelay, Payment, ShopApi, Store, Up,
};

/// Every bundle, and every command that writes logs.
pub(super) const LOGGING: &[Program] = &[
    Up,
    Store,
    Bridge,
    Migrate,
    AnalyticsRebuild,
    OrderIntake,
    ShopApi,
    OrderTracker,
    InventoryReserve,
    Payment,
    Notification,
    Analytics,
    OrderExpiry,
    OutboxRelay,
];

/// Every bundle.
pub(super) const BUNDLES: &[Program] = &Program::BUNDLES;

/// Every bundle that a queue triggers.
pub(super) const QUEUE_BUNDLES: &[Program] =
    &[OrderTracker, InventoryReserve, Payment, Notification, Analytics];

/// The programs that deliver messages, and every bundle that a queue triggers.
pub(super) const DELIVERING: &[Program] =
    &[Up, Bridge, OrderTracker, InventoryReserve, Payment, Notification, Analytics];

/// The programs that call the payment provider.
pub(super) const CHARGING: &[Program] = &[Up, ShopApi, Payment];

/// The programs that serve the API.
pub(super) const AUTHENTICATING: &[Program] = &[Up, OrderIntake, ShopApi];
