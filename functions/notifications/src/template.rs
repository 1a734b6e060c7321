//! The templates of the program: one for each outcome of an order that customers are told of.

use orderflow_domain::ChannelKind;

/// Declares the templates once, with the files that hold their texts.
macro_rules! templates {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What a customer is told about an order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Template {
            $($(#[$doc])* $variant,)*
        }

        impl Template {
            /// Every template of the program.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The text that comes with the program.
            pub(crate) const fn source(self, channel: ChannelKind) -> &'static str {
                match (self, channel) {
                    $(
                        (Self::$variant, ChannelKind::Email) => {
                            include_str!(concat!("../templates/", $name, ".email.txt"))
                        }
                        (Self::$variant, ChannelKind::Sms) => {
                            include_str!(concat!("../templates/", $name, ".sms.txt"))
                        }
                    )*
                }
            }
        }
    };
}

templates! {
    /// The order is confirmed.
    OrderConfirmation = "order_confirmation";
    /// The order is rejected: its units cannot be had.
    OrderOutOfStock = "order_out_of_stock";
    /// The order is rejected: the payment was declined.
    OrderPaymentDeclined = "order_payment_declined";
    /// The order is cancelled.
    OrderCancelled = "order_cancelled";
    /// The charge of a refused order was given back.
    OrderRefunded = "order_refunded";
}
