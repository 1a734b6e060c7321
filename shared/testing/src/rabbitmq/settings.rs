//! Settings that isolate a test's node from the rest of the machine and make it start fast.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A small write-ahead log: it stays in memory until it is full, and a test stores little.
const CONFIGURATION: &str = "\
log.console.level = warning
vm_memory_high_watermark.absolute = 1GB
raft.wal_max_size_bytes = 67108864
";

/// The ports of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) amqp: u16,
    pub(super) distribution: u16,
    pub(super) epmd: u16,
}

impl From<[SocketAddr; 3]> for Ports {
    fn from(addresses: [SocketAddr; 3]) -> Self {
        let [amqp, distribution, epmd] = addresses.map(|address| address.port());
        Self { amqp, distribution, epmd }
    }
}

pub(super) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

pub(super) fn node_name(ports: Ports) -> String {
    format!("orderflow-{}@localhost", ports.amqp)
}

fn data_folder(folder: &Path) -> PathBuf {
    folder.join("mnesia")
}

/// Returns the file in which the node records its quorum queues.
pub(super) fn quorum_directory(folder: &Path, ports: Ports) -> PathBuf {
    let node = node_name(ports);
    data_folder(folder).join(&node).join("quorum").join(&node).join("names.dets")
}

/// Returns the entry of a queue in that file: an Erlang atom, preceded by its length. The length distinguishes the queue from
/// one whose name begins with the same text.
pub(super) fn directory_entry(queue: &str) -> Vec<u8> {
    let name = format!("%2F_{queue}");
    let [.., length] = name.len().to_be_bytes();
    std::iter::once(length).chain(name.into_bytes()).collect()
}

fn configuration_file(folder: &Path) -> PathBuf {
    folder.join("rabbitmq.conf")
}

fn plugins_file(folder: &Path) -> PathBuf {
    folder.join("enabled_plugins")
}

/// Writes the configuration, which enables no plugin.
pub(super) fn configure_in(folder: &Path, virtual_hosts: usize) -> io::Result<()> {
    let definitions = folder.join("definitions.json");
    std::fs::write(&definitions, definitions_with(virtual_hosts).to_string())?;
    let configuration = format!("{CONFIGURATION}load_definitions = {}\n", definitions.display());
    std::fs::write(configuration_file(folder), configuration)?;
    std::fs::write(plugins_file(folder), "[].\n")
}

/// Returns the name of a virtual host besides `/`, numbered from 0.
pub(super) fn virtual_host(number: usize) -> String {
    format!("t{number:02}")
}

/// Returns the definitions that the node loads before it listens. They include the default user and virtual host, which a node
/// with definitions does not create by itself.
fn definitions_with(virtual_hosts: usize) -> Value {
    let names = || std::iter::once("/".to_owned()).chain((0..virtual_hosts).map(virtual_host));
    let hosts: Vec<Value> = names().map(|name| json!({ "name": name })).collect();
    let permission =
        |host| json!({ "user": "guest", "vhost": host, "configure": ".*", "write": ".*", "read": ".*" });
    let permissions: Vec<Value> = names().map(permission).collect();
    let guest = json!({ "name": "guest", "password": "guest", "tags": ["administrator"] });
    json!({ "users": [guest], "vhosts": hosts, "permissions": permissions })
}

/// Isolates an Erlang program from this machine's settings, cookie and name service.
pub(super) fn isolate(command: &mut Command, ports: Ports, folder: &Path) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("RABBITMQ_") || text.starts_with("ERL_") {
            command.env_remove(&name);
        }
    }
    command
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("ERL_EPMD_ADDRESS", Ipv4Addr::LOCALHOST.to_string())
        .env("ERL_EPMD_PORT", ports.epmd.to_string())
        .current_dir(folder);
}

/// Sets the environment of a private node.
pub(super) fn configure_node(command: &mut Command, ports: Ports, folder: &Path) {
    let name = node_name(ports);
    command
        // With this variable the script replaces itself by the Erlang machine, so that signals reach it.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang_arguments(&name, ports.distribution))
        .env("RABBITMQ_NODENAME", name)
        .env("RABBITMQ_NODE_IP_ADDRESS", Ipv4Addr::LOCALHOST.to_string())
        .env("RABBITMQ_NODE_PORT", ports.amqp.to_string())
        .env("RABBITMQ_DIST_PORT", ports.distribution.to_string())
        .env("RABBITMQ_MNESIA_BASE", data_folder(folder))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        // Logs to the output, without the colours that the same setting in the configuration file would add.
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins_file(folder))
        .env("RABBITMQ_CONFIG_FILE", configuration_file(folder))
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("none"));
}

/// Two schedulers and small tables save memory. Setting the node name at the start saves RabbitMQ a second Erlang machine, which
/// would look for the name service, and with it a third of the start time.
fn erlang_arguments(name: &str, distribution_port: u16) -> String {
    format!(
        "+S 2:2 +SDcpu 2:2 +stbt u +P 65536 +t 1048576 +Q 4096 -start_epmd false -sname {name} \
         -kernel inet_dist_use_interface {{127,0,0,1}} \
         inet_dist_listen_min {distribution_port} inet_dist_listen_max {distribution_port}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_of_a_queue_differs_from_that_of_its_dead_letter_queue() {
        let dead_letters = directory_entry("orderflow.payment.dlq");
        let queue = directory_entry("orderflow.payment");
        assert_eq!(queue, b"\x15%2F_orderflow.payment");
        assert!(!dead_letters.windows(queue.len()).any(|window| window == queue));
    }
}
