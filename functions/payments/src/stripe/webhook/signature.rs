//! The signature of a webhook (Stripe, "Verify webhook signatures manually").

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, Mac};
use orderflow_domain::Timestamp;
use sha2::Sha256;

/// The most that the time of a signature may differ from this clock, in either direction. It limits how long a recorded request can be
/// repeated.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The secret with which Stripe signs the events of one webhook endpoint (`whsec_...`). Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

/// Why a request does not come from Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureError {
    #[error("the header Stripe-Signature is missing or not of the form t=...,v1=...")]
    Malformed,
    #[error("the signature is not one by STRIPE_WEBHOOK_SECRET")]
    Wrong,
    #[error("the signature is older or newer than 5 minutes")]
    Stale,
}

impl WebhookSecret {
    /// Parses a secret, which begins with `whsec_` and consists of visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("whsec_")?;
        let visible = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
        visible.then(|| Self(text.to_owned()))
    }

    /// Checks that Stripe signed this body at about `now`. A header may have several signatures while the secret is replaced.
    pub(super) fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        let (mut time, mut signatures) = (None, Vec::new());
        for part in header.split(',') {
            match part.trim().split_once('=') {
                Some(("t", text)) => time = Some(text),
                Some(("v1", text)) => signatures.push(text),
                _ => {}
            }
        }
        let time = time.ok_or(SignatureError::Malformed)?;
        let seconds: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
        if signatures.is_empty() {
            return Err(SignatureError::Malformed);
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes())
            .expect("HMAC takes a key of any length (RFC 2104)");
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        let is_ours = |signature: &&str| {
            let bytes = data_encoding::HEXLOWER.decode(signature.as_bytes());
            bytes.is_ok_and(|bytes| mac.clone().verify_slice(&bytes).is_ok())
        };
        if !signatures.iter().any(is_ours) {
            return Err(SignatureError::Wrong);
        }
        let signed = Timestamp::from_millis(seconds.saturating_mul(1_000));
        let apart = now.since(signed).max(signed.since(now));
        if apart <= TOLERANCE { Ok(()) } else { Err(SignatureError::Stale) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret::parse(text).unwrap()
    }

    /// Computed with `openssl dgst -sha256 -hmac whsec_test` over `1700000000.{"id":"evt_1"}`.
    const SIGNATURE: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    fn sign(secret: &str, body: &[u8], seconds: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        format!("t={seconds},v1={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn the_signature_of_stripe_is_accepted_for_five_minutes() {
        let (secret, header) = (secret("whsec_test"), format!("t=1700000000,v1={SIGNATURE}"));
        assert_eq!(sign("whsec_test", BODY, 1_700_000_000), header);
        for now in [1_700_000_000 - 300, 1_700_000_000 + 300] {
            assert_eq!(secret.verify(&header, BODY, at(now)), Ok(()));
        }
        for now in [1_700_000_000 - 301, 1_700_000_000 + 301] {
            assert_eq!(secret.verify(&header, BODY, at(now)), Err(SignatureError::Stale));
        }
        let rolled = format!("t=1700000000,v1={},v0=x,v1={SIGNATURE}", "0".repeat(64));
        assert_eq!(secret.verify(&rolled, BODY, at(1_700_000_000)), Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        let now = at(1_700_000_000);
        let ours = secret("whsec_test");
        let header = sign("whsec_test", BODY, 1_700_000_000);
        assert_eq!(secret("whsec_other").verify(&header, BODY, now), Err(SignatureError::Wrong));
        assert_eq!(ours.verify(&header, br#"{"id":"evt_2"}"#, now), Err(SignatureError::Wrong));
        let later = header.replace("t=1700000000", "t=1700000001");
        assert_eq!(ours.verify(&later, BODY, now), Err(SignatureError::Wrong));
        for malformed in ["", "t=1700000000", "v1=00", "t=x,v1=00", "t=1700000000,v0=00"] {
            assert_eq!(ours.verify(malformed, BODY, now), Err(SignatureError::Malformed), "{malformed:?}");
        }
        assert_eq!(ours.verify("t=1700000000,v1=", BODY, now), Err(SignatureError::Wrong));
        for unusable in ["", "whsec_", "sk_test_1", "whsec_a b"] {
            assert_eq!(WebhookSecret::parse(unusable), None, "{unusable:?}");
        }
    }
}
