//! What an idempotency key stands for.

use orderflow_domain::{CustomerId, Email, PaymentToken, Phone, Quantity, Sku};
use sha2::{Digest, Sha256};

/// What a customer asks for, parsed and with merged lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub customer_id: CustomerId,
    pub email: Email,
    pub phone: Option<Phone>,
    pub payment_token: Option<PaymentToken>,
    pub lines: Vec<(Sku, Quantity)>,
}

impl Request {
    /// The same for requests that ask for the same, however they are written: a hash, since it is stored and a token is part of it.
    pub(crate) fn fingerprint(&self) -> String {
        let mut lines = self.lines.clone();
        lines.sort();
        let mut hash = Sha256::new();
        let mut field = |text: &str| {
            // The length in front keeps fields apart.
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        };
        field(self.customer_id.as_str());
        field(self.email.as_str());
        field(self.phone.as_ref().map_or("", Phone::as_str));
        field(self.payment_token.as_ref().map_or("", PaymentToken::as_str));
        for (sku, quantity) in &lines {
            field(sku.as_str());
            field(&quantity.to_string());
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&str, i64)]) -> Request {
        Request {
            customer_id: CustomerId::parse("C1").unwrap(),
            email: Email::parse("c@example.com").unwrap(),
            phone: None,
            payment_token: None,
            lines: lines
                .iter()
                .map(|(sku, n)| (Sku::parse(sku).unwrap(), Quantity::new(*n).unwrap()))
                .collect(),
        }
    }

    #[test]
    fn the_order_of_lines_does_not_matter_and_all_else_does() {
        let first = request(&[("A", 1), ("B", 2)]);
        assert_eq!(first.fingerprint(), request(&[("B", 2), ("A", 1)]).fingerprint());
        assert_ne!(first.fingerprint(), request(&[("A", 2), ("B", 1)]).fingerprint());
        let with_token =
            Request { payment_token: Some(PaymentToken::parse("tok").unwrap()), ..first.clone() };
        assert_ne!(first.fingerprint(), with_token.fingerprint());
    }
}
