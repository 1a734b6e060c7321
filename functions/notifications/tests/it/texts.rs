//! The golden texts: what customers read. A difference is a change of what they are told.

use orderflow_domain::{Event, OrderId};
use orderflow_notifications::ChannelKind;

use crate::support::{Notifications, cancelled, confirmed, refunded, rejected};

const ORDER: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn order() -> OrderId {
    OrderId::parse(ORDER).unwrap()
}

async fn texts(event: Event) -> (String, String) {
    let notifications = Notifications::start().await;
    notifications.handle(&[event]).await;
    (notifications.text(ChannelKind::Email), notifications.text(ChannelKind::Sms))
}

#[tokio::test]
async fn order_confirmation() {
    let (email, sms) = texts(confirmed(order())).await;
    assert_eq!(
        email,
        "Your order 0190163d-8694-739b-aea5-966c26f8ad91 is confirmed\n\
         ---\n\
         Thank you for your order 0190163d-8694-739b-aea5-966c26f8ad91. It is paid and will be on its way soon.\n\
         \n\
         \x20 2 x T-shirt <black> & {{ soft }}: 39.98 USD\n\
         \x20 2 x Mouse: 50.00 USD\n\
         \n\
         Total: 89.98 USD"
    );
    assert_eq!(sms, "Your order 0190163d-8694-739b-aea5-966c26f8ad91 over 89.98 USD is confirmed.");
}

#[tokio::test]
async fn order_out_of_stock() {
    for (reason, because) in [
        ("out_of_stock", "something in it is out of stock"),
        ("unknown_product", "something in it is no longer sold"),
    ] {
        let (email, sms) = texts(rejected(order(), reason)).await;
        assert_eq!(
            email,
            format!(
                "Your order {ORDER} cannot be delivered\n\
                 ---\n\
                 We are sorry: your order {ORDER} cannot be delivered, because {because}.\n\
                 You have not been charged.\n\
                 \n\
                 \x20 2 x T-shirt <black> & {{{{ soft }}}}\n\
                 \x20 2 x Mouse"
            )
        );
        assert_eq!(
            sms,
            format!("We are sorry: your order {ORDER} cannot be delivered. You have not been charged.")
        );
    }
}

#[tokio::test]
async fn order_payment_declined() {
    let (email, sms) = texts(rejected(order(), "payment_declined")).await;
    assert_eq!(
        email,
        format!(
            "The payment for your order {ORDER} was declined\n\
             ---\n\
             The payment of 89.98 USD for your order {ORDER} was declined, so the order was not placed.\n\
             You have not been charged. Please try again with another means of payment."
        )
    );
    assert_eq!(
        sms,
        format!("The payment of 89.98 USD for your order {ORDER} was declined. You have not been charged.")
    );
}

#[tokio::test]
async fn order_cancelled() {
    for (reason, said) in [
        ("customer", format!("As you asked, your order {ORDER} was cancelled.")),
        ("expired", format!("We are sorry: your order {ORDER} took too long to complete and was cancelled.")),
    ] {
        let (email, sms) = texts(cancelled(order(), reason)).await;
        assert_eq!(
            email,
            format!(
                "Your order {ORDER} is cancelled\n\
                 ---\n\
                 {said}\n\
                 If 89.98 USD was charged already, you get it back and hear from us again."
            )
        );
        assert_eq!(
            sms,
            format!("Your order {ORDER} is cancelled. If 89.98 USD was charged already, you get it back.")
        );
    }
}

#[tokio::test]
async fn order_refunded() {
    let (email, sms) = texts(refunded(order(), Some("jane@example.com"))).await;
    assert_eq!(
        email,
        format!(
            "Your refund for order {ORDER}\n\
             ---\n\
             We have given back 89.98 USD for your order {ORDER}.\n\
             It can take a few days until it reaches your account."
        )
    );
    assert_eq!(sms, format!("We have given back 89.98 USD for your order {ORDER}."));
}
