//! `amqps://`: the broker behind TLS, with a certificate that this machine does not trust.

use std::net::SocketAddr;
use std::sync::Arc;

use orderflow_bridge::rabbitmq::{BrokerAddress, RabbitMq, RabbitPublisher};
use orderflow_messaging::Publisher;
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{World, released};

/// Starts a TLS proxy for the broker. Returns its address and its certificate in PEM.
async fn encrypted(broker: SocketAddr) -> (SocketAddr, String) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect(broker).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, cert.pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_is_trusted_by_the_configured_certificates() {
    let world = World::new().await;
    let (address, certificate) = encrypted(world.node_address()).await;
    let (_, virtual_host) = world.uri.rsplit_once('/').unwrap();
    let uri = format!("amqps://guest:guest@localhost:{}/{virtual_host}", address.port());
    let broker =
        |ca_certificates| RabbitMq::new(BrokerAddress { uri: uri.parse().unwrap(), ca_certificates });

    let error = broker(None).connect().await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("certificate") && !error.contains("guest"), "{error}");
    let trusting = broker(Some(certificate));
    trusting.connect().await.unwrap();
    assert_eq!(RabbitPublisher::new(trusting).publish(&[released()]).await, [Ok(())]);
}
