//! Users of etcd, and TLS.

use greenroom::registry::{Registry, RegistryError};

use crate::claims::granted;
use crate::cluster::{Cluster, node, until};
use crate::observer::Observer;

#[tokio::test]
async fn a_user_authenticates_and_does_so_again_when_the_token_has_ended() {
    let Some(etcd) = Cluster::of_one().await else { return };
    let member = &etcd.members[0];
    for (path, body) in [
        ("auth/user/add", r#"{"name":"root","password":"secret"}"#),
        ("auth/role/add", r#"{"name":"root"}"#),
        ("auth/user/grant", r#"{"user":"root","role":"root"}"#),
        ("auth/user/add", r#"{"name":"guest","password":"guest"}"#),
        ("auth/enable", "{}"),
    ] {
        let answer = member.post(path, body).await.expect("etcd runs");
        assert_eq!(answer["error"].as_str(), None, "{path}");
    }
    let a = node("a@one");
    let stranger = etcd.registry(60).build().expect("it is valid");
    let wrong = etcd.registry(60).user("root", "wrong-password").build().expect("it is valid");
    let guest = etcd.registry(60).user("guest", "guest").build().expect("it is valid");
    for registry in [&stranger, &wrong, &guest] {
        let refused = registry.claim(&a, "mail", b"owner").await;
        assert!(matches!(&refused, Err(RegistryError::Refused(_))), "{refused:?}");
        assert!(!format!("{refused:?}").contains("wrong-password"));
        let refused = Observer::new(registry).ended().await;
        assert!(matches!(&refused, RegistryError::Refused(_)), "{refused:?}");
    }
    let registry = etcd.registry(60).user("root", "secret").build().expect("it is valid");
    let mail = granted(&registry, &a, "mail").await;
    let mut observer = Observer::new(&registry);
    assert_eq!(observer.next().await, "all: mail of a@one");
    registry.renew(&a).await.expect("it is authenticated");

    // A change of the password ends the tokens of the user, also one to the same password.
    let member = &etcd.members[0];
    let user = r#"{"name":"root","password":"secret"}"#;
    let token = member.post("auth/authenticate", user).await.expect("etcd runs")["token"].clone();
    let changed = member.post_as(token.as_str().expect("it is a text"), "auth/user/changepw", user).await;
    assert!(changed.is_some_and(|answer| answer["error"].is_null()));
    assert_eq!(registry.lookup("mail").await, Ok(Some(mail.clone())));
    registry.release(&mail).await.expect("it is authenticated");
}

#[cfg(feature = "tls")]
mod tls {
    use std::fs;
    use std::path::Path;

    use greenroom_etcd::EtcdError;
    use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    /// An authority that issues certificates.
    struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        fn new() -> Authority {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let key = KeyPair::generate().expect("random numbers are available");
            Authority(CertifiedIssuer::self_signed(params, key).expect("it is complete"))
        }

        /// Writes the files `NAME.pem` and `NAME.key` with a certificate for the loopback address.
        fn issue(&self, directory: &Path, name: &str) {
            let params = CertificateParams::new(["127.0.0.1".into(), "localhost".into()]).expect("they are names");
            let key = KeyPair::generate().expect("random numbers are available");
            let certificate = params.signed_by(&key, &self.0).expect("it is complete");
            write(directory, &format!("{name}.pem"), &certificate.pem());
            write(directory, &format!("{name}.key"), &key.serialize_pem());
        }
    }

    fn write(directory: &Path, name: &str, text: &str) {
        fs::write(directory.join(name), text).expect("the directory is writable");
    }

    #[tokio::test]
    async fn members_and_clients_prove_themselves_by_certificates() {
        let started = Cluster::spawn(1, "https", |directory| {
            let authority = Authority::new();
            authority.issue(directory, "member");
            authority.issue(directory, "client");
            write(directory, "ca.pem", &authority.0.pem());
            write(directory, "other.pem", &Authority::new().0.pem());
            let path = |name| directory.join(name).display().to_string();
            vec![
                format!("--cert-file={}", path("member.pem")),
                format!("--key-file={}", path("member.key")),
                format!("--trusted-ca-file={}", path("ca.pem")),
                "--client-cert-auth".into(),
            ]
        });
        let Some(etcd) = started else { return };
        let file = |name: &str| etcd.directory().join(name);
        let a = node("a@one");
        let complete =
            || etcd.registry(60).authority(file("ca.pem")).certificate(file("client.pem"), file("client.key"));
        let registry = complete().build().expect("the files are valid");
        until(async || registry.lookup("mail").await.is_ok()).await;
        granted(&registry, &a, "mail").await;
        let mut observer = Observer::new(&registry);
        assert_eq!(observer.next().await, "all: mail of a@one");
        registry.renew(&a).await.expect("etcd runs");

        let without_authority = etcd.registry(60);
        let other_authority = complete().authority(file("other.pem"));
        let without_certificate = etcd.registry(60).authority(file("ca.pem"));
        for builder in [without_authority, other_authority, without_certificate] {
            let refused = builder.build().expect("the files are valid").lookup("mail").await;
            assert!(
                matches!(&refused, Err(RegistryError::Unreachable(reason)) if reason.contains("ertificate")),
                "{refused:?}"
            );
        }
        for builder in [complete().authority(file("none.pem")), complete().authority(file("member.key"))] {
            assert!(matches!(builder.build(), Err(EtcdError::File { .. })));
        }
    }
}
