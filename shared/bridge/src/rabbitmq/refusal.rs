//! The answers with which the broker refuses a request for want of a permission.

use std::fmt;

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};

/// The permissions of RabbitMQ (<https://www.rabbitmq.com/docs/access-control#authorisation>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// To declare and delete.
    Configure,
    /// To publish, and to bind a queue.
    Write,
    /// To consume, and to bind to an exchange.
    Read,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configure => "configure",
            Self::Write => "write",
            Self::Read => "read",
        })
    }
}

/// A permission that the account lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The permission.
    pub permission: Permission,
    /// What it is needed for, in the words of the broker: `queue 'orderflow.payment'`.
    pub resource: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.permission, self.resource)
    }
}

impl Refusal {
    /// Reads the answer with which the broker refuses a request, 403 ACCESS_REFUSED: `access to queue 'q' in vhost '/' refused for user 'u'`. Since
    /// RabbitMQ 3.11 the permission precedes it; before, `otherwise` is the permission that the request needs.
    pub(super) fn of(error: &lapin::Error, otherwise: impl FnOnce(&str) -> Permission) -> Option<Self> {
        let ErrorKind::ProtocolError(answer) = error.kind() else { return None };
        if *answer.kind() != AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) {
            return None;
        }
        Self::parse(answer.get_message().as_str(), otherwise)
    }

    fn parse(text: &str, otherwise: impl FnOnce(&str) -> Permission) -> Option<Self> {
        let (before, rest) = text.split_once("access to ")?;
        let end = rest.find(" in vhost").or_else(|| rest.find(" refused for user")).unwrap_or(rest.len());
        let resource = rest[..end].to_owned();
        let named = before.trim_end().rsplit([' ', '-']).next().unwrap_or_default();
        let permission = match named {
            "configure" => Permission::Configure,
            "write" => Permission::Write,
            "read" => Permission::Read,
            _ => otherwise(&resource),
        };
        Some(Self { permission, resource })
    }
}

/// Returns the permission that publishing and consuming need: consuming is refused for a queue, publishing for an exchange.
pub(super) fn to_work(resource: &str) -> Permission {
    if resource.starts_with("queue") { Permission::Read } else { Permission::Write }
}

/// Returns the permission that declaring needs. A queue that dead-letters over the default exchange needs to write to it.
pub(super) fn to_declare(resource: &str) -> Permission {
    if resource.contains("amq.default") { Permission::Write } else { Permission::Configure }
}

/// Returns the permission that binding needs: to read from the exchange, and to write to the queue.
pub(super) fn to_bind(resource: &str) -> Permission {
    if resource.starts_with("exchange") { Permission::Read } else { Permission::Write }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_permission_and_resource_in_every_version_of_the_broker() {
        for (text, permission, resource) in [
            (
                "ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user 'shop'",
                Permission::Write,
                "exchange 'amq.default'",
            ),
            (
                "ACCESS_REFUSED - access to queue 'orderflow.payment' in vhost 'a b' refused for user 'shop'",
                Permission::Configure,
                "queue 'orderflow.payment'",
            ),
            (
                "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'shop'",
                Permission::Read,
                "queue 'q'",
            ),
            (
                "ACCESS_REFUSED - write access to exchange 'x' in vhost '/' refused for user 'shop'",
                Permission::Write,
                "exchange 'x'",
            ),
            (
                "access to topic 'order.placed' in exchange exchange 'x' in vhost '/' refused for user 's'",
                Permission::Configure,
                "topic 'order.placed' in exchange exchange 'x'",
            ),
        ] {
            let refusal = Refusal::parse(text, to_declare);
            assert_eq!(refusal, Some(Refusal { permission, resource: resource.to_owned() }), "{text}");
        }
        assert_eq!(Refusal::parse("NOT_FOUND - no queue", to_declare), None);
    }
}
