//! Hosts in network namespaces, a router between them, and a name server on each host.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A router with two hosts: `10.71.1.2` and `10.71.2.2`.
pub(super) struct Network {
    router: String,
    pub(super) hosts: [Host; 2],
}

/// A machine with one cable to the router.
pub(super) struct Host {
    /// The name of the network namespace.
    pub(super) namespace: String,
    /// The number of the host's subnet, and of the cable at the router.
    subnet: u8,
}

/// The name server of a host, at its loopback address.
pub(super) struct NameServer {
    server: Child,
    records: PathBuf,
    configuration: PathBuf,
}

impl Network {
    /// Sets up the network. Returns `None`, with a message, if this machine or user cannot have one.
    pub(super) fn new() -> Option<Network> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if let Some(reason) = missing() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
            eprintln!("skipped: {reason}");
            return None;
        }
        let prefix = format!("greenroom-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let router = format!("{prefix}-router");
        let hosts = [1, 2].map(|subnet| Host { namespace: format!("{prefix}-host{subnet}"), subnet });
        // Removed when it is dropped, also after a failure.
        let network = Network { router, hosts };
        let router = &network.router;
        ip(&format!("netns add {router}"));
        run(&["ip", "netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        for Host { namespace, subnet } in &network.hosts {
            ip(&format!("netns add {namespace}"));
            ip(&format!("-n {namespace} link set lo up"));
            ip(&format!("link add cable netns {namespace} type veth peer name cable{subnet} netns {router}"));
            ip(&format!("-n {router} addr add 10.71.{subnet}.1/24 dev cable{subnet}"));
            ip(&format!("-n {router} link set cable{subnet} up"));
        }
        for host in &network.hosts {
            host.set_address(2);
        }
        Some(network)
    }

    /// Unplugs the cable of a host at the router.
    pub(super) fn cut(&self, host: &Host) {
        ip(&format!("-n {} link set cable{} down", self.router, host.subnet));
    }

    /// Plugs it in again.
    pub(super) fn heal(&self, host: &Host) {
        ip(&format!("-n {} link set cable{} up", self.router, host.subnet));
    }

    /// Sets the size of the largest packet on both cables.
    pub(super) fn set_packet_size(&self, bytes: u32) {
        for Host { namespace, subnet } in &self.hosts {
            ip(&format!("-n {namespace} link set cable mtu {bytes}"));
            ip(&format!("-n {} link set cable{subnet} mtu {bytes}", self.router));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in self.hosts.iter().map(|host| &host.namespace).chain([&self.router]) {
            // The test may have failed before the namespace was added.
            let _ = Command::new("ip").args(["netns", "delete", namespace]).stderr(Stdio::null()).status();
        }
    }
}

impl Host {
    /// Returns the address that ends with this number.
    pub(super) fn address(&self, number: u8) -> String {
        format!("10.71.{}.{number}", self.subnet)
    }

    /// Replaces the address of the host.
    pub(super) fn set_address(&self, number: u8) {
        let Host { namespace, subnet } = self;
        ip(&format!("-n {namespace} addr flush dev cable"));
        ip(&format!("-n {namespace} addr add {}/24 dev cable", self.address(number)));
        ip(&format!("-n {namespace} link set cable up"));
        ip(&format!("-n {namespace} route replace default via 10.71.{subnet}.1"));
    }
}

impl NameServer {
    /// Starts the name server of a host.
    pub(super) fn start(host: &Host, records: &[(&str, &str)]) -> NameServer {
        // Mounted over `/etc` for the programs of the namespace.
        let configuration = PathBuf::from("/etc/netns").join(&host.namespace);
        fs::create_dir_all(&configuration).expect("root may write to /etc");
        fs::write(configuration.join("resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1\n")
            .expect("it is writable");
        let file = std::env::temp_dir().join(&host.namespace);
        fs::write(&file, lines(records)).expect("it is writable");
        let mut command = Command::new("ip");
        command.args([
            "netns",
            "exec",
            &host.namespace,
            "dnsmasq",
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
        ]);
        command.args(["--conf-file=/dev/null", "--pid-file=", "--user=root", "--cache-size=0", "--local-ttl=0"]);
        command.args(["--listen-address=127.0.0.1", "--bind-interfaces", &format!("--addn-hosts={}", file.display())]);
        let server = command.stderr(Stdio::null()).spawn().expect("the name server starts");
        NameServer { server, records: file, configuration }
    }

    /// Replaces all records.
    pub(super) fn set(&self, records: &[(&str, &str)]) {
        fs::write(&self.records, lines(records)).expect("it is writable");
        run(&["kill", "-HUP", &self.server.id().to_string()]);
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_file(&self.records);
        let _ = fs::remove_dir_all(&self.configuration);
    }
}

/// Returns the addresses and names in the form of a hosts file.
fn lines(records: &[(&str, &str)]) -> String {
    records.iter().fold(String::new(), |mut text, (name, address)| {
        let _ = writeln!(text, "{address} {name}");
        text
    })
}

/// Returns the reason why this machine or user cannot have namespaces.
fn missing() -> Option<String> {
    let missing = ["ip", "dnsmasq"].into_iter().find(|program| Command::new(program).arg("-V").output().is_err());
    if let Some(program) = missing {
        return Some(format!("`{program}` is not installed: Debian has it in the packages iproute2 and dnsmasq-base"));
    }
    let added = Command::new("ip").args(["netns", "list"]).output().is_ok_and(|output| output.status.success());
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    (!added || !is_root).then(|| "network namespaces need root".to_owned())
}

fn ip(arguments: &str) {
    let arguments: Vec<_> = ["ip"].into_iter().chain(arguments.split(' ')).collect();
    run(&arguments);
}

fn run(command: &[&str]) {
    let output = Command::new(command[0]).args(&command[1..]).output().expect("it is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
